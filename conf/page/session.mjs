// Somebody who writes and reads: certificates, a mailbox, and a reader.

import { OPENER } from './config.mjs';
import { fromLines } from './protocol/address.mjs';
import { open, sealBody, sealHeader } from './protocol/envelope.mjs';
import { readEventStream } from './protocol/event_stream.mjs';
import { commitment, frankHolds } from './protocol/frank.mjs';
import { verifiedByAny } from './protocol/identity.mjs';
import { agreementKey } from './protocol/keys.mjs';
import { newMailbox } from './protocol/mailbox.mjs';
import { textMessage, textOf } from './protocol/message.mjs';
import { equal, hex, random } from './protocol/octets.mjs';
import { follow } from './protocol/reader.mjs';
import { readWebSocket } from './protocol/websocket.mjs';
import * as names from './names.mjs';
import { Stock } from './stock.mjs';

const TRANSPORTS = { stream: readEventStream, websocket: readWebSocket };

// of a conversation, what is kept; of envelopes, which have been here
const ENTRIES = 200, SEEN = 1000;

const DAY = 86400000;

const unique = (list, octetsOf) => list.filter((one, i) => i === list.findIndex(
    (other) => equal(octetsOf(one), octetsOf(other))));

export class Session {

    // on: { entry(entry), state(text), ended(error), received(item) }; an
    // entry of the conversation is { kind: 'own', 'received' or 'refused',
    // time, text }, and for the first two { name }, for the second { here }:
    // certified in this browser.

    constructor(gateway, kept, on) {
        this.gateway = gateway;
        this.kept = kept;
        this.on = on;
        this.authorities = [];
        this.contacts = [];
        this.mail = { after: 0, seen: [], entries: [] };
        this.stock = new Stock(gateway, (stock) => kept.save('stock', stock));
        this.unsent = null;
    }

    async discover() {
        const { origins: { read } } = this.gateway;

        await this.gateway.discover(await names.pinned(read));
        await names.pin(read, this.gateway.pin);
    }

    async join(name, account, transport) {
        const { gateway, stock } = this;

        this.authorities = [await names.authorityKey()];
        await this.discover();

        const epoch = gateway.epoch();
        const [opener] = await gateway.draw(account, OPENER, epoch, 1);

        stock.account = account;
        await stock.drawn(epoch);

        this.transport = transport;
        this.key = await agreementKey();
        this.identity = await names.certifiedIdentity(name, this.key.octets);
        this.mailbox = await newMailbox(gateway.exchangeKey);
        this.idle = 0;

        // kept first: a mailbox that nobody could read any more would be
        // there for months

        await this.keep();
        await this.kept.save('mail', this.mail);

        const { limits } = await gateway.openMailbox(this.mailbox, opener);

        this.idle = limits.idle_seconds * 1000;
        await this.keep();
        await this.begin();
        stock.plan();
    }

    // After a reload: the same person, mailbox and place in it.

    async resume() {
        const { session, stock, mail } = await this.kept.load();

        Object.assign(this, session, { mail });
        Object.assign(this.stock, stock);
        mail.entries.forEach((entry) => this.on.entry(entry));

        await this.keep();
        await this.begin();
    }

    async keep() {
        const { authorities, contacts, identity, idle, key, mailbox,
            transport } = this;

        await this.kept.save('session', {
            authorities, contacts, identity, idle, key, mailbox, transport,
            until: Date.now() + (idle || DAY),
        });
    }

    async begin() {
        this.address = {
            identity: this.identity, mailbox: this.mailbox.id,
            keyid: this.mailbox.keyid, gateway: this.gateway.origins.read,
        };
        await names.publish(this.address);
        this.read();
    }

    read() {
        const transport = TRANSPORTS[this.transport];

        // after a reload the gateway may have to be waited for

        const connection = async (gateway, ...more) => {
            if (!gateway.offer) {
                await this.discover();
            }

            return transport(gateway, ...more);
        };

        this.stopping = new AbortController();
        this.reading = follow(connection, this.gateway, this.mailbox, {
            after: this.mail.after,
            deliver: (item) => this.receive(item),
            onState: (state) => this.on.state(state),
            signal: this.stopping.signal,
        }).catch((error) => this.on.ended(error));
    }

    // Who somebody is, by the word of an authority that is trusted here.

    async whoIs(identity) {
        const { name, authority } = await verifiedByAny(this.authorities,
            identity);

        return { name, here: authority === this.authorities[0] };
    }

    // Addresses of people elsewhere, as protocol/address.mjs takes them.  All
    // of them are good, or nothing is changed.

    async meet(text) {
        const { addresses, authorities } = fromLines(text);
        const trusted = [...this.authorities, ...authorities];

        for (const { identity, gateway } of addresses) {
            if (gateway && !Object.values(this.gateway.origins)
                .includes(gateway)) {
                throw new Error(`That mailbox is at ${gateway}.`);
            }

            await verifiedByAny(trusted, identity).catch((error) => {
                throw new Error(`${identity[0]}: ${error.message}. The key of`
                    + ' the authority that certified it belongs here, too.');
            });
        }

        this.authorities = unique(trusted, (key) => key);
        this.contacts = unique([...this.contacts, ...addresses],
            ({ mailbox }) => mailbox);
        await this.keep();
    }

    // A text that may have got through is sent again as the same envelope, of
    // which its reader drops the second.

    async seal({ identity, keyid }, text) {
        const { unsent } = this;

        if (unsent?.text === text && unsent.keyid === keyid) {
            return unsent.envelope;
        }

        const [m, kf] = [random(32), random(32)];
        const message = await textMessage(text);
        const body = await sealBody(m, {
            identity: this.identity, kf, message,
            sizes: this.gateway.offer.envelope_sizes,
        });
        const envelope = {
            body, headers: [await sealHeader(m, body, this.key, identity[1])],
            commitment: await commitment(kf, message),
        };

        this.unsent = { text, keyid, envelope };
        return envelope;
    }

    async send(address, text) {
        if (!this.gateway.offer) {
            await this.discover();
        }

        const envelope = await this.seal(address, text);
        const refused = await this.sendWithSome(address, envelope);

        if (refused.length > 0) {
            throw new Error(refused[0].reason === 'full'
                ? 'The recipient\'s mailbox is full.'
                : 'The recipient\'s mailbox does not exist any more.');
        }

        this.unsent = null;
        await this.add({ kind: 'own', name: address.identity[0], text });
    }

    // A certificate may have ended before its time; then with another.

    async sendWithSome({ keyid, mailbox }, envelope) {
        for (let again = true; ; again = false) {
            const holder = await this.stock.take(keyid);

            try {
                return await this.gateway.send(holder, {
                    ids: [mailbox], ...envelope,
                });

            } catch (error) {
                if (error.status !== 401 || !again) {
                    throw error;
                }

                await this.stock.drop(holder);
            }
        }
    }

    // Kept first, shown then; what is more than people look back for goes.

    async add(entry, { seq = 0, ephemeral } = {}) {
        const { after, seen, entries } = this.mail;
        const timed = { ...entry, time: Date.now() };

        this.mail = {
            after: Math.max(after, seq),
            seen: [...seen, ...ephemeral ? [ephemeral] : []].slice(-SEEN),
            entries: [...entries, timed].slice(-ENTRIES),
        };

        await this.kept.save('mail', this.mail);
        this.on.entry(timed);
    }

    // Whatever comes is done with afterwards: what is not what it says it is
    // would not get better by coming again.

    async receive(item) {
        this.on.received(item);

        const { ephemeral, ...entry } = await this.opened(item)
            .catch(({ message }) => ({ kind: 'refused', text: message }));

        // at least once: the same envelope may come again

        if (!ephemeral || !this.mail.seen.includes(ephemeral)) {
            await this.add(entry, { seq: item.seq, ephemeral });
        }
    }

    async opened({ header, body, stamp }) {
        const envelope = await open(this.key, header, body);
        const { identity, kf, message, ephemeral } = envelope;
        const who = await this.whoIs(identity);

        if (!await frankHolds(stamp, kf, message)) {
            throw new Error('made so that it cannot be reported');
        }

        return {
            kind: 'received', ...who, text: await textOf(message),
            ephemeral: hex(ephemeral),
        };
    }

    // the password of the account, after a reload

    async renew(account) {
        this.stock.account = account;

        try {
            await this.stock.drawn(this.gateway.epoch());
        } catch (error) {
            this.stock.account = null;
            throw error;
        }

        this.stock.plan();
    }

    // The mailbox is closed, and nothing is kept.

    async leave() {
        this.stopping.abort();
        await this.reading;

        try {
            await this.gateway.closeMailbox(this.mailbox);
        } catch (error) {
            if (error.passes !== false) {
                this.read();
                throw error;
            }
        }

        this.stock.stop();
        await names.withdraw(this.address);
        await this.kept.wipe();
    }
}

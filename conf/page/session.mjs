// Somebody who writes and reads: certificates, a mailbox, and a reader.

import { OPENER } from './config.mjs';
import { fromLines } from './protocol/address.mjs';
import { open } from './protocol/envelope.mjs';
import { readEventStream } from './protocol/event_stream.mjs';
import { frankHolds } from './protocol/frank.mjs';
import { verifiedByAny } from './protocol/identity.mjs';
import { agreementKey } from './protocol/keys.mjs';
import { newMailbox } from './protocol/mailbox.mjs';
import { decodePiece } from './protocol/message.mjs';
import { equal } from './protocol/octets.mjs';
import { follow } from './protocol/reader.mjs';
import { readWebSocket } from './protocol/websocket.mjs';
import { Mail } from './mail.mjs';
import * as names from './names.mjs';
import { Outbox } from './outbox.mjs';
import { Stock } from './stock.mjs';

const TRANSPORTS = { stream: readEventStream, websocket: readWebSocket };

const DAY = 86400000;

const unique = (list, octetsOf) => list.filter((one, i) => i
    === list.findIndex((other) => equal(octetsOf(one), octetsOf(other))));

export class Session {

    // on: { mail(entries, open), state(text), ended(error), received(item) }.
    //
    // An entry of the conversation is { kind: 'own', 'received' or 'refused',
    // time } with one of text, file: { name, size, id: if there is a content }
    // or note, which says why that with this title was not taken; the first
    // two kinds with the other one's name, the second with { sender: key in
    // hex, here: certified in this browser }.  "open" are those of which some
    // pieces have come, as in inbox.mjs.

    constructor(gateway, kept, on) {
        this.gateway = gateway;
        this.kept = kept;
        this.on = on;
        this.authorities = [];
        this.contacts = [];
        this.mail = new Mail(kept, () => on.mail(this.mail.state.entries,
            this.mail.state.open));
        this.stock = new Stock(gateway, (stock) => kept.write({ stock }));
        this.outbox = new Outbox(kept, {
            post: ({ keyid, mailbox }, envelope) => this.sendWithSome(keyid,
                { ids: [mailbox], ...envelope }),
            sender: () => ({
                identity: this.identity, key: this.key,
                sizes: this.gateway.offer.envelope_sizes,
            }),
        });
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
        await this.mail.load({});

        const { limits } = await gateway.openMailbox(this.mailbox, opener);

        this.idle = limits.idle_seconds * 1000;
        await this.keep();
        await this.begin();
        stock.plan();
    }

    // After a reload: the same person, mailbox and place in it.

    async resume() {
        const { session, stock, mail, outgoing } = await this.kept.load();

        Object.assign(this, session);
        Object.assign(this.stock, stock);
        this.outbox.message = outgoing ?? null;

        await this.mail.load(mail);
        await this.keep();
        await this.begin();
    }

    async keep() {
        const { authorities, contacts, identity, idle, key, mailbox,
            transport } = this;

        await this.kept.write({
            session: {
                authorities, contacts, identity, idle, key, mailbox, transport,
                id: this.kept.id, until: Date.now() + (idle || DAY),
            },
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

    // Sends what is in the outbox, from where it stopped; false: it was stopped
    // once more.

    async deliver(progress) {
        if (!this.gateway.offer) {
            await this.discover();
        }

        const sent = await this.outbox.deliver(progress,
            this.stopping.signal);

        if (sent) {
            await this.mail.add(sent.entry, {
                content: sent.content, removed: Outbox.parts,
            });
        }

        return sent !== null;
    }

    // A certificate may have ended before its time; then with another.

    async sendWithSome(conversation, request) {
        for (let again = true; ; again = false) {
            const holder = await this.stock.take(conversation);

            try {
                return await this.gateway.send(holder, request);
            } catch (error) {
                if (error.status !== 401 || !again) {
                    throw error;
                }

                await this.stock.drop(holder);
            }
        }
    }

    // Whatever comes is done with afterwards: what is not what it says it is
    // would not get better by coming again.

    async receive(item) {
        this.on.received(item);

        const opened = await this.opened(item).catch(({ message }) => message);

        if (typeof opened === 'string') {
            await this.mail.add({ kind: 'refused', text: opened },
                { seq: item.seq });
        } else {
            await this.mail.take(opened.who, opened.piece, item.seq);
        }
    }

    async opened({ header, body, stamp }) {
        const { identity, kf, message } = await open(this.key, header, body);
        const who = await this.whoIs(identity);

        if (!await frankHolds(stamp, kf, message)) {
            throw new Error('made so that it cannot be reported');
        }

        return {
            who: { ...who, key: identity[1] }, piece: decodePiece(message),
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

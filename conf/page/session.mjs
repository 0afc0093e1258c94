// Somebody who writes and reads: certificates, a mailbox, and a reader.

import { OPENER, SENDER, SENDERS } from './config.mjs';
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

const TRANSPORTS = { stream: readEventStream, websocket: readWebSocket };

const unique = (list, octetsOf) => list.filter((one, i) => i === list.findIndex(
    (other) => equal(octetsOf(one), octetsOf(other))));

export class Session {

    // on: { message({ name, here, text }), refused(why), state(text),
    // ended(error), received(item) }; here: certified in this browser

    constructor(gateway, on) {
        this.gateway = gateway;
        this.on = on;
        this.authorities = [];
        this.contacts = [];
        this.conversations = new Map();
        this.seen = new Set();
        this.stopping = new AbortController();
    }

    async join(name, account, transport) {
        const { gateway } = this;
        const origin = gateway.origins.read;

        this.authorities = [await names.authorityKey()];
        await gateway.discover(await names.pinned(origin));
        await names.pin(origin, gateway.pin);

        const [opener] = await gateway.draw(account, OPENER, 1);

        this.senders = await gateway.draw(account, SENDER, SENDERS);
        this.key = await agreementKey();
        this.identity = await names.certifiedIdentity(name, this.key.octets);
        this.mailbox = await newMailbox(gateway.exchangeKey);

        await gateway.openMailbox(this.mailbox, opener);
        this.address = {
            identity: this.identity, mailbox: this.mailbox.id,
            keyid: this.mailbox.keyid, gateway: origin,
        };
        await names.publish(this.address);

        this.reading = follow(TRANSPORTS[transport], gateway, this.mailbox, {
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
    }

    // one certificate for one conversation, as long as there are enough

    senderFor({ keyid }) {
        const { conversations, senders } = this;

        if (!conversations.has(keyid)) {
            conversations.set(keyid,
                senders[conversations.size % senders.length]);
        }

        return conversations.get(keyid);
    }

    async send(address, text) {
        const { identity, mailbox } = address;
        const [m, kf] = [random(32), random(32)];
        const message = await textMessage(text);
        const body = await sealBody(m, {
            identity: this.identity, kf, message,
            sizes: this.gateway.offer.envelope_sizes,
        });
        const refused = await this.gateway.send(this.senderFor(address), {
            ids: [mailbox], body,
            headers: [await sealHeader(m, body, this.key, identity[1])],
            commitment: await commitment(kf, message),
        });

        if (refused.length > 0) {
            throw new Error(refused[0].reason === 'full'
                ? 'The recipient\'s mailbox is full.'
                : 'The recipient\'s mailbox does not exist any more.');
        }
    }

    // Whatever comes is done with afterwards: what is not what it says it is
    // would not get better by coming again.

    async receive(item) {
        const { header, body, stamp } = item;

        this.on.received(item);

        try {
            const envelope = await open(this.key, header, body);
            const { identity, kf, message, ephemeral } = envelope;
            const who = await this.whoIs(identity);

            if (!await frankHolds(stamp, kf, message)) {
                throw new Error('made so that it cannot be reported');
            }

            const text = await textOf(message);

            // at least once: the same envelope may come again

            if (!this.seen.has(hex(ephemeral))) {
                this.seen.add(hex(ephemeral));
                this.on.message({ ...who, text });
            }

        } catch (error) {
            this.on.refused(error);
        }
    }

    async leave() {
        this.stopping.abort();
        await this.reading;
        await names.withdraw(this.address);
        await this.gateway.closeMailbox(this.mailbox);
    }
}

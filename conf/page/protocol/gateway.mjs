// A gateway: what it offers, and the requests that it takes.

import { MEDIA_TYPE as BLIND, finish, prepare } from './certificate.mjs';
import { MEDIA_TYPE as FANOUT, fanout } from './fanout.mjs';
import { base64, fromBase64url, sequence, utf8 } from './octets.mjs';
import { OtherKeys, problemOf } from './problem.mjs';
import { signed } from './signature.mjs';

const CLOCK_OFF = 60;

export class Gateway {

    // Drawing, reading and sending should have host names of their own, so
    // that they never share a connection.  observe is told of every request.

    constructor({ issue, read, send }, observe = () => {}) {
        this.origins = { issue, read, send };
        this.observe = observe;
    }

    async discover(pinned) {
        const response = await fetch(
            `${this.origins.read}/.well-known/sealed-sender`);

        if (!response.ok) {
            throw await problemOf(response);
        }

        const offer = await response.json();
        const now = Date.now() / 1000;

        if (Math.abs(offer.time - now) > CLOCK_OFF) {
            throw new Error('The clock of this computer is wrong.');
        }

        // an exchange key and the issuer key at the same place are a pair

        const keys = offer.exchange_keys.map((exchange, i) =>
            `${exchange} ${offer.issuer_keys[i]}`);
        const pair = pinned ?? keys[0];

        if (!keys.includes(pair)) {
            throw new OtherKeys();
        }

        this.pin = pair;
        [this.exchangeKey, this.issuerKey] = pair.split(' ')
            .map(fromBase64url);
        this.offer = offer;
    }

    // by this computer's own clock

    epoch() {
        return Math.floor(Date.now() / 1000 / this.offer.epoch_seconds);
    }

    async request(origin, { method, target, headers, body, signal }) {
        const seen = this.observe({ method, target, headers, body });
        const response = await fetch(origin + target, {
            method, headers, body, signal, credentials: 'omit',
            cache: 'no-store', redirect: 'error',
        });

        seen?.(response.status);
        return response;
    }

    // A signed request.  A nonce that was used before (another tab, a counter
    // that got lost) is said to be so, and which one is free: once more then.

    async call(origin, signer, { method, target, headers, body, signal }) {
        for (let again = true; ; again = false) {
            const response = await this.request(origin, {
                method, target, body, signal,
                headers: await signed(signer, {
                    method, target, headers, body,
                }),
            });

            if (response.ok) {
                return response;
            }

            const problem = await problemOf(response);

            if (problem.status !== 409 || !problem.next || !again) {
                throw problem;
            }

            signer.nonce = BigInt(problem.next);
        }
    }

    // Certificates of a class, for this epoch or the next, in the name of an
    // account.

    async draw({ name, password }, className, epoch, count) {
        const classNumber = this.offer.classes[className];
        const prepared = await prepare({
            classNumber, count, epoch, issuerKey: this.issuerKey,
        });
        const response = await this.request(this.origins.issue, {
            method: 'POST', body: prepared.request,
            target: `/v1/certificates?class=${classNumber}`
                + `&epoch=${epoch}`,
            headers: {
                'content-type': BLIND,
                authorization: `Basic ${base64(utf8(`${name}:${password}`))}`,
            },
        });

        if (response.status === 401) {
            throw new Error('Account or password is wrong.');
        }

        if (!response.ok) {
            throw await problemOf(response);
        }

        return finish(prepared, new Uint8Array(await response.arrayBuffer()),
            this.exchangeKey);
    }

    // what the gateway tells of it: how full it is, and its limits

    async openMailbox(mailbox, opener) {
        const response = await this.call(this.origins.read, opener, {
            method: 'PUT', target: mailbox.path,
            headers: { 'sealed-mailbox-key': sequence(mailbox.owner.octets) },
        });

        return response.json();
    }

    // the same, or an error that does not pass if it has ended

    async lookAt(mailbox, signal) {
        const response = await this.call(this.origins.read, mailbox, {
            method: 'GET', signal, target: mailbox.path,
        });

        return response.json();
    }

    async closeMailbox(mailbox) {
        await this.call(this.origins.read, mailbox, {
            method: 'DELETE', target: mailbox.path,
        });
    }

    // One envelope for each id; those that were refused are told by place.

    async send(sender, { ids, headers, body, commitment }) {
        const response = await this.call(this.origins.send, sender, {
            method: 'POST', target: '/v1/envelopes',
            headers: {
                'content-type': FANOUT,
                'sealed-frank': sequence(commitment),
            },
            body: fanout(ids, headers, body),
        });

        return (await response.json()).refused;
    }

    async acknowledge(mailbox, seq, signal) {
        await this.call(this.origins.read, mailbox, {
            method: 'DELETE', signal,
            target: `${mailbox.path}/envelopes?through=${seq}`,
        });
    }

    async ticket(mailbox, signal) {
        const response = await this.call(this.origins.read, mailbox, {
            method: 'POST', signal, target: `${mailbox.path}/tickets`,
        });

        return (await response.json()).ticket;
    }
}

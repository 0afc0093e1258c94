// What the operator's side has just seen, in all tabs of this page: requests
// as they left here and envelopes as they came, octet by octet.

import { decode } from './protocol/cbor.mjs';
import { base64url, concat, fromBase64, utf8 } from './protocol/octets.mjs';

// A record is { id, time, method, target, headers, body, status }, or for an
// envelope that was delivered { id, time, mailbox, item }.

export const observer = (show) => {
    const channel = new BroadcastChannel('sealed operator');

    const tell = (entry) => {
        channel.postMessage(entry);
        show(entry);
    };

    channel.onmessage = ({ data }) => show(data);

    return {
        request: (request) => {
            const entry = {
                id: crypto.randomUUID(), time: Date.now(), status: null,
                ...request, body: request.body ?? new Uint8Array(0),
            };

            tell(entry);

            return (status) => tell({ ...entry, status });
        },

        delivery: (mailbox, item) => tell({
            id: crypto.randomUUID(), time: Date.now(), mailbox, item,
        }),
    };
};

// All of a record in one piece, to look for something in it; what base64 hides
// is looked at too.

export const octetsOf = (entry) => {
    if (entry.item) {
        return concat(entry.mailbox, entry.item.header, entry.item.body);
    }

    const values = Object.entries(entry.headers)
        .map(([name, value]) => `${name}: ${value}\n`);
    const hidden = Object.values(entry.headers).flatMap((value) =>
        [...value.matchAll(/[A-Za-z0-9+/]{8,}={0,2}/g)]
            .filter(([text]) => text.length % 4 === 0)
            .map(([text]) => fromBase64(text)));

    return concat(`${entry.method} ${entry.target}\n`, ...values, ...hidden,
        entry.body);
};

const contains = (octets, wanted) => {
    for (let at = octets.indexOf(wanted[0]); at >= 0;
        at = octets.indexOf(wanted[0], at + 1)) {
        if (wanted.every((octet, i) => octets[at + i] === octet)) {
            return true;
        }
    }

    return false;
};

// in how many of these, which octetsOf() made, a text is

export const found = (records, text) => {
    const wanted = utf8(text);

    return records.filter((octets) => contains(octets, wanted)).length;
};

// Under which name a request was made, as far as the gateway can tell.

export const madeBy = ({ headers }) => {
    const account = headers.authorization?.match(/^Basic (.+)$/);
    const [, keyid] = headers['signature-input']?.match(/keyid="([^"]+)"/)
        ?? [];

    if (account) {
        return {
            kind: 'account', id: new TextDecoder().decode(
                fromBase64(account[1])).split(':')[0],
        };
    }

    if (headers['sealed-certificate']) {
        return { kind: 'certificate', id: keyid };
    }

    return keyid ? { kind: 'mailbox', id: keyid }
        : { kind: 'ticket', id: 'single use' };
};

// the mailboxes that a fan-out names

export const recipients = ({ target, body }) => {
    if (target !== '/v1/envelopes') {
        return [];
    }

    const [ids] = decode(body);

    return Array.from({ length: ids.length / 16 }, (_, i) =>
        base64url(ids.subarray(i * 16, i * 16 + 16)));
};

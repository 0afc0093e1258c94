// An address, as the command "sealed" writes and reads it: one line of JSON.
// It tells nothing that may not be given away.

import { decode, encode } from './cbor.mjs';
import { isIdentity } from './identity.mjs';
import { base64url, fromBase64url } from './octets.mjs';

const TYPE = 'sealed-sender address', ID = 16, KEY = 32;

// An address is { identity, mailbox: its id, keyid, gateway: its URL }.

export const addressLine = ({ identity, mailbox, gateway }) => JSON.stringify({
    type: TYPE, mailbox: base64url(mailbox), name: identity[0],
    identity: base64url(encode(identity)), gateway,
});

const addressFrom = (line) => {
    const { type, mailbox, identity, gateway } = JSON.parse(line);

    if (type !== TYPE) {
        throw new Error('another type');
    }

    const address = {
        identity: decode(fromBase64url(identity)),
        mailbox: fromBase64url(mailbox), keyid: mailbox,
        gateway: gateway && new URL(gateway).origin,
    };

    if (!isIdentity(address.identity) || address.mailbox.length !== ID) {
        throw new Error('not of the right size');
    }

    return address;
};

const keyFrom = (line) => {
    const octets = fromBase64url(line);

    if (octets.length !== KEY) {
        throw new Error('not of the right size');
    }

    return octets;
};

// Lines of addresses and of keys of authorities for names, as in files that
// end in ".pub": { addresses, authorities }, or an error.

export const fromLines = (text) => {
    const addresses = [], authorities = [];

    text.split('\n').map((line) => line.trim()).filter((line) => line)
        .forEach((line, i) => {
            try {
                if (line.startsWith('{')) {
                    addresses.push(addressFrom(line));
                } else {
                    authorities.push(keyFrom(line));
                }

            } catch {
                throw new Error(`Line ${i + 1} is neither an address nor an`
                    + ' authority\'s key.');
            }
        });

    return { addresses, authorities };
};

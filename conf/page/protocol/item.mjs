// What a reader gets: { seq, hour, header, body, stamp }; stamp may be null.

import { decode, decodeFirst, encode } from './cbor.mjs';

const number = (value) => typeof value === 'number';
const octets = (value) => value instanceof Uint8Array;

const item = (value) => {
    const [seq, hour, header, body, stamp] = Array.isArray(value)
        && value.length === 5 ? value : [];

    if (!number(seq) || !number(hour) || !octets(header) || !octets(body)
        || stamp !== null && !octets(stamp)) {
        throw new RangeError('not an item');
    }

    return { seq, hour, header, body, stamp };
};

export const decodeItem = (data) => item(decode(data));

// of a plain read: one behind the other

export const decodeItems = (data) => {
    const found = [];

    for (let at = 0; at < data.length;) {
        const { value, size } = decodeFirst(data.subarray(at));

        found.push(item(value));
        at += size;
    }

    return found;
};

// on a WebSocket: all up to this number is stored here

export const acknowledgement = (seq) => encode(seq);

// The part of CBOR (RFC 8949) that the protocol uses: unsigned integers,
// octets, texts, arrays and null, of definite length and in the shortest
// form.  Anything else is refused.

import { concat, integer, utf8 } from './octets.mjs';

const UINT = 0, BYTES = 2, TEXT = 3, ARRAY = 4, NULL = 0xf6;
const DEPTH = 8;

const head = (major, value) => {
    const first = major << 5;

    if (value < 24) {
        return Uint8Array.of(first | value);
    }

    const bits = [8, 16, 32, 64].findIndex((n) => value < 2 ** n);

    return concat([first | 24 + bits], integer(value, 1 << bits));
};

export const encode = (value) => {
    if (value === null) {
        return Uint8Array.of(NULL);
    }

    if (Number.isSafeInteger(value) && value >= 0) {
        return head(UINT, value);
    }

    if (value instanceof Uint8Array) {
        return concat(head(BYTES, value.length), value);
    }

    if (typeof value === 'string') {
        const octets = utf8(value);

        return concat(head(TEXT, octets.length), octets);
    }

    if (Array.isArray(value)) {
        return concat(head(ARRAY, value.length), ...value.map(encode));
    }

    throw new TypeError('nothing that CBOR is used for here');
};

// One value at the start of octets, and how long it is.

export const decodeFirst = (octets) => {
    let at = 0;

    const take = (size) => {
        if (size > octets.length - at) {
            throw new RangeError('CBOR: cut short');
        }

        at += size;
        return octets.subarray(at - size, at);
    };

    const argument = (low) => {
        if (low < 24) {
            return low;
        }

        if (low > 27) {
            throw new RangeError('CBOR: not of definite length');
        }

        const value = take(1 << low - 24).reduce(
            (sum, octet) => sum * 256 + octet, 0);
        const least = [24, 2 ** 8, 2 ** 16, 2 ** 32][low - 24];

        if (value < least || !Number.isSafeInteger(value)) {
            throw new RangeError('CBOR: not the shortest form');
        }

        return value;
    };

    const next = (depth) => {
        const [first] = take(1);

        if (first === NULL) {
            return null;
        }

        const value = argument(first & 31);

        switch (first >> 5) {
        case UINT:
            return value;
        case BYTES:
            return take(value).slice();
        case TEXT:
            return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
                .decode(take(value));
        case ARRAY:
            if (depth === 0 || value > octets.length - at) {
                throw new RangeError('CBOR: too large');
            }

            return Array.from({ length: value }, () => next(depth - 1));
        default:
            throw new RangeError('CBOR: a type that is not used here');
        }
    };

    return { value: next(DEPTH), size: at };
};

export const decode = (octets) => {
    const { value, size } = decodeFirst(octets);

    if (size !== octets.length) {
        throw new RangeError('CBOR: more than one value');
    }

    return value;
};

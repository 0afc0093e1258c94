// Octets: Uint8Array in, Uint8Array out.

const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);

// texts count as their UTF-8

export const concat = (...parts) => {
    const all = parts.map((part) => typeof part === 'string' ? utf8(part)
        : part);
    const out = new Uint8Array(all.reduce((size, part) => size + part.length,
        0));
    let at = 0;

    for (const part of all) {
        out.set(part, at);
        at += part.length;
    }

    return out;
};

// an unsigned integer, big-endian; values above 2^53 as BigInt

export const integer = (value, size) => {
    const out = new Uint8Array(size);
    let rest = BigInt(value);

    for (let i = size - 1; i >= 0; i--) {
        out[i] = Number(rest & 255n);
        rest >>= 8n;
    }

    return out;
};

export const equal = (one, other) => {
    let difference = one.length ^ other.length;

    for (let i = 0; i < one.length; i++) {
        difference |= one[i] ^ other[i];
    }

    return difference === 0;
};

export const xor = (one, other) => one.map((octet, i) => octet ^ other[i]);

export const random = (size) => crypto.getRandomValues(new Uint8Array(size));

export const hex = (octets) => Array.from(octets,
    (octet) => octet.toString(16).padStart(2, '0')).join('');

export const base64 = (octets) => {
    let binary = '';

    for (const octet of octets) {
        binary += String.fromCharCode(octet);
    }

    return btoa(binary);
};

export const fromBase64 = (text) => Uint8Array.from(atob(text),
    (character) => character.charCodeAt(0));

export const base64url = (octets) => base64(octets).replaceAll('+', '-')
    .replaceAll('/', '_').replace(/=+$/, '');

export const fromBase64url = (text) => fromBase64(text.replaceAll('-', '+')
    .replaceAll('_', '/'));

// a byte sequence in a structured header field (RFC 8941)

export const sequence = (octets) => `:${base64(octets)}:`;

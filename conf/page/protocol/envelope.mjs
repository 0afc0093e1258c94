// Sealed envelope v1: what the gateway never looks into.  The body is the same
// for all recipients; a header tells one of them the key to it, and proves to
// him, and only to him, who wrote.

import { xchacha20poly1305 } from '../lib/noble.mjs';
import { decodeFirst, encode } from './cbor.mjs';
import { isIdentity } from './identity.mjs';
import { agree, agreementKeyFrom, hkdf, sha256 } from './keys.mjs';
import { concat, equal, xor } from './octets.mjs';

const VERSION = 1, KEY = 32, TAG = 16, HEADER = 48;
const OVERHEAD = 1 + KEY + TAG;

// what the heads of long octets have more than that of none
const HEAD = 4;

// each key is used for one envelope only
const NONCE = new Uint8Array(24);

const derived = async (m) => ({
    key: await hkdf(m, 'sealed envelope key v1'),
    ephemeral: await agreementKeyFrom(
        await hkdf(m, 'sealed envelope ephemeral v1')),
});

const proof = async (secret, ephemeral, body, first, sender, recipient) =>
    (await hkdf(concat(secret, ephemeral, await sha256(body), first, sender,
        recipient), 'sealed envelope sender v1')).subarray(0, HEADER - KEY);

const mask = (secret, ephemeral, recipient) => hkdf(
    concat(secret, ephemeral, recipient), 'sealed envelope recipient v1');

// m: 32 random octets; sizes: those that the gateway takes, ascending

export const sealBody = async (m, { identity, kf, message, sizes }) => {
    const { key, ephemeral } = await derived(m);
    const content = encode([identity, kf, message]);
    const size = sizes.find((n) => n >= OVERHEAD + content.length + 1);

    if (!size) {
        throw new RangeError('the message is too long for one envelope');
    }

    const plaintext = new Uint8Array(size - OVERHEAD);

    plaintext.set(content);
    plaintext[content.length] = 0x80;

    return concat([VERSION], ephemeral.octets,
        xchacha20poly1305(key, NONCE, ephemeral.octets).encrypt(plaintext));
};

export const sealHeader = async (m, body, sender, recipient) => {
    const { ephemeral } = await derived(m);
    const first = xor(m, await mask(await agree(ephemeral, recipient),
        ephemeral.octets, recipient));

    return concat(first, await proof(await agree(sender, recipient),
        ephemeral.octets, body, first, sender.octets, recipient));
};

// how long a message may be, in the largest envelope

export const longestMessage = (identity, sizes) => sizes.at(-1) - OVERHEAD - 1
    - encode([identity, new Uint8Array(KEY), new Uint8Array(0)]).length - HEAD;

const withoutPadding = (plaintext) => {
    const { value, size } = decodeFirst(plaintext);

    if (plaintext[size] !== 0x80
        || plaintext.subarray(size + 1).some((octet) => octet !== 0)) {
        throw new Error('not padded as it should be');
    }

    return value;
};

const decrypted = (key, given, body) => {
    try {
        return xchacha20poly1305(key, NONCE, given).decrypt(
            body.subarray(1 + KEY));

    } catch {
        throw new Error('changed on its way');
    }
};

// { identity, kf, message, ephemeral }, or an error.  The sender has proved to
// own the key in the identity; whether the name belongs to it is left to
// identity.mjs, and whether the ephemeral key was seen before to the caller.

export const open = async (recipient, header, body) => {
    if (header.length !== HEADER || body.length <= OVERHEAD
        || body[0] !== VERSION) {
        throw new Error('not a sealed envelope');
    }

    const given = body.subarray(1, 1 + KEY);
    const first = header.subarray(0, KEY);
    const m = xor(first, await mask(await agree(recipient, given), given,
        recipient.octets));
    const { key, ephemeral } = await derived(m);

    if (!equal(ephemeral.octets, given)) {
        throw new Error('sealed for somebody else, or changed on its way');
    }

    const content = withoutPadding(decrypted(key, given, body));
    const [identity, kf, message] = Array.isArray(content)
        && content.length === 3 ? content : [];

    if (!isIdentity(identity) || !(message instanceof Uint8Array)
        || kf !== null && !(kf instanceof Uint8Array && kf.length === KEY)) {
        throw new Error('not the content of an envelope');
    }

    const second = await proof(await agree(recipient, identity[1]), given,
        body, first, identity[1], recipient.octets);

    if (!equal(second, header.subarray(KEY))) {
        throw new Error('not from whom it says');
    }

    return { identity, kf, message, ephemeral: given };
};

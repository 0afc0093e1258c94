// What goes into an envelope as its message, as the command "sealed" reads and
// writes it: CBOR [1, id, name, offset, total, digest, content], a piece of a
// file, or of a text if the name is null.

import { decode, encode } from './cbor.mjs';
import { sha256 } from './keys.mjs';
import { equal, random, utf8 } from './octets.mjs';

const VERSION = 1;

export const textMessage = async (text) => {
    const content = utf8(text);

    return encode([VERSION, random(16), null, 0, content.length,
        await sha256(content), content]);
};

// The text, or an error: this page knows neither files nor pieces.

export const textOf = async (message) => {
    const [version, , name, offset, total, digest, content] = decode(message);

    if (version === VERSION && typeof name === 'string') {
        throw new Error('a file, which this page does not take');
    }

    if (version !== VERSION || name !== null || offset !== 0
        || !(content instanceof Uint8Array) || total !== content.length
        || !(digest instanceof Uint8Array)
        || !equal(digest, await sha256(content))) {
        throw new Error('not a short text');
    }

    return new TextDecoder('utf-8', { fatal: true }).decode(content);
};

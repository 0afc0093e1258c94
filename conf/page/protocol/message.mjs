// What goes into an envelope as its message, as the command "sealed" reads and
// writes it: CBOR [1, id, name, offset, total, digest, content], a piece of a
// file, or of a text if the name is null.

import { decode, encode } from './cbor.mjs';
import { utf8 } from './octets.mjs';

const VERSION = 1, ID = 16, NAME = 255, DIGEST = 32;

// A piece is { id: of the whole, name, offset, total, digest: SHA-256 of the
// whole, content }.

export const encodePiece = ({ id, name, offset, total, digest, content }) =>
    encode([VERSION, id, name, offset, total, digest, content]);

// octets around the content of a piece of a whole of this size

export const aroundContent = (name, total) => encodePiece({
    id: new Uint8Array(ID), name, offset: total, total,
    digest: new Uint8Array(DIGEST), content: new Uint8Array(0),
}).length;

const octets = (value, size) => value instanceof Uint8Array
    && (size === undefined || value.length === size);

const isPiece = ({ id, name, offset, total, digest, content }) =>
    octets(id, ID) && octets(digest, DIGEST) && octets(content)
    && (name === null || typeof name === 'string' && name !== ''
        && utf8(name).length <= NAME)
    && typeof offset === 'number' && typeof total === 'number'
    && offset + content.length <= total
    && (content.length > 0 || total === 0);

const members = (message) => {
    try {
        const value = decode(message);

        return Array.isArray(value) && value.length === 7 ? value : [];
    } catch {
        return [];
    }
};

export const decodePiece = (message) => {
    const [version, id, name, offset, total, digest, content]
        = members(message);
    const piece = { id, name, offset, total, digest, content };

    if (version !== VERSION || !isPiece(piece)) {
        throw new Error('made by a program that this page does not'
            + ' understand');
    }

    return piece;
};

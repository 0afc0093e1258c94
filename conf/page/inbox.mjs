// Puts together what came in several pieces.  Who writes is known and may
// still send anything, so everything is bounded: how long a whole may be, in
// how many pieces, how many are open at once, and for how long.

import { encode } from './protocol/cbor.mjs';
import { sha256 } from './protocol/keys.mjs';
import { hex } from './protocol/octets.mjs';

// what is not taken, and why

export class NotTaken extends Error {
}

export const LARGEST = 16 * 1024 * 1024;

const PIECES = 4096, EACH = 2, ALL = 8;
const LONGEST = 86400000;

// Whoever sends pieces under another's id has a whole of his own.

export const wholeId = async (sender, { id, name, total, digest }) => hex(
    await sha256(encode([sender, id, name, total, digest]))).slice(0, 32);

// pieces: [offset, size], ascending, of which no two overlap

const withPiece = (pieces, offset, size) => {
    const end = offset + size;
    const [over, ...more] = pieces.filter(([at, length]) =>
        at < end && at + length > offset);

    if (more.length === 0 && over?.[0] <= offset
        && over[0] + over[1] >= end) {
        return pieces;
    }

    if (over) {
        throw new NotTaken('pieces that do not fit together');
    }

    if (pieces.length === PIECES) {
        throw new NotTaken('too many pieces');
    }

    return [...pieces, [offset, size]].sort(([one], [other]) => one - other);
};

// What a piece changes.  open are the wholes of which pieces are missing,
// { id, sender, total, pieces, last: when one came }, and whatever else is in
// "about", to which the piece belongs.  An error ends that one.
//
// Gives { open, whole: it is complete, again: nothing is new, dropped: those
// that made room }.

export const place = (open, about, { offset, size }, now) => {
    const { id, sender, total } = about;

    if (total > LARGEST) {
        throw new NotTaken(`longer than ${LARGEST / 1024 / 1024} MiB`);
    }

    const known = open.find((one) => one.id === id);
    const others = open.filter((one) => one.id !== id);
    const old = known?.pieces ?? [];
    const pieces = withPiece(old, offset, size);

    if (known && pieces === old) {
        return { open, whole: false, again: true, dropped: [] };
    }

    const after = { ...about, pieces, last: now };

    if (pieces.reduce((sum, [, length]) => sum + length, 0) === total) {
        return { open: others, whole: true, again: false, dropped: [] };
    }

    // who sends much at once makes room himself, and nobody else does

    const own = others.filter((one) => one.sender === sender);
    const dropped = own.slice(0, Math.max(0, own.length + 1 - EACH));
    const kept = others.filter((one) => !dropped.includes(one));

    if (kept.length === ALL) {
        throw new NotTaken('too much at once');
    }

    return { open: [...kept, after], whole: false, again: false, dropped };
};

// those that have been waited for long enough

export const expired = (open, now) => open.filter(({ last }) =>
    now - last > LONGEST);

// A conversation, and what has come of what is not complete.  Everything is
// kept first and shown then.

import { NotTaken, expired, place, wholeId } from './inbox.mjs';
import { sha256 } from './protocol/keys.mjs';
import { concat, equal, hex, random } from './protocol/octets.mjs';

// entries that people look back for, and characters in them; wholes that may
// come again; octets of files, and of a text that is not shown as a file
const ENTRIES = 200, CHARACTERS = 1000000, FINISHED = 1000;
const FILES = 64 * 1024 * 1024, TEXT = 100000;

const NOTHING = { after: 0, entries: [], finished: [], open: [] };

// what a digest was given for, put together

const joined = async (parts, digest) => {
    const content = concat(...parts);

    if (!equal(await sha256(content), digest)) {
        throw new NotTaken('not what its digest says');
    }

    return content;
};

const asText = (name, content) => {
    try {
        return name === null && content.length <= TEXT
            ? new TextDecoder('utf-8', { fatal: true }).decode(content) : null;
    } catch {
        return null;
    }
};

// what an entry says of something with this name (null: a text) and content

export const told = (name, content) => {
    const text = asText(name, content);

    return text !== null ? { text }
        : { file: { name: name ?? 'message.txt', size: content.length } };
};

// the latest entries; of their files, those for which there is room

const bounded = (entries) => {
    let characters = CHARACTERS, octets = FILES;

    return entries.slice(-ENTRIES).reverse().filter(({ text }) => {
        characters -= text?.length ?? 0;

        return characters >= 0;
    }).map((entry) => {
        const { file } = entry;

        if (!file?.id) {
            return entry;
        }

        octets -= file.size;

        return octets >= 0 ? entry
            : { ...entry, file: { name: file.name, size: file.size } };
    }).reverse();
};

// why something was not taken, or the error that it had nothing to do with

const refusal = (error) => {
    if (error instanceof NotTaken) {
        return error.message;
    }

    if (error?.name === 'QuotaExceededError') {
        return 'this browser has no room for it';
    }

    throw error;
};

const received = ({ name, here, sender }, said) => ({
    kind: 'received', name, here, sender, ...said,
});

const filesOf = (entries) => entries.flatMap(({ file }) => file?.id ?? []);

export class Mail {

    // changed is called when there is something else to show: entries, and
    // "open", of which some pieces have come

    constructor(kept, changed) {
        this.kept = kept;
        this.changed = changed;
        this.state = NOTHING;
        this.last = Promise.resolve();
    }

    async load(state) {
        this.state = { ...NOTHING, ...state };
        await this.change({});
    }

    // how far the mailbox was read

    get after() {
        return this.state.after;
    }

    content({ id }) {
        return this.kept.read(`file ${id}`);
    }

    // one change after the other

    inTurn(work) {
        const done = this.last.then(work);

        this.last = done.catch(() => {});

        return done;
    }

    async change({ entries = [], dropped = [], ...change }, values = {},
        removed = []) {
        const now = Date.now();
        const { state } = this;
        const open = change.open ?? state.open;
        const late = expired(open, now);
        const gone = [...dropped, ...late];
        const missing = gone.map((one) => received(one, {
            title: one.file, note: 'pieces of it never came',
        }));
        const next = {
            ...state, ...change,
            open: open.filter((one) => !late.includes(one)),
            finished: [...change.finished ?? state.finished,
                ...gone.map(({ id }) => id)].slice(-FINISHED),
            entries: bounded([...state.entries, ...[...missing, ...entries]
                .map((entry) => ({ ...entry, time: now }))]),
        };
        const files = filesOf(next.entries);

        await this.kept.write({ ...values, mail: next }, [
            ...removed, ...gone.map(({ id }) => `piece ${id}`),
            ...filesOf(state.entries).filter((id) => !files.includes(id))
                .map((id) => `file ${id}`),
        ]);
        this.state = next;
        this.changed();
    }

    // removed: parts that go when this is kept; content: of an entry's file,
    // which is kept as long as there is room for it

    add(entry, { seq = 0, removed = [], content } = {}) {
        const after = Math.max(this.after, seq);
        const plain = () => this.change({ entries: [entry], after }, {},
            removed);

        return this.inTurn(async () => {
            if (!entry.file) {
                await plain();
                return;
            }

            const id = hex(random(16));
            const file = { ...entry.file, id };

            await this.change({ entries: [{ ...entry, file }], after },
                { [`file ${id}`]: content }, removed)
                .catch((error) => refusal(error) && plain());
        });
    }

    // A piece of somebody, { name, here, key }; at least once, so the same one
    // may come again.

    take(who, piece, seq) {
        return this.inTurn(async () => {
            const id = await wholeId(who.key, piece);
            const about = {
                ...who, id, sender: hex(who.key), file: piece.name,
                total: piece.total,
            };

            if (!this.state.finished.includes(id)) {
                await this.put(about, piece, Math.max(this.after, seq));
            }
        });
    }

    async put(about, piece, after) {
        const { content, offset } = piece;

        try {
            const { again, whole, open, dropped } = place(this.state.open,
                about, { offset, size: content.length }, Date.now());

            if (whole) {
                await this.putWhole(about, piece, after);

            } else if (!again) {
                await this.change({ after, open, dropped },
                    { [`piece ${about.id} ${offset}`]: content });
            }

        } catch (error) {
            await this.end(about, after, {
                title: piece.name, note: refusal(error),
            });
        }
    }

    async putWhole(about, piece, after) {
        const { id } = about;
        const kept = this.state.open.find((one) => one.id === id)?.pieces
            ?? [];
        const parts = await Promise.all(kept.map(async ([at]) => [at,
            await this.kept.read(`piece ${id} ${at}`)]));
        const content = await joined([...parts, [piece.offset, piece.content]]
            .sort(([one], [other]) => one - other)
            .map(([, octets]) => octets), piece.digest);
        const { text, file } = told(piece.name, content);

        if (file) {
            await this.end(about, after, { file: { ...file, id } },
                { [`file ${id}`]: content });
        } else {
            await this.end(about, after, { text });
        }
    }

    // said: what the conversation has of it

    end(about, after, said, values = {}) {
        const { finished, open } = this.state;

        return this.change({
            after, finished: [...finished, about.id],
            open: open.filter(({ id }) => id !== about.id),
            entries: [received(about, said)],
        }, values, [`piece ${about.id}`]);
    }
}

// What a tab keeps so that a reload of it changes nothing: an id in its own
// session storage, and under that id entries that belong to one person.

import { firstNonce } from './protocol/signature.mjs';
import { all, change, get, hold, remove } from './storage.mjs';

// Parts: the session, its certificates, the conversation; pieces of what has
// not come whole, files that have; a message that is under way, and how far.

const TAB = 'sealed session', CHOICE = 'sealed choice';
const PARTS = ['session', 'stock', 'mail', 'piece', 'file', 'outgoing',
    'sending'];

// a tab that is reloaded lets go at once; a tab that was duplicated never does
const RELOADING = 2000;

const entry = (part, id, ...names) => [part, id, ...names].join(' ');

// after a reload: numbers that are higher than any that were used

const usable = (signer) => ({ ...signer, nonce: firstNonce(signer.origin) });

export class Kept {
    constructor(id, release) {
        this.id = id;
        this.release = release;
    }

    static async begin() {
        const id = crypto.randomUUID();
        const kept = new Kept(id, await hold(entry('tab', id), RELOADING));

        sessionStorage.setItem(TAB, id);
        return kept;
    }

    // of this tab, from before it was reloaded, or null

    static async here() {
        const id = sessionStorage.getItem(TAB);

        if (!id) {
            return null;
        }

        const release = await hold(entry('tab', id), RELOADING);

        if (release && await get(entry('session', id))) {
            return new Kept(id, release);
        }

        release?.();
        sessionStorage.clear();
        return null;
    }

    // what belongs to mailboxes that have reached their idle end

    static async sweep() {
        for (const { id, until } of await all('session ')) {
            if (until < Date.now()) {
                await remove(...PARTS.map((part) => entry(part, id)));
            }
        }
    }

    async load() {
        const [session, stock, mail, outgoing, sending] = await Promise.all(
            ['session', 'stock', 'mail', 'outgoing', 'sending'].map((part) =>
                get(entry(part, this.id))));

        return {
            session: { ...session, mailbox: usable(session.mailbox) },
            stock: { uses: stock.uses, holders: stock.holders.map(usable) },
            mail, outgoing: outgoing && { ...outgoing, ...sending },
        };
    }

    // Values by part, or by part and name as in "file 1"; and what goes with
    // the same step.  Nothing is kept any more of somebody who has left.

    async write(values, removed = []) {
        if (this.release) {
            await change(Object.fromEntries(Object.entries(values)
                .map(([path, value]) => [this.key(path), value])),
            removed.map((path) => this.key(path)));
        }
    }

    // whom this tab writes to

    get choice() {
        return sessionStorage.getItem(CHOICE);
    }

    set choice(keyid) {
        sessionStorage.setItem(CHOICE, keyid);
    }

    key(path) {
        const [part, ...names] = path.split(' ');

        return entry(part, this.id, ...names);
    }

    read(path) {
        return get(this.key(path));
    }

    async wipe() {
        const { release } = this;

        this.release = null;
        await remove(...PARTS.map((part) => entry(part, this.id)));
        sessionStorage.clear();
        release();
    }
}

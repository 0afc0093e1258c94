// What a tab keeps so that a reload of it changes nothing: an id in its own
// session storage, and under that id entries that belong to one person.

import { firstNonce } from './protocol/signature.mjs';
import { all, get, hold, put, remove } from './storage.mjs';

const TAB = 'sealed session';
const PARTS = ['session', 'stock', 'mail'];

// a tab that is reloaded lets go at once; a tab that was duplicated never does
const RELOADING = 2000;

const entry = (part, id) => `${part} ${id}`;

// after a reload: numbers that are higher than any that were used

const usable = (signer) => ({ ...signer, nonce: firstNonce() });

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
        sessionStorage.removeItem(TAB);
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
        const [session, stock, mail] = await Promise.all(PARTS.map((part) =>
            get(entry(part, this.id))));

        return {
            session: { ...session, mailbox: usable(session.mailbox) },
            stock: { uses: stock.uses, holders: stock.holders.map(usable) },
            mail,
        };
    }

    save(part, value) {
        return put(entry(part, this.id), { ...value, id: this.id });
    }

    async wipe() {
        await remove(...PARTS.map((part) => entry(part, this.id)));
        sessionStorage.removeItem(TAB);
        this.release();
    }
}

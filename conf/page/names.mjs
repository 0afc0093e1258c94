// Who is who, in this browser only: an authority that certifies names, an
// address book, and the keys that gateways have shown.  It stands for a
// service of its own, which is never the gateway; its key is kept where the
// tabs of this page can use it and no script can take it out.

import { certify } from './protocol/identity.mjs';
import { signingKey } from './protocol/keys.mjs';

const DAY = 86400;

const result = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

const store = async (mode) => {
    const opening = indexedDB.open('sealed', 1);

    opening.onupgradeneeded = () => {
        opening.result.createObjectStore('entries');
    };

    const database = await result(opening);
    const transaction = database.transaction('entries', mode);

    transaction.oncomplete = () => database.close();
    return transaction.objectStore('entries');
};

const get = async (key) => result((await store('readonly')).get(key));
const put = async (key, value) => result((await store('readwrite'))
    .put(value, key));
const remove = async (key) => result((await store('readwrite')).delete(key));

// the first tab that asks makes it

const once = (key, make) => navigator.locks.request(key, async () => {
    const found = await get(key);

    if (found) {
        return found;
    }

    const made = await make();

    await put(key, made);
    return made;
});

const authority = () => once('authority', signingKey);

export const authorityKey = async () => (await authority()).octets;

export const certifiedIdentity = async (name, key) => certify(
    await authority(), name, key, Math.floor(Date.now() / 1000) + 30 * DAY);

// the keys of a gateway, as they were at the first contact

export const pinned = (origin) => get(`pin ${origin}`);
export const pin = (origin, keys) => put(`pin ${origin}`, keys);
export const unpin = (origin) => remove(`pin ${origin}`);


// The address book: { identity, mailbox: its id, keyid }.  Who is in it holds a
// lock, which goes with his window.

const people = new BroadcastChannel('sealed people');
const PERSON = 'person ';
let release = () => {};

const changed = () => {
    people.postMessage('changed');
    people.onmessage?.();
};

export const publish = async (address) => {
    const name = PERSON + address.keyid;

    await new Promise((held) => {
        navigator.locks.request(name, () => new Promise((resolve) => {
            release = resolve;
            held();
        }));
    });
    await put(name, address);
    changed();
};

export const withdraw = async ({ keyid }) => {
    await remove(PERSON + keyid);
    release();
    changed();
};

export const addresses = async () => {
    const range = IDBKeyRange.bound(PERSON, `${PERSON}\uffff`);
    const all = await result((await store('readonly')).getAll(range));
    const { held } = await navigator.locks.query();
    const here = new Set(held.map(({ name }) => name));

    return all.filter(({ keyid }) => here.has(PERSON + keyid));
};

export const onAddresses = (call) => {
    people.onmessage = call;
};

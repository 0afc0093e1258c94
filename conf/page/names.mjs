// Who is who, in this browser only: an authority that certifies names, an
// address book, and the keys that gateways have shown.  It stands for a
// service of its own, which is never the gateway; its key is kept where the
// tabs of this page can use it and no script can take it out.

import { certify } from './protocol/identity.mjs';
import { signingKey } from './protocol/keys.mjs';
import { all, get, heldLocks, hold, once, put, remove } from './storage.mjs';

const DAY = 86400;

const authority = () => once('authority', signingKey);

export const authorityKey = async () => (await authority()).octets;

export const certifiedIdentity = async (name, key) => certify(
    await authority(), name, key, Math.floor(Date.now() / 1000) + 30 * DAY);

// the keys of a gateway, as they were at the first contact

export const pinned = (origin) => get(`pin ${origin}`);
export const pin = (origin, keys) => put(`pin ${origin}`, keys);
export const unpin = (origin) => remove(`pin ${origin}`);


// The address book: { identity, mailbox: its id, keyid, here }.  Who is here
// holds a lock, which goes with his window.

const people = new BroadcastChannel('sealed people');
const PERSON = 'person ';
const FOREVER = 2 ** 31 - 1;
let release = () => {};

const changed = () => {
    people.postMessage('changed');
    people.onmessage?.();
};

export const publish = async (address) => {
    const name = PERSON + address.keyid;

    release = await hold(name, FOREVER);
    await put(name, address);
    changed();
};

export const withdraw = async ({ keyid }) => {
    await remove(PERSON + keyid);
    release();
    changed();
};

export const addresses = async () => {
    const locks = await heldLocks();

    return (await all(PERSON)).map((address) => ({
        ...address, here: locks.has(PERSON + address.keyid),
    }));
};

export const onAddresses = (call) => {
    people.onmessage = call;
};

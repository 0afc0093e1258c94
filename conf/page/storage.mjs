// What this browser keeps for the page: entries in one IndexedDB store.  Keys
// are there as CryptoKey objects, which no script can take out.

const result = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

// work gets the store; done when what it did is on disk

const within = async (mode, work) => {
    const opening = indexedDB.open('sealed', 1);

    opening.onupgradeneeded = () => {
        opening.result.createObjectStore('entries');
    };

    const database = await result(opening);
    const transaction = database.transaction('entries', mode,
        { durability: 'strict' });
    const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
    });

    try {
        const request = work(transaction.objectStore('entries'));

        await done;
        return request?.result;
    } finally {
        database.close();
    }
};

export const get = (key) => within('readonly', (store) => store.get(key));

const beginning = (prefix) => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

// Entries by key; and keys that go, with all that are below them, as "a b" is
// below "a".  All of it is done, or nothing.

export const change = (entries, removed = []) => within('readwrite',
    (store) => {
        for (const key of removed) {
            store.delete(key);
            store.delete(beginning(`${key} `));
        }

        for (const [key, value] of Object.entries(entries)) {
            store.put(value, key);
        }
    });

export const put = (key, value) => change({ [key]: value });
export const remove = (...keys) => change({}, keys);

export const all = (prefix) => within('readonly', (store) =>
    store.getAll(beginning(prefix)));

// the first tab that asks makes it

export const once = (key, make) => navigator.locks.request(key, async () => {
    const found = await get(key);

    if (found) {
        return found;
    }

    const made = await make();

    await put(key, made);
    return made;
});

// A lock that is held until it is given back or the tab is gone: what gives it
// back, or null if another tab does not let go of it in time.

export const hold = (name, milliseconds) => new Promise((held) => {
    navigator.locks.request(name, {
        signal: AbortSignal.timeout(milliseconds),
    }, () => new Promise(held)).catch(() => held(null));
});

// the names of all locks that tabs of this page hold

export const heldLocks = async () => {
    const { held } = await navigator.locks.query();

    return new Set(held.map(({ name }) => name));
};

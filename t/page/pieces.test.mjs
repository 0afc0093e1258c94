// Somebody whose name is certified, and who sends pieces as nobody should.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    complained, join, mailboxes, newPage, saved, waitForCount,
} from './people.mjs';

let alice, mallory;

// Mallory is a page without anything to see: its modules, and "hand", which
// sends octets of a file from some place on, as often as wanted.

test('they are there', async () => {
    alice = await join('Alice Archer', 'stream');
    mallory = await newPage();

    await mallory.evaluate(async () => {
        const { Gateway } = await import('/protocol/gateway.mjs');
        const { random, utf8 } = await import('/protocol/octets.mjs');
        const { sha256 } = await import('/protocol/keys.mjs');
        const { Session } = await import('/session.mjs');
        const { Kept } = await import('/kept.mjs');
        const { ORIGINS } = await import('/config.mjs');
        const names = await import('/names.mjs');

        const nothing = () => {};
        const session = new Session(new Gateway(ORIGINS), await Kept.begin(),
            { state: nothing, mail: nothing, received: nothing,
                ended: nothing });

        await session.join('Mallory', { name: 'guest', password: 'guest' },
            'stream');

        const address = (await names.addresses()).find(({ identity }) =>
            identity[0] === 'Alice Archer');
        const wholes = new Map();

        window.leave = () => session.leave();

        window.whole = async (name, total, change = {}) => {
            const content = new Uint8Array(total).map((_, i) => i % 251);

            wholes.set(name, {
                address, name, content, total, id: random(16),
                digest: await sha256(content), envelope: null, ...change,
            });
        };

        window.hand = async (name, at) => {
            session.outbox.message = { ...wholes.get(name), at };

            const { envelope } = await session.outbox.next();

            await session.outbox.post(address, envelope);
        };

        window.damage = (name) => {
            wholes.get(name).digest = utf8('x'.repeat(32));
        };
    });
    complained();
});

const whole = (...parts) => mallory.evaluate((given) =>
    window.whole(...given), parts);

const hand = (name, at = 0) => mallory.evaluate((given) =>
    window.hand(...given), [name, at]);

const notes = () => alice.locator('.received .note').allTextContents();

test('in no order, and more than once', async () => {
    await whole('mixed.bin', 150000);

    // each is as long as it can be

    const places = await mallory.evaluate(async () => {
        const { longestMessage } = await import('/protocol/envelope.mjs');
        const { aroundContent } = await import('/protocol/message.mjs');
        const names = await import('/names.mjs');
        const { identity } = (await names.addresses()).find((one) =>
            one.identity[0] === 'Mallory');
        const piece = longestMessage(identity, [65536])
            - aroundContent('mixed.bin', 150000);

        return [0, piece, 2 * piece];
    });

    for (const place of [2, 0, 2, 0]) {
        await hand('mixed.bin', places[place]);
    }

    await waitForCount(alice, '#coming li', 1);

    for (const place of [1, 1, 2]) {
        await hand('mixed.bin', places[place]);
    }

    await alice.locator('.received .file').waitFor();

    const { name, content } = await saved(alice, '.received .file button');

    assert.equal(name, 'mixed.bin');
    assert.ok(content.equals(Buffer.from(Array.from({ length: 150000 },
        (_, i) => i % 251))));
    complained();
});

test('not what its digest says', async () => {
    await whole('damaged.txt', 100);
    await mallory.evaluate(() => window.damage('damaged.txt'));
    await hand('damaged.txt');
    await waitForCount(alice, '.received .note', 1);
    assert.deepEqual(await notes(),
        ['“damaged.txt” was not taken: not what its digest says.']);
});

test('too long, told once', async () => {
    await whole('long.bin', 200000, { total: 2 ** 30 });
    await hand('long.bin', 0);
    await hand('long.bin', 1000);
    await waitForCount(alice, '.received .note', 2);
    assert.equal((await notes()).at(-1),
        '“long.bin” was not taken: longer than 16 MiB.');
});

test('pieces that do not fit, and such as never come', async () => {
    await whole('overlap.bin', 200000);
    await hand('overlap.bin', 10);
    await hand('overlap.bin', 20);
    await waitForCount(alice, '.received .note', 3);
    assert.equal((await notes()).at(-1), '“overlap.bin” was not taken: '
        + 'pieces that do not fit together.');

    for (const name of ['one.bin', 'two.bin', 'three.bin']) {
        await whole(name, 100000);
        await hand(name);
    }

    await waitForCount(alice, '.received .note', 4);
    assert.equal((await notes()).at(-1), '“one.bin” was not taken: '
        + 'pieces of it never came.');
    assert.deepEqual((await alice.locator('#coming li').allTextContents())
        .map((text) => text.trim()), ['“two.bin” comes from Mallory',
        '“three.bin” comes from Mallory']);
    assert.equal(await alice.locator('.received').count(), 5);
    complained();
});

test('after a day nobody waits any longer', async () => {
    await alice.evaluate(async () => {
        const { get, put } = await import('/storage.mjs');
        const id = `mail ${sessionStorage.getItem('sealed session')}`;
        const mail = await get(id);

        await put(id, { ...mail, open: mail.open.map((one) => ({
            ...one, last: one.last - 86500000,
        })) });
    });
    await alice.reload();
    await waitForCount(alice, '.received .note', 6);
    assert.equal(await alice.locator('#coming li').count(), 0);
    assert.equal(await alice.evaluate(async () => {
        const { all } = await import('/storage.mjs');

        return (await all('piece ')).length;
    }), 0, 'no piece is kept');
    await alice.waitForSelector('#state.connected');
    complained(/ERR_/);
});

test('they leave, and no file stays', async () => {
    await mallory.evaluate(() => window.leave());
    await mallory.close();
    await alice.click('#leave');
    await alice.waitForSelector('#join:not([hidden])');
    await mailboxes(alice, 0);
    assert.deepEqual(await alice.evaluate(async () => {
        const { all } = await import('/storage.mjs');

        return Promise.all(['file ', 'mail ', 'session '].map(async (part) =>
            (await all(part)).length));
    }), [0, 0, 0]);
    complained();
});

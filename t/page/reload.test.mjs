// Two people whose tabs are reloaded while the other one writes, one on an
// event stream, one on a WebSocket.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    complained, join, mailboxes, newPage, received, send, waitForAlert,
    waitForCount,
} from './people.mjs';

const ALICE = 'Alice Archer', BOB = 'Bob Baker';

let alice, bob;

const reload = async (page) => {
    await page.reload();
    await page.waitForSelector('#state.connected');
};

const own = (page) => page.locator('.own .text').allTextContents();

const certificates = (page) => page.evaluate(async () => {
    const { all } = await import('/storage.mjs');
    const stocks = await all('stock ');

    return stocks.flatMap(({ holders }) => holders.map(({ keyid }) => keyid));
});

test('while the other one writes', async () => {
    alice = await join(ALICE, 'stream');
    bob = await join(BOB, 'websocket');
    await alice.getByLabel(BOB).waitFor();
    await bob.getByLabel(ALICE).waitFor();

    const held = await certificates(alice);
    const wanted = new Map([[alice, []], [bob, []]]);

    for (const [writer, reader] of [[alice, bob], [bob, alice],
        [alice, bob]]) {
        const writing = async () => {
            for (let n = 0; n < 8; n++) {
                const text = `While tabs reload, ${wanted.get(reader).length}`;

                wanted.get(reader).push(text);
                await send(writer, text);
            }
        };

        await Promise.all([writing(), reload(reader).then(() =>
            reload(reader))]);
    }

    // whoever was reloaded writes with what is left

    for (const [writer, reader] of [[alice, bob], [bob, alice]]) {
        wanted.get(reader).push('While tabs reload, the last');
        await send(writer, wanted.get(reader).at(-1));
    }

    for (const [reader, texts] of wanted) {
        await waitForCount(reader, '.received', texts.length);
        assert.deepEqual(await received(reader), texts);
    }

    assert.deepEqual(await own(alice), wanted.get(bob));
    assert.deepEqual(await own(bob), wanted.get(alice));
    assert.deepEqual(await certificates(alice), held, 'none was drawn anew');
    await mailboxes(alice, 2);
    complained(/ERR_|WebSocket|409/);
});

test('who they are, and who certified it', async () => {
    assert.equal(await alice.textContent('#me'), ALICE);
    assert.match(await bob.locator('.received .who').last().textContent(),
        /^Alice Archer ✓ verified /);
    assert.equal(await bob.locator('#own').inputValue(),
        await (async () => {
            await reload(bob);
            return bob.locator('#own').inputValue();
        })());
    complained(/ERR_|WebSocket/);
});

test('reloaded without the gateway', async () => {
    const gateway = /\/v1\/|well-known/;

    await bob.route(gateway, (route) => route.abort());
    await bob.reload();
    await bob.waitForSelector('#state.reconnecting');
    assert.equal((await received(bob)).at(-1), 'While tabs reload, the last');
    await send(alice, 'While tabs reload, you are away');

    await bob.click('#leave');
    await waitForAlert(bob, 'The gateway cannot be reached.');
    assert.ok(await bob.isVisible('#conversation'), 'nobody left');

    await bob.unroute(gateway);
    await bob.locator('.received .text').filter({ hasText: 'you are away' })
        .waitFor();
    await bob.waitForSelector('#state.connected');
    complained(/ERR_|WebSocket/);
});

test('a tab that was duplicated is somebody else', async () => {
    const id = await alice.evaluate(() =>
        sessionStorage.getItem('sealed session'));
    const page = await newPage();

    assert.ok(id);
    await page.evaluate((copied) => sessionStorage.setItem('sealed session',
        copied), id);
    await page.reload();
    await page.waitForSelector('#join:not([hidden])');
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.close();
    await send(alice, 'While tabs reload, still here');
    complained();
});

test('what is kept, until they leave', async () => {
    const kept = () => alice.evaluate(async () => {
        const { all } = await import('/storage.mjs');
        const parts = await Promise.all(['session ', 'stock ', 'mail ',
            'person '].map(all));

        // no key of it can be taken out

        for (const { key, mailbox } of parts[0]) {
            for (const secret of [key.privateKey, mailbox.key,
                mailbox.owner.privateKey]) {
                if (secret.extractable) {
                    throw new Error('extractable');
                }
            }
        }

        if (parts[1].some(({ holders }) => holders.some(({ key }) =>
            key.extractable))) {
            throw new Error('extractable');
        }

        return [...parts.map((part) => part.length), localStorage.length];
    });

    assert.deepEqual(await kept(), [2, 2, 2, 2, 0]);
    await bob.click('#leave');
    await bob.waitForSelector('#join:not([hidden])');
    await mailboxes(alice, 1);
    assert.deepEqual(await kept(), [1, 1, 1, 1, 0]);
    assert.equal(await bob.evaluate(() => sessionStorage.length), 0);
    await bob.reload();
    await bob.waitForSelector('#join:not([hidden])');
    assert.equal(await bob.locator('.message').count(), 0);
    complained();
});

test('a mailbox that is gone while a WebSocket reads it', async () => {
    const carol = await join('Carol', 'websocket');

    await carol.evaluate(async () => {
        const { get } = await import('/storage.mjs');
        const { Gateway } = await import('/protocol/gateway.mjs');
        const { ORIGINS } = await import('/config.mjs');
        const { mailbox } = await get(
            `session ${sessionStorage.getItem('sealed session')}`);

        await new Gateway(ORIGINS).closeMailbox(mailbox);
    });
    await carol.waitForSelector('#state.ended');
    await carol.click('#leave');
    await carol.waitForSelector('#join:not([hidden])');
    await carol.close();
    complained(/401|410|409|WebSocket/);
});

test('a mailbox that is gone', async () => {
    await alice.evaluate(async () => {
        const { all } = await import('/storage.mjs');
        const { Gateway } = await import('/protocol/gateway.mjs');
        const { ORIGINS } = await import('/config.mjs');
        const [{ mailbox }] = await all('session ');

        await new Gateway(ORIGINS).closeMailbox(mailbox);
    });

    // the gateway asks its readers to wait for long; they look why

    await alice.waitForSelector('#state.ended');
    await waitForAlert(alice, 'Leave, and join anew.');
    await alice.click('#leave');
    await alice.waitForSelector('#join:not([hidden])');
    await mailboxes(alice, 0);
    complained(/401|410|409|WebSocket/);
});

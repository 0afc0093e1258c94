// Two people whose tabs are reloaded while the other one writes, one on an
// event stream, one on a WebSocket.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import {
    complained, join, mailboxes, newPage, received, saved, send,
    waitForAlert, waitForCount,
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

// The next request to send: "lost" does not reach the gateway, "unheard" does,
// and its answer does not come back.  Gives what is fulfilled then.

const nextSending = async (page, how) => {
    let there;
    const arrived = new Promise((resolve) => {
        there = resolve;
    });

    await page.route('**/v1/envelopes', async (route) => {
        if (how === 'unheard') {
            await route.fetch();
        }

        there();
    }, { times: 1 });

    return arrived;
};

const kept = (page, part) => page.evaluate(async (name) => {
    const { get } = await import('/storage.mjs');

    return await get(`${name} ${sessionStorage.getItem('sealed session')}`)
        !== undefined;
}, part);

test('what was under way goes on by itself', async () => {
    for (const how of ['lost', 'unheard']) {
        const text = `While tabs reload, this was ${how}`;
        const arrived = nextSending(alice, how);

        await alice.fill('#text', text);
        await alice.click('#send');
        await arrived;
        assert.ok(await kept(alice, 'outgoing'));
        await alice.reload();
        await alice.locator('.own .text').filter({ hasText: text }).waitFor();
        await alice.waitForFunction(() =>
            document.querySelector('#text').value === '');
        await alice.waitForSelector('#send:enabled');
        assert.ok(!await kept(alice, 'outgoing'));
        assert.ok(!await kept(alice, 'sending'));
        await send(alice, `While tabs reload, after ${how}`);
    }

    const wanted = ['lost', 'unheard'].flatMap((how) => [
        `While tabs reload, this was ${how}`,
        `While tabs reload, after ${how}`]);

    await bob.locator('.received .text').filter({ hasText: wanted.at(-1) })
        .waitFor();
    assert.deepEqual((await received(bob)).slice(-wanted.length), wanted);
    complained(/ERR_|WebSocket|409/);
});

test('a file under way, and one that is half there', async () => {
    const content = randomBytes(250000);

    // two pieces have got through, of a third nobody knows

    let count = 0;
    let there;
    const arrived = new Promise((resolve) => {
        there = resolve;
    });

    await alice.route('**/v1/envelopes', async (route) => {
        if (++count === 3) {
            await route.fetch();
            there();
        } else {
            await route.continue();
        }
    });
    await alice.setInputFiles('#file', {
        name: 'While tabs reload.bin', mimeType: 'text/html', buffer: content,
    });
    await alice.click('#send-file');
    await arrived;
    await bob.waitForFunction(() => document.querySelector('#coming progress')
        ?.value > 150000);
    await reload(bob);
    assert.equal(await bob.locator('#coming li').count(), 1);
    await alice.unroute('**/v1/envelopes');
    await alice.reload();
    await alice.locator('.own .file').waitFor();
    await bob.locator('.received .file').waitFor();

    const got = await saved(bob, '.received .file button');

    assert.equal(got.name, 'While tabs reload.bin');
    assert.ok(got.content.equals(content));
    assert.equal(await bob.locator('#coming li').count(), 0);

    // and it is still there

    await reload(bob);
    assert.ok((await saved(bob, '.received .file button')).content
        .equals(content));
    assert.equal(await bob.locator('.received .file').count(), 1);
    complained(/ERR_|WebSocket|409/);
});

test('what was refused for good does not go on', async () => {
    await alice.route('**/v1/envelopes', (route) => route.fulfill({
        json: { accepted: 0, refused: [{ recipient: 0, reason: 'full' }] },
    }), { times: 1 });
    await alice.fill('#text', 'While tabs reload, too much');
    await alice.click('#send');
    await waitForAlert(alice, 'mailbox is full');
    assert.ok(!await kept(alice, 'outgoing'));
    await reload(alice);
    await alice.waitForSelector('#send:enabled');
    assert.equal(await alice.inputValue('#text'), '');
    complained();
});

test('what failed for now waits where it was', async () => {
    const busy = (route) => route.fulfill({
        status: 429, headers: { 'retry-after': '90' },
    });

    await alice.route('**/v1/envelopes', busy);
    await alice.fill('#text', 'While tabs reload, later');
    await alice.click('#send');
    await waitForAlert(alice, 'Try again in 90 seconds.');
    await alice.reload();
    await waitForAlert(alice, 'Try again in 90 seconds.');
    assert.equal(await alice.inputValue('#text'), 'While tabs reload, later');
    await alice.unroute('**/v1/envelopes');
    await alice.click('#send');
    await bob.locator('.received .text').filter({ hasText: 'reload, later' })
        .waitFor();
    await alice.waitForFunction(() =>
        document.querySelector('#text').value === '');
    complained(/429|ERR_|WebSocket|409/);
});

test('who was chosen is chosen still', async () => {
    const carol = await join('Carol', 'stream');
    const dave = await join('Dave', 'stream');

    await alice.getByLabel('Carol').waitFor();
    await alice.getByLabel('Dave').check();
    await reload(alice);
    await alice.getByLabel('Dave').waitFor();
    await send(alice, 'While tabs reload, to Dave');
    await waitForCount(dave, '.received', 1);
    assert.equal(await carol.locator('.message').count(), 0);

    for (const page of [carol, dave]) {
        await page.click('#leave');
        await page.waitForSelector('#join:not([hidden])');
        await page.close();
    }

    await alice.getByLabel(BOB).check();
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
    complained(/ERR_|WebSocket|409/);
});

test('reloaded without the gateway', async () => {
    const gateway = /\/v1\/|well-known/;

    await bob.route(gateway, (route) => route.abort());
    await bob.reload();
    await bob.waitForSelector('#state.reconnecting');
    assert.equal((await received(bob)).at(-1), 'While tabs reload, later');
    await send(alice, 'While tabs reload, you are away');

    await bob.click('#leave');
    await waitForAlert(bob, 'The gateway cannot be reached.');
    assert.ok(await bob.isVisible('#conversation'), 'nobody left');

    await bob.unroute(gateway);
    await bob.locator('.received .text').filter({ hasText: 'you are away' })
        .waitFor();
    await bob.waitForSelector('#state.connected');
    complained(/ERR_|WebSocket|409/);
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
    await waitForAlert(carol, 'Your mailbox has ended.');
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
    await waitForAlert(alice, 'Your mailbox has ended.');
    await alice.click('#leave');
    await alice.waitForSelector('#join:not([hidden])');
    await mailboxes(alice, 0);
    complained(/401|410|409|WebSocket/);
});

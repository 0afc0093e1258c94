// What people are told when the gateway refuses, and what they write
// themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    complained, join, mailboxes, newPage, received, saved, screenshots, send,
    waitForAlert, waitForCount,
} from './people.mjs';

const ALICE = 'Alice Archer', BOB = 'Bob Baker';

let alice, bob;

const envelopes = '**/v1/envelopes';

test('refusals in words', async () => {
    alice = await join(ALICE, 'stream');
    bob = await join(BOB, 'websocket');
    await alice.getByLabel(BOB).waitFor();

    for (const [answer, words] of [
        [{ status: 429, headers: { 'retry-after': '90' } },
            'That was enough for now. Try again in 90 seconds.'],
        [{ status: 429, headers: { 'retry-after': '7000' } },
            'Try again in 117 minutes.'],
        [{ status: 503, headers: { 'retry-after': '1' } },
            'The gateway is busy just now. Try again in 1 second.'],
        [{ status: 500 }, 'The gateway failed (status 500).'],
        [{ status: 200, json: { accepted: 0,
            refused: [{ recipient: 0, reason: 'full' }] } },
        'The recipient\'s mailbox is full.'],
        [{ status: 200, json: { accepted: 0,
            refused: [{ recipient: 0, reason: 'unknown' }] } },
        'The recipient\'s mailbox does not exist any more.'],
    ]) {
        await alice.route(envelopes, (route) => route.fulfill(answer));
        await alice.fill('#text', 'Until they take it');
        await alice.press('#text', 'Enter');
        await waitForAlert(alice, words);
        assert.equal(await alice.inputValue('#text'), 'Until they take it');
        await alice.unroute(envelopes);
    }

    assert.equal(await alice.locator('.own').count(), 0);
    complained(/429|503|500/);
});

test('an answer that is lost doubles nothing', async () => {
    await alice.route(envelopes, async (route) => {
        await route.fetch();
        await route.abort();
    });
    await alice.fill('#text', 'Until they take it');
    await alice.click('#send');
    await waitForAlert(alice, 'The gateway cannot be reached.');
    await alice.unroute(envelopes);
    await alice.click('#send');
    await alice.locator('.own').waitFor();
    await send(alice, 'Until they take the next');
    await waitForCount(bob, '.received', 2);
    assert.deepEqual(await received(bob),
        ['Until they take it', 'Until they take the next']);
    complained(/ERR_FAILED/);
});

test('long ones, and all kinds of characters', async () => {
    const texts = [
        `Until it is long: ${'wörd '.repeat(1000)}end`,
        'Until two\nlines\n\n  are kept',
        '<script>document.title = "Until"</script><img src=x onerror=alert(1)>',
        'Until \u202e right to left, 你好 👩‍👩‍👧‍👦 \u0000\u0007 z\u0351\u0363a',
        `Until it stacks: z${'\u0351\u0363'.repeat(500)}`,
        `Until${'W'.repeat(3000)}`,
    ];

    // what turns directions, or is no character at all, is seen

    const seen = texts.map((text) =>
        text.replaceAll(/[\u202e\u0000\u0007]/g, '\ufffd'));

    for (const text of texts) {
        await alice.fill('#text', text);
        await alice.click('#send');
        await alice.waitForFunction(() =>
            document.querySelector('#text').value === '');
    }

    await waitForCount(bob, '.received', 2 + texts.length);
    assert.deepEqual((await received(bob)).slice(2), seen);
    assert.equal(await bob.locator('#messages img, #messages script').count(),
        0);
    assert.notEqual(await bob.title(), 'Until');

    const [wide, room] = await bob.evaluate(() => [
        document.documentElement.scrollWidth, window.innerWidth]);

    assert.ok(wide <= room, `${wide} > ${room}`);

    // each can be seen, and stays within its own

    const heights = await bob.locator('.message').evaluateAll((all) =>
        all.map((one) => [one.clientHeight,
            one.querySelector('.text').offsetHeight]));

    assert.ok(heights.every(([outer, inner]) => inner > 15 && outer > inner),
        `${heights}`);
    complained();
});

test('too long to be shown, and too long to be sent', async () => {
    const endless = 'Until it is too long '.repeat(10000);

    await alice.fill('#text', endless);
    await alice.click('#send');
    await alice.locator('.own .file').filter({ hasText: 'message.txt, 210 KB' })
        .waitFor();
    await bob.locator('.received .file').waitFor();

    const { name, content } = await saved(bob, '.received .file button');

    assert.equal(name, 'message.txt');
    assert.equal(content.toString(), endless);

    // who wrote it has it, too, also later

    await alice.reload();
    await alice.waitForSelector('#state.connected');
    assert.deepEqual(await saved(alice, '.own .file button'),
        { name, content });

    await alice.setInputFiles('#file', {
        name: 'Until too long.bin', mimeType: 'image/png',
        buffer: Buffer.alloc(16 * 1024 * 1024 + 1),
    });
    await alice.click('#send-file');
    await waitForAlert(alice, 'What is longer than 16 MiB is not sent');
    assert.equal(await alice.locator('.own .file').count(), 1);
    complained();
});

test('Enter twice is one message', async () => {
    let answer;
    const held = new Promise((resolve) => {
        answer = resolve;
    });
    const before = await alice.locator('.own').count();

    await alice.route(envelopes, async (route) => {
        await held;
        await route.continue();
    });
    await alice.fill('#text', 'Until Enter is let go');
    await alice.press('#text', 'Enter');
    await alice.waitForSelector('#send:disabled');
    await alice.press('#text', 'Enter');
    answer();
    await alice.locator('.own .text').filter({ hasText: 'is let go' })
        .waitFor();
    await alice.unroute(envelopes);
    await send(alice, 'Until the next');
    assert.equal(await alice.locator('.own').count(), before + 2);
    complained();
});

test('names that mislead', async () => {
    const page = await newPage();
    const forged = ['<img src=x onerror=alert(1)>\u202eecilA',
        'Bob Baker\u200b', 'W'.repeat(200), 'Alice Archer',
        '\u0410lice Archer'];

    await page.evaluate(async (all) => {
        const names = await import('/names.mjs');

        for (const [i, name] of all.entries()) {
            const key = new Uint8Array(32).fill(i + 1);

            await names.publish({
                identity: await names.certifiedIdentity(name, key),
                mailbox: new Uint8Array(16).fill(i + 1),
                keyid: `${i}`.repeat(22),
            });
        }
    }, forged);

    for (const [name, key] of [
        ['<img src=x onerror=alert(1)>�ecilA', '0101'], ['Bob Baker�', '0202'],
        [`${'W'.repeat(26)}…${'W'.repeat(13)}`, '0303'],
        ['Alice Archer', '0404'],
        ['\u0410lice Archer mixes Cyrillic and Latin letters', '0505'],
    ]) {
        await bob.getByLabel(`${name} ${Array(4).fill(key).join(' ')}`,
            { exact: true }).waitFor();
    }

    assert.equal(await bob.locator('#contacts img').count(), 0);

    for (const width of [1280, 390]) {
        await bob.setViewportSize({ width, height: 900 });
        await bob.getByText('mixes Cyrillic').scrollIntoViewIfNeeded();

        const [wide, room] = await bob.evaluate(() => [
            document.documentElement.scrollWidth, window.innerWidth]);

        assert.ok(wide <= room, `${wide} > ${room}`);
        await bob.screenshot({ path: `${screenshots}/names-${width}.png`,
            fullPage: true });
    }

    await bob.setViewportSize({ width: 1280, height: 900 });

    // and nobody here can have one

    for (const name of forged.slice(0, 2)) {
        await page.fill('#name', name);
        await page.click('#enter');
        await waitForAlert(page, 'could not see all of that name');
    }

    await page.close();
    await bob.getByLabel('Bob Baker�').waitFor({ state: 'detached' });
    complained();
});

test('by keyboard, and read aloud', async () => {
    await alice.fill('#text', '');
    await alice.type('#text', 'Until line one');
    await alice.press('#text', 'Shift+Enter');
    await alice.type('#text', 'line two');
    await alice.press('#text', 'Enter');
    await bob.locator('.received .text').filter({ hasText: 'line two' })
        .waitFor();
    assert.equal((await received(bob)).at(-1), 'Until line one\nline two');
    assert.equal(await alice.evaluate(() => document.activeElement.id),
        'text');

    // everything that can be worked with has a name

    const nameless = await alice.evaluate(() => [...document.querySelectorAll(
        'input, textarea, button, [role=log], ol, section')].filter((one) =>
        !(one.labels?.length || one.textContent.trim()
            || one.getAttribute('aria-label')
            || one.getAttribute('aria-labelledby')))
        .map(({ outerHTML }) => outerHTML));

    assert.deepEqual(nameless, []);
});

test('a list that does not grow for ever', async () => {
    await alice.evaluate(async () => {
        const { showEntries } = await import('/view/conversation.mjs');
        const { get, put } = await import('/storage.mjs');
        const id = sessionStorage.getItem('sealed session');
        const mail = await get(`mail ${id}`);
        const old = Array.from({ length: 199 }, (_, i) => ({
            kind: 'own', name: 'Nobody', time: i, text: `Until ${i}`,
        }));

        showEntries([]);
        await put(`mail ${id}`, { ...mail, entries: old });
    });
    await alice.reload();
    await alice.waitForSelector('#state.connected');
    await waitForCount(alice, '.message', 199);

    for (const text of ['Until the last but one', 'Until now']) {
        await send(alice, text);
    }

    const texts = await alice.locator('.own .text').allTextContents();

    assert.equal(texts.length, 200);
    assert.equal(texts[0], 'Until 1');
    assert.equal(texts.at(-1), 'Until now');
    complained();
});

test('and they leave', async () => {
    for (const page of [alice, bob]) {
        await page.click('#leave');
        await page.waitForSelector('#join:not([hidden])');
        assert.equal(await page.evaluate(() => document.activeElement.id),
            'name');
    }

    await mailboxes(alice, 0);
    complained();
});

test('who was chosen is not replaced by somebody else', async () => {
    alice = await join(ALICE, 'stream');
    bob = await join(BOB, 'stream');
    await alice.getByLabel(BOB).waitFor();

    const carol = await join('Carol', 'stream');

    await alice.getByLabel('Carol').waitFor();
    await bob.click('#leave');
    await alice.getByLabel(BOB).waitFor({ state: 'detached' });
    await alice.fill('#text', 'Until Bob is back');
    await alice.click('#send');
    await waitForAlert(alice, 'choose somebody');
    await alice.getByLabel('Carol').check();
    await send(alice, 'Until Carol reads');
    await waitForCount(carol, '.received', 1);
    assert.deepEqual(await received(carol), ['Until Carol reads']);

    for (const page of [alice, carol]) {
        await page.click('#leave');
        await page.waitForSelector('#join:not([hidden])');
    }

    await mailboxes(alice, 0);
    complained();
});

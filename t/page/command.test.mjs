// Somebody at a shell, with the command "sealed", and somebody in a browser.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
    mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { MEDIA_TYPE, fanout } from '../../conf/page/protocol/fanout.mjs';
import {
    complained, environment, give, join, mailboxes, received, saved, send,
    url, waitForAlert, waitForCount,
} from './people.mjs';

const program = environment('SEALED_PROGRAM');
const authority = environment('SEALED_AUTHORITY');
const directory = mkdtempSync(joinPath(tmpdir(), 'sealed-page-'));
const gateway = new URL(url).origin;

const path = (name) => joinPath(directory, name);
const read = (name) => readFileSync(path(name), 'utf8');
const write = (name, text, mode) => writeFileSync(path(name), text, { mode });

// the command's output; any other status than 0 is an error

const sealed = async (...parts) => (await promisify(execFile)(program, parts, {
    cwd: directory, timeout: 180000,
    env: { SEALED_HOME: path('home'), SEALED_GATEWAY: gateway },
})).stdout;

const readMail = async () => (await sealed('read', '--mailbox', 'carol.mailbox',
    '--identity', 'carol', '--identity-authority', 'names.pub', '--ack',
    '--wait', '30', '--output-dir', 'come', '--json')).trim().split('\n')
    .map((line) => JSON.parse(line));

let alice;

const shown = (selector) => alice.locator(`${selector} .text`)
    .allTextContents();

const meet = async (lines) => {
    await alice.fill('#lines', lines);
    await alice.click('#add');
};

const keep = async (link) => {
    const { name, content } = await saved(alice, link);

    writeFileSync(path(name), content);

    return name;
};

after(() => rmSync(directory, { recursive: true }));

test('Carol, at the shell', async () => {
    write('account', 'guest:guest\n', 0o600);
    mkdirSync(path('come'));

    for (const command of [
        'keygen authority elsewhere',
        'keygen identity carol --name Carol --authority elsewhere',
        'keygen mailbox carol.mailbox --identity carol',
        'certificates --account account --send verified --open opener',
        'open --mailbox carol.mailbox',
    ]) {
        await sealed(...command.split(' '));
    }
});

test('the page gives away an address that the command takes', async () => {
    alice = await join('Alice Archer', 'stream');
    await alice.click('#exchange summary');

    assert.equal(await keep('#save-address'), 'alice-archer.mailbox.pub');
    assert.equal(await keep('#save-authority'), 'names.pub');

    await alice.click('#copy');

    const copied = await alice.evaluate(() => navigator.clipboard.readText());

    assert.equal(`${copied}\n`,
        read('alice-archer.mailbox.pub') + read('names.pub'));
});

const toAlice = ['send', '--to', 'alice-archer.mailbox.pub',
    '--identity-authority', 'names.pub', '--identity'];

test('who is certified elsewhere is refused', async () => {
    await sealed(...toAlice, 'carol', '--message', 'From the shell, early');
    await waitForCount(alice, '.refused', 1);
    assert.match((await shown('.refused'))[0], /^The name is not certified\./);
    assert.deepEqual(await received(alice), []);
    complained();
});

test('lines that are no addresses', async () => {
    const line = read('carol.mailbox.pub').trim();
    const key = read('elsewhere.pub').trim();
    const changed = (change) => JSON.stringify({
        ...JSON.parse(line), ...change,
    });

    for (const [lines, why] of [
        [`${key}\nhello`, 'Line 2 is neither'],
        ['{"type":"sealed-sender address"}', 'Line 1 is neither'],
        [changed({ type: 'sealed-sender subject' }), 'Line 1 is neither'],
        [changed({ mailbox: 'AAAA' }), 'Line 1 is neither'],
        [changed({ identity: 'AAAA' }), 'Line 1 is neither'],
        [changed({ gateway: 'https://other.example' }),
            'at https://other.example'],
        [line, 'the authority that certified it belongs here, too'],
        [`${line}\n${read('names.pub')}`, 'belongs here, too'],
    ]) {
        await meet(lines);
        await waitForAlert(alice, why);
        assert.equal(await alice.inputValue('#lines'), lines);
    }

    assert.equal(await alice.getByLabel('Carol').count(), 0);
    complained();
});

test('both ways', async () => {
    await meet(`${read('carol.mailbox.pub')}\r\n${read('elsewhere.pub')}`);
    await alice.getByLabel('Carol').waitFor();

    await sealed(...toAlice, 'carol', '--message',
        'From the shell: <i>hello</i>, ✓');
    await waitForCount(alice, '.received', 1);
    assert.deepEqual(await received(alice),
        ['From the shell: <i>hello</i>, ✓']);
    assert.match(await alice.textContent('.received .who'),
        /^Carol ✓ verified elsewhere /);

    await alice.getByLabel('Carol').check();
    await send(alice, 'From the page: Grüße');

    const [message, ...more] = await readMail();

    assert.equal(message.from, 'Alice Archer');
    assert.equal(message.text, 'From the page: Grüße');
    assert.deepEqual(more, []);
    complained();
});

// of one envelope, of several, and of none but its head

const files = [['notes.txt', 'From the shell'], ['empty', ''],
    ['large.bin', randomBytes(200000)]];

const long = `From the shell or From the page, ${'wörd '.repeat(14000)}end`;

test('files and long texts from the shell', async () => {
    let count = 1;

    for (const [name, content] of files) {
        writeFileSync(path(name), content);
        await sealed(...toAlice, 'carol', name);
        await waitForCount(alice, '.received', ++count);

        const got = await saved(alice, '.received:last-child button');

        assert.equal(got.name, name);
        assert.ok(got.content.equals(Buffer.from(content)), name);
    }

    await sealed(...toAlice, 'carol', '--message', long);
    await waitForCount(alice, '.received', ++count);
    assert.equal((await received(alice)).at(-1), long);

    // a name that is no name of a file, and one that reads otherwise

    for (const [name, safe] of [['../.profile', '_profile'],
        ['holiday\u202egpj.exe', 'holiday_gpj.exe']]) {
        await sealed(...toAlice, 'carol', '--name', name, 'notes.txt');
        await waitForCount(alice, '.received', ++count);
        assert.equal(await alice.textContent('.received:last-child button'),
            `Save ${safe}, 14 octets`);
        assert.equal((await saved(alice, '.received:last-child button')).name,
            safe);
    }

    assert.equal(await alice.locator('#coming li').count(), 0);
    complained();
});

test('files and long texts from the page', async () => {
    for (const [name, content] of files) {
        await give(alice, name, content);

        const [message, ...more] = await readMail();

        assert.equal(message.from, 'Alice Archer');
        assert.equal(message.file.split('/').at(-1), name);
        assert.ok(readFileSync(joinPath(directory, message.file))
            .equals(Buffer.from(content)), name);
        assert.deepEqual(more, []);
    }

    await send(alice, long);

    const [message, ...more] = await readMail();

    assert.equal(message.text, long);
    assert.deepEqual(more, []);
    complained();
});

test('what the page does not take does not stop it', async () => {
    const id = JSON.parse(read('alice-archer.mailbox.pub')).mailbox;
    const carol = JSON.parse(read('carol.mailbox.pub'));
    let count = 1;

    // the one of somebody who was certified elsewhere was the first

    const refused = async (why) => {
        await waitForCount(alice, '.refused', ++count);
        assert.match((await shown('.refused')).at(-1), why);
    };

    // sealed for somebody else

    write('crossed.pub', `${JSON.stringify({ ...carol, mailbox: id })}\n`);
    await sealed('send', '--to', 'crossed.pub', '--identity', 'carol',
        '--message', 'From the shell, for Carol');
    await refused(/^Sealed for somebody else, or changed on its way\./);

    // octets that were never sealed

    await sealed('keygen', 'certificate', 'sender');
    await sealed('authority', 'sign', '--authority', authority, '--class',
        '2', 'sender.pub');

    const noise = (header, first) => fanout([Buffer.from(id, 'base64url')],
        [Buffer.alloc(header, 7)], Buffer.alloc(512, 7).fill(first, 0, 1));

    for (const [body, why] of [
        [noise(48, 0), /^Not a sealed envelope\./],
        [noise(200, 1), /^Not a sealed envelope\./],
        [noise(48, 1), /^Sealed for somebody else, or changed/],
    ]) {
        writeFileSync(path('noise'), body);
        await sealed('request', 'POST', '/v1/envelopes', '--certificate',
            'sender', '--body', 'noise', '--content-type', MEDIA_TYPE);
        await refused(why);
    }

    const before = await alice.locator('.received').count();

    await sealed(...toAlice, 'carol', '--message', 'From the shell, at last');
    await waitForCount(alice, '.received', before + 1);
    assert.equal((await received(alice)).at(-1), 'From the shell, at last');
    assert.equal(await alice.getAttribute('#state', 'class'), 'connected');
    complained();
});

test('a mailbox that was closed', async () => {
    await sealed('close', '--mailbox', 'carol.mailbox');
    await alice.fill('#text', 'From the page: gone?');
    await alice.click('#send');
    await waitForAlert(alice, 'mailbox does not exist any more');
    await alice.click('#leave');
    await mailboxes(alice, 0);
    complained();
});

// People who go on writing when the epoch of their certificates ends: here an
// epoch has a minute.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import {
    complained, join, mailboxes, received, send, waitForAlert, waitForCount,
} from './people.mjs';

const EPOCH = 60, OVERLAP = 30;
const ALICE = 'Alice Archer', BOB = 'Bob Baker';

let alice, bob;
let count = 0;

const next = () => `From epoch to epoch, ${++count}`;

// of the certificates with which a page has sent, oldest first

const epochsOf = (page) => page.evaluate(() => [...document
    .querySelectorAll('#requests pre')].map(({ textContent }) => textContent
    .match(/^POST \/v1\/envelopes[^]*^sealed-certificate: :(.*):$/m)?.[1])
    .filter((encoded) => encoded)
    .map((encoded) => atob(encoded).slice(2, 6).split('').reduce(
        (sum, octet) => sum * 256 + octet.charCodeAt(0), 0)).reverse());

test('certificates are drawn before they are needed', async () => {
    alice = await join(ALICE, 'stream');
    bob = await join(BOB, 'websocket');
    await bob.reload();
    await bob.waitForSelector('#state.connected');
    await bob.getByLabel(ALICE).waitFor();

    let used = [];

    while (new Set(used).size < 2) {
        await send(alice, next());
        await pause(1000);
        used = await epochsOf(alice);
    }

    await waitForCount(bob, '.received', count);
    assert.deepEqual(await received(bob), Array.from({ length: count },
        (_, i) => `From epoch to epoch, ${i + 1}`));

    assert.ok(used.every((epoch, i) => i === 0 || epoch >= used[i - 1]),
        'never back to an old one');
    complained();
});

test('who was reloaded is asked for the password', async () => {
    const last = await bob.evaluate(async () => {
        const { get } = await import('/storage.mjs');
        const id = sessionStorage.getItem('sealed session');
        const { holders } = await get(`stock ${id}`);

        return Math.max(...holders.map(({ epoch }) => epoch));
    });

    while (Date.now() / 1000 < (last + 1) * EPOCH + OVERLAP) {
        await pause(1000);
    }

    await bob.fill('#text', 'From epoch to epoch, from Bob');
    await bob.click('#send');
    await waitForAlert(bob, 'Your certificates have ended.');
    assert.equal(await bob.inputValue('#text'),
        'From epoch to epoch, from Bob');

    await bob.fill('#renew [name=password]', 'wrong');
    await bob.click('#draw');
    await waitForAlert(bob, 'Account or password is wrong.');

    await bob.fill('#renew [name=password]', 'guest');
    await bob.click('#draw');
    await waitForCount(alice, '.received', 1);
    assert.deepEqual(await received(alice), ['From epoch to epoch, from Bob']);
    assert.ok(await bob.isHidden('#renew'));
    complained(/401/);
});

test('a certificate that the gateway does not take any more', async () => {
    await alice.evaluate(async () => {
        const { Stock } = await import('/stock.mjs');
        const take = Stock.prototype.take;
        let once = true;

        // as one that was revoked

        Stock.prototype.take = async function (conversation) {
            const holder = await take.call(this, conversation);

            if (once) {
                once = false;
                return { ...holder, certificate: holder.certificate.map(
                    (octet, i) => i < 6 ? octet : octet ^ 1) };
            }

            return holder;
        };
    });
    await send(alice, next());
    await waitForCount(bob, '.received', count);
    complained(/401/);

    for (const page of [alice, bob]) {
        await page.click('#leave');
        await page.waitForSelector('#join:not([hidden])');
    }

    await mailboxes(alice, 0);
});

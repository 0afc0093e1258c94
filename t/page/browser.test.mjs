// Two people, a forger and an operator's eye, in a headless Chromium.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    complained, complaintsUntilNow, environment, join, mailboxes, newPage,
    received, screenshots, send as sendText, url, waitForAlert, waitForCount,
} from './people.mjs';

const ALICE = 'Alice Archer', BOB = 'Bob Baker';

let alice, bob;
const texts = [];

const send = async (page, text) => {
    texts.push(text);
    await sendText(page, text);
};

test('the page is only what it is served as', async () => {
    const response = await fetch(url);
    const policy = response.headers.get('content-security-policy');

    assert.match(policy, /default-src 'none'; script-src 'self';/);
    assert.equal(response.headers.get('content-type'),
        'text/html; charset=utf-8');

    const page = await newPage();

    await page.screenshot({ path: `${screenshots}/join.png` });
    complained();

    for (const attack of [
        () => { document.body.innerHTML = '<img src=x onerror=alert(1)>'; },
        () => { document.createElement('script').text = 'alert(1)'; },
        () => { document.createElement('script').src = 'data:,alert(1)'; },
        () => fetch('https://192.0.2.1/'),
        () => new Promise((resolve, reject) => {
            const socket = new WebSocket('wss://192.0.2.1/');

            socket.onopen = resolve;
            socket.onerror = () => reject(new Error('refused'));
        }),
    ]) {
        await assert.rejects(page.evaluate(attack), undefined,
            String(attack));
    }

    await page.evaluate(() => {
        const script = document.createElement('a');

        script.href = 'javascript:document.title = "done"';
        script.click();
    });
    assert.notEqual(await page.title(), 'done');
    assert.ok(complaintsUntilNow().length > 0, 'the browser says so');
    await page.close();
});

test('a wrong password', async () => {
    const page = await newPage();

    await page.fill('#name', 'Mallory');
    await page.fill('#password', 'wrong');
    await page.click('#enter');
    await waitForAlert(page, 'Account or password is wrong.');
    complained(/401/);
    await page.close();
});

test('a gateway with other keys than before', async () => {
    const page = await newPage();

    await page.evaluate(async () => {
        const names = await import('/names.mjs');

        await names.pin(location.origin, 'AAAA AAAA');
    });

    await page.fill('#name', 'Mallory');
    await page.click('#enter');
    await waitForAlert(page, 'other keys than before');
    await page.click('#trust');
    await page.waitForSelector('#state.connected');
    await mailboxes(page, 1);
    await page.click('#leave');
    await mailboxes(page, 0);
    await page.close();
    complained();
});

test('both ways, over both transports', async () => {
    alice = await join(ALICE, 'stream');
    bob = await join(BOB, 'websocket');

    await alice.getByLabel(BOB).waitFor();
    await send(alice, 'Meet me at the usual place.');
    await waitForCount(bob, '.received', 1);
    await send(bob, 'At nine, then. <b>Not bold</b>');
    await waitForCount(alice, '.received', 1);

    assert.deepEqual(await received(bob), ['Meet me at the usual place.']);
    assert.deepEqual(await received(alice),
        ['At nine, then. <b>Not bold</b>']);
    assert.match(await bob.textContent('.received .who'),
        /^Alice Archer ✓ verified /);
    assert.match(await alice.textContent('.received .who'),
        /^Bob Baker ✓ verified /);
    complained();
});

test('each reads as he wanted to', async () => {
    const targets = await alice.locator('#requests code').allTextContents();
    const reading = targets.filter((text) => text.includes('?after='));

    assert.equal(reading.length, 2);
    assert.equal(reading.filter((text) => text.includes('&ticket=')).length,
        1, 'no ticket for a stream that signs');

    const all = await bob.locator('#requests summary').allTextContents();

    assert.ok(all.some((text) => /after=0&ticket=.*ticket single use.*101/
        .test(text)));
});

// what a page of somebody else could send to Bob, with certificates that are
// as good as any

const forge = async (page, how) => page.evaluate(async (kind) => {
    const { Gateway } = await import('/protocol/gateway.mjs');
    const { certify } = await import('/protocol/identity.mjs');
    const { signingKey } = await import('/protocol/keys.mjs');
    const { utf8 } = await import('/protocol/octets.mjs');
    const { Session } = await import('/session.mjs');
    const { Kept } = await import('/kept.mjs');
    const { ORIGINS } = await import('/config.mjs');
    const names = await import('/names.mjs');

    const gateway = new Gateway(ORIGINS);
    const nothing = () => {};
    const session = new Session(gateway, await Kept.begin(), {
        state: nothing, mail: nothing, received: nothing, ended: nothing,
    });
    const account = { name: 'guest', password: 'guest' };

    await session.join('Mallory', account, 'stream');

    const people = await names.addresses();
    const [first, second] = ['Alice Archer', 'Bob Baker'].map((name) =>
        people.find(({ identity }) => identity[0] === name));
    const genuine = gateway.send;

    const sent = (change) => {
        gateway.send = (sender, request) => {
            change(request);
            return genuine.call(gateway, sender, request);
        };
    };

    switch (kind) {
    case 'identity':
        session.identity = first.identity;
        break;
    case 'authority':
        session.identity = await certify(await signingKey(), 'Alice Archer',
            session.key.octets, 2000000000);
        break;
    case 'body':
        sent(({ body }) => { body[100] ^= 1; });
        break;
    case 'header':
        sent(({ headers: [header] }) => { header[0] ^= 1; });
        break;
    case 'frank':
        sent(({ commitment }) => { commitment[0] ^= 1; });
        break;
    default:
        throw new Error(kind);
    }

    await session.outbox.begin(second, null, utf8('In another mouth'));
    await session.deliver(nothing);
    await session.leave();
}, how);

test('forged and tampered envelopes are refused', async () => {
    const mallory = await newPage();
    const before = await received(bob);
    let count = 0;

    for (const [how, why] of [
        ['identity', /^Not from whom it says\./],
        ['authority', /^The name is not certified\./],
        ['body', /^Changed on its way\./],
        ['header', /^Sealed for somebody else, or changed on its way\./],
        ['frank', /^Made so that it cannot be reported\./],
    ]) {
        await forge(mallory, how);
        await waitForCount(bob, '.refused', ++count);
        assert.match(await bob.locator('.refused .text').last().textContent(),
            why);
    }

    assert.deepEqual(await received(bob), before);
    assert.ok(!(await bob.textContent('#messages')).includes('mouth'));
    await mallory.close();
    complained();
});

test('nginx reloads, and nothing is lost or doubled', async () => {
    const readings = (page) => page.locator('#requests code').filter({
        hasText: /envelopes\?after=/,
    }).count();
    const had = [await received(alice), await received(bob)];
    const counted = await readings(alice);
    const wanted = [[...had[0]], [...had[1]]];

    for (let n = 1; n <= 8; n++) {
        if (n === 3) {
            process.kill(Number(environment('SEALED_NGINX')), 'SIGHUP');
        }

        wanted[1].push(`While nginx reloads, from Alice, ${n}.`);
        await send(alice, wanted[1].at(-1));
        wanted[0].push(`While nginx reloads, from Bob, ${n}.`);
        await send(bob, wanted[0].at(-1));
    }

    // both readers have been sent home and have come back

    await alice.waitForFunction((count) => [...document.querySelectorAll(
        '#requests code')].filter(({ textContent }) => /envelopes\?after=/
        .test(textContent)).length >= count, counted + 2);
    await alice.waitForSelector('#state.connected');
    await bob.waitForSelector('#state.connected');

    wanted[1].push('While nginx reloads, one more.');
    await send(alice, wanted[1].at(-1));
    await waitForCount(alice, '.received', wanted[0].length);
    await waitForCount(bob, '.received', wanted[1].length);

    assert.deepEqual(await received(alice), wanted[0]);
    assert.deepEqual(await received(bob), wanted[1]);

    complained(/ERR_|WebSocket|409|503/);
});

test('the operator sees neither names nor texts', async () => {
    for (const page of [alice, bob]) {
        const seen = await page.evaluate(() => {
            for (const row of document.querySelectorAll('#requests details')) {
                row.open = true;
            }

            return document.querySelector('#requests').innerText
                + document.querySelector('#held').innerText;
        });

        for (const secret of [ALICE, BOB, 'Mallory', ...texts]) {
            assert.ok(!seen.includes(secret), secret);
        }

        assert.match(seen, /POST \/v1\/envelopes/);
        assert.match(seen, /certificate [\w-]{22}\s+to mailbox [\w-]{22}/);
        assert.match(seen, /sealed-certificate: :Ag/);
        assert.match(seen, /mailboxes\s+2/);

        const search = await page.locator('#search li').allTextContents();

        assert.ok(search.length >= 4);
        assert.ok(search.every((text) => text.endsWith('found 0 times')),
            search.join('\n'));

        // it would be found if it were there

        await page.evaluate(async () => {
            const { lookFor } = await import('/view/operator.mjs');

            lookFor('/v1/envelopes');
        });
        assert.match(await page.locator('#search .bad').textContent(),
            /“\/v1\/envelopes” found [1-9]\d* times/);

        await page.evaluate(() => {
            for (const row of document.querySelectorAll('#requests details')) {
                row.open = false;
            }
        });
    }

    await alice.screenshot({ path: `${screenshots}/alice.png` });
    await bob.screenshot({ path: `${screenshots}/bob.png` });
});

test('a gateway that cannot be reached', async () => {
    await alice.route('**/v1/envelopes', (route) => route.abort());
    await alice.fill('#text', 'Still here?');
    await alice.click('#send');
    await waitForAlert(alice, 'The gateway cannot be reached.');
    assert.equal(await alice.inputValue('#text'), 'Still here?',
        'what was written is not lost');
    await alice.unroute('**/v1/envelopes');
    await alice.click('#send');
    await bob.locator('.received .text').filter({ hasText: 'Still here?' })
        .waitFor();
    complained(/ERR_FAILED/);
});

test('back on the network, a new connection', async () => {
    const readings = (page) => page.locator('#requests code').filter({
        hasText: /envelopes\?after=/,
    });

    for (const page of [alice, bob]) {
        const before = await readings(page).count();

        await page.evaluate(() => dispatchEvent(new Event('online')));
        await readings(page).nth(before).waitFor();
        await page.waitForSelector('#state.connected');
    }

    await send(alice, 'While nginx reloads, on another network');
    await bob.locator('.received .text').filter({ hasText: 'other network' })
        .waitFor();
    complained(/ERR_|WebSocket/);
});

test('a network that has lost a WebSocket and told nobody', async () => {
    const text = 'While nginx reloads, nobody hears it';
    const readings = bob.locator('#requests code').filter({
        hasText: /envelopes\?after=/,
    });
    const before = await readings.count();

    // a connection on which nothing comes, and silence at once when it is
    // asked for

    await bob.evaluate(() => {
        const { WebSocket: Real, setTimeout: later } = window;

        window.WebSocket = class extends Real {
            constructor(...how) {
                super(...how);
                window.WebSocket = Real;
            }

            set onmessage(listener) {
                super.onmessage = () => {};
            }
        };
        window.setTimeout = (work, time) => {
            if (time !== 90000) {
                return later(work, time);
            }

            window.silence = () => {
                window.setTimeout = later;
                work();
            };

            return 0;
        };

        dispatchEvent(new Event('online'));
    });
    await readings.nth(before).waitFor();
    await bob.waitForSelector('#state.connected');
    await send(alice, text);
    assert.ok(!(await received(bob)).includes(text));

    await bob.evaluate(() => window.silence());
    await bob.locator('.received .text').filter({ hasText: text }).waitFor();
    await readings.nth(before + 1).waitFor();
    await bob.waitForSelector('#state.connected');
    complained(/ERR_|WebSocket/);
});

test('narrow, for a telephone', async () => {
    await bob.setViewportSize({ width: 390, height: 844 });

    const [wide, room] = await bob.evaluate(() => [
        document.documentElement.scrollWidth, window.innerWidth]);

    assert.ok(wide <= room, `${wide} > ${room}`);
    await bob.screenshot({ path: `${screenshots}/narrow.png` });
});

test('somebody whose window was closed', async () => {
    const page = await newPage();

    await page.evaluate(async () => {
        const names = await import('/names.mjs');

        await names.publish({
            identity: await names.certifiedIdentity('Mallory',
                new Uint8Array(32)),
            mailbox: new Uint8Array(16), keyid: 'A'.repeat(22),
        });
    });
    await alice.getByLabel('Mallory').waitFor();
    await page.close();
    await alice.getByLabel('Mallory').waitFor({ state: 'detached' });
    complained();
});

test('leaving takes the mailbox along', async () => {
    await bob.click('#leave');
    await alice.waitForSelector('#nobody:not([hidden])');
    await alice.click('#leave');
    await alice.waitForSelector('#join:not([hidden])');
    await mailboxes(alice, 0);
    complained();
});

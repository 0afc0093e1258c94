// The npm package http-message-signatures signs, the gateway verifies.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    certified, discover, envelope, fanout, items, mailbox, sequence,
} from './gateway.mjs';
import { call } from './signed.mjs';

const octets = async (response) => Buffer.from(await response.arrayBuffer());

const openMailbox = async (box) => call(await certified(1), 'PUT', box.path,
    { headers: { 'sealed-mailbox-key': sequence(box.octets) } });

test('discovery', async () => {
    const document = await discover();

    assert.equal(document.version, 1);
    assert.equal(document.prefix, '/v1');
    assert.ok(document.envelope_sizes.includes(512));
});

test('open, send, read, acknowledge, close', async () => {
    const box = await mailbox();
    const sender = await certified(2);
    const body = envelope(512);

    assert.equal((await openMailbox(box)).status, 201);

    const sent = await call(sender, 'POST', `${box.path}/envelopes`, {
        body, headers: {
            'content-type': 'application/octet-stream', ttl: '3600',
        },
    });

    assert.equal(sent.status, 201);

    const status = await call(box, 'GET', box.path);

    assert.equal(status.status, 200);
    assert.equal((await status.json()).envelopes, 1);

    const read = await call(box, 'GET',
        `${box.path}/envelopes?after=0&limit=10`);

    assert.equal(read.status, 200);

    const [item, ...more] = items(await octets(read));

    assert.equal(more.length, 0);
    assert.equal(item.seq, 1);
    assert.equal(item.header.length, 0);
    assert.deepEqual(item.body, body);
    assert.equal(item.stamp, null);

    const acknowledged = await call(box, 'DELETE',
        `${box.path}/envelopes?through=1`);

    assert.equal(acknowledged.status, 204);
    assert.equal((await call(box, 'GET', `${box.path}/envelopes`)).status,
        204);
    assert.equal((await call(box, 'DELETE', box.path)).status, 204);
});

test('fan-out to two mailboxes', async () => {
    const boxes = [await mailbox(), await mailbox()];
    const sender = await certified(2);
    const headers = [envelope(48), envelope(48)];
    const body = envelope(1024);

    for (const box of boxes) {
        assert.equal((await openMailbox(box)).status, 201);
    }

    const sent = await call(sender, 'POST', '/v1/envelopes', {
        body: fanout(boxes.map((box) => box.id), headers, body),
        headers: {
            'content-type': 'application/vnd.sealed-sender.fanout+cbor',
        },
    });

    assert.equal(sent.status, 200);
    assert.deepEqual(await sent.json(), { accepted: 2, refused: [] });

    for (const [i, box] of boxes.entries()) {
        const read = await call(box, 'GET', `${box.path}/envelopes`);
        const [item] = items(await octets(read));

        assert.deepEqual(item.header, headers[i]);
        assert.deepEqual(item.body, body);
        assert.equal((await call(box, 'DELETE', box.path)).status, 204);
    }
});

test('another key is refused', async () => {
    const box = await mailbox();

    assert.equal((await openMailbox(box)).status, 201);

    const refused = await call(box, 'GET', box.path,
        { key: Buffer.alloc(32, 1) });

    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('www-authenticate'), 'SealedSender');
    assert.equal((await call(box, 'DELETE', box.path)).status, 204);
});

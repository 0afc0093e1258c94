// What the page's modules do beside the protocol's vectors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const top = new URL('../../', import.meta.url);
const load = (name) => import(new URL(`conf/page/${name}.mjs`, top));

const { eventParser } = await load('protocol/event_stream');
const { decodeItem } = await load('protocol/item');
const { textMessage, textOf } = await load('protocol/message');
const { decode, encode } = await load('protocol/cbor');
const { base64, fromBase64, hex, integer, utf8 } = await load(
    'protocol/octets');
const { Problem, inWords } = await load('protocol/problem');
const { found, madeBy, octetsOf, recipients } = await load('operator');
const { fanout } = await load('protocol/fanout');

const { groups: { items } } = JSON.parse(readFileSync(
    new URL('t/vectors/protocol.json', top)));

test('an event stream, cut anywhere', () => {
    const text = `: heartbeat\n\n${items.event.trimEnd()}\n\nretry: 1200\n\n`;

    for (let at = 0; at <= text.length; at++) {
        const events = [];
        const parse = eventParser((event) => events.push(event));

        parse(text.slice(0, at));
        parse(text.slice(at));

        const [heartbeat, { id, data }, { retry }, ...more] = events;

        assert.deepEqual(heartbeat, {});
        assert.equal(id, '1');
        assert.equal(decodeItem(fromBase64(data)).seq, 1);
        assert.equal(retry, '1200');
        assert.equal(more.length, 0);
    }
});

test('texts, as the command writes them', async () => {
    const message = await textMessage('Grüße ✓');

    assert.equal(await textOf(message), 'Grüße ✓');

    const parts = decode(message);
    const changed = (at, value) => encode(parts.map((part, i) =>
        i === at ? value : part));

    for (const [at, value] of [[0, 2], [2, 'a.txt'], [3, 1], [4, 99],
        [5, new Uint8Array(32)], [6, utf8('x')]]) {
        await assert.rejects(textOf(changed(at, value)), undefined, `${at}`);
    }
});

test('octets', () => {
    assert.equal(hex(integer(2n ** 64n - 1n, 8)), 'ff'.repeat(8));
    assert.equal(base64(integer(256, 2)), 'AQA=');
});

test('the operator finds what is there', () => {
    const entry = {
        method: 'POST', target: '/v1/envelopes', body: utf8('xx secret yy'),
        headers: { sealed: `:${base64(utf8('hidden in base64'))}:` },
    };
    const delivery = {
        mailbox: new Uint8Array(16),
        item: { header: utf8('header'), body: utf8('body') },
    };

    for (const [term, times] of [['secret', 1], ['/v1/envelopes', 1],
        ['hidden in', 1], ['secrets', 0], ['header', 1], ['body', 1]]) {
        assert.equal(found([entry, delivery].map(octetsOf), term), times,
            term);
    }
});

test('the operator knows under which name', () => {
    const input = 'sealed=("@method");created=1;keyid="abc";tag="x"';

    assert.deepEqual(madeBy({ headers: { 'signature-input': input } }),
        { kind: 'mailbox', id: 'abc' });
    assert.deepEqual(madeBy({
        headers: { 'signature-input': input, 'sealed-certificate': ':AA==:' },
    }), { kind: 'certificate', id: 'abc' });
    assert.deepEqual(madeBy({
        headers: { authorization: `Basic ${base64(utf8('guest:word'))}` },
    }), { kind: 'account', id: 'guest' });
    assert.deepEqual(madeBy({ headers: {} }),
        { kind: 'ticket', id: 'single use' });

    const ids = [new Uint8Array(16), new Uint8Array(16).fill(255)];

    assert.deepEqual(recipients({
        target: '/v1/envelopes', body: fanout(ids, [], new Uint8Array(512)),
    }), ['A'.repeat(22), `${'_'.repeat(21)}w`]);
});

test('errors in words', () => {
    assert.match(inWords(new Problem(507)), /mailbox is full/);
    assert.match(inWords(new Problem(599)), /failed \(status 599\)/);
    assert.match(inWords(new TypeError('fetch failed')), /be reached/);
    assert.ok(new Problem(503).passes);
    assert.ok(!new Problem(401).passes);
});

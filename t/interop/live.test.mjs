// The npm packages eventsource and ws, and Node's own fetch and http2, as
// readers.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, test } from 'node:test';

import {
    certified, contentDigest, envelope, hmac, items, load, mailbox, origin,
    sequence,
} from './gateway.mjs';

const { EventSource } = load('eventsource');
const WebSocket = load('ws');

const wsOrigin = origin.replace('http', 'ws');

// the profile's signature by hand: what a page would write

const signed = (actor, method, target, { headers = {}, body } = {}) => {
    const [path, query] = target.split(/(?=\?)/);
    const all = { ...headers };

    if (actor.certificate) {
        all['sealed-certificate'] = sequence(actor.certificate);
    }

    if (body) {
        all['content-digest'] = contentDigest(body);
    }

    const names = ['content-digest', 'sealed-certificate', 'ttl',
        'sealed-delivery', 'sealed-mailbox-key'].filter((name) => name in all);
    const covered = ['@method', '@path', '@query', ...names]
        .map((name) => `"${name}"`).join(' ');
    const params = `(${covered});created=${Math.floor(Date.now() / 1000)}`
        + `;nonce="${actor.nonce++}";keyid="${actor.keyid}"`
        + ';tag="sealed-sender"';
    const base = [`"@method": ${method}`, `"@path": ${path}`,
        `"@query": ${query ?? '?'}`,
        ...names.map((name) => `"${name}": ${all[name]}`),
        `"@signature-params": ${params}`].join('\n');

    all['signature-input'] = `sealed=${params}`;
    all.signature = `sealed=${sequence(hmac(actor.key, base))}`;

    return all;
};

const call = (actor, method, target, options = {}) => fetch(
    `${origin}${target}`, {
        method, body: options.body,
        headers: signed(actor, method, target, options),
    });

const boxes = [];

after(async () => {
    for (const box of boxes) {
        const response = await call(box, 'DELETE', box.path);

        assert.equal(response.status, 204);
    }
});

const opened = async () => {
    const box = await mailbox();
    const response = await call(await certified(1), 'PUT', box.path,
        { headers: { 'sealed-mailbox-key': sequence(box.octets) } });

    assert.equal(response.status, 201);
    boxes.push(box);

    return box;
};

const send = async (sender, box, body, headers) => {
    const response = await call(sender, 'POST', `${box.path}/envelopes`,
        { body, headers });

    assert.equal(response.status, 201);
};

const ticket = async (box) => {
    const response = await call(box, 'POST', `${box.path}/tickets`);

    assert.equal(response.status, 200);

    const { ticket: text, expires_in: seconds } = await response.json();

    assert.equal(seconds, 60);

    return text;
};

const next = (emitter, name) => new Promise((resolve, reject) => {
    emitter.addEventListener(name, resolve, { once: true });
    setTimeout(() => reject(new Error(`no "${name}"`)), 60000).unref();
});

const decode = (text) => items(Buffer.from(text, 'base64'))[0];

test('eventsource with a ticket', async () => {
    const box = await opened();
    const sender = await certified(2);
    const first = envelope(512);

    await send(sender, box, first);

    const used = await ticket(box);
    const url = `${origin}${box.path}/envelopes?after=0&ticket=${used}`;
    const source = new EventSource(url);
    const event = await next(source, 'message');

    assert.equal(event.lastEventId, '1');
    assert.deepEqual(decode(event.data).body, first);

    const second = envelope(1024);
    const coming = next(source, 'message');

    await send(sender, box, second);
    assert.deepEqual(decode((await coming).data).body, second);
    source.close();

    // used already: EventSource comes back with it and is told so

    const again = new EventSource(url);
    const error = await next(again, 'error');

    assert.equal(error.code, 401);
    assert.equal(again.readyState, again.CLOSED);
});

test('eventsource that signs each request, and comes back by itself',
    async () => {
        const box = await opened();
        const sender = await certified(2);
        const target = `${box.path}/envelopes`;
        let requests = 0;
        let abort;

        const source = new EventSource(`${origin}${target}`, {
            fetch: (url, init) => {
                const controller = new AbortController();

                requests++;
                abort = () => controller.abort(new TypeError('cut'));

                return fetch(url, {
                    ...init,
                    signal: AbortSignal.any([init.signal, controller.signal]),
                    headers: {
                        ...init.headers, ...signed(box, 'GET', target),
                    },
                });
            },
        });

        await next(source, 'open');

        const got = [];
        let wake = () => {};

        source.addEventListener('message', (event) => {
            got.push(Number(event.lastEventId));
            wake();
        });

        const until = (count) => new Promise((resolve) => {
            wake = () => got.length >= count && resolve();
            wake();
        });

        await send(sender, box, envelope(512));
        await until(1);
        abort();
        await send(sender, box, envelope(512));
        await until(2);
        source.close();

        assert.deepEqual(got, [1, 2]);
        assert.equal(requests, 2);
    });

test('ws with a signature: items, acknowledgements, pings', async () => {
    const box = await opened();
    const sender = await certified(2);
    const bodies = [512, 1024, 4096, 65536].map(envelope);
    const target = `${box.path}/envelopes?after=0`;

    await send(sender, box, bodies[0]);

    const socket = new WebSocket(`${wsOrigin}${target}`,
        { headers: signed(box, 'GET', target) });
    const got = [];
    const all = new Promise((resolve) => {
        socket.on('message', (data, binary) => {
            assert.ok(binary);

            const [item] = items(data);

            got.push(item.body);
            assert.equal(item.seq, got.length);
            socket.send(Buffer.from([item.seq]));

            if (got.length === bodies.length) {
                resolve();
            }
        });
    });

    await next(socket, 'open');
    assert.equal(socket.extensions, '', 'nothing is compressed');

    for (const body of bodies.slice(1)) {
        await send(sender, box, body);
    }

    await all;
    assert.deepEqual(got, bodies);

    const pong = new Promise((resolve) => { socket.once('pong', resolve); });

    socket.ping('are you there');
    assert.equal((await pong).toString(), 'are you there');

    // answered in order: what was acknowledged before is gone

    const status = await (await call(box, 'GET', box.path)).json();

    assert.equal(status.envelopes, 0);

    const closed = next(socket, 'close');

    socket.close(1000, 'bye');
    assert.equal((await closed).code, 1000);
});

test('ws with a ticket, which is void afterwards', async () => {
    const box = await opened();
    const url = `${wsOrigin}${box.path}/envelopes?ticket=${await ticket(box)}`;
    const socket = new WebSocket(url);

    await next(socket, 'open');
    socket.close();
    await next(socket, 'close');

    const again = new WebSocket(url);

    assert.match((await next(again, 'error')).message, /401/);
});

test('ws that sends nonsense', async () => {
    const box = await opened();

    for (const [code, data] of [[1003, 'text'], [1009, Buffer.alloc(100)],
        [1008, Buffer.from([1])], [1008, Buffer.from([0xff])]])
    {
        const target = `${box.path}/envelopes`;
        const socket = new WebSocket(`${wsOrigin}${target}`,
            { headers: signed(box, 'GET', target) });

        await next(socket, 'open');
        socket.send(data);
        assert.equal((await next(socket, 'close')).code, code);
    }
});

test('ws in fragments', async () => {
    const box = await opened();
    const sender = await certified(2);
    const target = `${box.path}/envelopes`;

    for (let n = 0; n < 3; n++) {
        await send(sender, box, envelope(512));
    }

    const socket = new WebSocket(`${wsOrigin}${target}`,
        { headers: signed(box, 'GET', target) });

    await next(socket, 'open');
    socket.send(Buffer.from([0x18]), { fin: false });
    socket.ping();
    socket.send(Buffer.alloc(0), { fin: false });

    const closed = next(socket, 'close');

    socket.send(Buffer.from([0x18]), { fin: true });
    assert.equal((await closed).code, 1008, '24 has not been sent');
});

test('fetch as an event stream', async () => {
    const box = await opened();
    const sender = await certified(2);
    const target = `${box.path}/envelopes`;
    const controller = new AbortController();
    const response = await fetch(`${origin}${target}`, {
        signal: controller.signal,
        headers: { accept: 'text/event-stream', ...signed(box, 'GET', target) },
    });

    assert.equal(response.headers.get('content-type'), 'text/event-stream');

    const body = envelope(512);

    await send(sender, box, body);

    let text = '';

    for await (const piece of response.body) {
        text += Buffer.from(piece).toString();

        if (text.includes('\n\n')) {
            break;
        }
    }

    const [, id, data] = text.match(/^id: (\d+)\ndata: (\S+)\n\n/m);

    assert.equal(id, '1');
    assert.deepEqual(decode(data).body, body);
    controller.abort();
});

test('HTTP/2: several readers on one connection, up to a limit',
    async () => {
        const session = http2.connect(
            origin.replace(/\d+$/, process.env.SEALED_PORT_HTTP2));
        const sender = await certified(2);
        const own = [];

        for (let n = 0; n < 5; n++) {
            own.push(await opened());
        }

        const open = (box) => {
            const target = `${box.path}/envelopes`;
            const stream = session.request({
                ':path': target, accept: 'text/event-stream',
                ...signed(box, 'GET', target),
            });

            return new Promise((resolve) => {
                stream.on('response', (headers) => resolve({
                    stream, status: headers[':status'],
                }));
            });
        };

        const readers = [];

        for (const box of own.slice(0, 4)) {
            readers.push(await open(box));
        }

        assert.deepEqual(readers.map(({ status }) => status),
            [200, 200, 200, 200]);
        assert.equal((await open(own[4])).status, 429);

        const texts = readers.map(({ stream }) => new Promise((resolve) => {
            let text = '';

            stream.on('data', (piece) => {
                text += piece;

                if (/\n\n$/.test(text)) {
                    resolve(text);
                }
            });
        }));

        for (const box of own.slice(0, 4)) {
            await send(sender, box, envelope(65536));
        }

        for (const text of await Promise.all(texts)) {
            assert.match(text, /^id: 1\ndata: /);
        }

        // one ends, another may come

        readers[0].stream.close();

        for (let n = 0; ; n++) {
            const { status } = await open(own[4]);

            if (status === 200) {
                break;
            }

            assert.ok(n < 100);
        }

        session.destroy();
    });

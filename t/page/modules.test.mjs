// What the page's modules do beside the protocol's vectors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mock, test } from 'node:test';

const top = new URL('../../', import.meta.url);
const load = (name) => import(new URL(`conf/page/${name}.mjs`, top));

const { eventParser, readEventStream } = await load('protocol/event_stream');
const { decodeItem } = await load('protocol/item');
const { readWebSocket } = await load('protocol/websocket');
const { aroundContent, decodePiece, encodePiece } = await load(
    'protocol/message');
const { LARGEST, expired, place, wholeId } = await load('inbox');
const { Mail } = await load('mail');
const { sha256 } = await load('protocol/keys');
const {
    fileName, inShort, keyMark, mixedAlphabets, plainName, plainText,
    sizeInWords,
} = await load('view/plain');
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

test('an event stream that says nothing, not even that it is alive',
    async () => {
        let cancelled = false;
        let asked;
        const open = new Promise((resolve) => {
            asked = resolve;
        });
        const body = new ReadableStream({
            start: (controller) => controller.enqueue(utf8(': heartbeat\n\n')),
            cancel: () => {
                cancelled = true;
            },
        });

        mock.timers.enable({ apis: ['setTimeout'] });

        const reading = readEventStream({
            call: async () => ({ body }), origins: {},
        }, { path: '' }, { after: 0, onOpen: asked });

        await open;

        const failed = assert.rejects(reading, /silence/);

        while (!cancelled) {
            await new Promise(setImmediate);
            mock.timers.tick(120000);
        }

        await failed;
        mock.timers.reset();
    });

// a WebSocket that says nothing, and what the gateway knows when it is asked

const silent = async (answer, meanwhile = () => {}) => {
    const sockets = [], delivered = [];
    let asked = 0;

    globalThis.WebSocket = class {
        static OPEN = 1;

        constructor() {
            this.readyState = 1;
            this.sent = [];
            sockets.push(this);
        }

        send(data) {
            this.sent.push(data);
        }

        close() {
            this.readyState = 3;
            this.onclose?.({ code: 1000 });
        }
    };

    mock.timers.enable({ apis: ['setTimeout'] });

    const reading = readWebSocket({
        ticket: async () => 'ticket',
        observe: () => {},
        origins: { read: 'http://gateway' },
        lookAt: async () => {
            asked += 1;
            return answer(asked);
        },
    }, { path: '' }, {
        after: 6, onOpen: () => {}, signal: new AbortController().signal,
        deliver: async ({ seq }) => delivered.push(seq),
    });
    let ended = false;
    const end = reading.then((value) => ({ value }), (error) => ({ error }))
        .finally(() => {
            ended = true;
        });

    while (sockets.length === 0) {
        await new Promise(setImmediate);
    }

    await meanwhile(sockets[0]);

    for (let n = 0; n < 10 && !ended; n++) {
        mock.timers.tick(90000);
        await new Promise(setImmediate);
        await new Promise(setImmediate);
    }

    if (!ended) {
        sockets[0].close();
    }

    const result = await end;
    const counted = asked;

    // nothing is left that asks

    mock.timers.tick(900000);
    await new Promise(setImmediate);
    assert.equal(asked, counted);
    assert.equal(sockets[0].readyState, 3);
    mock.timers.reset();
    delete globalThis.WebSocket;

    return { ...result, asked, delivered, sent: sockets[0].sent };
};

test('a WebSocket that says nothing while there is nothing', async () => {
    for (const answer of [
        { envelopes: 0, next: 7 }, { envelopes: 1, next: 7 },

        // what has come before it was there has expired

        { envelopes: 0, next: 12 },
    ]) {
        const { asked, error } = await silent(() => answer);

        assert.equal(error, undefined);
        assert.ok(asked >= 5, `${asked}`);
    }
});

test('a WebSocket that the network has lost', async () => {
    for (const answer of [
        (n) => ({ envelopes: 1, next: n < 3 ? 7 : 8 }),
        (n) => {
            if (n === 3) {
                throw new TypeError('network');
            }

            return { envelopes: 0, next: 7 };
        },
    ]) {
        const { asked, error, value } = await silent(answer);

        assert.equal(error, undefined);
        assert.equal(value, undefined, 'it comes back at once');
        assert.equal(asked, 3);
    }
});

test('a WebSocket that says nothing because the mailbox has ended',
    async () => {
        const { asked, error } = await silent(() => {
            throw new Problem(401);
        });

        assert.equal(error.status, 401);
        assert.equal(asked, 1);
    });

test('a gateway that is busy is there', async () => {
    const { asked, error } = await silent(() => {
        throw new Problem(503);
    });

    assert.equal(error, undefined);
    assert.ok(asked >= 5, `${asked}`);
});

test('what has come meanwhile has come', async () => {
    const item = encode([7, 0, utf8(''), utf8(''), null]);
    const { asked, delivered, error, sent } = await silent(
        () => ({ envelopes: 1, next: 8 }),
        (socket) => socket.onmessage({ data: item.slice().buffer }));

    assert.equal(error, undefined);
    assert.deepEqual(delivered, [7]);
    assert.equal(sent.length, 1);
    assert.ok(asked >= 5, `${asked}`);
});

test('pieces, as the command writes them', () => {
    const piece = {
        id: new Uint8Array(16).fill(1), name: 'Grüße.txt', offset: 3,
        total: 8, digest: new Uint8Array(32).fill(2), content: utf8('Grü'),
    };
    const message = encodePiece(piece);
    const parts = decode(message);
    const changed = (at, value) => encode(parts.map((part, i) =>
        i === at ? value : part));

    assert.deepEqual(decodePiece(message), piece);
    assert.deepEqual(decodePiece(changed(2, null)), { ...piece, name: null });
    assert.equal(decodePiece(encode([1, piece.id, null, 0, 0, piece.digest,
        utf8('')])).total, 0);
    assert.ok(message.length <= aroundContent(piece.name, 8) + 4);

    for (const [at, value] of [[0, 2], [1, utf8('short')], [1, 'text'],
        [2, ''], [2, 'ü'.repeat(128)], [2, 7], [3, 9], [3, 'x'], [3, null],
        [4, 5], [4, utf8('x')], [5, new Uint8Array(31)], [5, null],
        [6, utf8('')], [6, null], [6, 'Grü'], [6, utf8('too long')]]) {
        assert.throws(() => decodePiece(changed(at, value)),
            /made by a program/, `${at}`);
    }

    for (const bad of [new Uint8Array(0), encode(parts.slice(1)),
        encode([...parts, 0]), encode(utf8('x')), message.subarray(1)]) {
        assert.throws(() => decodePiece(bad), /made by a program/);
    }
});

// wholes of one sender or several, in a list as it is kept

const about = (id, total, sender = 'a') => ({ id, total, sender });
const placed = (open, whole, offset, size, now = 0) => place(open, whole,
    { offset, size }, now);

test('pieces in any order, each once or often', () => {
    const size = 10, count = 6;
    const whole = about('w', size * count - 3);
    const offsets = Array.from({ length: count }, (_, i) => i * size);

    for (let seed = 1; seed < 200; seed++) {
        const order = [...offsets, ...offsets].sort((one, other) =>
            (one * seed * 7919 + seed) % 101 - (other * seed * 7919) % 101);
        const come = new Set();
        let open = [];
        let done = false;

        for (const offset of order) {
            if (!done) {
                const result = placed(open, whole, offset, Math.min(size,
                    whole.total - offset));

                assert.equal(result.again, come.has(offset));
                come.add(offset);
                done = result.whole;
                assert.equal(done, come.size === count);
                ({ open } = result);
            }
        }

        assert.ok(done);
        assert.deepEqual(open, []);
    }
});

test('pieces of nothing, and of all of it', () => {
    assert.ok(placed([], about('w', 0), 0, 0).whole);
    assert.ok(placed([], about('w', LARGEST), 0, LARGEST).whole);
    assert.ok(!placed([], about('w', 2), 0, 1).whole);
});

test('pieces that are not taken', () => {
    const { open } = placed([], about('w', 100), 10, 10);

    for (const [offset, size] of [[5, 10], [15, 10], [5, 20], [0, 100],
        [9, 2]]) {
        assert.throws(() => placed(open, about('w', 100), offset, size),
            /do not fit together/, `${offset}`);
    }

    assert.ok(placed(open, about('w', 100), 12, 3).again);
    assert.throws(() => placed([], about('w', LARGEST + 1), 0, 1),
        /longer than 16 MiB/);

    // pieces of one octet

    let many = [];

    for (let at = 0; at < 4096; at++) {
        many = placed(many, about('w', 10000), at, 1).open;
    }

    assert.throws(() => placed(many, about('w', 10000), 4096, 1),
        /too many pieces/);
});

test('who sends much at once makes room himself', () => {
    let open = [];

    for (const id of ['1', '2', '3']) {
        const result = placed(open, about(id, 9), 0, 1);

        ({ open } = result);
        assert.deepEqual(result.dropped.map((one) => one.id),
            id === '3' ? ['1'] : []);
    }

    for (const sender of ['b', 'c', 'd']) {
        for (const n of [1, 2]) {
            ({ open } = placed(open, about(sender + n, 9, sender), 0, 1));
        }
    }

    assert.equal(open.length, 8);
    assert.throws(() => placed(open, about('e1', 9, 'e'), 0, 1),
        /too much at once/);

    // those that are there go on, and make room

    assert.equal(placed(open, about('d2', 9, 'd'), 1, 1).open.length, 8);
    assert.equal(placed(open, about('d3', 9, 'd'), 0, 1).open.length, 8);
});

test('pieces that nobody waits for any longer', () => {
    const { open } = placed([], about('w', 9), 0, 1, 1000);

    assert.deepEqual(expired(open, 1000 + 86400000), []);
    assert.deepEqual(expired(open, 1001 + 86400000), open);
});

// what a tab keeps, without a browser

const memory = () => {
    const parts = new Map();

    return {
        parts,
        read: async (path) => parts.get(path),
        write: async (values, removed = []) => {
            for (const path of [...parts.keys()]) {
                if (removed.some((gone) => `${path} `.startsWith(`${gone} `)))
                {
                    parts.delete(path);
                }
            }

            Object.entries(values).forEach(([path, value]) =>
                parts.set(path, value));
        },
    };
};

const who = { name: 'Alice', here: true, key: new Uint8Array(32) };
let wholes = 0;

const pieceOf = async (name, content, offset = 0, size = content.length) => ({
    id: integer(++wholes, 16), name, offset, total: content.length,
    digest: await sha256(content),
    content: content.subarray(offset, offset + size),
});

test('a conversation is bounded', async () => {
    const kept = memory();
    const mail = new Mail(kept, () => {});
    const said = () => mail.state.entries.map(({ text, file, note }) =>
        note ?? text ?? file.name);

    for (let i = 0; i < 250; i++) {
        await mail.take(who, await pieceOf(null, utf8(`${i}`)), i);
    }

    assert.equal(said().length, 200);
    assert.deepEqual([said()[0], said().at(-1), mail.after],
        ['50', '249', 249]);

    // long texts, those before them go

    for (let i = 0; i < 15; i++) {
        await mail.take(who, await pieceOf(null, utf8('x'.repeat(99999))));
    }

    assert.equal(said().length, 10);

    // files, of five the first is not kept any more

    for (let i = 0; i < 5; i++) {
        await mail.take(who, await pieceOf(`${i}`,
            new Uint8Array(15 * 1024 * 1024)));
    }

    const files = mail.state.entries.filter(({ file }) => file)
        .map(({ file }) => file);

    assert.deepEqual(files.map(({ id }) => id !== undefined),
        [false, true, true, true, true]);
    assert.equal((await mail.content(files[4])).length, 15 * 1024 * 1024);
    assert.equal([...kept.parts.keys()].filter((path) =>
        path.startsWith('file ')).length, 4);
});

test('files that were sent, as long as there is room', async () => {
    const kept = memory();
    const mail = new Mail(kept, () => {});
    const { write } = kept;
    const own = (name, size) => mail.add({
        kind: 'own', name: 'Bob', file: { name, size },
    }, { content: new Uint8Array(size).fill(size), removed: ['outgoing'] });
    const paths = () => [...kept.parts.keys()].filter((path) =>
        path.startsWith('file '));

    kept.parts.set('outgoing', 1);
    await own('a', 100);

    const [{ file }] = mail.state.entries;

    assert.deepEqual(await mail.content(file), new Uint8Array(100).fill(100));
    assert.ok(!kept.parts.has('outgoing'));

    // it was sent all the same

    kept.parts.set('outgoing', 1);
    kept.write = async (values, ...more) => {
        if (Object.keys(values).some((path) => path.startsWith('file '))) {
            throw new DOMException('full', 'QuotaExceededError');
        }

        await write(values, ...more);
    };
    await own('b', 50);
    assert.deepEqual(mail.state.entries.at(-1).file, { name: 'b', size: 50 });
    assert.ok(!kept.parts.has('outgoing'));
    kept.write = write;

    // five, of which there is room for four

    for (let i = 0; i < 4; i++) {
        await own(`${i}`, 16 * 1024 * 1024);
    }

    assert.equal(mail.state.entries[0].file.id, undefined);
    assert.equal(paths().length, 4);

    kept.write = async () => {
        throw new Error('broken');
    };
    await assert.rejects(own('c', 1), /broken/);
});

test('a browser without room, and one that fails', async () => {
    const kept = memory();
    const mail = new Mail(kept, () => {});
    const piece = await pieceOf('a', new Uint8Array(100), 0, 50);
    const { write } = kept;
    let failure = new DOMException('full', 'QuotaExceededError');

    kept.write = async (values, ...more) => {
        if (Object.keys(values).some((path) => path.startsWith('piece '))) {
            throw failure;
        }

        await write(values, ...more);
    };

    await mail.take(who, piece);
    assert.deepEqual(mail.state.entries.map(({ title, note }) =>
        [title, note]), [['a', 'this browser has no room for it']]);

    // what is left of it is passed over

    await mail.take(who, piece);
    assert.equal(mail.state.entries.length, 1);

    // that may pass: it comes again

    failure = new Error('broken');

    const other = await pieceOf('b', new Uint8Array(100), 0, 50);

    await assert.rejects(mail.take(who, other), /broken/);
    assert.equal(mail.state.entries.length, 1);
    assert.deepEqual(mail.state.open, []);
    kept.write = write;
    await mail.take(who, other);
    assert.equal(mail.state.open.length, 1);
});

test('a whole belongs to its sender', async () => {
    const piece = {
        id: new Uint8Array(16), name: null, total: 1,
        digest: new Uint8Array(32),
    };
    const ids = await Promise.all([
        [utf8('a'), piece], [utf8('b'), piece],
        [utf8('a'), { ...piece, name: 'x' }],
        [utf8('a'), { ...piece, total: 2 }],
        [utf8('a'), { ...piece, id: new Uint8Array(16).fill(1) }],
        [utf8('a'), { ...piece, digest: new Uint8Array(32).fill(1) }],
    ].map((parts) => wholeId(...parts)));

    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)));
});

test('names that mislead are shown as what they are', () => {
    for (const good of ['Alice Archer', 'Żółć', '山田', 'علی\u200cرضا',
        '👩‍👩‍👧‍👦 ❤️', 'e\u0301', 'O’Neil', '1️⃣']) {
        assert.equal(plainName(good), good);
    }

    for (const [name, shown] of [
        ['\u202eecilA', '�ecilA'], ['Alice\u200b', 'Alice�'],
        ['Al\u200dice', 'Al�ice'], ['Alice\ufe0f', 'Alice�'],
        ['Alice\u00ad', 'Alice�'], [' Alice', '�Alice'],
        ['Alice ', 'Alice�'], ['Alice  Archer', 'Alice �Archer'],
        ['Alice\u00a0Archer', 'Alice�Archer'], ['\u3164', '�'],
        ['Alice\n✓ verified', 'Alice�✓ verified'], ['\u0000', '�'],
        ['Alice\u2069', 'Alice�'], ['A\u{e0041}', 'A�'],
    ]) {
        assert.equal(plainName(name), shown);
    }

    const [one, other] = ['a', 'b'].map((end) => plainName('x'.repeat(200)
        + end));

    assert.equal([...one].length, 40);
    assert.notEqual(one, other);
});

test('names that mix alphabets', () => {
    for (const name of ['Alice Archer', 'Żółć', 'Иван Петров', '山田 Taro',
        'やまだカナー々', '김 Kim', 'Ὀδυσσεύς', 'ᎪᏞᎥᏟᎬ', 'O’Neil 7', '', '👩‍👩‍👧‍👦']) {
        assert.deepEqual(mixedAlphabets(name), [], name);
    }

    for (const [name, mixed] of [
        ['\u0410lice', ['Cyrillic', 'Latin']],
        ['Alice \u0410rcher', ['Latin', 'Cyrillic']],
        ['B\u03bfb', ['Latin', 'Greek']], ['\u13aalice', ['Cherokee', 'Latin']],
        ['\u0455\u4e00', ['Cyrillic', 'Han']], ['\u07caa', ['other', 'Latin']],
    ]) {
        assert.deepEqual(mixedAlphabets(name), mixed, name);
    }
});

test('texts that mislead', () => {
    for (const good of ['two\nlines\tand', 'עברית \u200fوعربي', '👩‍👩‍👧‍👦',
        'zero\u200bwidth', '  spaces  ']) {
        assert.equal(plainText(good), good);
    }

    assert.equal(plainText('a\u202eb\u2066c\u0007d\u2028e'), 'a�b�c�d�e');
    assert.equal(plainText('a\r\nb\rc'), 'a\nb\nc');
    assert.equal(plainText('\u{e0068}\u{e0069}'), '��');
    assert.equal(inShort(`a\nb ${'c'.repeat(500)}`).length, 80);
});

test('names of files', () => {
    for (const [name, safe] of [
        ['notes.txt', 'notes.txt'], ['Grüße 2.pdf', 'Grüße 2.pdf'],
        ['../../etc/passwd', 'passwd'], ['C:\\autoexec.bat', 'autoexec.bat'],
        ['.bashrc', '_bashrc'], ['-rf', '_rf'], ['~x', '_x'], ['..', '__'],
        ['a\u202egpj.exe', 'a_gpj.exe'], ['a\nb', 'a_b'], ['/', 'file'],
        ['a:b*c?"<d>|%e', 'a_b_c___d___e'], ['dots...', 'dots___'],
    ]) {
        assert.equal(fileName(name), safe);
    }

    const long = fileName(`${'x'.repeat(250)}.pdf`);

    assert.equal(long.length, 100);
    assert.match(long, /\.pdf$/);
});

test('sizes and keys', () => {
    assert.deepEqual([0, 1, 999, 300000, 2345678].map(sizeInWords),
        ['0 octets', '1 octet', '999 octets', '300 KB', '2.3 MB']);
    assert.equal(keyMark('0123456789abcdef00'), '0123 4567 89ab cdef');
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

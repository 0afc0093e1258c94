// The page's modules against the vectors of the protocol and of RFC 9497.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const top = new URL('../../', import.meta.url);
const load = (name) => import(new URL(`conf/page/${name}.mjs`, top));
const json = (name) => JSON.parse(readFileSync(new URL(`t/vectors/${name}`,
    top)));

const { groups } = json('protocol.json');
const octets = (text) => Uint8Array.from(Buffer.from(text, 'hex'));

const { concat, equal, fromBase64url, hex } = await load('protocol/octets');
const keys = await load('protocol/keys');
const cbor = await load('protocol/cbor');
const certificate = await load('protocol/certificate');
const envelope = await load('protocol/envelope');
const frank = await load('protocol/frank');
const identity = await load('protocol/identity');
const item = await load('protocol/item');
const signature = await load('protocol/signature');
const { fanout } = await load('protocol/fanout');
const { mailboxOf } = await load('protocol/mailbox');
const { ristretto255_oprf: oprf } = await load('lib/noble');

const same = (got, wanted) => assert.equal(hex(got), wanted);

const pair = async (secret, wanted) => {
    const key = await keys.agreementKeyFrom(octets(secret));

    same(key.octets, wanted);
    return key;
};

test('a signed certificate: secret, id, request key', async () => {
    const v = groups.signed_certificate;
    const subject = await pair(v.subject_private, v.subject_public);
    const secret = await keys.agree(subject, octets(v.exchange_public));
    const whole = octets(v.certificate);

    same(secret, v.secret);
    same(await keys.hkdf(secret, 'sealed-sender request key v1', whole),
        v.request_key);
    assert.ok(await keys.verify(octets(v.authority_public),
        whole.subarray(-64), concat('sealed-sender certificate v1', [0],
            whole.subarray(0, -64))));

    const holder = await certificate.holder(whole, whole.subarray(0, -64),
        secret);

    assert.equal(holder.keyid, v.keyid);
});

test('a blind certificate, from the issuer\'s answer', async () => {
    const v = groups.blind_certificate;
    const serial = await pair(v.serial_private, v.serial_public);
    const issuerKey = octets(v.issuer_public);
    const { tweakedKey } = oprf.poprf(octets(v.info)).blind(serial.octets,
        issuerKey);
    const drawn = {
        classNumber: v.class, epoch: v.epoch, drawn: [{
            serial, tweakedKey, blind: octets(v.blind),
            blinded: octets(v.request).subarray(2),
        }],
    };
    const answer = octets(v.response);
    const exchangeKey = octets(v.exchange_public);
    const [holder] = await certificate.finish(drawn, answer, exchangeKey);

    same(holder.certificate, v.certificate);
    assert.equal(holder.keyid, v.keyid);

    const key = await keys.hmacKey(octets(v.request_key));

    assert.deepEqual(await keys.hmac(holder.key, octets('00')),
        await keys.hmac(key, octets('00')));

    // an answer that was changed anywhere, of another length or class

    for (let at = 0; at < answer.length; at++) {
        const changed = answer.slice();

        changed[at] ^= 1;
        await assert.rejects(certificate.finish(drawn, changed, exchangeKey),
            undefined, `octet ${at}`);
    }

    await assert.rejects(certificate.finish(drawn, answer.subarray(1),
        exchangeKey));

    // an answer for another class

    const other = oprf.poprf(concat('sealed-sender v1', [2],
        octets('0007a120'))).blind(serial.octets, issuerKey).tweakedKey;

    await assert.rejects(certificate.finish({
        ...drawn, drawn: [{ ...drawn.drawn[0], tweakedKey: other }],
    }, answer, exchangeKey));
});

test('drawing: an issuer with one key, and one with another', async () => {
    const v = groups.blind_certificate;
    const exchangeKey = octets(v.exchange_public);
    const prepared = await certificate.prepare({
        classNumber: v.class, epoch: v.epoch, count: 3,
        issuerKey: octets(v.issuer_public),
    });

    assert.equal(prepared.request.length, 2 + 3 * 32);

    const answerOf = (secret) => {
        const { evaluated, proof } = oprf.poprf(octets(v.info))
            .blindEvaluateBatch(secret,
                prepared.drawn.map(({ blinded }) => blinded));

        return concat([0, 3], ...evaluated, [2], proof);
    };

    const own = answerOf(octets(v.issuer_private));
    const holders = await certificate.finish(prepared, own, exchangeKey);

    assert.equal(new Set(holders.map(({ keyid }) => keyid)).size, 3);

    const { secretKey } = oprf.poprf(octets(v.info)).generateKeyPair();

    await assert.rejects(certificate.finish(prepared, answerOf(secretKey),
        exchangeKey));
});

test('RFC 9497, ristretto255, partially oblivious', () => {
    const suite = json('rfc9497-ristretto255.json').find(
        ({ mode }) => mode === 2);
    const publicKey = octets(suite.pkSm);

    for (const v of suite.vectors) {
        const split = (text) => text.split(',').map(octets);
        const poprf = oprf.poprf(octets(v.Info));
        const [inputs, blinds, blinded, evaluated, outputs] = [v.Input,
            v.Blind, v.BlindedElement, v.EvaluationElement, v.Output]
            .map(split);
        const proof = octets(v.Proof.proof ?? v.Proof);
        const { tweakedKey } = poprf.blind(inputs[0], publicKey);

        assert.deepEqual(poprf.finalizeBatch(inputs.map((input, i) => ({
            input, blind: blinds[i], blinded: blinded[i],
            evaluated: evaluated[i],
        })), proof, tweakedKey).map(hex), outputs.map(hex));
    }
});

test('a mailbox: id and request key', async () => {
    const v = groups.mailbox;
    const owner = await pair(v.owner_private, v.owner_public);
    const exchangeKey = octets(v.exchange_public);
    const box = await mailboxOf(owner, exchangeKey);

    same(box.id, v.id);
    assert.equal(box.path, `/v1/mailboxes/${v.id_in_paths}`);
    same(await keys.agree(owner, exchangeKey), v.secret);
    assert.deepEqual(await keys.hmac(box.key, octets('00')),
        await keys.hmac(await keys.hmacKey(octets(v.request_key)),
            octets('00')));
});

test('signed requests', async () => {
    for (const v of groups.requests.list) {
        const given = Object.fromEntries(Object.entries(v.headers)
            .map(([name, value]) => [name.toLowerCase(), value]));
        const { 'sealed-certificate': shown, 'content-digest': digest,
            ...headers } = given;
        const [, created, nonce, keyid] = v.signature_input.match(
            /;created=(\d+);nonce="(\d+)";keyid="([^"]+)"/);
        const signer = {
            key: await keys.hmacKey(octets(v.request_key)), keyid,
            nonce: BigInt(nonce), certificate: shown
                ? Uint8Array.from(Buffer.from(shown.slice(1, -1), 'base64'))
                : null,
        };
        const all = await signature.signed(signer, {
            method: v.method, target: v.target, headers,
            body: octets(v.body ?? ''),
        }, Number(created));

        assert.equal(signature.signatureBase({
            method: v.method, target: v.target, headers: all,
            params: v.signature_input.replace(/^sealed=/, ''),
        }), v.signature_base);
        assert.equal(all['signature-input'], v.signature_input);
        assert.equal(all.signature, v.signature);
        assert.equal(all['content-digest'], digest);
        assert.equal(signer.nonce, BigInt(nonce) + 1n);
    }
});

test('a fan-out', () => {
    const v = groups.fanout;

    same(fanout(v.recipients.map(octets), v.headers.map(octets),
        octets(v.shared_body)), v.fanout);
});

test('an identity', async () => {
    const v = groups.sealed_envelope;
    const certified = cbor.decode(octets(v.identity_certificate));
    const authority = octets(v.identity_authority_public);

    assert.equal(await identity.verifiedName(authority, certified,
        1800000000), 'alice');
    await assert.rejects(identity.verifiedName(authority, certified,
        v.sender_not_after), /ended/);
    await assert.rejects(identity.verifiedName(authority,
        ['alicf', ...certified.slice(1)], 1800000000), /not certified/);
    await assert.rejects(identity.verifiedName(
        octets(groups.signed_certificate.authority_public), certified,
        1800000000), /not certified/);
});

test('a name certified here', async () => {
    const authority = await keys.signingKey();
    const { octets: key } = await keys.agreementKey();
    const made = await identity.certify(authority, 'bob', key, 1900000000);

    assert.equal(await identity.verifiedName(authority.octets, made,
        1800000000), 'bob');
});

test('a sealed envelope: written', async () => {
    const v = groups.sealed_envelope;
    const sender = await pair(v.sender_private, v.sender_public);
    const body = await envelope.sealBody(octets(v.m), {
        identity: cbor.decode(octets(v.identity_certificate)),
        kf: octets(v.kf), message: octets(v.message), sizes: [v.size, 1024],
    });

    same(body, v.body);

    for (const [i, recipient] of v.recipient_public.entries()) {
        same(await envelope.sealHeader(octets(v.m), body, sender,
            octets(recipient)), v.headers[i]);
    }
});

test('a sealed envelope: read', async () => {
    const v = groups.sealed_envelope;
    const body = octets(v.body);

    for (const [i, secret] of v.recipient_private.entries()) {
        const recipient = await pair(secret, v.recipient_public[i]);
        const header = octets(v.headers[i]);
        const read = await envelope.open(recipient, header, body);

        same(read.message, v.message);
        same(read.kf, v.kf);
        same(read.ephemeral, v.ephemeral_public);
        assert.equal(read.identity[0], 'alice');

        await assert.rejects(envelope.open(recipient,
            octets(v.headers[1 - i]), body), 'the other one\'s header');
    }
});

test('a sealed envelope: every octet counts', async () => {
    const v = groups.sealed_envelope;
    const recipient = await pair(v.recipient_private[0],
        v.recipient_public[0]);
    const header = octets(v.headers[0]);
    const body = octets(v.body);

    for (let at = 0; at < header.length; at++) {
        const changed = header.slice();

        changed[at] ^= 1;
        await assert.rejects(envelope.open(recipient, changed, body),
            undefined, `header ${at}`);
    }

    for (let at = 0; at < body.length; at++) {
        const changed = body.slice();

        changed[at] ^= 1;
        await assert.rejects(envelope.open(recipient, header, changed),
            undefined, `body ${at}`);
    }

    await assert.rejects(envelope.open(recipient, header.subarray(1), body));
    await assert.rejects(envelope.open(recipient, header,
        body.subarray(0, 49)));
});

test('a sealed envelope: words in another one\'s mouth', async () => {
    const v = groups.sealed_envelope;
    const recipient = await pair(v.recipient_private[0],
        v.recipient_public[0]);
    const impostor = await keys.agreementKey();
    const body = await envelope.sealBody(octets(v.m), {
        identity: cbor.decode(octets(v.identity_certificate)), kf: null,
        message: octets('00'), sizes: [v.size],
    });

    await assert.rejects(envelope.open(recipient,
        await envelope.sealHeader(octets(v.m), body, impostor,
            recipient.octets), body), /not from whom it says/);

    await assert.rejects(envelope.sealBody(octets(v.m), {
        identity: [], kf: null, message: new Uint8Array(512),
        sizes: [v.size],
    }), /too long/);
});

test('franking', async () => {
    const v = groups.franking;
    const kf = octets(v.kf);
    const message = octets(v.message);
    const stamp = octets(v.stamp);

    same(await frank.commitment(kf, message), v.commitment);
    assert.ok(await frank.frankHolds(stamp, kf, message));
    assert.ok(await frank.frankHolds(null, kf, message));
    assert.ok(!await frank.frankHolds(stamp, null, message));
    assert.ok(!await frank.frankHolds(stamp, kf, octets('00')));
});

test('items and acknowledgements', () => {
    const v = groups.items;

    v.items.forEach(({ seq, stamp, item: encoded }) => {
        const read = item.decodeItem(octets(encoded));

        assert.equal(read.seq, seq);
        assert.equal(read.hour, v.hour);
        same(read.header, v.header);
        same(read.body, v.body);
        assert.equal(read.stamp && hex(read.stamp), stamp ? v.stamp : null);
    });

    assert.deepEqual(item.decodeItems(octets(v.sequence))
        .map(({ seq }) => seq), v.items.map(({ seq }) => seq));
    assert.throws(() => item.decodeItem(octets(v.sequence)));
    assert.throws(() => item.decodeItem(octets('8401020304')));
    assert.throws(() => item.decodeItem(octets('850102030405')));

    for (const { through, message } of v.acknowledgements) {
        same(item.acknowledgement(through), message);
        assert.equal(cbor.decode(octets(message)), through);
    }
});

test('CBOR that is refused', () => {
    for (const bad of ['', '18', '1817', '190017', '1a0000ffff',
        '1b00000000ffffffff', '1bffffffffffffffff', '1c', '1f', '5f', '9f',
        '4201', '61ff', '9affffffff', '20', 'a0', 'c000', 'f4', 'f7',
        'f90000', '0000', '8181818181818181818100']) {
        assert.throws(() => cbor.decode(octets(bad)), undefined, bad);
    }

    assert.throws(() => cbor.encode(-1));
    assert.throws(() => cbor.encode(2 ** 53));
    assert.throws(() => cbor.encode(undefined));
});

test('keys of low order give no secret', async () => {
    const own = await keys.agreementKey();

    for (const low of ['00'.repeat(32), `01${'00'.repeat(31)}`]) {
        await assert.rejects(keys.agree(own, octets(low)));
    }

    assert.ok(equal(fromBase64url('_-8'), octets('ffef')));
});

test('nonces tell nothing of a clock, and go on after a reload', async () => {
    const owner = await keys.agreementKey();
    const other = await keys.agreementKey();
    const boxes = await Promise.all([...Array(8)].map(() => mailboxOf(owner,
        other.octets)));

    assert.equal(new Set(boxes.map((box) => box.origin)).size, boxes.length);

    // of 62 random bits: eight numbers below 2^58 come once in 2^32 runs
    assert.ok(boxes.some(({ nonce }) => nonce > 1n << 58n));

    for (const { origin, nonce } of boxes) {
        assert.ok(nonce < 1n << 63n);
        assert.ok(signature.firstNonce(origin) >= nonce);
    }
});

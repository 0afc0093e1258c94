// The npm packages @cloudflare/voprf-ts and @noble/curves draw certificates as
// they are, and mail is sent under them.

import assert from 'node:assert/strict';
import { randomBytes, webcrypto } from 'node:crypto';
import { test } from 'node:test';

import {
    blind, blindInfo, discover, drawSerial, envelope, issue, loadModule,
    mailbox, sequence,
} from './gateway.mjs';
import { call } from './signed.mjs';

globalThis.crypto ??= webcrypto;

const { Evaluation, Oprf, POPRFClient } = await loadModule(
    '@cloudflare/voprf-ts');
const { CryptoNoble } = await loadModule('@cloudflare/voprf-ts/crypto-noble');
const facade = await loadModule('@cloudflare/voprf-ts/facade');
const { ristretto255, ristretto255_oprf: oprf } = await loadModule(
    '@noble/curves/ed25519.js');

const suite = Oprf.Suite.RISTRETTO255_SHA512;
const opens = 1;
const sends = 2;

const now = async () => {
    const { epoch, issuer_keys: keys } = await discover();

    return { epoch, key: Buffer.from(keys[0], 'base64url') };
};

const octets = async (response) => new Uint8Array(
    await response.arrayBuffer());

// a batch of certificates: what each library does with serials and the answer

const voprf = async (serials, classNumber, epoch, key) => {
    const client = new POPRFClient(suite, key, CryptoNoble);
    const [data, request] = await client.blind(
        serials.map(({ octets: serial }) => new Uint8Array(serial)));
    const response = await issue('voprf', classNumber, epoch,
        request.serialize());

    assert.equal(response.status, 200);

    return client.finalize(data,
        Evaluation.deserialize(suite, await octets(response), CryptoNoble),
        new Uint8Array(blindInfo(classNumber, epoch)));
};

const voprfFacade = async (serials, classNumber, epoch, key) => {
    const mode = facade.Oprf.withConfig({ crypto: CryptoNoble })
        .makeMode({ mode: facade.Oprf.Mode.POPRF, suite });
    const client = mode.makeClient(key);
    const [data, request] = await client.blind(
        serials.map(({ octets: serial }) => new Uint8Array(serial)));

    // elements of its own, the count in front is the protocol's

    const count = Buffer.alloc(2);

    count.writeUInt16BE(request.blinded.length);

    const response = await issue('facade', classNumber, epoch,
        Buffer.concat([count, ...request.blinded]));

    assert.equal(response.status, 200);

    const answer = await octets(response);
    const end = answer.length - 65;

    return client.finalize(data, {
        mode: answer[end],
        evaluated: serials.map((_, i) => answer.slice(2 + 32 * i,
            34 + 32 * i)),
        proof: answer.slice(end + 1),
    }, new Uint8Array(blindInfo(classNumber, epoch)));
};

const noble = async (serials, classNumber, epoch, key) => {
    const poprf = oprf.poprf(new Uint8Array(blindInfo(classNumber, epoch)));
    const drawn = serials.map(({ octets: serial }) => ({
        input: new Uint8Array(serial),
        ...poprf.blind(new Uint8Array(serial), new Uint8Array(key)),
    }));
    const count = Buffer.alloc(2);

    count.writeUInt16BE(drawn.length);

    const response = await issue('noble', classNumber, epoch,
        Buffer.concat([count, ...drawn.map(({ blinded }) => blinded)]));

    assert.equal(response.status, 200);

    const answer = await octets(response);

    return poprf.finalizeBatch(
        drawn.map(({ input, blind: scalar, blinded }, i) => ({
            input, blind: scalar, blinded,
            evaluated: answer.slice(2 + 32 * i, 34 + 32 * i),
        })), answer.slice(-64), drawn[0].tweakedKey);
};

const libraries = { voprf, 'voprf facade': voprfFacade, noble };

const draw = async (library, classNumber, count, change = {}) => {
    const { epoch, key } = await now();
    const serials = Array.from({ length: count }, drawSerial);
    const outputs = await library(serials, classNumber, epoch,
        change.key ?? key);

    return Promise.all(serials.map((serial, i) => blind(serial, classNumber,
        epoch, Buffer.from(outputs[i]))));
};

for (const [name, library] of Object.entries(libraries)) {

    test(`${name}: certificates that send mail`, async () => {
        const box = await mailbox();
        const [opener] = await draw(library, opens, 1);
        const senders = await draw(library, sends, 3);

        const opened = await call(opener, 'PUT', box.path, {
            headers: { 'sealed-mailbox-key': sequence(box.octets) },
        });

        assert.equal(opened.status, 201);

        for (const sender of [...senders, senders[0]]) {
            const sent = await call(sender, 'POST', `${box.path}/envelopes`, {
                body: envelope(512),
                headers: { 'content-type': 'application/octet-stream' },
            });

            assert.equal(sent.status, 201);
        }

        const status = await call(box, 'GET', box.path);

        assert.equal((await status.json()).envelopes, 4);
        assert.equal((await call(box, 'DELETE', box.path)).status, 204);
    });

    test(`${name}: with another key pinned the answer is refused`,
        async () => {
            const other = ristretto255.Point.BASE.multiply(
                BigInt(`0x${randomBytes(31).toString('hex')}`)).toBytes();

            await assert.rejects(draw(library, sends, 2,
                { key: Buffer.from(other) }), /proof/i);
        });
}

test('an output that nobody evaluated opens nothing', async () => {
    const { epoch } = await now();
    const box = await mailbox();
    const forged = await blind(drawSerial(), opens, epoch, randomBytes(64));

    const refused = await call(forged, 'PUT', box.path, {
        headers: { 'sealed-mailbox-key': sequence(box.octets) },
    });

    assert.equal(refused.status, 401);
});

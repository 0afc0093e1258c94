// Blind certificates: drawn by an account, used by nobody in particular.  The
// issuer evaluates a function on inputs that it cannot see (POPRF, RFC 9497),
// and proves that it used the one key that it has for everybody.

import { ristretto255_oprf } from '../lib/noble.mjs';
import { agree, agreementKey, hkdf, hmacKey, sha256 } from './keys.mjs';
import { base64url, concat, integer } from './octets.mjs';
import { firstNonce, nonceOrigin } from './signature.mjs';

const ELEMENT = 32, PROOF = 64, MODE = 0x02;

export const MEDIA_TYPE = 'application/vnd.sealed-sender.blind';

const poprf = (classNumber, epoch) => ristretto255_oprf.poprf(
    concat('sealed-sender v1', [classNumber], integer(epoch, 4)));

// What signs with a certificate: id, request key, first nonce.  "unsigned" is
// the certificate without an authority's signature, if it has one.

export const holder = async (certificate, unsigned, secret) => {
    const digest = await sha256('sealed-sender certificate id v1', unsigned);
    const origin = nonceOrigin();

    return {
        certificate, keyid: base64url(digest.subarray(0, 16)),
        key: await hmacKey(await hkdf(secret, 'sealed-sender request key v1',
            certificate)),
        origin, nonce: firstNonce(origin),
    };
};

export const blindHolder = async ({ classNumber, epoch, serial, output,
    exchangeKey }) => {
    const certificate = concat([2, classNumber], integer(epoch, 4),
        serial.octets);

    return holder(certificate, certificate,
        concat(output, await agree(serial, exchangeKey)));
};

// The first half: fresh serials, and the request for the issuer.

export const prepare = async ({ classNumber, epoch, count, issuerKey }) => {
    const drawn = [];

    for (let i = 0; i < count; i++) {
        const serial = await agreementKey();

        drawn.push({
            serial,
            ...poprf(classNumber, epoch).blind(serial.octets, issuerKey),
        });
    }

    return {
        classNumber, epoch, drawn,
        request: concat(integer(count, 2),
            ...drawn.map(({ blinded }) => blinded)),
    };
};

// The second half: the proof is checked, and nothing is taken from an answer
// for which it does not hold.

export const finish = async ({ classNumber, epoch, drawn }, answer,
    exchangeKey) => {
    const end = 2 + drawn.length * ELEMENT;

    if (answer.length !== end + 1 + PROOF || answer[end] !== MODE
        || answer[0] * 256 + answer[1] !== drawn.length) {
        throw new Error('the issuer answered something else');
    }

    const outputs = poprf(classNumber, epoch).finalizeBatch(
        drawn.map(({ serial, blind, blinded }, i) => ({
            input: serial.octets, blind, blinded,
            evaluated: answer.subarray(2 + i * ELEMENT,
                2 + (i + 1) * ELEMENT),
        })),
        answer.subarray(end + 1), drawn[0].tweakedKey);

    return Promise.all(drawn.map(({ serial }, i) => blindHolder({
        classNumber, epoch, serial, output: outputs[i], exchangeKey,
    })));
};

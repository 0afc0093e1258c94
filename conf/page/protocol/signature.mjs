// Request signatures: the gateway's profile of RFC 9421, HMAC-SHA-256.
//
// Who signs, a certificate or the owner of a mailbox, is
// { key: CryptoKey, keyid, origin and nonce: BigInt, certificate: octets or
// null }.

import { base64, sequence, utf8 } from './octets.mjs';
import { hmac, sha256 } from './keys.mjs';

// headers that are signed when they are there, besides method and target
const COVERED = ['content-digest', 'sealed-certificate', 'ttl',
    'sealed-delivery', 'sealed-frank', 'sealed-mailbox-key'];

// Nonces count from a random number, since a gateway may have the highest of
// them on disk, and that is not to tell when somebody came.  From there the
// clock goes on: what a page has after a reload is higher than any it used.

export const nonceOrigin = () => crypto.getRandomValues(
    new BigUint64Array(1))[0] >> 2n;

export const firstNonce = (origin) => origin
    + BigInt(Math.floor(Date.now() / 1000 * 1048576));

export const signatureParams = ({ keyid, nonce, created, headers }) => {
    const names = ['@method', '@path', '@query',
        ...COVERED.filter((name) => name in headers)];

    return `(${names.map((name) => `"${name}"`).join(' ')})`
        + `;created=${created};nonce="${nonce}";keyid="${keyid}"`
        + ';tag="sealed-sender"';
};

export const signatureBase = ({ method, target, headers, params }) => {
    const query = target.indexOf('?');

    return [
        `"@method": ${method}`,
        `"@path": ${query < 0 ? target : target.slice(0, query)}`,
        `"@query": ${query < 0 ? '?' : target.slice(query)}`,
        ...COVERED.filter((name) => name in headers)
            .map((name) => `"${name}": ${headers[name]}`),
        `"@signature-params": ${params}`,
    ].join('\n');
};

// All headers of a request; names in "headers" are in lower case.

export const signed = async (signer, { method, target, headers = {}, body },
    created = Math.floor(Date.now() / 1000)) => {
    const all = { ...headers };

    if (signer.certificate) {
        all['sealed-certificate'] = sequence(signer.certificate);
    }

    if (body?.length) {
        all['content-digest'] = `sha-256=${sequence(await sha256(body))}`;
    }

    const params = signatureParams({
        keyid: signer.keyid, nonce: signer.nonce++, created, headers: all,
    });
    const base = signatureBase({ method, target, headers: all, params });

    all['signature-input'] = `sealed=${params}`;
    all.signature = `sealed=:${base64(await hmac(signer.key, utf8(base)))}:`;

    return all;
};

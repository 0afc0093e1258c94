// What a client of the gateway has to know, on Node's own cryptography:
// keys, certificates, mailboxes, items.  Signing is left to the libraries
// under test.

import {
    createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman,
    generateKeyPairSync, hkdfSync, randomBytes, randomInt, sign,
} from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const environment = (name) => {
    const value = process.env[name];

    if (!value) {
        throw new Error(`${name} is not set; run t/90-interop.t`);
    }

    return value;
};

export const origin = `http://localhost:${environment('SEALED_PORT')}`;

// packages are installed outside of the source tree
export const load = createRequire(
    `${environment('SEALED_NODE_DIRECTORY')}/package.json`);

export const loadModule = (name) => import(
    pathToFileURL(load.resolve(name)));

export const base64 = (octets) => Buffer.from(octets).toString('base64');
export const base64url = (octets) => Buffer.from(octets).toString('base64url');
export const sequence = (octets) => `:${base64(octets)}:`;

export const sha256 = (...parts) => {
    const hash = createHash('sha256');

    parts.forEach((part) => hash.update(part));

    return hash.digest();
};

const hkdf = (secret, ...info) => Buffer.from(
    hkdfSync('sha256', secret, Buffer.alloc(0),
        Buffer.concat(info.map((part) => Buffer.from(part))), 32));

// X25519 and Ed25519 keys as 32 octets

const spki = { x25519: '302a300506032b656e032100',
    ed25519: '302a300506032b6570032100' };
const pkcs8 = { ed25519: '302e020100300506032b657004220420' };

const publicKey = (type, octets) => createPublicKey({
    key: Buffer.concat([Buffer.from(spki[type], 'hex'), octets]),
    format: 'der', type: 'spki',
});

const octetsOf = (key) => key.export({ format: 'der', type: 'spki' })
    .subarray(-32);

const keyPair = () => {
    const { publicKey: key, privateKey } = generateKeyPairSync('x25519');

    return { privateKey, octets: octetsOf(key) };
};

const agree = (privateKey, octets) => diffieHellman({
    privateKey, publicKey: publicKey('x25519', octets),
});

export const discover = async () => {
    const response = await fetch(`${origin}/.well-known/sealed-sender`);

    return response.json();
};

let exchange;

const exchangeKey = async () => {
    exchange ??= Buffer.from((await discover()).exchange_keys[0],
        'base64url');

    return exchange;
};

const firstNonce = () => BigInt(Math.floor(Date.now() / 1000)) * 1048576n
    + BigInt(randomInt(1024));

// somebody who signs: { key, keyid, nonce, certificate?, id, octets }

export const certified = async (classNumber) => {
    const authority = createPrivateKey({
        key: Buffer.concat([Buffer.from(pkcs8.ed25519, 'hex'),
            Buffer.from(environment('SEALED_AUTHORITY_SEED'), 'hex')]),
        format: 'der', type: 'pkcs8',
    });
    const subject = keyPair();
    const now = BigInt(Math.floor(Date.now() / 1000));
    const times = Buffer.alloc(16);

    times.writeBigUInt64BE(now - 60n, 0);
    times.writeBigUInt64BE(now + 3600n, 8);

    const unsigned = Buffer.concat([
        Buffer.from([1, classNumber]), times,
        sha256(octetsOf(createPublicKey(authority))).subarray(0, 8),
        subject.octets,
    ]);
    const certificate = Buffer.concat([unsigned, sign(null, Buffer.concat([
        Buffer.from('sealed-sender certificate v1\0'), unsigned,
    ]), authority)]);
    const id = sha256('sealed-sender certificate id v1', unsigned)
        .subarray(0, 16);

    return {
        id, certificate, keyid: base64url(id), nonce: firstNonce(),
        key: hkdf(agree(subject.privateKey, await exchangeKey()),
            'sealed-sender request key v1', certificate),
    };
};

// a fresh serial, to be drawn as a blind certificate

export const drawSerial = () => keyPair();

export const blindInfo = (classNumber, epoch) => {
    const info = Buffer.alloc(21);

    info.write('sealed-sender v1');
    info.writeUInt8(classNumber, 16);
    info.writeUInt32BE(epoch, 17);

    return info;
};

// somebody who signs, once the output of the POPRF is known

export const blind = async (serial, classNumber, epoch, output) => {
    const head = Buffer.alloc(6);

    head.writeUInt8(2, 0);
    head.writeUInt8(classNumber, 1);
    head.writeUInt32BE(epoch, 2);

    const certificate = Buffer.concat([head, serial.octets]);
    const id = sha256('sealed-sender certificate id v1', certificate)
        .subarray(0, 16);
    const secret = Buffer.concat([output,
        agree(serial.privateKey, await exchangeKey())]);

    return {
        id, certificate, keyid: base64url(id), nonce: firstNonce(),
        key: hkdf(secret, 'sealed-sender request key v1', certificate),
    };
};

// the answer to an account that asks for certificates

export const issue = (account, classNumber, epoch, body) => fetch(
    `${origin}/v1/certificates?class=${classNumber}&epoch=${epoch}`, {
        method: 'POST', body,
        headers: {
            'content-type': 'application/vnd.sealed-sender.blind',
            'x-account': account,
        },
    });

export const mailbox = async () => {
    const owner = keyPair();
    const id = sha256('sealed-sender mailbox id v1', owner.octets)
        .subarray(0, 16);

    return {
        id, octets: owner.octets, keyid: base64url(id), nonce: firstNonce(),
        path: `/v1/mailboxes/${base64url(id)}`,
        key: hkdf(agree(owner.privateKey, await exchangeKey()),
            'sealed-sender mailbox key v1', id),
    };
};

export const hmac = (key, data) => createHmac('sha256', key).update(data)
    .digest();

export const contentDigest = (body) => `sha-256=${sequence(sha256(body))}`;

export const envelope = (size) => randomBytes(size);

// the body of a fan-out: three byte strings in an array

const byteString = (octets) => {
    const size = octets.length;
    let head;

    if (size < 24) {
        head = Buffer.from([0x40 | size]);
    } else if (size < 256) {
        head = Buffer.from([0x58, size]);
    } else if (size < 65536) {
        head = Buffer.from([0x59, size >> 8, size & 255]);
    } else {
        head = Buffer.alloc(5);
        head[0] = 0x5a;
        head.writeUInt32BE(size, 1);
    }

    return Buffer.concat([head, octets]);
};

export const fanout = (ids, headers, body) => Buffer.concat([
    Buffer.from([0x83]), byteString(Buffer.concat(ids)),
    byteString(Buffer.concat(headers)), byteString(body),
]);

// items of a plain read: [{ seq, hour, header, body, stamp }]

export const items = (octets) => {
    let at = 0;

    const next = () => {
        const first = octets[at++];
        const major = first >> 5;
        let value = first & 31;

        if (first === 0xf6) {
            return null;
        }

        if (value >= 24) {
            const size = 1 << (value - 24);

            value = Number(BigInt(
                `0x${octets.subarray(at, at + size).toString('hex')}`));
            at += size;
        }

        switch (major) {
        case 0:
            return value;
        case 2:
            at += value;
            return octets.subarray(at - value, at);
        case 4:
            return Array.from({ length: value }, next);
        default:
            throw new Error(`unexpected CBOR type ${major}`);
        }
    };

    const found = [];

    while (at < octets.length) {
        const [seq, hour, header, body, stamp] = next();

        found.push({ seq, hour, header, body, stamp });
    }

    return found;
};

// Keys, by the browser's own cryptography: X25519, Ed25519, HKDF, HMAC and
// SHA-256.  Private keys are CryptoKey objects that no script can take out.
//
// A key pair is { privateKey: CryptoKey, octets: the public key }.

import { concat, fromBase64url } from './octets.mjs';

const { subtle } = crypto;

// how PKCS #8 wraps 32 octets of a private X25519 key
const pkcs8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b,
    0x65, 0x6e, 0x04, 0x22, 0x04, 0x20];

const pair = async ({ privateKey, publicKey }) => ({
    privateKey, octets: new Uint8Array(await subtle.exportKey('raw',
        publicKey)),
});

export const agreementKey = async () => pair(await subtle.generateKey(
    { name: 'X25519' }, false, ['deriveBits']));

export const signingKey = async () => pair(await subtle.generateKey(
    { name: 'Ed25519' }, false, ['sign', 'verify']));

// the key pair of a private key that was derived

export const agreementKeyFrom = async (octets) => {
    const privateKey = await subtle.importKey('pkcs8',
        concat(pkcs8, octets), { name: 'X25519' }, true, ['deriveBits']);
    const { x } = await subtle.exportKey('jwk', privateKey);

    return { privateKey, octets: fromBase64url(x) };
};

// Diffie-Hellman; a result of all zeros, which everybody knows, is refused

export const agree = async ({ privateKey }, octets) => {
    const publicKey = await subtle.importKey('raw', octets,
        { name: 'X25519' }, false, []);
    const secret = new Uint8Array(await subtle.deriveBits(
        { name: 'X25519', public: publicKey }, privateKey, 256));

    if (secret.every((octet) => octet === 0)) {
        throw new Error('a public key that gives no secret');
    }

    return secret;
};

export const hkdf = async (secret, ...info) => {
    const key = await subtle.importKey('raw', secret, 'HKDF', false,
        ['deriveBits']);

    return new Uint8Array(await subtle.deriveBits({
        name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0),
        info: concat(...info),
    }, key, 256));
};

export const hmacKey = (octets) => subtle.importKey('raw', octets,
    { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);

export const hmac = async (key, data) => new Uint8Array(
    await subtle.sign('HMAC', key, data));

export const sha256 = async (...parts) => new Uint8Array(
    await subtle.digest('SHA-256', concat(...parts)));

export const sign = async ({ privateKey }, data) => new Uint8Array(
    await subtle.sign('Ed25519', privateKey, data));

export const verify = async (octets, signature, data) => {
    const key = await subtle.importKey('raw', octets, { name: 'Ed25519' },
        false, ['verify']);

    return subtle.verify('Ed25519', key, signature, data);
};

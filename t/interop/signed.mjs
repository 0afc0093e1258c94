// Requests signed by the npm package http-message-signatures.

import { contentDigest, hmac, load, origin, sequence } from './gateway.mjs';

const { httpbis } = load('http-message-signatures');

const optional = ['content-digest', 'sealed-certificate', 'ttl',
    'sealed-delivery', 'sealed-frank', 'sealed-mailbox-key'];

export const call = async (actor, method, target, { headers = {}, body, key } = {}) => {
    const request = {
        method, url: `${origin}${target}`, headers: { ...headers },
    };

    if (actor.certificate) {
        request.headers['sealed-certificate'] = sequence(actor.certificate);
    }

    if (body) {
        request.headers['content-digest'] = contentDigest(body);
    }

    const signed = await httpbis.signMessage({
        name: 'sealed',
        key: {
            id: actor.keyid, alg: 'hmac-sha256',
            sign: async (data) => hmac(key ?? actor.key, data),
        },
        fields: ['@method', '@path', '@query',
            ...optional.filter((name) => name in request.headers)],
        params: ['created', 'nonce', 'keyid', 'tag'],
        paramValues: {
            created: new Date(), nonce: String(actor.nonce++),
            tag: 'sealed-sender',
        },
    }, request);

    return fetch(signed.url, { method, headers: signed.headers, body });
};

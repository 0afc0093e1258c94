// Who somebody is: a name and an X25519 key, put together by an authority for
// names.  CBOR [name, key, not_after, signature].

import { encode } from './cbor.mjs';
import { sign, verify } from './keys.mjs';
import { concat, utf8 } from './octets.mjs';

const NAME = 255, KEY = 32, SIGNATURE = 64;

const statement = (name, key, notAfter) => concat('sealed-sender identity v1',
    [0], encode([name, key, notAfter]));

export const certify = async (authority, name, key, notAfter) => [name, key,
    notAfter, await sign(authority, statement(name, key, notAfter))];

// whether a value is one as to its form, whoever made it

export const isIdentity = (value) => {
    const [name, key, notAfter, signature] = Array.isArray(value)
        && value.length === 4 ? value : [];

    return typeof name === 'string' && name !== ''
        && utf8(name).length <= NAME
        && key instanceof Uint8Array && key.length === KEY
        && typeof notAfter === 'number'
        && signature instanceof Uint8Array && signature.length === SIGNATURE;
};

// The name, or an error.

export const verifiedName = async (authorityKey, identity,
    now = Date.now() / 1000) => {
    const [name, key, notAfter, signature] = identity;

    if (!await verify(authorityKey, signature, statement(name, key, notAfter)))
    {
        throw new Error('the name is not certified');
    }

    if (now >= notAfter) {
        throw new Error('the certificate of the name has ended');
    }

    return name;
};

// { name, authority }, of the first authority that certifies it, or an error.

export const verifiedByAny = async (authorities, identity) => {
    let failure;

    for (const authority of authorities) {
        try {
            return {
                name: await verifiedName(authority, identity), authority,
            };

        } catch (error) {
            failure = error;
        }
    }

    throw failure;
};

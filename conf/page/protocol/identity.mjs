// Who somebody is: a name and an X25519 key, put together by an authority for
// names.  CBOR [name, key, not_after, signature].

import { encode } from './cbor.mjs';
import { sign, verify } from './keys.mjs';
import { concat } from './octets.mjs';

const statement = (name, key, notAfter) => concat('sealed-sender identity v1',
    [0], encode([name, key, notAfter]));

export const certify = async (authority, name, key, notAfter) => [name, key,
    notAfter, await sign(authority, statement(name, key, notAfter))];

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

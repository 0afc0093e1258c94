// A mailbox is a key: its id is made of the owner's public key, and its
// requests are signed with what owner and gateway can both compute.

import { agree, agreementKey, hkdf, hmacKey, sha256 } from './keys.mjs';
import { base64url } from './octets.mjs';
import { firstNonce, nonceOrigin } from './signature.mjs';

export const mailboxOf = async (owner, exchangeKey) => {
    const digest = await sha256('sealed-sender mailbox id v1', owner.octets);
    const id = digest.slice(0, 16);
    const origin = nonceOrigin();

    return {
        id, owner, certificate: null, keyid: base64url(id),
        path: `/v1/mailboxes/${base64url(id)}`,
        key: await hmacKey(await hkdf(await agree(owner, exchangeKey),
            'sealed-sender mailbox key v1', id)),
        origin, nonce: firstNonce(origin),
    };
};

export const newMailbox = async (exchangeKey) => mailboxOf(
    await agreementKey(), exchangeKey);

// The body of a fan-out: one envelope for several mailboxes.

import { encode } from './cbor.mjs';
import { concat } from './octets.mjs';

export const MEDIA_TYPE = 'application/vnd.sealed-sender.fanout+cbor';

// ids of mailboxes, a header for each, and the body that they share

export const fanout = (ids, headers, body) => encode([concat(...ids),
    concat(...headers), body]);

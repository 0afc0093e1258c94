// Franking: the sender commits to a message, so that its recipient can prove
// to the operator what came through, and nobody learns more.

import { hmac, hmacKey } from './keys.mjs';
import { concat, equal } from './octets.mjs';

const COMMITMENT = 32;

export const commitment = async (kf, message) => hmac(await hmacKey(kf),
    concat('sealed-sender frank v1', message));

// A stamp whose commitment does not fit, or that came without its key, would
// make a message that cannot be reported.

export const frankHolds = async (stamp, kf, message) => stamp === null
    || kf !== null && equal(stamp.subarray(0, COMMITMENT),
        await commitment(kf, message));

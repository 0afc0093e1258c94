// Errors that people are told about, in plain words.

const WORDS = {
    400: 'The gateway did not understand the request.',
    401: 'The gateway did not accept the request: the certificate has ended,'
        + ' or the mailbox is not there any more.',
    403: 'The gateway does not allow this.',
    404: 'The recipient\'s mailbox does not exist.',
    409: 'The gateway has seen this request before.',
    410: 'The mailbox has been closed.',
    413: 'The message is too long.',
    429: 'That was enough for now.',
    503: 'The gateway is busy just now.',
    507: 'The recipient\'s mailbox is full.',
};

const inTime = (seconds) => {
    const [count, unit] = seconds < 120 ? [seconds, 'second']
        : seconds < 7200 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
    const whole = Math.ceil(count);

    return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
};

export class Problem extends Error {
    // retryAfter: seconds, when the gateway said so

    constructor(status, { detail, next, retryAfter } = {}) {
        const words = WORDS[status]
            ?? `The gateway failed (status ${status}).`;

        super(retryAfter > 0 ? `${words} Try again in ${inTime(retryAfter)}.`
            : words);
        Object.assign(this, { status, detail, next, retryAfter });
    }

    // false: trying again cannot help

    get passes() {
        return [409, 429, 500, 502, 503, 504].includes(this.status);
    }
}

// A gateway that does not have the keys any more that it had.  Somebody may
// have put himself in its place; a person has to decide.

export class OtherKeys extends Error {
    constructor() {
        super('The gateway shows other keys than before. Go on only if you'
            + ' know why.');
    }

    get passes() {
        return false;
    }
}

// of an answer that is not a success; account services answer as they like

export const problemOf = async (response) => {
    const document = await response.json().catch(() => ({}));

    return new Problem(response.status, {
        detail: document.detail, next: document.next,
        retryAfter: Number(response.headers.get('retry-after')) || 0,
    });
};

export const inWords = (error) => {
    if (error instanceof Problem || error instanceof RangeError) {
        return error.message;
    }

    return error instanceof TypeError
        ? 'The gateway cannot be reached.' : error.message;
};

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
    429: 'Enough for now: the gateway takes more in a while.',
    503: 'The gateway is busy just now.',
    507: 'The recipient\'s mailbox is full.',
};

export class Problem extends Error {
    constructor(status, detail) {
        super(WORDS[status] ?? `The gateway failed (status ${status}).`);
        this.status = status;
        this.detail = detail;
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
}

// of an answer that is not a success; account services answer as they like

export const problemOf = async (response) => {
    const document = await response.json().catch(() => ({}));

    return Object.assign(new Problem(response.status, document.detail),
        { next: document.next });
};

export const inWords = (error) => {
    if (error instanceof Problem || error instanceof RangeError) {
        return error.message;
    }

    return error instanceof TypeError
        ? 'The gateway cannot be reached.' : error.message;
};

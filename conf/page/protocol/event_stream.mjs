// Reading by event stream, with fetch: unlike EventSource it can sign, so no
// ticket is needed.

import { decodeItem } from './item.mjs';
import { fromBase64 } from './octets.mjs';

// without a heartbeat for so long, the network has lost the connection and
// told nobody
const SILENCE = 120000;

// Lines in, events out: { id, data, retry }, as far as the gateway uses them.

export const eventParser = (onEvent) => {
    let rest = '';
    let event = {};

    const line = (text) => {
        const [, name, value] = text.match(/^(id|data|retry): ?(.*)$/) ?? [];

        if (text === '') {
            onEvent(event);
            event = {};

        } else if (name === 'data' && 'data' in event) {
            event.data += `\n${value}`;

        } else if (name) {
            event[name] = value;
        }
    };

    return (text) => {
        const lines = (rest + text).split('\n');

        rest = lines.pop();
        lines.forEach(line);
    };
};

// a promise, unless it takes longer than silence may last

const inTime = async (promise) => {
    let timer;
    const silence = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('silence')), SILENCE);
    });

    try {
        return await Promise.race([promise, silence]);
    } finally {
        clearTimeout(timer);
    }
};

// One connection, until it ends; then the milliseconds to wait, if the gateway
// said so.  deliver has stored an item when its promise is fulfilled.

export const readEventStream = async (gateway, mailbox,
    { after, deliver, onOpen, signal }) => {
    const response = await gateway.call(gateway.origins.read, mailbox, {
        method: 'GET', signal,
        target: `${mailbox.path}/envelopes?after=${after}`,
        headers: { accept: 'text/event-stream' },
    });
    const events = [];
    const parse = eventParser((event) => events.push(event));
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    let retry;

    onOpen();

    for (;;) {
        const { done, value } = await inTime(reader.read()).catch((error) => {
            reader.cancel().catch(() => {});
            throw error;
        });

        if (done) {
            return retry;
        }

        parse(decoder.decode(value, { stream: true }));

        let last = 0;

        for (const event of events.splice(0)) {
            retry = event.retry ?? retry;

            if (event.data) {
                const item = decodeItem(fromBase64(event.data));

                await deliver(item);
                last = Math.max(last, item.seq);
            }
        }

        if (last > 0) {
            await gateway.acknowledge(mailbox, last, signal);
        }
    }
};

// A reader that comes back by itself, over either transport, and goes on
// where it was.

import { Problem } from './problem.mjs';

const FIRST_WAIT = 250, LONGEST_WAIT = 15000;

const pause = (milliseconds, signal) => new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);

    signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
    }, { once: true });
});

// read: one connection of one transport; deliver gets each item, the same one
// again after a connection broke.  Ends when signal says so, or with an error
// that does not pass.

export const follow = async (read, gateway, mailbox,
    { deliver, onState, signal }) => {
    let after = 0;
    let wait = FIRST_WAIT;

    while (!signal.aborted) {
        let retry;

        try {
            retry = await read(gateway, mailbox, {
                after, signal,

                deliver: async (item) => {
                    await deliver(item);
                    after = Math.max(after, item.seq);
                },

                onOpen: () => {
                    wait = FIRST_WAIT;
                    onState('connected');
                },
            });

        } catch (error) {
            if (error instanceof Problem && !error.passes) {
                throw error;
            }
        }

        if (!signal.aborted) {
            onState('reconnecting');
            await pause(Number(retry) || wait * (0.5 + Math.random()), signal);
            wait = Math.min(wait * 2, LONGEST_WAIT);
        }
    }
};

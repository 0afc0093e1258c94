// A reader that comes back by itself, over either transport, and goes on
// where it was.

const FIRST_WAIT = 250, LONGEST_WAIT = 15000;

// shorter when the browser is back on the network

export const pause = (milliseconds, signal) => new Promise((resolve) => {
    const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        globalThis.removeEventListener?.('online', done);
        resolve();
    };

    const timer = setTimeout(done, milliseconds);

    signal.addEventListener('abort', done);
    globalThis.addEventListener?.('online', done);
});

// read: one connection of one transport, behind the item "after"; deliver gets
// each item, the same one again after a connection broke.  Ends when signal
// says so, or with an error that does not pass.  A browser that is back on the
// network has another one perhaps, so it begins a new connection.

export const follow = async (read, gateway, mailbox,
    { after: first, deliver, onState, signal }) => {
    let after = first;
    let wait = FIRST_WAIT;

    while (!signal.aborted) {
        const back = new AbortController();
        const renew = () => back.abort();
        let retry;

        globalThis.addEventListener?.('online', renew);

        try {
            retry = Number(await read(gateway, mailbox, {
                after, signal: AbortSignal.any([signal, back.signal]),

                deliver: async (item) => {
                    await deliver(item);
                    after = Math.max(after, item.seq);
                },

                onOpen: () => {
                    wait = FIRST_WAIT;
                    onState('connected');
                },
            }));

            // sent away for long: other readers, or there is no mailbox now

            if (retry > LONGEST_WAIT) {
                await gateway.lookAt(mailbox, signal);
            }

        } catch (error) {
            if (error.passes === false) {
                throw error;
            }

            retry = Math.max(retry || 0, error.retryAfter * 1000 || 0);
        } finally {
            globalThis.removeEventListener?.('online', renew);
        }

        if (!signal.aborted) {
            onState('reconnecting');
            await pause(retry || wait * (0.5 + Math.random()), signal);
            wait = Math.min(wait * 2, LONGEST_WAIT);
        }
    }
};

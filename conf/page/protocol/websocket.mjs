// Reading by WebSocket.  Browsers cannot sign its handshake: a ticket, taken
// with a signature and void at first sight, stands in for it.

import { acknowledgement, decodeItem } from './item.mjs';

// the gateway does not want this reader now: it must not come back at once
const SENT_AWAY = 1008, AWAY = 60000;

// A browser does not show the pings of a gateway.  After so long without a
// message the gateway is asked whether there is one: then, or if it does not
// answer, the network has lost the connection and told nobody.
const SILENCE = 90000, ANSWER = 20000;

// One connection, until it ends; then the milliseconds to wait, as in
// event_stream.mjs.

export const readWebSocket = async (gateway, mailbox,
    { after, deliver, onOpen, signal }) => {
    const target = `${mailbox.path}/envelopes?after=${after}`
        + `&ticket=${await gateway.ticket(mailbox, signal)}`;
    const url = gateway.origins.read.replace(/^http/, 'ws') + target;
    const seen = gateway.observe({
        method: 'GET', target, headers: { upgrade: 'websocket' },
    });

    if (signal.aborted) {
        return;
    }

    const socket = new WebSocket(url);
    const close = () => socket.close();

    socket.binaryType = 'arraybuffer';
    signal.addEventListener('abort', close, { once: true });

    // one item after the other; a failure ends the connection

    let work = Promise.resolve();
    let last = after;
    let failure, silence;

    const take = async (data) => {
        const item = decodeItem(new Uint8Array(data));

        await deliver(item);
        last = Math.max(last, item.seq);

        if (item.seq > 0 && socket.readyState === WebSocket.OPEN) {
            socket.send(acknowledgement(item.seq));
        }
    };

    const alive = async () => {
        try {
            const { envelopes, next } = await gateway.lookAt(mailbox,
                AbortSignal.any([signal, AbortSignal.timeout(ANSWER)]));

            // numbers beyond the last may be of what has expired, or of none

            await work;
            return envelopes === 0 || next - 1 <= last;
        } catch (error) {
            if (error.passes === false) {
                failure ??= error;
            }

            return error.passes === true;
        }
    };

    const { code } = await new Promise((resolve) => {
        const listen = () => {
            clearTimeout(silence);
            silence = setTimeout(async () => {
                if (!await alive()) {
                    resolve({});
                } else if (socket.readyState <= WebSocket.OPEN) {
                    listen();
                }
            }, SILENCE);
        };

        socket.onopen = () => {
            seen?.(101);
            onOpen();
        };

        socket.onmessage = ({ data }) => {
            listen();
            work = work.then(() => take(data)).catch((error) => {
                failure ??= error;
                close();
            });
        };

        socket.onclose = resolve;
        listen();
    });

    clearTimeout(silence);
    signal.removeEventListener('abort', close);
    socket.onmessage = null;
    close();
    await work;

    if (failure) {
        throw failure;
    }

    return code === SENT_AWAY ? AWAY * (1 + Math.random()) : undefined;
};

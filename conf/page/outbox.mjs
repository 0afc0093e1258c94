// A message on its way to somebody: kept from before its first piece leaves
// until the gateway has taken the last one, or refused it for good.  What may
// have got through is sent again as the same envelope, of which its reader
// drops the second.

import { LARGEST } from './inbox.mjs';
import { told } from './mail.mjs';
import { longestMessage, sealBody, sealHeader } from './protocol/envelope.mjs';
import { commitment } from './protocol/frank.mjs';
import { sha256 } from './protocol/keys.mjs';
import { aroundContent, encodePiece } from './protocol/message.mjs';
import { equal, random, utf8 } from './protocol/octets.mjs';

const sealed = async (sender, recipient, message, sizes) => {
    const [m, kf] = [random(32), random(32)];
    const body = await sealBody(m, {
        identity: sender.identity, kf, message, sizes,
    });

    return {
        body, headers: [await sealHeader(m, body, sender.key, recipient)],
        commitment: await commitment(kf, message),
    };
};

const NAME = 255;

const tooLong = () => new RangeError(`What is longer than ${LARGEST / 1024
    / 1024} MiB is not sent by this page.`);

// the name of a file, as long as a message may have one, and its content

export const fromFile = async (file) => {
    if (file.size > LARGEST) {
        throw tooLong();
    }

    let name = file.name || 'file';

    while (utf8(name).length > NAME) {
        name = [...name].slice(1).join('');
    }

    return [name, new Uint8Array(await file.arrayBuffer())];
};

export class Outbox {

    // post(address, envelope) answers who refused it; sender() is
    // { identity, key, sizes: of envelopes }

    constructor(kept, { post, sender }) {
        this.kept = kept;
        this.post = post;
        this.sender = sender;
        this.message = null;
    }

    // A message for an address; name: of a file, or null for a text.  At most
    // one is under way: a new one takes the place of one that failed.

    async begin(address, name, content) {
        if (content.length > LARGEST) {
            throw tooLong();
        }

        const { message: old } = this;
        const digest = await sha256(content);

        if (old?.address.keyid === address.keyid && old.name === name
            && equal(old.digest, digest)) {
            return;
        }

        const message = {
            address, name, content, digest, id: random(16),
            total: content.length,
        };

        await this.kept.write({ outgoing: message }, ['sending']);
        this.message = { ...message, at: 0, envelope: null };
    }

    async forget() {
        this.message = null;
        await this.kept.write({}, ['outgoing', 'sending']);
    }

    // All pieces, from where it stopped.  progress(octets, total) is told when
    // there are several.  Gives the entry for the conversation, which takes
    // "parts" from what is kept, and its content; null if it was stopped.

    static parts = ['outgoing', 'sending'];

    async deliver(progress, signal) {
        const { address, name, content, total } = this.message;

        try {
            while (!signal.aborted) {
                const { end, envelope } = await this.next();
                const [refused] = await this.post(address, envelope);

                if (refused) {
                    throw Object.assign(new Error(refused.reason === 'full'
                        ? 'The recipient\'s mailbox is full.'
                        : 'The recipient\'s mailbox does not exist any more.'),
                    { passes: false });
                }

                if (end === total) {
                    this.message = null;

                    return {
                        content,
                        entry: {
                            kind: 'own', name: address.identity[0],
                            ...told(name, content),
                        },
                    };
                }

                this.message = { ...this.message, at: end, envelope: null };
                progress(end, total);
            }

            return null;
        } catch (error) {
            if (error.passes === false || error instanceof RangeError) {
                await this.forget();
            }

            throw error;
        }
    }

    // the envelope of the next piece, the same as before if it has left once

    async next() {
        const { message } = this;
        const { address, id, name, at, total, digest, content } = message;

        if (message.envelope) {
            return message;
        }

        const sender = this.sender();
        const room = longestMessage(sender.identity, sender.sizes)
            - aroundContent(name, total);

        if (room <= 0) {
            throw new RangeError('The gateway\'s envelopes are too small.');
        }

        const end = Math.min(at + room, total);
        const envelope = await sealed(sender, address.identity[1],
            encodePiece({
                id, name, offset: at, total, digest,
                content: content.subarray(at, end),
            }), sender.sizes);

        await this.kept.write({ sending: { at, end, envelope } });
        this.message = { ...message, end, envelope };

        return this.message;
    }
}

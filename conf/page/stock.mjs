// Certificates to send with.  Each conversation has one of its own, as long
// as there are enough, and keeps to it until its epoch is over.

import { SENDER, SENDERS } from './config.mjs';

// certificates are drawn in the name of an account, and its password is not
// kept anywhere

export class NoPassword extends Error {
    constructor() {
        super('Your certificates have ended. To draw new ones, give the'
            + ' password of your account again.');
    }
}

// of an overlap: the last tenth is left to clocks that differ
const USED = 0.9;
const LEAST_WAIT = 1, LONGEST_WAIT = 2 ** 31 / 1000 - 1;

export class Stock {

    // save gets what to keep

    constructor(gateway, save) {
        this.gateway = gateway;
        this.save = save;
        this.account = null;
        this.holders = [];
        this.uses = new Map();
        this.drawing = new Map();
    }

    get kept() {
        const { holders, uses } = this;

        return { holders, uses };
    }

    of(epoch) {
        return this.holders.filter((holder) => holder.epoch === epoch);
    }

    // Those of an epoch, drawn if there are none.

    async drawn(epoch) {
        if (this.of(epoch).length === 0) {
            if (!this.drawing.has(epoch)) {
                this.drawing.set(epoch, this.draw(epoch)
                    .finally(() => this.drawing.delete(epoch)));
            }

            await this.drawing.get(epoch);
        }

        return this.of(epoch);
    }

    async draw(epoch) {
        if (!this.account) {
            throw new NoPassword();
        }

        const drawn = await this.gateway.draw(this.account, SENDER, epoch,
            SENDERS);
        const now = Date.now() / 1000;

        this.holders = [
            ...this.holders.filter((holder) => now < this.end(holder)),
            ...drawn.map((holder) => ({ ...holder, epoch })),
        ];
        await this.save(this.kept);
    }

    // when the gateway takes a certificate no more, in unix seconds

    end({ epoch }) {
        const { epoch_seconds, epoch_overlap_seconds } = this.gateway.offer;

        return (epoch + 1) * epoch_seconds + epoch_overlap_seconds * USED;
    }

    // Those of the next epoch are drawn at a random time in this one: when
    // they are used must not tell who drew them.

    plan() {
        const { gateway } = this;
        const epoch = gateway.epoch();
        const rest = (epoch + 1) * gateway.offer.epoch_seconds
            - Date.now() / 1000;
        const wait = this.of(epoch + 1).length > 0 ? rest + LEAST_WAIT
            : Math.max(rest * 0.9 * Math.random(), LEAST_WAIT);

        clearTimeout(this.timer);

        this.timer = setTimeout(async () => {
            if (gateway.epoch() === epoch) {
                await this.drawn(epoch + 1).catch(() => {});
            }

            this.plan();
        }, Math.min(wait, LONGEST_WAIT) * 1000);
    }

    // One for a conversation.  In the overlap of two epochs each changes to
    // the new one at a moment of its own.

    async take(conversation) {
        const now = Date.now() / 1000;
        const { keyid, until } = this.uses.get(conversation) ?? {};
        const used = this.holders.find((holder) => holder.keyid === keyid);

        if (used && now < until) {
            return used;
        }

        const epoch = this.gateway.epoch();
        let fresh;

        try {
            fresh = await this.drawn(epoch);
        } catch (error) {
            if (used && now < this.end(used)) {
                return used;
            }

            throw error;
        }

        const count = (holder) => [...this.uses.values()].filter((use) =>
            use.keyid === holder.keyid).length;
        const holder = fresh.reduce((least, next) =>
            count(next) < count(least) ? next : least);
        const over = (epoch + 1) * this.gateway.offer.epoch_seconds;

        this.uses.set(conversation, {
            keyid: holder.keyid,
            until: over + Math.random() * (this.end(holder) - over),
        });
        await this.save(this.kept);

        return holder;
    }

    // one that the gateway does not take (any more)

    async drop(holder) {
        this.holders = this.holders.filter(({ keyid }) =>
            keyid !== holder.keyid);
        await this.save(this.kept);
    }

    stop() {
        clearTimeout(this.timer);
    }
}

// The page: forms on one side, the protocol on the other.

import { ORIGINS, STATUS } from './config.mjs';
import * as names from './names.mjs';
import { observer } from './operator.mjs';
import { Gateway } from './protocol/gateway.mjs';
import { OtherKeys, inWords } from './protocol/problem.mjs';
import { Session } from './session.mjs';
import {
    chosenContact, showContacts, showError, showJoined, showOwn, showReceived,
    showRefused, showState,
} from './view/conversation.mjs';
import { byId } from './view/elements.mjs';
import { copyOwn, showExchange } from './view/exchange.mjs';
import { lookFor, showEntry, showStatus } from './view/operator.mjs';

// also for people whose windows were closed without a word
const STATUS_EVERY = 2000;

const seen = observer(showEntry);
const gateway = new Gateway(ORIGINS, seen.request);
let session = null;

// What a person asks for: the button waits for it, errors are told.

const doing = async (button, work) => {
    button.disabled = true;
    byId('trust').hidden = true;
    showError('');

    try {
        await work();
    } catch (error) {
        byId('trust').hidden = !(error instanceof OtherKeys);
        showError(inWords(error));
    } finally {
        button.disabled = false;
    }
};

const contacts = async () => {
    if (!session) {
        return;
    }

    const verified = [];
    const all = [...await names.addresses(), ...session.contacts];

    for (const address of all) {
        const who = await session.whoIs(address.identity).catch(() => null);

        if (who) {
            verified.push(address);
            lookFor(who.name);
        }
    }

    showContacts(verified, session.mailbox.id);
};

const left = () => {
    session = null;
    showState('left');
    showJoined(null);
};

const join = async () => {
    const name = byId('name').value.trim();
    const coming = new Session(gateway, {
        message: (message) => {
            lookFor(message.text);
            showReceived(message);
        },
        refused: (error) => showRefused(error.message),
        received: (item) => seen.delivery(coming.mailbox.id, item),
        state: showState,
        ended: (error) => {
            left();
            showError(inWords(error));
        },
    });

    await coming.join(name, {
        name: byId('account').value, password: byId('password').value,
    }, byId('join').elements.transport.value);

    session = coming;
    lookFor(name);
    showJoined(name);
    showExchange(session.address, await names.authorityKey());
    await contacts();
    byId('text').focus();
};

const send = async () => {
    const contact = chosenContact();
    const text = byId('text').value;

    if (!contact) {
        throw new Error('There is nobody to write to yet.');
    }

    lookFor(text);
    await session.send(contact, text);
    showOwn(contact.identity[0], text);
    byId('text').value = '';
};

byId('join').addEventListener('submit', (event) => {
    event.preventDefault();
    doing(byId('enter'), join);
});

byId('compose').addEventListener('submit', async (event) => {
    event.preventDefault();
    await doing(byId('send'), send);
    byId('text').focus();
});

byId('meet').addEventListener('submit', (event) => {
    event.preventDefault();
    doing(byId('add'), async () => {
        await session.meet(byId('lines').value);
        byId('lines').value = '';
        await contacts();
    });
});

byId('copy').addEventListener('click', () => doing(byId('copy'), copyOwn));

byId('leave').addEventListener('click', () => doing(byId('leave'), async () => {
    const leaving = session;

    left();
    await leaving.leave();
}));

byId('trust').addEventListener('click', () => doing(byId('trust'), async () => {
    await names.unpin(ORIGINS.read);
    await join();
}));

names.onAddresses(contacts);

const status = async () => {
    const response = await fetch(STATUS, { cache: 'no-store' })
        .catch(() => null);

    if (response?.ok) {
        showStatus(await response.json());
    }

    await contacts();
};

status();
setInterval(status, STATUS_EVERY);

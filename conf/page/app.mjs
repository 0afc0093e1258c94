// The page: forms on one side, the protocol on the other.

import { ORIGINS, STATUS } from './config.mjs';
import { Kept } from './kept.mjs';
import * as names from './names.mjs';
import { observer } from './operator.mjs';
import { Gateway } from './protocol/gateway.mjs';
import { OtherKeys, inWords } from './protocol/problem.mjs';
import { Session } from './session.mjs';
import { NoPassword } from './stock.mjs';
import {
    chosenContact, showContacts, showEntries, showError, showJoined, showState,
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
    const current = session;

    if (!current) {
        return;
    }

    const verified = [];
    const all = [...await names.addresses(),
        ...current.contacts.map((address) => ({ ...address, here: true }))];

    for (const address of all) {
        const who = await current.whoIs(address.identity).catch(() => null);

        if (who) {
            verified.push(address);
            lookFor(who.name);
        }
    }

    // who has left meanwhile sees nobody

    if (session === current) {
        showContacts(verified, current.mailbox.id);
    }
};

const left = () => {
    session = null;
    showState('left');
    showJoined(null);
    showEntries([]);
    byId('name').focus();
};

const sessionOf = (kept) => {
    const made = new Session(gateway, kept, {
        entry: (entry) => {
            if (entry.kind !== 'refused') {
                lookFor(entry.text);
            }

            showEntries(made.mail.entries);
        },
        received: (item) => seen.delivery(made.mailbox.id, item),
        state: showState,
        ended: (error) => {
            showState('ended');
            showError(`${inWords(error)} Leave, and join anew.`);
        },
    });

    return made;
};

const entered = async (entering) => {
    const [name] = entering.identity;

    session = entering;
    lookFor(name);
    showJoined(name);
    showExchange(session.address, await names.authorityKey());
    await contacts();
    byId('text').focus();
};

const account = (form) => ({
    name: form.elements.account.value, password: form.elements.password.value,
});

const join = async () => {
    const kept = await Kept.begin();
    const entering = sessionOf(kept);

    try {
        await entering.join(byId('name').value.trim(), account(byId('join')),
            byId('join').elements.transport.value);
    } catch (error) {
        await kept.wipe();
        throw error;
    }

    await entered(entering);
};

const resume = async () => {
    const kept = await Kept.here();

    if (!kept) {
        showJoined(null);
        return;
    }

    const entering = sessionOf(kept);

    try {
        showState('reconnecting');
        await entering.resume();
    } catch (error) {
        showJoined(null);
        throw error;
    }

    await entered(entering);
};

const send = async () => {
    const contact = chosenContact();
    const text = byId('text').value;

    if (!contact) {
        throw new Error('There is nobody to write to: choose somebody.');
    }

    if (text.trim() === '') {
        return;
    }

    lookFor(text);

    try {
        await session.send(contact, text);
    } catch (error) {
        byId('renew').hidden = !(error instanceof NoPassword);
        throw error;
    }

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
    await session.leave();
    left();
}));

byId('renew').addEventListener('submit', (event) => {
    event.preventDefault();
    doing(byId('draw'), async () => {
        await session.renew(account(byId('renew')));
        byId('renew').hidden = true;
        byId('renew').reset();
        await send();
    });
});

// a line feed with Shift, as everywhere

byId('text').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        byId('compose').requestSubmit(byId('send'));
    }
});

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

Kept.sweep();
doing(byId('enter'), resume);

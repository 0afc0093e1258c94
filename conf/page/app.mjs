// The page: forms on one side, the protocol on the other.

import { ORIGINS, STATUS } from './config.mjs';
import { Kept } from './kept.mjs';
import * as names from './names.mjs';
import { observer } from './operator.mjs';
import { fromFile } from './outbox.mjs';
import { Gateway } from './protocol/gateway.mjs';
import { equal, utf8 } from './protocol/octets.mjs';
import { OtherKeys, inWords } from './protocol/problem.mjs';
import { pause } from './protocol/reader.mjs';
import { Session } from './session.mjs';
import { NoPassword } from './stock.mjs';
import {
    choose, chosenContact, showComing, showContacts, showEnded, showEntries,
    showError, showJoined, showSent, showState,
} from './view/conversation.mjs';
import { byId } from './view/elements.mjs';
import { copyOwn, saveFile, showExchange } from './view/exchange.mjs';
import { lookFor, showEntry, showStatus } from './view/operator.mjs';
import { fileName, plainName } from './view/plain.mjs';

// also for people whose windows were closed without a word
const STATUS_EVERY = 2000;

// what was under way when the page was reloaded, for a gateway that is away or
// only just there
const AGAIN = 2000, BUSY = 503;

const seen = observer(showEntry);
const gateway = new Gateway(ORIGINS, seen.request);
let session = null;

// What a person asks for: the buttons wait for it, errors are told.

const doing = async (buttons, work) => {
    if (buttons.some(({ disabled }) => disabled)) {
        return;
    }

    const wait = (waiting) => buttons.forEach((button) => {
        button.disabled = waiting;
    });

    wait(true);
    byId('trust').hidden = true;
    showError('');

    try {
        await work();
    } catch (error) {
        byId('trust').hidden = !(error instanceof OtherKeys);
        showError(inWords(error));
    } finally {
        wait(false);
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
        showContacts(verified, current.mailbox.id, (keyid) => {
            current.kept.choice = keyid;
        });
    }
};

const left = () => {
    session = null;
    showState('left');
    showJoined(null);
    showEntries([]);
    showComing([]);
    byId('renew').hidden = true;
    byId('compose').reset();
    byId('give').reset();
    byId('name').focus();
};

const save = (file) => doing([], async () => {
    saveFile(fileName(file.name), await session.mail.content(file));
});

const sessionOf = (kept) => {
    const made = new Session(gateway, kept, {
        mail: (entries, open) => {
            for (const { kind, text, file } of showEntries(entries, save)) {
                if (kind !== 'refused' && (text || file)) {
                    lookFor(text || file.name);
                }
            }

            showComing(open);
        },
        received: (item) => seen.delivery(made.mailbox.id, item),
        state: showState,
        ended: (error) => {
            showState('ended');
            showEnded(`${[401, 404, 410].includes(error.status)
                ? 'Your mailbox has ended.' : inWords(error)}`
                + ' Nothing comes any more: leave, and join anew.');
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
    const name = byId('name').value.trim();

    if (plainName(name) !== name) {
        throw new Error('Others could not see all of that name.');
    }

    const kept = await Kept.begin();
    const entering = sessionOf(kept);

    try {
        await entering.join(name, account(byId('join')),
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

    choose(kept.choice);
    await entered(entering);

    if (entering.outbox.message) {
        doing(writing, goOn);
    }
};

const writing = [byId('send'), byId('send-file')];

// What is in the outbox, until the gateway has taken all of it.

const deliver = async () => {
    const { name, content } = session.outbox.message;
    let done = false;

    try {
        done = await session.deliver(showSent);
    } catch (error) {
        byId('renew').hidden = !(error instanceof NoPassword);
        throw error;
    } finally {
        showSent(null);
    }

    // what was written meanwhile stays

    if (done && name !== null) {
        byId('file').value = '';
    } else if (done && equal(utf8(byId('text').value), content)) {
        byId('text').value = '';
    }
};

// Sends a text, whose name is null, or a file.

const send = async (name, content) => {
    const contact = chosenContact();

    if (!contact) {
        throw new Error('There is nobody to write to: choose somebody.');
    }

    await session.outbox.begin(contact, name, content);
    await deliver();
};

const sendText = async () => {
    const text = byId('text').value;

    if (text.trim() !== '') {
        lookFor(text);
        await send(null, utf8(text));
    }
};

const sendFile = async () => {
    const [file] = byId('file').files;

    lookFor(file.name);
    await send(...await fromFile(file));
};

// What was under way when the page was reloaded is where it was, and goes on
// by itself: it may have got through already.

const goOn = async () => {
    const current = session;
    const { name, content } = current.outbox.message;

    if (name === null) {
        byId('text').value = new TextDecoder().decode(content);
    } else {
        const put = new DataTransfer();

        put.items.add(new File([content], name));
        byId('file').files = put.files;
    }

    while (session === current) {
        try {
            await deliver();
            return;
        } catch (error) {
            if (!(error instanceof TypeError) && error.status !== BUSY) {
                throw error;
            }

            await pause(error.retryAfter * 1000 || AGAIN,
                current.stopping.signal);
        }
    }
};

byId('join').addEventListener('submit', (event) => {
    event.preventDefault();
    doing([byId('enter')], join);
});

byId('compose').addEventListener('submit', async (event) => {
    event.preventDefault();
    await doing(writing, sendText);
    byId('text').focus();
});

byId('give').addEventListener('submit', async (event) => {
    event.preventDefault();
    await doing(writing, sendFile);
    byId('file').focus();
});

byId('meet').addEventListener('submit', (event) => {
    event.preventDefault();
    doing([byId('add')], async () => {
        await session.meet(byId('lines').value);
        byId('lines').value = '';
        await contacts();
    });
});

byId('copy').addEventListener('click', () =>
    doing([byId('copy')], copyOwn));

byId('leave').addEventListener('click', () =>
    doing([byId('leave')], async () => {
        await session.leave();
        left();
    }));

byId('renew').addEventListener('submit', (event) => {
    event.preventDefault();
    doing([byId('draw'), ...writing], async () => {
        await session.renew(account(byId('renew')));
        byId('renew').hidden = true;
        byId('renew').reset();
        await deliver();
    });
});

// a line feed with Shift, as everywhere

byId('text').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        byId('compose').requestSubmit(byId('send'));
    }
});

byId('trust').addEventListener('click', () =>
    doing([byId('trust')], async () => {
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
doing([byId('enter')], resume);

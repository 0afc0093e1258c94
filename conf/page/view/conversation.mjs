// The people's side of the page.

import { equal } from '../protocol/octets.mjs';
import { byId, clock, element } from './elements.mjs';

// names are shown as they read, whatever their direction

const person = (name) => element('bdi', {}, name);

const WHO = {
    own: ({ name }) => ['to ', person(name)],
    received: ({ name, here }) => [person(name),
        ` ✓ verified${here ? '' : ' elsewhere'}`],
    refused: () => ['An envelope was refused'],
};

const words = ({ kind, text }) => kind !== 'refused' ? text
    : `${text[0].toUpperCase()}${text.slice(1)}. Nothing of it is shown.`;

const bubble = (entry) => element('div',
    { className: `message ${entry.kind}` },
    element('p', { className: 'who' }, ...WHO[entry.kind](entry), ' ',
        element('time', {}, clock(entry.time))),
    element('p', { className: 'text' }, words(entry)));

// All of a conversation.  What is there already stays as it is: it would be
// read out anew.

const bubbles = new Map();

export const showEntries = (entries) => {
    const log = byId('messages');

    for (const [entry, old] of bubbles) {
        if (!entries.includes(entry)) {
            old.remove();
            bubbles.delete(entry);
        }
    }

    for (const entry of entries.filter((one) => !bubbles.has(one))) {
        bubbles.set(entry, bubble(entry));
        log.append(bubbles.get(entry));
    }

    log.scrollTop = log.scrollHeight;
};

const STATES = {
    connected: 'connected', reconnecting: 'reconnecting…', left: 'left',
    ended: 'ended',
};

export const showState = (state) => {
    byId('state').textContent = STATES[state];
    byId('state').className = state;
};

export const showError = (text) => {
    byId('error').textContent = text;
};

let shown = [];
let choice = null;

// the name, or null when somebody has left

export const showJoined = (name) => {
    byId('join').hidden = name !== null;
    byId('conversation').hidden = name === null;
    byId('me').textContent = name ?? '';

    if (name === null) {
        shown = [];
        choice = null;
    }
};

// Everybody but oneself.  The choice is kept, also while somebody is away for
// a moment: nothing must go to another person than was meant.

export const showContacts = (addresses, own) => {
    const others = addresses.filter(({ mailbox, keyid, here }) =>
        !equal(mailbox, own) && (here || keyid === choice));

    // an input that is replaced loses the focus

    if (others.length === shown.length && others.every(({ keyid, here }, i) =>
        keyid === shown[i].keyid && here === shown[i].here)) {
        return;
    }

    shown = others;
    choice ??= shown[0]?.keyid ?? null;
    byId('nobody').hidden = shown.length > 0;

    for (const old of byId('contacts').querySelectorAll('label')) {
        old.remove();
    }

    byId('contacts').append(...shown.map(({ identity, keyid, here }) =>
        element('label', { className: 'choice' },
            element('input', {
                type: 'radio', name: 'contact', value: keyid,
                checked: keyid === choice,
                onchange: () => { choice = keyid; },
            }), ' ', person(identity[0]), here ? '' : ' (away)')));
};

export const chosenContact = () => shown.find(({ keyid }) => keyid === choice);

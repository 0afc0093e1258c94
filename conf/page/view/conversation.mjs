// The people's side of the page.

import { equal, hex } from '../protocol/octets.mjs';
import { byId, clock, element } from './elements.mjs';

const bubble = (className, who, text) => {
    const log = byId('messages');

    log.append(element('div', { className },
        element('p', { className: 'who' }, who, ' ',
            element('time', {}, clock(Date.now()))),
        element('p', { className: 'text' }, text)));
    log.scrollTop = log.scrollHeight;
};

export const showOwn = (name, text) => bubble('message own', `to ${name}`,
    text);

export const showReceived = ({ name, here, text }) => bubble(
    'message received', `${name} ✓ verified${here ? '' : ' elsewhere'}`, text);

export const showRefused = (why) => bubble('message refused',
    'An envelope was refused',
    `${why[0].toUpperCase()}${why.slice(1)}. Nothing of it is shown.`);

const STATES = {
    connected: 'connected', reconnecting: 'reconnecting…', left: 'left',
};

export const showState = (state) => {
    byId('state').textContent = STATES[state];
    byId('state').className = state;
};

export const showError = (text) => {
    byId('error').textContent = text;
};

// the name, or null when somebody has left

export const showJoined = (name) => {
    byId('join').hidden = name !== null;
    byId('conversation').hidden = name === null;
    byId('me').textContent = name ?? '';
};

// Everybody but oneself; the choice is kept.

let shown = [];

export const showContacts = (addresses, own) => {
    const chosen = chosenContact();
    const others = addresses.filter(({ mailbox }) => !equal(mailbox, own));

    // an input that is replaced loses the focus

    if (others.length === shown.length && others.every(({ mailbox }, i) =>
        equal(mailbox, shown[i].mailbox))) {
        return;
    }

    shown = others;
    byId('nobody').hidden = shown.length > 0;

    for (const old of byId('contacts').querySelectorAll('label')) {
        old.remove();
    }

    byId('contacts').append(...shown.map(({ identity, mailbox }, i) =>
        element('label', { className: 'choice' },
            element('input', {
                type: 'radio', name: 'contact', value: hex(mailbox),
                checked: chosen ? equal(chosen.mailbox, mailbox) : i === 0,
            }), ` ${identity[0]}`)));
};

export const chosenContact = () => {
    const input = byId('contacts').querySelector('input:checked');

    return shown.find(({ mailbox }) => hex(mailbox) === input?.value);
};

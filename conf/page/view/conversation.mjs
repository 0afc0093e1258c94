// The people's side of the page.

import { equal, hex } from '../protocol/octets.mjs';
import { byId, clock, element } from './elements.mjs';
import {
    fileName, keyMark, mixedAlphabets, plainName, plainText, sizeInWords,
} from './plain.mjs';

// as far from its end a conversation still follows what comes
const NEAR = 40;

// names are shown as they read, whatever their direction

const person = (name) => {
    const mixed = mixedAlphabets(name);

    return element('span', {}, element('bdi', {}, plainName(name)),
        ...mixed.length === 0 ? [] : [' ', element('small', {
            className: 'mixed',
        }, `mixes ${mixed.join(' and ')} letters`)]);
};

// who it is by the key: two may have one name, or names that look alike

const key = (hexadecimal) => element('code', {
    className: 'key', title: `The key of this person: ${hexadecimal}`,
}, keyMark(hexadecimal));

const WHO = {
    own: ({ name }) => ['to ', person(name)],
    received: ({ name, here, sender }) => [person(name),
        ` ✓ verified${here ? '' : ' elsewhere'} `,
        ...sender ? [key(sender)] : []],
    refused: () => ['An envelope was refused'],
};

const titled = (title) => title === null ? ['A text']
    : ['“', element('bdi', {}, fileName(title)), '”'];

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

// what an entry says; save(file) is asked for what a file has in it

const content = ({ kind, text, file, title, note }, save) => {
    if (note) {
        return element('p', { className: 'note' }, ...titled(title),
            ` was not taken: ${note}.`);
    }

    if (file) {
        const name = [element('bdi', {}, fileName(file.name)), ', ',
            sizeInWords(file.size)];

        return element('p', { className: 'file' }, ...file.id
            ? [element('button', {
                className: 'quiet', type: 'button',
                onclick: () => save(file),
            }, 'Save ', ...name)]
            : [...name, ', not kept any more']);
    }

    return element('p', { className: 'text', dir: 'auto' }, kind !== 'refused'
        ? plainText(text) : `${sentence(text)} Nothing of it is shown.`);
};

const bubble = (entry, save) => element('div',
    { className: `message ${entry.kind}` },
    element('p', { className: 'who' }, ...WHO[entry.kind](entry), ' ',
        element('time', {}, clock(entry.time))),
    content(entry, save));

// All of a conversation; gives what was not there before.  What was stays as it
// is: it would be read out anew.

const bubbles = new Map();
let following = true;

export const showEntries = (entries, save) => {
    const log = byId('messages');

    log.onscroll ??= () => {
        following = log.scrollHeight - log.scrollTop - log.clientHeight
            < NEAR;
    };

    for (const [entry, old] of bubbles) {
        if (!entries.includes(entry)) {
            old.remove();
            bubbles.delete(entry);
        }
    }

    const fresh = entries.filter((one) => !bubbles.has(one));

    for (const entry of fresh) {
        bubbles.set(entry, bubble(entry, save));
        log.append(bubbles.get(entry));
    }

    // who reads what was before is not taken away from it

    if (following || fresh.some(({ kind }) => kind === 'own')) {
        log.scrollTop = log.scrollHeight;
    }

    return fresh;
};

// what comes in several pieces, of which some are missing

export const showComing = (open) => {
    byId('coming').replaceChildren(...open.map((one) => element('li', {},
        ...titled(one.file), ' comes from ', person(one.name), ' ',
        element('progress', {
            max: one.total, ariaLabel: 'Received',
            value: one.pieces.reduce((sum, [, size]) => sum + size, 0),
        }))));
};

// of what is sent in several pieces; null: nothing

export const showSent = (octets, total) => {
    byId('progress').hidden = octets === null;
    byId('progress').max = total ?? 1;
    byId('progress').value = octets ?? 0;
};

const STATES = {
    connected: 'connected', reconnecting: 'reconnecting…', left: 'left',
    ended: 'ended',
};

export const showState = (state) => {
    byId('state').textContent = STATES[state];
    byId('state').className = state;
};

// why nothing comes any more, until somebody leaves

export const showEnded = (text) => {
    byId('ended').textContent = text;
};

export const showError = (text) => {
    byId('error').textContent = plainText(text);
};

let shown = [];
let choice = null;

// the name, or null when somebody has left

export const showJoined = (name) => {
    byId('join').hidden = name !== null;
    byId('conversation').hidden = name === null;
    byId('me').replaceChildren(person(name ?? ''));

    if (name === null) {
        shown = [];
        choice = null;
        showEnded('');
    }
};

// after a reload

export const choose = (keyid) => {
    choice = keyid;
};

// Everybody but oneself.  The choice is kept, also while somebody is away for
// a moment: nothing must go to another person than was meant.  onChoice gets
// it.

export const showContacts = (addresses, own, onChoice) => {
    const others = addresses.filter(({ mailbox, keyid, here }) =>
        !equal(mailbox, own) && (here || keyid === choice));

    // an input that is replaced loses the focus

    if (others.length === shown.length && others.every(({ keyid, here }, i) =>
        keyid === shown[i].keyid && here === shown[i].here)) {
        return;
    }

    const focused = document.activeElement?.name === 'contact'
        ? document.activeElement.value : null;

    shown = others;
    choice ??= shown[0]?.keyid ?? null;

    if (choice !== null) {
        onChoice(choice);
    }

    byId('nobody').hidden = shown.length > 0;

    for (const old of byId('contacts').querySelectorAll('label')) {
        old.remove();
    }

    byId('contacts').append(...shown.map(({ identity, keyid, here }) =>
        element('label', { className: 'choice' },
            element('input', {
                type: 'radio', name: 'contact', value: keyid,
                checked: keyid === choice,
                onchange: () => {
                    choice = keyid;
                    onChoice(choice);
                },
            }), ' ', person(identity[0]), ' ', key(hex(identity[1])),
            here ? '' : ' (away)')));

    if (focused) {
        byId('contacts').querySelector(`[value="${focused}"]`)?.focus();
    }
};

export const chosenContact = () => shown.find(({ keyid }) => keyid === choice);

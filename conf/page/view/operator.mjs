// The operator's side of the page.

import { found, madeBy, octetsOf, recipients } from '../operator.mjs';
import { base64url, hex } from '../protocol/octets.mjs';
import { byId, clock, element } from './elements.mjs';
import { inShort } from './plain.mjs';

const SHOWN = 200, OCTETS = 96, TERMS = 30;

// what is shorter is found in ciphertext by chance
const SHORTEST = 5;

const size = (octets) => `${octets.toLocaleString('en')} octets`;

const hexDump = (octets) => hex(octets.subarray(0, OCTETS))
    .replace(/(.{2})/g, '$1 ') + (octets.length > OCTETS ? '…' : '');

const whole = ({ method, target, headers, body }) => [`${method} ${target}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...body.length > 0 ? ['', hexDump(body)] : []].join('\n');

const requestRow = (entry) => {
    const by = madeBy(entry);
    const to = recipients(entry);

    return [
        element('summary', {},
            element('span', { className: 'time' }, clock(entry.time)),
            element('code', {}, `${entry.method} ${entry.target}`),
            element('span', { className: `by ${by.kind}` },
                `${by.kind} ${by.id}`),
            ...to.map((id) => element('span', { className: 'by mailbox' },
                `to mailbox ${id}`)),
            element('span', { className: 'size' }, size(entry.body.length)),
            element('span', { className: 'status' },
                entry.status === null ? '…' : `${entry.status}`)),
        element('pre', {}, whole(entry)),
    ];
};

// all that an envelope at rest tells about when it came

const hour = (number) => `${new Date(number * 3600000).toISOString()
    .slice(0, 13).replace('T', ' ')}h UTC`;

const deliveryRow = ({ time, mailbox, item }) => [
    element('summary', {},
        element('span', { className: 'time' }, clock(time)),
        element('code', {}, `envelope ${item.seq} delivered`),
        element('span', { className: 'by mailbox' },
            `mailbox ${base64url(mailbox)}`),
        element('span', { className: 'size' },
            `${size(item.header.length + item.body.length)}, of `
            + hour(item.hour))),
    element('pre', {}, `header ${hexDump(item.header)}\n\n`
        + `body ${hexDump(item.body)}`),
];

const records = new Map();
const rows = new Map();

// terms that are looked for, with the records in which they were found
const terms = new Map();

const search = (term, ids) => {
    for (const id of ids) {
        if (term.length >= SHORTEST && found([records.get(id)], term) > 0) {
            terms.get(term).add(id);
        }
    }
};

const showSearch = () => {
    byId('search').replaceChildren(...[...terms].map(([term, { size }]) => {
        const shown = `“${inShort(term)}”`;

        return term.length < SHORTEST
            ? element('li', {}, `${shown} is too short to look for`)
            : element('li', { className: size ? 'bad' : 'good' },
                `${shown} found ${size} times`);
    }));
};

export const showEntry = (entry) => {
    const list = byId('requests');
    const old = rows.get(entry.id);
    const details = element('details', { open: old?.firstChild.open ?? false },
        ...entry.item ? deliveryRow(entry) : requestRow(entry));
    const row = element('li', {}, details);

    rows.set(entry.id, row);

    if (old) {
        old.replaceWith(row);
        return;
    }

    list.prepend(row);
    records.set(entry.id, octetsOf(entry));
    terms.forEach((_, term) => search(term, [entry.id]));

    if (records.size > SHOWN) {
        const [first] = records.keys();

        rows.get(first).remove();
        rows.delete(first);
        records.delete(first);
        terms.forEach((ids) => ids.delete(first));
    }

    showSearch();
};

// a name or a text of the conversation, to be looked for

export const lookFor = (term) => {
    const known = terms.get(term);

    terms.delete(term);
    terms.set(term, known ?? new Set());

    if (!known) {
        search(term, records.keys());
    }

    if (terms.size > TERMS) {
        terms.delete(terms.keys().next().value);
    }

    showSearch();
};

const HELD = {
    mailboxes: 'mailboxes', envelopes: 'envelopes waiting',
    bodies: 'sealed bodies', certificates: 'certificates and quotas',
};

export const showStatus = ({ zones: [zone], readers }) => {
    const pairs = [...Object.entries(HELD).map(([key, text]) =>
        [text, zone[key]]), ['readers', readers]];

    byId('held').replaceChildren(...pairs.map(([text, number]) =>
        element('div', {}, element('dt', {}, text),
            element('dd', {}, String(number)))));
};

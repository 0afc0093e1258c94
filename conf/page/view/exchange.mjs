// What is given away, and taken, to write with people outside this browser.

import { addressLine } from '../protocol/address.mjs';
import { base64url } from '../protocol/octets.mjs';
import { byId, element } from './elements.mjs';

// by then a browser has taken what it saves
const SAVING = 60000;

const offer = (link, name, line) => {
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([`${line}\n`],
        { type: 'text/plain' }));
    link.download = name;
    link.textContent = name;
};

const fileName = (name) => `${name.toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')}.mailbox.pub`;

export const showExchange = (address, authority) => {
    const lines = [addressLine(address), base64url(authority)];
    const file = fileName(address.identity[0]);

    byId('own').value = lines.join('\n');
    offer(byId('save-address'), file, lines[0]);
    offer(byId('save-authority'), 'names.pub', lines[1]);
    byId('command').textContent = `sealed send --to ${file}`
        + ' --identity-authority names.pub \\\n'
        + '    --identity me --message Hello';
};

// Something received, as a file of this computer.  Its type is that of nothing
// which a browser would show.

export const saveFile = (name, content) => {
    const link = element('a', {
        download: name, href: URL.createObjectURL(new Blob([content],
            { type: 'application/octet-stream' })),
    });

    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), SAVING);
};

export const copyOwn = async () => {
    byId('own').select();
    await navigator.clipboard.writeText(byId('own').value);
};

// Names and texts of others, so that they cannot pass for something else:
// what nobody sees, what turns the direction of its surroundings, what begins
// a line of its own where there is none is shown as a mark.

const MARK = '\ufffd', LONG = 40, LONG_FILE = 100;

// invisible parts of what is seen: of emoji, and between letters that join

const SEEN = [
    '\\p{ExtPict}\\ufe0f?\\p{EMod}?(?:\\u200d\\p{ExtPict}\\ufe0f?\\p{EMod}?)*',
    '[0-9#*]\\ufe0f\\u20e3',
    '\\u{1f3f4}\\u{e0067}\\u{e0062}[\\u{e0061}-\\u{e007a}]{3}\\u{e007f}',
    ...['Arab', 'Syrc', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu',
        'Knda', 'Mlym', 'Sinh', 'Khmr'].map((script) =>
        `(?<=\\p{sc=${script}})[\\u200c\\u200d](?=\\p{sc=${script}})`),
].join('|');

const UNSEEN = '[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{DI}\\u2800]';

// as they look like others: no space but one between words

const IN_NAMES = new RegExp(`(${SEEN})|${UNSEEN}|^ +| +$|(?<= ) +|[^\\S ]`,
    'gu');

const IN_TEXTS = new RegExp(`(${SEEN})|(?![\\n\\t])[\\p{Cc}\\p{Zl}\\p{Zp}`
    + '\\u202a-\\u202e\\u2066-\\u2069\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]',
'gu');

const marked = (text, pattern, mark) => text.replace(pattern,
    (all, seen) => seen ?? mark);

// begin and end of what is long: two that begin alike are not one

const shortened = (text, length) => {
    const characters = [...text];
    const end = Math.floor(length / 3);

    return characters.length <= length ? text
        : `${characters.slice(0, length - end - 1).join('')}…${
            characters.slice(-end).join('')}`;
};

export const plainName = (name) => shortened(marked(name, IN_NAMES, MARK),
    LONG);

// Alphabets whose letters are not written together look alike in places: which
// ones a name mixes.

const EAST_ASIAN = ['Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo'];

const ALPHABETS = [
    'Latin', 'Greek', 'Cyrillic', 'Armenian', 'Georgian', 'Cherokee',
    'Hebrew', 'Arabic', 'Devanagari', 'Thai', ...EAST_ASIAN,
].map((name) => [name, new RegExp(`\\p{sc=${name}}`, 'u')]);

const alphabetOf = (letter) => ALPHABETS.find(([, letters]) =>
    letters.test(letter))?.[0] ?? 'other';

export const mixedAlphabets = (name) => {
    const letters = name.match(/(?!\p{sc=Common})\p{L}/gu) ?? [];
    const used = [...new Set(letters.map(alphabetOf))];

    return used.length < 2 || used.every((alphabet) => alphabet === 'Latin'
        || EAST_ASIAN.includes(alphabet)) ? [] : used;
};

export const plainText = (text) => marked(text.replace(/\r\n?/g, '\n'),
    IN_TEXTS, MARK);

// a text in few words, on one line

export const inShort = (text) => shortened(marked(text.replace(/\s+/g, ' '),
    IN_NAMES, MARK), 2 * LONG);

// The name under which a file is stored: nothing of a path, nothing that
// shells, terminals or file systems take amiss.

export const fileName = (name) => shortened(
    marked(name.replace(/^.*[/\\]/s, ''), IN_NAMES, '_')
        .replace(/[:*?"<>|%]/g, '_')
        .replace(/^[.~-]/, '_')
        .replace(/[. ]+$/, (end) => '_'.repeat(end.length)), LONG_FILE)
    || 'file';

export const sizeInWords = (octets) => {
    const [value, unit] = octets < 1000 ? [octets, octets === 1 ? 'octet'
        : 'octets'] : octets < 1000000 ? [octets / 1000, 'KB']
        : [octets / 1000000, 'MB'];

    return `${value.toLocaleString('en', {
        maximumFractionDigits: unit === 'MB' ? 1 : 0,
    })} ${unit}`;
};

// enough of a key to tell two people with one name apart

export const keyMark = (hexadecimal) => hexadecimal.slice(0, 16)
    .replace(/(.{4})(?=.)/g, '$1 ');

// People in tabs of a headless Chromium, for the tests of the page.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';

export const environment = (name) => {
    const value = process.env[name];

    if (!value) {
        throw new Error(`${name} is not set; run t/50-page.t`);
    }

    return value;
};

export const url = environment('SEALED_PAGE');

const modules = environment('SEALED_NODE_DIRECTORY');
const { chromium } = createRequire(`${modules}/package.json`)(
    'playwright-core');

export const screenshots = `${modules}/screenshots`;

let browser, context;
const complaints = [];

before(async () => {
    mkdirSync(screenshots, { recursive: true });

    // as root there is no sandbox to be had
    browser = await chromium.launch({
        executablePath: '/usr/bin/chromium',
        timeout: 180000,
        args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    });
    context = await browser.newContext({
        viewport: { width: 1280, height: 900 },
        permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(180000);
});

after(() => browser?.close());

export const newPage = async () => {
    const page = await context.newPage();

    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) {
            complaints.push(message.text());
        }
    });

    await page.goto(url);

    return page;
};

export const join = async (name, transport) => {
    const page = await newPage();

    await page.fill('#name', name);
    await page.check(`input[value=${transport}]`);
    await page.click('#enter');
    await page.waitForSelector('#state.connected');

    return page;
};

export const send = async (page, text) => {
    const sent = page.locator('.own .text').filter({ hasText: text });

    await page.fill('#text', text);
    await page.click('#send');
    await sent.waitFor();
};

// a file, until the gateway has taken all of it

export const give = async (page, name, content) => {
    const own = page.locator('.own .file').filter({ hasText: name });
    const before = await own.count();

    await page.setInputFiles('#file', {
        name, mimeType: 'application/octet-stream',
        buffer: Buffer.from(content),
    });
    await page.click('#send-file');
    await own.nth(before).waitFor();
};

// what a click on this saves: { name, content }

export const saved = async (page, selector) => {
    const [download] = await Promise.all([page.waitForEvent('download'),
        page.click(selector)]);

    return {
        name: download.suggestedFilename(),
        content: readFileSync(await download.path()),
    };
};

export const received = (page) => page.locator('.received .text')
    .allTextContents();

export const waitForCount = (page, selector, count) => page.waitForFunction(
    ([what, n]) => document.querySelectorAll(what).length >= n,
    [selector, count]);

export const waitForAlert = (page, text) => page.getByRole('alert')
    .filter({ hasText: text }).waitFor();

// what the status page says, by way of the page

export const mailboxes = (page, count) => page.waitForFunction((wanted) =>
    document.querySelector('#held').textContent.includes(
        `mailboxes${wanted}envelopes`), count);

// what the browser complained about since the last time

export const complained = (expected) => {
    const said = complaints.splice(0).filter((text) => !expected?.test(text));

    assert.deepEqual(said, []);
};

export const complaintsUntilNow = () => complaints.splice(0);

/** The documentation at /docs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suite } from './server.js';

const it = suite(() => {}, { permissions: ['clipboard-read', 'clipboard-write'] });

const PAGES = ['', '/start', '/query', '/mock', '/recipes', '/page', '/operate', '/reliability', '/internals', '/no-such-page'];

/** Opens a page and waits until its script has run. */
async function open(path, settings = {}) {
  await it.page.goto(`${it.server.url}/docs${path}`, settings);
  await it.page.locator('#themeButton:visible').waitFor();
}

const found = () => it.page.locator('#searchResults a').allTextContents();
/** The texts that the search marks. */
const marked = () => it.page.evaluate(() => [...CSS.highlights.get('found') ?? []].map((range) => range.toString()));

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    await it.page.emulateMedia({ colorScheme });
    for (const path of PAGES) {
      await open(path);
      await it.axe(`${path} ${colorScheme}`);
    }
    await it.page.setViewportSize({ width: 390, height: 900 });
    await open('/operate');
    await it.axe(`phone ${colorScheme}`);
    await open('/query');
    await it.page.locator('#searchField').fill('operator');
    await it.page.locator('#searchResults a').first().waitFor();
    await it.axe(`search ${colorScheme}`);
    it.expect('status of 404');
  });
}

test('no width makes a page scroll sideways', async () => {
  for (const path of PAGES) {
    await open(path);
    for (const width of [320, 390, 860, 1024, 1180, 1920]) {
      await it.page.setViewportSize({ width, height: 800 });
      assert.equal(await it.overflow(), 0, `${path} at ${width}`);
    }
  }
  it.expect('status of 404');
});

test('a block of code is copied as it is', async () => {
  await open('/query');
  const block = it.page.locator('.code:has(.language-sh)').first();
  const code = await block.locator('code').textContent();
  await block.getByRole('button', { name: 'Copy' }).click();
  await block.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await it.page.locator('#liveText').textContent(), 'Copied');
  assert.equal(await it.page.evaluate(() => navigator.clipboard.readText()), code);
  const output = it.page.locator('.code:has(.language-sh) + .code:not(:has(.language-sh))');
  assert.ok(await output.count() > 10);
  assert.equal(await output.getByRole('button').count(), 0, 'what a command prints is not to be pasted');
});

test('a file is shown as it is served, with a link to it', async () => {
  await open('/operate');
  const figure = it.page.locator('figure').first();
  const path = await figure.locator('figcaption a').getAttribute('href');
  const served = await (await fetch(new URL(path, it.page.url()))).text();
  assert.equal(await figure.locator('code').textContent(), served);
  await figure.getByRole('button', { name: 'Copy' }).click();
  await figure.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await it.page.evaluate(() => navigator.clipboard.readText()), served);
});

test('each heading has a link to itself, which the keyboard reaches', async () => {
  await open('/query');
  const headings = await it.page.locator('main :is(h1, h2, h3, h4)').evaluateAll((nodes) => nodes.map((node) => [node.id, node.textContent]));
  assert.ok(headings.length > 20);
  for (const [id, text] of headings) {
    const link = it.page.locator(`main a.anchor[href="#${id}"]`);
    assert.equal(await link.getAttribute('aria-label'), `Link to: ${text}`);
  }
  const [id] = headings[3];
  const link = it.page.locator(`a.anchor[href="#${id}"]`);
  await link.focus();
  assert.equal(await link.evaluate((node) => getComputedStyle(node).opacity), '1');
  await it.page.keyboard.press('Enter');
  await it.page.waitForURL((url) => url.hash === `#${id}`);
  await it.page.locator(`#pageContents [aria-current=location][href="#${id}"]`).waitFor();
});

test('search lists the sections that have every word, and marks the words', async () => {
  await open('/query');
  await it.page.keyboard.press('/');
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'searchField');
  await it.page.keyboard.type('Keyword');
  const names = await found();
  assert.equal(names[0], 'Keyword', `${names}`);
  assert.equal(await it.page.locator('#searchCount').textContent(), `${names.length} sections`);
  assert.equal(await it.page.locator('#pageContents').isVisible(), false);
  const texts = await marked();
  assert.ok(texts.length >= names.length, `${texts}`);
  assert.deepEqual([...new Set(texts.map((text) => text.toLowerCase()))], ['keyword']);
  await it.page.keyboard.press('Enter');
  await it.page.waitForURL((url) => url.hash === '#keyword');

  const all = names.length;
  await it.page.locator('#searchField').fill('keyword regex-that-is-nowhere');
  assert.equal(await it.page.locator('#searchCount').textContent(), 'Nothing on this page');
  assert.deepEqual(await found(), []);
  await it.page.locator('#searchField').fill('keyword limit');
  assert.ok((await found()).length < all);

  await it.page.keyboard.press('Escape');
  assert.equal(await it.page.locator('#searchField').inputValue(), '');
  assert.deepEqual(await found(), []);
  assert.deepEqual(await marked(), []);
  assert.equal(await it.page.locator('#pageContents').isVisible(), true);
});

test('on a phone the lists are folded, and opened by a tap', async () => {
  await it.page.setViewportSize({ width: 390, height: 800 });
  await open('/query');
  const link = it.page.locator('#pageContents a', { hasText: 'Operators' }).first();
  assert.equal(await link.isVisible(), false);
  await it.page.getByText('On this page').click();
  await link.click();
  await it.page.waitForURL((url) => url.hash === '#operators');
});

test('the theme is that of the page of the jobs', async () => {
  await it.page.emulateMedia({ colorScheme: 'dark' });
  await open('');
  const back = () => it.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await back();
  await it.page.getByRole('button', { name: /^Theme/ }).click();
  const light = await back();
  assert.notEqual(light, dark);
  await it.page.goto(`${it.server.url}/?refresh=0`);
  assert.equal(await back(), light);
  await open('/query');
  assert.equal(await back(), light);
});

test('the help of the page leads here', async () => {
  await it.page.goto(`${it.server.url}/?refresh=0`);
  await it.page.getByRole('button', { name: 'Help' }).click();
  await it.page.getByRole('link', { name: 'Documentation' }).click();
  await it.page.getByRole('heading', { name: 'Documentation' }).waitFor();
});

test('what cannot be scrolled is no stop of the keyboard', async () => {
  await open('/query');
  for (const node of await it.page.locator('.code > pre, .scroll').all()) {
    const [scrolls, stops] = await node.evaluate((box) => [box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight, box.tabIndex === 0]);
    assert.equal(stops, scrolls, await node.innerText());
  }
});

test('without JavaScript a page is readable', async () => {
  const context = await it.page.context().browser().newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${it.server.url}/docs/query`);
  assert.equal(await page.locator('#searchField').isVisible(), false);
  assert.equal(await page.locator('#themeButton').isVisible(), false);
  assert.equal(await page.locator('#pageContents a').first().isVisible(), true);
  assert.equal(await page.locator('main h2').first().isVisible(), true);
  await context.close();
});

test('print shows the text alone', async () => {
  await open('/query');
  await it.page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const hidden of ['body > header', '#pageList', '#searchBox', '#pageContents', '.copy']) {
    assert.equal(await it.page.locator(hidden).first().isVisible(), false, hidden);
  }
  assert.equal(await it.page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
  assert.equal(await it.page.locator('main h2').first().isVisible(), true);
});

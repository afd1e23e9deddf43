/** The languages of the page: the tables have the same keys, no text is outside of them, and every view holds its layout in each. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { NOW, Server, suite } from './server.js';

const STATIC = new URL('../../static/', import.meta.url);
const read = (path) => readFileSync(new URL(path, STATIC), 'utf8');
const table = async (language) => (await import(new URL(`js/texts/${language}.js`, STATIC))).texts;
const LANGUAGES = ['en', 'ko', 'ja'];

const it = suite((server) => {
  server.importGenerated(2_000);
});

/** The views, by query; each with what shows that its answer is there. */
const VIEWS = {
  'view=overview&range=month': '#error-groups li',
  'view=now&hours=24': '#lane-list > *',
  'view=collectors&range=month': '#collector-rows tr',
  'view=jobs&tab=failed': '#rows tr',
  'view=statistics&by=day,collector&range=month': '#stat-rows tr',
};

const placeholders = (entry) => {
  const texts = typeof entry === 'string' ? [entry] : Object.values(entry);
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)))].sort();
};

test('the tables of all languages have the same keys in the same order, with the same values', async () => {
  const english = await table('en');
  assert.ok(Object.keys(english).length > 300);
  for (const language of ['ko', 'ja']) {
    const other = await table(language);
    assert.deepEqual(Object.keys(other), Object.keys(english), language);
    for (const [key, entry] of Object.entries(other)) {
      // A form for one may leave out the number.
      assert.deepEqual(placeholders(entry), placeholders(english[key]), `${language} ${key}`);
      const forms = typeof entry === 'string' ? { other: entry } : entry;
      assert.ok(forms.other, `${language} ${key} has a form for all numbers`);
    }
  }
});

test('every text of the table is used, and every text that is used is in the table', async () => {
  const keys = Object.keys(await table('en'));
  const source = readdirSync(new URL('js/', STATIC)).filter((name) => name.endsWith('.js')).map((name) => read(`js/${name}`)).join('\n')
    + read('index.html');
  const named = new Set([...source.matchAll(/['"`]([A-Za-z][\w.-]*)['"`]/g)].map(([, key]) => key));
  const made = [...source.matchAll(/`([\w.]+\.)\$\{[^`]*?\}([\w.]*)`/g)].map(([, start, end]) => [start, end]);
  const isMade = (key) => made.some(([start, end]) => key.startsWith(start) && key.endsWith(end));
  assert.deepEqual(keys.filter((key) => !named.has(key) && !isMade(key)), []);
  const asked = [...source.matchAll(/\b(?:t|parts)\('([\w.-]+)'|data-t(?:-\w+)?="([\w.-]+)"/g)].map(([, one, other]) => one ?? other);
  assert.deepEqual(asked.filter((key) => !keys.includes(key)), []);
});

test('no text is outside of the table', async () => {
  // Each text of the table is marked, so that what is not marked comes from elsewhere: data, or a text outside of it.
  const mark = (text) => text.split(/(\{\w+\})/).map((part, index) => (index % 2 || !/\p{L}/u.test(part) ? part : `⟦${part}⟧`)).join('');
  const english = await table('en');
  const marked = Object.fromEntries(Object.entries(english).map(([key, entry]) => [key, typeof entry === 'string' ? mark(entry)
    : Object.fromEntries(Object.entries(entry).map(([form, text]) => [form, mark(text)]))]));
  const body = `globalThis.texts = ${JSON.stringify(marked)};`;
  await it.page.route(/texts\/en\.js/, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  for (const [query, selector] of Object.entries(VIEWS)) {
    await it.page.goto(`${it.server.url}/?refresh=0&${query}`);
    await it.page.locator(selector).first().waitFor();
    if (query.startsWith('view=jobs')) {
      await it.rows().first().click();
      await it.page.locator('#drawer-runs .runs').waitFor();
    }
    const found = await it.page.evaluate(() => {
      /** What shows data, or what is the same in all languages. */
      const DATA = 'script, style, noscript, template, h1, code, pre, kbd, time, #domain, #collector, #project, #language, #zone, #drawer-title, .id, .collector, .plugin, '
        + '.project, .errors b, .errors, .group, .name, .spark, .tick-label, .job-error, .differences, #drawer-about a, #drawer-about .quiet, dd, #export a, #by-1 ~ *, '
        + '#stat-rows td:not(.number), .line-key, #raw';
      const isOutside = (text) => /\p{L}{2,}/u.test(text.replace(/⟦[^⟧]*⟧/g, ' ')
        // Numbers with units, ages, days and zones are written by Intl.
        .replace(/\b(in )?[\d.,–+−-]+\s?(sec|min|hr|days?|wk|mo|yr)\.?( ago)?/g, '').replace(/\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d+|UTC/g, ''));
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      const texts = [];
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (!parent.closest(DATA) && parent.checkVisibility() && isOutside(node.textContent)) texts.push(`${parent.tagName}.${parent.className}: ${node.textContent.trim()}`);
      }
      for (const node of document.querySelectorAll('[aria-label], [placeholder]')) {
        const label = node.ariaLabel ?? node.placeholder;
        if (!node.closest(`${DATA}, .run, .long, .lane-of-time, .bar-of-time, .runs`) && isOutside(label)) texts.push(`label: ${label}`);
      }
      return texts;
    });
    assert.deepEqual([...new Set(found)], [], query);
  }
});

test("the language is the browser's, or the chosen one, and is remembered but not in the address", async () => {
  await it.open();
  assert.equal(await it.page.locator('html').getAttribute('lang'), 'en');
  await it.page.locator('#settings summary').click();
  await it.page.locator('#language').selectOption('ko');
  await it.page.waitForFunction(() => document.documentElement.lang === 'ko' && document.querySelector('#rows tr'));
  assert.equal(await it.page.locator('[data-view=jobs]').textContent(), (await table('ko'))['view.jobs']);
  assert.match(await it.page.locator('#rows .created').first().textContent(), /전$/, 'ages are written by Intl');
  assert.equal(new URL(it.page.url()).searchParams.has('language'), false);
  await it.page.goto(`${it.server.url}/?refresh=0`);
  await it.rows().first().waitFor();
  assert.equal(await it.page.locator('html').getAttribute('lang'), 'ko');
});

test('a browser that prefers Japanese gets it, and one that prefers another language gets English', async () => {
  for (const [locale, language] of [['ja-JP', 'ja'], ['de-DE', 'en']]) {
    const context = await it.page.context().browser().newContext({ locale, timezoneId: 'UTC' });
    const page = await context.newPage();
    await page.goto(`${it.server.url}/?refresh=0`);
    await page.locator('#rows tr').first().waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), language);
    assert.equal(await page.locator('#help-open').getAttribute('aria-label'), (await table(language)).help);
    await context.close();
  }
});

test('no picker cuts its text in any language, nor in the journal and the controls of a mock', async () => {
  const mock = new Server();
  try {
    mock.writeFixtures(`${JSON.stringify({ job_id: 'job-a', domain_id: 'domain-a', created_at: NOW })}\n`);
    await mock.start();
    it.page.removeAllListeners('request');
    const pages = [...Object.entries(VIEWS).map(([query, selector]) => [`${it.server.url}/?refresh=0&${query}`, selector]),
      [`${mock.url}/?refresh=0&view=journal`, '#journal-empty']];
    for (const language of LANGUAGES) {
      await it.page.addInitScript((language) => location.host && localStorage.setItem('jobdeck.language', language), language);
      for (const [address, selector] of pages) {
        await it.page.goto(address);
        await it.page.locator(selector).first().waitFor();
        assert.equal(await it.page.locator('html').getAttribute('lang'), language);
        await it.page.locator('#settings summary').click();
        if (address.startsWith(mock.url)) await it.page.locator('#mock summary').press('Enter');
        for (const width of [1280, 1920]) {
          await it.page.setViewportSize({ width, height: 900 });
          assert.ok(await it.page.locator('select:visible').count() >= 4);
          assert.deepEqual(await it.cutPickers(), [], `${language} ${address} at ${width}`);
        }
      }
    }
    await it.page.goto('about:blank');
  } finally {
    await mock.remove();
  }
});

for (const language of LANGUAGES) {
  test(`every view holds its layout, ${language}`, async () => {
    await it.page.addInitScript((language) => {
      for (const name of ['jobdeck.language']) localStorage.setItem(name, language);
    }, language);
    for (const [query, selector] of Object.entries(VIEWS)) {
      for (const width of [390, 768, 1280]) {
        await it.page.setViewportSize({ width, height: 800 });
        await it.page.goto(`${it.server.url}/?refresh=0&${query}`);
        await it.page.locator(selector).first().waitFor();
        assert.equal(await it.page.locator('html').getAttribute('lang'), language);
        assert.equal(await it.overflow(), 0, `${query} at ${width}`);
        // A button whose text is cut, or broken into more than two lines.
        const cut = await it.page.locator('button:visible, summary:visible').evaluateAll((nodes) => nodes.filter((node) => (
          !node.closest('#pages, .chip, .view, #rows') && (node.scrollWidth > node.clientWidth + 1 || node.offsetHeight > 60)
        )).map((node) => node.textContent));
        assert.deepEqual(cut, [], `${query} at ${width}`);
      }
    }
    await it.axe(language);
  });
}

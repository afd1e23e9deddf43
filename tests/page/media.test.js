/** The page in forced colors, where charts and marks keep what tells outcomes apart, and on paper. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { textOfPages } from './pdf.js';
import { NOW, suite } from './server.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const before = (millis) => new Date(Date.parse(NOW) - millis).toISOString();
let made = 0;
/** A job of a collector that began and ended so long before now; without an end, it has not ended. */
const job = (collector, began, ended, status) => ({
  job_id: `job-made-${String(made++).padStart(3, '0')}`, domain_id: 'domain-made', created_at: before(began), status,
  ...(ended !== null && { finished_at: before(ended) }), collector_info: { collector_id: collector, name: `Collector ${collector}` },
});
const MADE = [
  ...[5, 7, 9, 11, 13, 15].map((hours) => job('runs', hours * HOUR, hours * HOUR - 10 * MINUTE, 'SUCCESS')),
  job('runs', 3 * MINUTE, null, 'IN_PROGRESS'), job('waits', 15 * MINUTE, null, 'CREATED'),
  ...['SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED'].map((status, index) => job('outcomes', (40 + 30 * index) * MINUTE, (20 + 30 * index) * MINUTE, status)),
];

// A mock, since it has a journal, too.
const it = suite((server) => {
  const jobs = join(server.folder, 'generated.ndjson');
  server.run('generate', '--jobs', '2500', '--days', '30', '--now', NOW, '--output', jobs);
  server.writeFixtures(readFileSync(jobs, 'utf8') + MADE.map((one) => `${JSON.stringify(one)}\n`).join(''));
}, { reducedMotion: 'reduce' });

const open = async (query, selector) => {
  await it.page.goto(`${it.server.url}/?refresh=0&${query}`);
  await it.page.locator(selector).first().waitFor();
};
const openCollector = async () => {
  await open('view=collectors&range=month&term=plugin:plugin-google-compute-engine', '#collector-rows .name a');
  // Its plugin has changed.
  await it.page.getByRole('link', { name: 'Google Compute Engine support-prod', exact: true }).click();
  await it.page.locator('#collector-chart .event').waitFor({ state: 'attached' });
};

/**
 * How much some colors differ from what is behind them, as WCAG measures it, by the part of the page that has them.
 * @param {string[]} parts a selector, maybe with a pseudo-element, and the property with the color
 */
const contrasts = (parts) => it.page.evaluate((parts) => {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const back = getComputedStyle(document.body).backgroundColor;
  /** The luminance of a color on the canvas. */
  const luminance = (color, opacity = 1) => {
    for (const [fill, alpha] of [[back, 1], [color, opacity]]) {
      context.globalAlpha = alpha;
      context.fillStyle = fill;
      context.fillRect(0, 0, 1, 1);
    }
    const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  return parts.map((part) => {
    const [, selector, pseudo, property] = /^(.*?)(::\w+)? (\S+)$/.exec(part);
    const node = document.querySelector(selector);
    if (!node) return [part, 'there is none'];
    const style = getComputedStyle(node, pseudo);
    const color = /(rgb|color)a?\([^()]*\)/.exec(style[property])?.[0];
    const line = /^(outline|border)/.test(property) ? style[property.replace('Color', 'Style')] : 'solid';
    if (!color || line === 'none') return [part, `${style[property]} ${line}`];
    const [one, other] = [luminance(back), luminance(color, Number(style.opacity))].toSorted((a, b) => a - b);
    return [part, (other + 0.05) / (one + 0.05)];
  });
}, parts);

/** Opens a view, and the parts of it that must be seen. */
const SEEN = {
  'the overview': [async () => {
    await open('view=overview&range=week', '#error-groups .spark');
    await it.page.locator('#chart .plot').hover();
  }, [
    '#chart .piece-of-time.ERROR fill', '#chart .piece-of-time.SUCCESS stroke', '#chart .curve.median stroke', '#chart .curve.p95 stroke',
    '#chart .tick-label fill', '#chart .current .target stroke', '#chart .key.ERROR::before backgroundColor', '#chart .key.SUCCESS::before outlineColor',
    '#chart .key-of-line::before borderTopColor', '.spark fill', '.run.SUCCESS::before backgroundColor', '.run.ERROR::before backgroundColor',
    '#running-now .track outlineColor', '#running-now .done backgroundColor', '#running-now .usual backgroundColor']],
  'what runs now': [() => open('view=now&domain=domain-made', '.long.ERROR'), [
    ...['SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED', 'IN_PROGRESS'].map((status) => `#lanes .long.${status} backgroundColor`),
    '#lanes .long.CREATED boxShadow', '#lanes .long.ERROR boxShadow', '#lanes .rest outlineColor', '#ticks :last-child borderLeftColor']],
  'a collector': [openCollector, ['.bin fill', '.version backgroundColor', '#collector-chart .event stroke', '.durations .curve.median stroke']],
  'the jobs': [() => open('tab=all', '#rows .against'), [
    '.against outlineColor', '.against span backgroundColor', '.against::after borderLeftColor', '#tabs .ERROR::before backgroundColor']],
  'statistics': [() => open('view=statistics&by=day,provider', '#stat-lines polyline'), [
    '.measured borderTopColor', ...[0, 1, 2, 3, 4].map((line) => `polyline.s${line} stroke`)]],
  'the journal': [async () => {
    await it.server.send('GET', '/inventory/v1/jobs?domain_id=domain-made');
    await open('view=journal', '#entries .took');
  }, ['#entries .took backgroundImage', '#entries .took color']],
};

for (const colorScheme of ['light', 'dark']) {
  test(`in forced colors that are ${colorScheme}, charts and marks are seen, whatever theme was chosen`, async () => {
    await it.page.emulateMedia({ colorScheme, forcedColors: 'active' });
    await it.page.addInitScript((theme) => localStorage.setItem('jobdeck.theme', theme), colorScheme === 'light' ? 'dark' : 'light');
    for (const [view, [show, parts]] of Object.entries(SEEN)) {
      await show();
      const weak = (await contrasts(parts)).filter(([, contrast]) => !(contrast >= 3));
      assert.deepEqual(weak, [], view);
    }
  });
}

test('in forced colors outcomes and lines are told apart, and what is current is marked', async () => {
  await it.page.emulateMedia({ forcedColors: 'active' });
  const styles = (selectors, property) => it.page.evaluate(([selectors, property]) => (
    selectors.map((selector) => getComputedStyle(document.querySelector(selector))[property])), [selectors, property]);
  await open('view=now&domain=domain-made', '.long.ERROR');
  const bars = await styles(['SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED', 'IN_PROGRESS', 'CREATED'].map((status) => `#lanes .long.${status}`), 'backgroundColor');
  assert.equal(new Set(bars).size, bars.length, `${bars}`);
  await open('view=statistics&by=day,provider', '#stat-lines polyline');
  const lines = await styles([0, 1, 2, 3, 4].map((line) => `polyline.s${line}`), 'strokeDasharray');
  assert.equal(new Set(lines).size, lines.length, `${lines}`);
  await open('tab=failed', '#rows tr');
  await it.page.locator('#search').pressSequentially('status:');
  await it.page.locator('#suggestions [role=option]').first().waitFor();
  await it.page.keyboard.press('ArrowDown');
  await it.page.locator('#suggestions [aria-selected=true]').waitFor();
  assert.deepEqual(await styles(['#tabs [aria-current=true]', '#tabs [aria-current=false]', '[role=option][aria-selected=true]'], 'outlineStyle'),
    ['solid', 'none', 'solid']);
});

/** Prints what is open on A4, and returns the text of each page, none of which is blank. */
async function print(mostPages) {
  const pages = textOfPages(await it.page.pdf({ format: 'A4' }));
  assert.ok(pages.length >= 1 && pages.length <= mostPages, `${pages.length} pages`);
  for (const [index, text] of pages.entries()) assert.ok(text.length > 60, `page ${index + 1} has "${text}"`);
  return pages;
}
const without = (text) => text.replaceAll(/\s/g, '');
/** Checks that texts are on paper, or that they are not. */
function has(pages, texts, isThere = true) {
  for (const text of texts) assert.equal(pages.join('').includes(without(text)), isThere, `"${text}" in ${pages.join('')}`);
}
const NO_CONTROLS = ['Search', 'More', 'Views', 'Any project', 'paused', 'Next', 'As a table', 'Copy', 'Edit', 'Rows', 'How these'];

test('the overview on paper is two pages, without controls', async () => {
  await open('view=overview&range=week', '#running-now > *');
  await it.page.evaluate(() => addEventListener('beforeprint', () => {
    globalThis.printed = document.querySelector('#chart svg').viewBox.baseVal.width;
  }));
  const pages = await print(2);
  has(pages, ['jobdeck', 'Jobs per 6 hours', 'Median duration', 'Errors', 'Collectors that fail', 'Running now']);
  has(pages, [...NO_CONTROLS, '1 more', 'All collectors'], false);
  // A chart has the size of the paper, where its labels can be read, and then that of the screen.
  assert.equal(await it.page.evaluate(() => globalThis.printed), 690);
  await it.page.waitForFunction(() => document.querySelector('#chart svg').clientWidth === document.querySelector('#chart .plot').clientWidth);
});

test('the jobs on paper have whole texts and their head on each page', async () => {
  await open('tab=failed', '#times .bar-of-time');
  await it.rows().nth(29).waitFor();
  const pages = await print(3);
  for (const page of pages) has([page], ['Status', 'Created', 'Duration']);
  has(pages, [...await it.ids(), '1–30 of']);
  has(pages, NO_CONTROLS, false);
  // Within the margins of A4.
  await it.page.emulateMedia({ media: 'print' });
  await it.page.setViewportSize({ width: 718, height: 1000 });
  const cut = await it.page.locator('#rows :is(td, th, .errors b)').evaluateAll((nodes) => nodes.filter((node) => (
    node.offsetWidth && (node.matches('b') ? node.getClientRects().length > 1 : node.scrollWidth > node.clientWidth))).map((node) => node.textContent));
  assert.deepEqual(cut, [], 'nothing is cut, and each code of an error is in one line');
  assert.equal(await it.overflow(), 0);
});

test('the collectors and one of them on paper', async () => {
  await open('view=collectors&range=week&term=provider:aws,azure', '#collector-rows .run');
  const pages = await print(3);
  for (const page of pages.slice(0, -1)) has([page], ['Last runs', 'In a row', 'Median changed']);
  has(pages, NO_CONTROLS, false);
  await it.page.emulateMedia({ media: 'print' });
  await it.page.setViewportSize({ width: 718, height: 1000 });
  const [table, panel] = await Promise.all(['#collector-table table', '#collector-table .panel'].map((selector) => it.page.locator(selector).boundingBox()));
  assert.ok(table.width <= panel.width, `a table of ${table.width} in ${panel.width}`);
  const [name, runs] = await Promise.all(['name', 'last'].map((column) => it.page.locator(`#collector-rows [data-column=${column}]`).first().boundingBox()));
  assert.ok(runs.y < name.y + name.height && runs.x >= name.x + name.width, 'collectors are a table on paper');
  await it.page.emulateMedia({ media: null });
  await openCollector();
  const one = await print(3);
  has(one, ['Google Compute Engine support-prod', 'Runs and plugin versions', 'Durations', 'median', 'Errors', 'Timeout']);
  has(one, [...NO_CONTROLS, 'Its statistics'], false);
});

test('what runs now on paper', async () => {
  await open('view=now&domain=domain-made', '.long.ERROR');
  const pages = await print(1);
  has(pages, ['in the last 3 hours', 'Collector outcomes', 'Until its usual end', '23:30']);
  has(pages, [...NO_CONTROLS, 'Last 3 hours', 'Jobs in a table', 'How this'], false);
});

test('statistics on paper have their sums once, at the end', async () => {
  await open('view=statistics&by=day,provider&top=100', '#stat-lines polyline');
  const pages = await print(5);
  assert.ok(pages.length > 1);
  for (const page of pages) has([page], ['Provider']);
  assert.deepEqual(pages.map((page) => page.includes('others')), pages.map((_, index) => index === pages.length - 1));
  has(pages, [...NO_CONTROLS, 'measure'], false);
});

test('an open job on paper is alone, and dark on light in a dark theme', async () => {
  await it.page.emulateMedia({ colorScheme: 'dark' });
  await it.page.addInitScript(() => localStorage.setItem('jobdeck.theme', 'dark'));
  await open('tab=failed', '#rows .id');
  const [id, other] = await it.ids();
  await it.rows().first().locator('.id').click();
  await it.page.locator('#drawer .run').first().waitFor();
  const pages = await print(1);
  has(pages, [id, 'Errors (', 'Its collector until then']);
  has(pages, [...NO_CONTROLS, other, 'Raw JSON', 'Delete'], false);
  await it.page.emulateMedia({ media: 'print' });
  assert.equal(await it.page.evaluate(() => getComputedStyle(document.body).color), 'rgb(27, 32, 39)');
});

test('the journal on paper has its requests, and no controls of the mock', async () => {
  await it.server.send('GET', '/inventory/v1/jobs?domain_id=domain-made&status=ERROR');
  await open('view=journal', '#entries li');
  await it.page.locator('#mock summary').click();
  const pages = await print(2);
  has(pages, ['status = ERROR', 'list', '200 OK']);
  has(pages, ['Clear', 'Clock', 'Reset', 'Any route'], false);
});

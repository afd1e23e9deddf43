/** What runs now: the jobs of the last hours in lanes of their collectors, with the story of the made-up jobs and some made for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE, NOW, hostileJobs, suite } from './server.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const before = (millis) => new Date(Date.parse(NOW) - millis).toISOString();
let made = 0;
/** A job of a collector that began and ended so long before now; without an end, it runs. */
const job = (collector, began, ended = null, more = {}) => ({
  job_id: `job-made-${String(made++).padStart(3, '0')}`, domain_id: 'domain-made', created_at: before(began), status: ended === null ? 'IN_PROGRESS' : 'SUCCESS',
  ...(ended !== null && { finished_at: before(ended) }), collector_info: { collector_id: collector, name: `Collector ${collector}` }, ...more,
});
/** Jobs of a collector that took ten minutes each. */
const usually = (collector) => [5, 7, 9, 11, 13, 15].map((hours) => job(collector, hours * HOUR, hours * HOUR - 10 * MINUTE));

const MADE = [
  // In ten seconds it has run for longer than its collector's jobs, and the server, whose clock is frozen, does not know.
  ...usually('late'), job('late', 9 * MINUTE + 50_000),
  ...usually('stuck'), job('stuck', 30 * MINUTE), job('stuck', 20 * MINUTE), job('stuck', 10 * MINUTE),
  // Two overlap, and a third one begins when they have ended.
  job('overlap', 100 * MINUTE, 60 * MINUTE), job('overlap', 80 * MINUTE, 50 * MINUTE), job('overlap', 40 * MINUTE, 35 * MINUTE),
  job('earlier', 4 * HOUR, 2 * HOUR), job('waits', 15 * MINUTE, null, { status: 'CREATED' }),
  job('outcomes', 170 * MINUTE, 165 * MINUTE, { status: 'ERROR' }), job('outcomes', 150 * MINUTE, 145 * MINUTE, { status: 'TIMEOUT' }),
  job('outcomes', 130 * MINUTE, 125 * MINUTE, { status: 'CANCELED' }), job('none', 160 * MINUTE, 159 * MINUTE, { collector_info: null }),
  job('gone', 10 * HOUR, 9 * HOUR),
];
const MANY = Array.from({ length: 620 }, (_, index) => job(`many-${index % 45}`, 2 * HOUR - index * 1000, HOUR - index * 1000, { domain_id: 'domain-many' }));

const it = suite((server) => {
  server.importGenerated(5_000);
  server.importJobs([...hostileJobs(), ...MADE, ...MANY]);
});

const lanes = () => it.page.locator('.lane-of-time');
const lane = (name) => it.page.getByRole('group', { name, exact: true });
const tip = () => it.page.locator('#now-tip');
const numberIn = (text) => Number(/[\d,]+/.exec(text)[0].replaceAll(',', ''));
const box = (node) => node.evaluate((one) => { const { left, right, top, width, height } = one.getBoundingClientRect(); return { left, right, top, width, height }; });
const near = (one, other, by = 1.5) => assert.ok(Math.abs(one - other) <= by, `${one} is not ${other}`);

async function open(query = '') {
  await it.page.goto(`${it.server.url}/?view=now&refresh=0&${query}`);
  await it.page.locator('#lane-list > *').first().waitFor();
}

/** The server's answers, by which the view is judged. */
async function overview() {
  const from = before(24 * HOUR);
  return (await fetch(`${it.server.url}/jobdeck/overview?${new URLSearchParams({ domain_id: await it.domain(), from, bucket: '1h' })}`)).json();
}

/** Has the clock of the server run with that of the browser, which the test moves. */
async function withClock() {
  await it.page.clock.install();
  await it.page.route('**/jobdeck/about**', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ json: { ...(await response.json()), is_frozen: false } });
  });
}

test('the view is one of its hours, in the address', async () => {
  await it.open();
  await it.page.getByRole('button', { name: 'Now', exact: true }).click();
  await it.addressIs(/view=now/);
  await lanes().first().waitFor();
  assert.ok((await it.page.title()).endsWith(`Now · ${await it.domain()} · jobdeck`));
  assert.equal(await it.page.locator('#hours').inputValue(), '3');
  for (const id of ['#range', '#tabs', '#list', '#bars']) assert.ok(await it.page.locator(id).isHidden(), id);
  await it.page.locator('#hours').selectOption('12');
  await it.addressIs(/hours=12/);
  await it.page.locator('#now-state', { hasText: 'in the last 12 hours' }).waitFor();
  await it.page.goBack();
  await it.page.locator('#now-state', { hasText: 'in the last 3 hours' }).waitFor();
  await open('hours=7');
  assert.equal(await it.page.locator('#hours').inputValue(), '3', 'an unknown choice is the usual one');
});

test('the stuck job of the story is first, red, and says by which rule', async () => {
  await open();
  const { stuck: { jobs: [stuck] } } = await overview();
  const first = lanes().first();
  assert.equal(await first.locator('.name').textContent(), stuck.name);
  const bar = it.page.locator(`[id="bar-${stuck.job_id}"]`);
  const [color, red] = await bar.evaluate((node) => [getComputedStyle(node).backgroundColor,
    getComputedStyle(document.querySelector('#now-legend .isStuck')).backgroundColor]);
  assert.equal(color, red);
  const hours = Math.floor((Date.parse(NOW) - Date.parse(stuck.since)) / HOUR);
  const age = hours < 24 ? `${hours} hr ` : `${Math.floor(hours / 24)} days? ${hours % 24} hr`;
  const [minutes, seconds] = [Math.floor(stuck.usual.p95 / MINUTE), Math.floor(stuck.usual.p95 / 1000) % 60];
  assert.match(await first.locator('.words').textContent(),
    new RegExp(`^runs for ${age}.*; 95 % of its collector’s jobs took ${minutes} min ${seconds} sec or less$`));
  // It began before the window: it is drawn from its left edge, with a sign.
  near((await box(bar)).left, (await box(first.locator('.times'))).left);
  assert.match(await bar.evaluate((node) => getComputedStyle(node, '::before').content), /◂/);
  await bar.click();
  await it.page.getByRole('heading', { name: stuck.job_id }).waitFor();
  assert.ok(await first.isVisible(), 'the view stays beside the job');
  const lead = it.page.locator('#drawer-lead .bad');
  await lead.waitFor();
  assert.equal(await lead.textContent(), `It is stuck: 95 % of its collector’s jobs took ${minutes} min ${seconds} sec or less.`);
  assert.equal(await it.page.locator('#drawer-runs .track .done').evaluate((node) => getComputedStyle(node).backgroundColor), red);
  await it.page.keyboard.press('Escape');
  await it.page.locator('#drawer').waitFor({ state: 'hidden' });
  assert.equal(await it.page.evaluate(() => document.activeElement.id), `bar-${stuck.job_id}`);
});

test('every number is a link to the jobs that it counts', async () => {
  for (const query of ['', 'hours=24', 'hours=12&term=provider:aws', 'hours=1&domain=domain-made']) {
    await open(query);
    const links = await it.page.locator('#now-state a').evaluateAll((nodes) => nodes.map(({ href, textContent: text }) => ({ href, text })));
    assert.ok(links.length >= 3, `${links.length} links`);
    for (const { href, text } of links) {
      await it.page.goto(href);
      await it.page.locator('#list:not([aria-busy=true])').waitFor();
      const total = await it.page.locator('#total').textContent();
      const shown = total === 'No jobs' ? 0 : numberIn(/(?:of )?([\d,]+)(?: jobs?)?$/.exec(total)[1]);
      assert.equal(shown, numberIn(text), `${query}: ${text}: ${decodeURIComponent(href)} shows ${total}`);
    }
  }
  await open('domain=domain-made');
  assert.equal(await it.page.locator('#now-state').textContent(), '4 running, 2 stuck; 12 jobs in the last 3 hours, 2 failed');
});

test('collectors with stuck jobs come first, then those with running ones by age, then the most recent', async () => {
  await open('domain=domain-made');
  assert.deepEqual(await lanes().locator('.name').allTextContents(),
    ['Collector stuck', 'Collector late', 'Collector waits', 'Collector overlap', 'Collector outcomes', '–', 'Collector earlier']);
  await open();
  const { running } = await overview();
  const names = await lanes().filter({ has: it.page.locator('.IN_PROGRESS:not(.isStuck)') }).locator('.name').allTextContents();
  const oldest = [...new Set(running.jobs.toReversed().map(({ name }) => name))].filter((name) => names.includes(name));
  assert.ok(names.length > 1);
  assert.deepEqual(names, oldest);
});

test('a bar lasts from its start to its end, and the runs of a collector do not cover each other', async () => {
  await open('domain=domain-made&zone=utc');
  const track = await box(lane('Collector overlap').locator('.times'));
  const xOf = (millis) => track.left + track.width * ((3 * HOUR - millis) / (3 * HOUR * 1.125));
  const [one, two, three] = await Promise.all([0, 1, 2].map(async (index) => box(lane('Collector overlap').locator('.long').nth(index))));
  near(one.left, xOf(100 * MINUTE));
  near(one.right, xOf(60 * MINUTE));
  near(two.left, xOf(80 * MINUTE));
  near(three.right, xOf(35 * MINUTE));
  assert.ok(two.top >= one.top + one.height, 'the second one is below the first one');
  assert.equal(three.top, one.top);
  near((await box(it.page.locator('#ticks > :last-child'))).left, xOf(0));
  const earlier = lane('Collector earlier').locator('.long');
  near((await box(earlier)).left, track.left);
  near((await box(earlier)).right, xOf(2 * HOUR));
  assert.match(await earlier.getAttribute('class'), /earlier/);
  assert.equal(await lane('Collector gone').count(), 0);
  // The usual end of a job that runs is ten minutes after its start.
  near((await box(lane('Collector late').locator('.rest'))).right, xOf(9 * MINUTE + 50_000 - 10 * MINUTE), 3);
  const looks = await it.page.evaluate(() => Object.fromEntries(['ERROR', 'TIMEOUT', 'CANCELED', 'CREATED', 'SUCCESS', 'IN_PROGRESS'].map((status) => {
    const { backgroundColor, boxShadow, height, borderRadius, opacity } = getComputedStyle(document.querySelector(`#lane-list .${status}`));
    return [status, { fill: backgroundColor, shape: [boxShadow, height, borderRadius, opacity].join() }];
  })));
  assert.equal(new Set(Object.values(looks).map(({ shape }) => shape.replaceAll(/rgb\([^)]*\)/g, ''))).size, 6, 'each outcome has a shape of its own');
  assert.equal(looks.CREATED.fill, 'rgba(0, 0, 0, 0)', 'what waits is hollow');
});

test('a running bar grows with the clock, and turns amber when it has run for longer than usual', async () => {
  await withClock();
  await open('domain=domain-made');
  const bar = lane('Collector late').locator('.long');
  const words = lane('Collector late').locator('.words');
  const color = () => bar.evaluate((node) => getComputedStyle(node).backgroundColor);
  const usual = await color();
  const [first, line] = [await box(bar), await box(it.page.locator('#ticks > :last-child'))];
  assert.match(await words.textContent(), /^runs for 9 min 5\d sec, usually 10 min 0 sec$/);
  assert.doesNotMatch(await bar.getAttribute('class'), /isLate/);
  it.asked = [];
  await it.page.clock.runFor(40_000);
  const grown = await box(bar);
  const track = await box(lane('Collector late').locator('.times'));
  const expected = track.width * (40_000 / (3 * HOUR * 1.125));
  assert.ok(grown.width - first.width >= expected * 0.9 && grown.width - first.width < expected * 3, `${first.width}, then ${grown.width}`);
  near(grown.right, (await box(it.page.locator('#ticks > :last-child'))).left);
  assert.ok((await box(it.page.locator('#ticks > :last-child'))).left > line.left);
  assert.match(await bar.getAttribute('class'), /isLate/);
  assert.match(await words.textContent(), /^runs for 10 min \d\d sec; 95 % of its collector’s jobs took 10 min 0 sec or less$/);
  const amber = await it.page.locator('#now-legend .isLate').evaluate((node) => getComputedStyle(node).backgroundColor);
  assert.notEqual(usual, amber);
  assert.equal(await color(), amber);
  // After a minute the axis moves on.
  const tick = it.page.locator('#ticks > span', { hasText: '22:00' });
  const before = await box(tick);
  await it.page.clock.runFor(60_000);
  assert.ok((await box(tick)).left < before.left);
  assert.deepEqual(it.asked, [], 'without a request');
});

test('the bars are read with the pointer and the keyboard', async () => {
  await open('domain=domain-made&zone=utc');
  const bar = lane('Collector overlap').locator('.long').first();
  await bar.hover({ position: { x: 3, y: 5 } });
  assert.deepEqual(await tip().locator('> *').allTextContents(),
    ['Collector overlap', 'Success', '2025-12-31 22:20:00 UTC', '2025-12-31 23:00:00 UTC', '40 min 0 sec']);
  assert.equal(await bar.getAttribute('aria-label'), 'Collector overlap, Success, 2025-12-31 22:20:00 UTC, 2025-12-31 23:00:00 UTC, 40 min 0 sec');
  await it.page.mouse.move(0, 0);
  await tip().waitFor({ state: 'hidden' });
  const stops = await lanes().evaluateAll((nodes) => nodes.map((node) => [...node.querySelectorAll('a[href]')].filter(({ tabIndex }) => tabIndex === 0).length));
  assert.deepEqual(stops, stops.map(() => 1), 'a lane is one stop');
  await lane('Collector waits').getByRole('link').first().focus();
  await it.page.keyboard.press('Tab');
  const focused = () => it.page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.textContent);
  assert.equal(await focused(), 'Collector overlap');
  await it.page.keyboard.press('ArrowRight');
  await it.page.keyboard.press('ArrowRight');
  assert.match(await focused(), /^Collector overlap, Success, 2025-12-31 22:40:00 UTC/);
  assert.equal(await tip().locator('b').textContent(), 'Collector overlap');
  await it.page.keyboard.press('Escape');
  assert.ok(await tip().isHidden());
  await it.page.keyboard.press('End');
  assert.match(await focused(), /23:20:00 UTC/);
  await it.page.keyboard.press('Enter');
  await it.page.locator('#drawer').waitFor();
  await it.addressIs(/view=now.*job=job-made/);
});

test('on touch, the first tap says what a bar is, and the second one opens its job', async () => {
  const context = await it.page.context().browser().newContext({ viewport: { width: 390, height: 800 }, hasTouch: true });
  const page = await context.newPage();
  await page.goto(`${it.server.url}/?view=now&refresh=0&domain=domain-made`);
  const bar = page.getByRole('group', { name: 'Collector overlap' }).locator('.long').first();
  await bar.tap();
  await page.locator('#now-tip', { hasText: '40 min' }).waitFor();
  assert.ok(await page.locator('#drawer').isHidden());
  await bar.tap();
  await page.locator('#drawer').waitFor();
  await context.close();
});

test('the table has the bars', async () => {
  await open('domain=domain-made&zone=utc');
  await it.page.getByText('Jobs in a table').click();
  const rows = await it.page.locator('#now-rows tbody tr').evaluateAll((nodes) => nodes.map((node) => [...node.children].map((one) => one.textContent)));
  assert.equal(rows.length, await it.page.locator('#lane-list .long').count());
  assert.deepEqual(rows.find(([name]) => name === 'Collector earlier'),
    ['Collector earlier', 'Success', '2025-12-31 20:00:00 UTC', '2025-12-31 22:00:00 UTC', '2 hr 0 min']);
  assert.deepEqual(rows.find(([name]) => name === 'Collector waits').slice(1), ['Created', '2025-12-31 23:45:00 UTC', '–', 'waits for 15 min 0 sec']);
});

test('of very many jobs and collectors the newest are drawn, and it is said how many are not', async () => {
  await open('domain=domain-many');
  assert.equal(await lanes().count(), 40);
  assert.equal(await it.page.locator('#now-rest').textContent(), '5 more collectors. 120 more jobs are not drawn: choose fewer hours, or filter.');
  await open('domain=domain-many&collector=many-3');
  assert.equal(await lanes().count(), 1);
  assert.equal(await it.page.locator('#lane-list .long').count(), 12);
  assert.equal(await it.page.locator('#now-rest').textContent(), ' 2 more jobs are not drawn: choose fewer hours, or filter.');
});

test('the ticks are on the clocks of the zone that is shown', async () => {
  const context = await it.page.context().browser().newContext({ timezoneId: 'Asia/Kolkata' });
  const page = await context.newPage();
  for (const [query, expected] of [['hours=12&zone=utc', ['12:00', '14:00', '16:00', '18:00', '20:00', '22:00', 'Jan 1', '']],
    ['hours=12', ['18:00', '20:00', '22:00', 'Jan 1', '02:00', '04:00', '', '']]]) {
    await page.goto(`${it.server.url}/?view=now&refresh=0&domain=domain-made&${query}`);
    await page.locator('.lane-of-time').first().waitFor();
    assert.deepEqual(await page.locator('#ticks span').allTextContents(), expected, query);
  }
  await context.close();
});

test('a window without jobs, hostile names, and no domain', async () => {
  await open('hours=1&term=provider:none');
  assert.equal(await it.page.locator('#lane-list').textContent(), 'Nothing has run in this time.');
  assert.equal(await it.page.locator('#now-state').textContent(), '0 running, 0 stuck; 0 jobs in the last hour, 0 failed');
  await it.page.setViewportSize({ width: 390, height: 800 });
  await open('domain=domain-hostile');
  assert.deepEqual((await lanes().locator('.name').allTextContents()).sort(), [...HOSTILE].sort());
  await it.page.getByText('Jobs in a table').click();
  await lanes().locator('.long').first().focus();
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
  assert.equal(await it.overflow(), 0);
  await it.page.goto(`${it.server.url}/?view=now&refresh=0&domain=none-such`);
  await it.page.locator('#lane-list', { hasText: 'Nothing has run' }).waitFor();
});

test('a view that can not be answered does not leave another one in its position', async () => {
  await open('domain=domain-made');
  await it.page.route(/jobs\/search/, (route) => route.fulfill({ status: 503, json: { detail: { code: 'E', message: 'Not now' } } }));
  await it.page.locator('#hours').selectOption('12');
  await it.page.locator('#trouble', { hasText: 'Not now' }).waitFor();
  await it.page.locator('#now-state').waitFor({ state: 'hidden' });
  await it.page.unroute(/jobs\/search/);
  await it.page.getByRole('button', { name: 'Try again' }).first().click();
  await it.page.locator('#now-state', { hasText: 'in the last 12 hours' }).waitFor();
  it.expect('status of 503');
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing in jobs that are late, stuck and waiting, ${colorScheme}`, async () => {
    await it.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await open('domain=domain-made');
    await it.page.getByText('Jobs in a table').click();
    await it.axe(colorScheme);
  });
}

test('no width makes the view scroll sideways, and names are above their lanes on a phone', async () => {
  for (const width of [320, 390, 768, 1024, 1280, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    await open('hours=12');
    assert.equal(await it.overflow(), 0, `at ${width}`);
    const [name, track] = [await box(lanes().first().locator('.name')), await box(lanes().first().locator('.times'))];
    assert.equal(name.top + name.height <= track.top, width <= 860, `at ${width}`);
    assert.ok(track.width > (width <= 860 ? width - 80 : width / 2), `${track.width} at ${width}`);
  }
});

test('the focus and the nodes of the other lanes stay when a job is new', async () => {
  await open('domain=domain-made');
  const bar = lane('Collector overlap').locator('.long').first();
  await bar.focus();
  await bar.evaluate((node) => { node.isKept = true; });
  const id = await bar.getAttribute('id');
  it.server.importJobs([job('new', MINUTE)]);
  await it.page.keyboard.press('r');
  await lane('Collector new').waitFor();
  assert.equal(await it.page.evaluate(() => document.activeElement.id), id);
  assert.ok(await bar.evaluate((node) => node.isKept));
});

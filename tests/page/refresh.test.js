/** The page over time: refreshes, their cost, and a server that does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, Server, suite } from './server.js';

const it = suite((server) => server.importGenerated(600));
const isDomains = (response) => response.url().endsWith('/domains');

/** Waits until the page has loaded what a write has changed. */
async function reloaded(write) {
  await Promise.all([it.page.waitForResponse((response) => isDomains(response) && response.status() === 200), write()]);
  // The parts of a load come one after the other, with a frame between them.
  for (let frames = 0; frames < 5; frames += 1) {
    if (it.pending.size) frames = 0;
    await it.page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/** Waits until the sign beside the picker says how the page refreshes. */
const pace = (name) => it.page.locator(`#pace[data-pace=${name}]`).waitFor();
const chosen = () => it.page.locator('#refresh').evaluate((picker) => picker.selectedOptions[0].text);
const news = () => it.page.locator('#news:visible');
/** Opens a domain of a test's own, so that what it writes is on no other page. */
async function openOwn(domain, query = '') {
  const jobs = Array.from({ length: 30 }, (_, index) => ({
    job_id: `job-old-${index}`, domain_id: domain, created_at: `2025-12-30T00:00:${index + 10}Z`, status: index % 2 ? 'SUCCESS' : 'IN_PROGRESS',
  }));
  it.server.importJobs(jobs);
  await it.open(`?refresh=2&size=15&domain=${domain}${query}`);
  await pace('live');
  return domain;
}
const inOrder = (domain) => it.server.post('search', { domain_id: domain, query: { page: { limit: 15 } } });
const newJobs = (domain, name, count) => Array.from({ length: count }, (_, index) => (
  { job_id: `job-${name}-${index}`, domain_id: domain, created_at: NOW, status: 'CREATED' }));

const running = (domain, remained) => [{ job_id: 'job-new', domain_id: domain, created_at: '2025-12-31T23:59:59Z', status: 'IN_PROGRESS', total_tasks: 4, remained_tasks: remained }];

test('the page refreshes itself, and highlights changes', async () => {
  await it.open('?refresh=2');
  const domain = await it.domain();
  const total = Number(await it.page.locator('#tabs .count').first().textContent());
  it.server.importJobs(running(domain, 4));
  await it.page.locator('#rows tr.changed', { hasText: 'job-new' }).waitFor();
  await it.page.locator('#tabs .count', { hasText: String(total + 1) }).first().waitFor();
  it.server.importJobs(running(domain, 1));
  await it.page.locator('tr[data-job=job-new] .changed', { hasText: '75 %' }).waitFor();
  assert.deepEqual(await it.page.locator('#rows .changed').evaluateAll((cells) => cells.map((cell) => cell.dataset.column)), ['progress', 'tasks'], 'only what has changed');
});

test('an open page costs nothing while nothing is written, and a write appears immediately', async () => {
  for (const query of ['?refresh=2', '?refresh=2&view=overview&range=week', '?refresh=2&view=statistics']) {
    await it.page.goto(`${it.server.url}/${query}`);
    await it.page.clock.install();
    await pace('live');
    assert.equal(await chosen(), 'Live');
    // Less than the stream may be silent: the clock of the test runs ahead of the server's.
    assert.deepEqual(await it.askedWithin(30_000), [], query);
  }
  const domain = await openOwn('domain-live');
  it.server.importJobs(newJobs(domain, 'live', 1));
  await it.page.locator('#rows .id', { hasText: 'job-live-0' }).waitFor();
  assert.equal(it.asked.filter((path) => path.endsWith('/events')).length, 1, 'a stream a page');
});

test('without a stream the page polls, in one request that is answered with 304, until there is one', async () => {
  await it.page.route('**/jobdeck/events', (route) => route.fulfill({ status: 503, json: {} }));
  await it.open('?refresh=2');
  await pace('polling');
  assert.equal(await chosen(), 'Polling');
  await it.axe('polling');
  // Requests from the opening of the page may still be running.
  await it.page.waitForResponse((response) => isDomains(response) && response.status() === 304);
  const answers = [];
  it.page.on('response', (response) => response.request().resourceType() === 'fetch' && answers.push(`${response.status()} ${new URL(response.url()).pathname}`));
  for (let looks = 0; looks < 2; looks += 1) await it.page.waitForResponse(isDomains);
  assert.deepEqual(new Set(answers.filter((answer) => answer !== '503 /jobdeck/events')), new Set(['304 /jobdeck/domains']));
  await it.page.unroute('**/jobdeck/events');
  await pace('live');
  it.expect('503');
});

test('a stream that is held back or is none is given up', async () => {
  for (const answer of [() => {}, (route) => route.fulfill({ status: 200, body: 'id: 1\n' })]) {
    await it.page.route('**/jobdeck/events', answer);
    await it.page.goto(`${it.server.url}/?refresh=2`);
    await it.page.clock.install();
    await it.page.waitForRequest((request) => request.url().endsWith('/events'));
    await it.page.clock.runFor(6_000);
    await pace('polling');
    await it.page.unroute('**/jobdeck/events');
  }
});

test('the picker says how the page refreshes', async () => {
  await it.open('?refresh=0');
  await pace('paused');
  for (const [choice, name] of [['60', 'polling'], ['2', 'live'], ['0', 'paused'], ['10', 'polling']]) {
    await it.page.locator('#refresh').selectOption(choice);
    await pace(name);
    await it.page.locator('#refresh').evaluate((picker) => [...picker.options].map((option) => option.text));
    assert.equal(await it.page.locator('#refresh option').first().textContent(), 'Live');
  }
  assert.deepEqual(await it.page.locator('#refresh option').allTextContents(), ['Live', 'every 10 s', 'every minute', 'paused']);
});

/** Waits until the page has an icon, and loads it. */
async function icon(name) {
  const link = it.page.locator(`link[rel=icon][href$="/${name}.svg"]`);
  await link.waitFor({ state: 'attached' });
  assert.equal((await fetch(await link.getAttribute('href'))).headers.get('content-type'), 'image/svg+xml');
}

test('the icon comes after the first paint; a page without one, hidden or without data, has it, too', async () => {
  // Without frames the page does not know of a paint.
  await it.page.addInitScript(() => { globalThis.requestAnimationFrame = () => 0; });
  await it.page.goto(it.server.url);
  await it.page.locator('#overview-state a').first().waitFor();
  assert.equal(await it.page.locator('link[rel=icon]').getAttribute('href'), 'data:,');
  await it.page.route('**/jobdeck/domains', (route) => route.fulfill({ status: 503, json: {} }));
  await it.page.goto(it.server.url);
  await icon('icon');
  it.expect('status of 503');
  await it.page.unroute('**/jobdeck/domains');
  await it.page.addInitScript(() => Object.defineProperty(document, 'hidden', { value: true }));
  await it.page.goto(it.server.url);
  await icon('icon-failed');
});

test('title and icon say what failed and what runs', async () => {
  const titled = (text) => it.page.waitForFunction((text) => document.title.startsWith(text), text);
  await it.open('?refresh=2');
  const domain = await it.domain();
  const count = async (...statuses) => (await it.search({ filter: [{ k: 'status', v: statuses, o: 'in' }], count_only: true })).total_count;
  const counts = [await count('ERROR', 'TIMEOUT'), await count('IN_PROGRESS')];
  await titled(`(${counts[0]} failed, ${counts[1]} running) All · ${domain} · jobdeck`);
  await icon('icon-failed');
  await reloaded(() => it.server.importJobs([{ job_id: 'job-failed', domain_id: domain, created_at: '2020-01-01T00:00:00Z', status: 'TIMEOUT' }]));
  await titled(`(${counts[0] + 1} failed, ${counts[1]} running) `);
  await it.page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.match(await it.page.title(), new RegExp(`^\\(${counts[0] + 1} failed, ${counts[1]} running at \\d+:\\d\\d.[AP]M\\) All`));
  await it.open('?refresh=0&term=status:IN_PROGRESS');
  await titled(`(${counts[1]} running) `);
  await icon('icon-running');
  await it.open('?refresh=0&term=status:CANCELED');
  await titled('All · ');
  await icon('icon');
});

test('a refresh keeps scroll position and selection', async () => {
  await it.open('?tab=failed&refresh=2');
  const domain = await it.domain();
  await it.rows().first().locator('.id').click();
  await it.page.locator('.job-error').first().waitFor();
  await it.page.getByText('Raw JSON').click();
  await it.page.evaluate(() => { document.querySelector('.job-error').marked = true; document.querySelector('#rows .collector').marked = true; });
  await it.page.locator('#raw').evaluate((node) => { node.scrollTop = 120; });
  await it.page.locator('#drawer summary').last().focus();
  await it.page.evaluate(() => getSelection().selectAllChildren(document.querySelector('.job-error')));
  const selected = await it.page.evaluate(() => String(getSelection()));
  await reloaded(() => it.server.importJobs([{ job_id: 'job-elsewhere', domain_id: domain, created_at: '2020-01-01T00:00:00Z', status: 'ERROR' }]));
  assert.deepEqual(await it.page.evaluate(() => [
    document.querySelector('.job-error').marked, document.querySelector('#rows .collector').marked,
    document.querySelector('#raw').scrollTop, document.activeElement.tagName, String(getSelection()),
  ]), [true, true, 120, 'SUMMARY', selected]);
});

test('a new job does not move the rows that are read', async () => {
  await it.page.setViewportSize({ width: 1280, height: 500 });
  await it.open('?refresh=2&size=100');
  const domain = await it.domain();
  const ids = await it.ids();
  // A text is selected with the mouse, a row with the keys, and the list is scrolled with the wheel.
  await it.page.mouse.move(640, 250);
  await it.page.mouse.wheel(0, 300);
  await it.page.waitForFunction(() => scrollY === 300);
  const { x, y, width, height } = await it.page.locator('#rows .collector').nth(5).boundingBox();
  await it.page.mouse.move(x + 1, y + height / 2);
  await it.page.mouse.down();
  await it.page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
  await it.page.mouse.up();
  for (let rows = 0; rows < 9; rows += 1) await it.page.keyboard.press('j');
  await it.page.keyboard.press('k');
  const before = await it.page.evaluate(() => scrollY);
  await it.page.mouse.wheel(0, 120);
  await it.page.waitForFunction((before) => scrollY === before + 120, before);
  const read = () => it.page.evaluate(() => ({
    selected: String(getSelection()), focused: document.activeElement.textContent, top: Math.round(document.activeElement.getBoundingClientRect().top),
  }));
  const seen = await read();
  assert.equal(seen.focused, ids[7]);
  // How many letters are selected depends on the fonts.
  assert.ok(seen.selected.length > 0 && (await it.page.locator('#rows .collector').nth(5).textContent()).includes(seen.selected), seen.selected);
  await reloaded(() => it.server.importJobs([{ job_id: 'job-arrived', domain_id: domain, created_at: NOW }]));
  assert.equal(await news().textContent(), '1 new');
  assert.deepEqual(await it.ids(), ids);
  assert.deepEqual(await read(), seen);
  // The rows of one answer are highlighted together, so the first highlighted rows are all of them.
  await it.page.keyboard.press('n');
  assert.deepEqual(await it.page.locator('#rows .changed').evaluateAll((nodes) => nodes.map((node) => node.closest('tr').dataset.job)), ['job-arrived']);
  assert.deepEqual(await it.ids(), ['job-arrived', ...ids].slice(0, 100));
  const { selected, focused } = await read();
  assert.deepEqual({ selected, focused }, { selected: seen.selected, focused: seen.focused });
  assert.equal(await it.page.locator('#rows .id').first().evaluate((node) => node.getBoundingClientRect().top >= 0), true, 'what is new is in sight');
});

test('rows stay while the pointer is over them, with the newest of their cells', async () => {
  const domain = await openOwn('domain-calm');
  const ids = await it.ids();
  const last = (await inOrder(domain)).results.at(-1);
  await it.rows().nth(3).hover();
  // The last row leaves the page, and changes all the same.
  await reloaded(() => it.server.importJobs([...newJobs(domain, 'calm', 6), { ...last, status: 'CANCELED', updated_at: NOW }]));
  assert.deepEqual(await it.ids(), ids);
  await it.rows().last().locator('.status.CANCELED').waitFor();
  assert.equal(await news().textContent(), '6 new');
  assert.equal(await it.page.locator('#announcement').textContent(), '6 new');
  const top = () => it.rows().first().evaluate((row) => row.getBoundingClientRect().top);
  const before = await top();
  await it.axe('news');
  await reloaded(() => it.server.importJobs(newJobs(domain, 'calmer', 20)));
  assert.equal(await news().textContent(), '15+ new');
  await news().click();
  await news().waitFor({ state: 'hidden' });
  assert.deepEqual(await it.ids(), (await inOrder(domain)).results.map((job) => job.job_id));
  assert.equal(await top(), before, 'the button takes no room');
});

test('rows that wait are shown when the pointer has left, or when somebody refreshes', async () => {
  const domain = await openOwn('domain-waits');
  for (const [name, act] of [['left', () => it.page.mouse.move(5, 5)], ['refreshed', () => it.page.keyboard.press('r')]]) {
    await it.rows().nth(3).hover();
    await reloaded(() => it.server.importJobs(newJobs(domain, name, 2)));
    assert.equal(await news().textContent(), '2 new');
    await act();
    await it.page.locator('#rows .id', { hasText: `job-${name}-1` }).waitFor();
    await news().waitFor({ state: 'hidden' });
  }
  // A job that is gone from the page leaves another order.
  await openOwn(domain, '&sort=status');
  await it.rows().nth(3).hover();
  const [id, next] = await it.ids();
  await reloaded(() => it.server.importJobs([{ job_id: id, domain_id: domain, created_at: '2020-01-01T00:00:00Z', status: 'CANCELED' }]));
  assert.equal((await it.ids())[0], id);
  await it.page.mouse.move(5, 5);
  await it.page.waitForFunction((next) => document.querySelector('#rows .id').textContent === next, next);
});

test('the open job keeps the rows in position', async () => {
  const domain = await openOwn('domain-open');
  const ids = await it.ids();
  await it.page.goto(`${it.server.url}/?refresh=2&size=15&domain=${domain}&job=${ids[4]}`);
  await it.page.locator('#drawer .lead').waitFor();
  await pace('live');
  await reloaded(() => it.server.importJobs(newJobs(domain, 'open', 3)));
  assert.equal(await news().textContent(), '3 new');
  assert.deepEqual(await it.ids(), ids);
  await it.page.keyboard.press('j');
  await it.page.locator('#drawer-title', { hasText: ids[5] }).waitFor();
  assert.equal(await news().textContent(), '3 new');
});

test('a paused page does not change until it is refreshed', async () => {
  await it.page.clock.install();
  await it.open('?refresh=0');
  const domain = await it.domain();
  await it.settle();
  it.server.importJobs([{ job_id: 'job-unasked', domain_id: domain, created_at: NOW, status: 'CREATED' }]);
  assert.deepEqual(await it.askedWithin(120_000), []);
  await it.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  assert.deepEqual(await it.askedWithin(120_000), []);
  assert.ok(!(await it.ids()).includes('job-unasked'));
  await it.page.keyboard.press('r');
  await it.page.locator('#rows .id', { hasText: 'job-unasked' }).waitFor();
  assert.deepEqual(await it.askedWithin(120_000), [], 'and once');
});

test('a refresh does not overwrite what was typed', async () => {
  await it.open('?refresh=2&range=custom');
  const domain = await it.domain();
  const fields = { '#search': 'status:ERR', '#from': '2025-12-10 01:02:03' };
  for (const [field, text] of Object.entries(fields)) await it.page.locator(field).fill(text);
  await it.page.locator('#refresh-now').focus();
  const hasValues = async (expected) => {
    await reloaded(() => it.server.importJobs([{ job_id: 'job-elsewhere', domain_id: domain, created_at: '2020-01-01T00:00:00Z', updated_at: new Date().toISOString() }]));
    for (const [field, text] of Object.entries(expected)) assert.equal(await it.page.locator(field).inputValue(), text, field);
  };
  await hasValues(fields);
  await it.open('?refresh=2&view=statistics');
  await it.page.getByText('Edit the query').click();
  await it.page.locator('#stat-json').fill('{"distinct":');
  await it.page.locator('#refresh-now').focus();
  await hasValues({ '#stat-json': '{"distinct":' });
});

test('a list that is open under many writes does not grow', async () => {
  await it.page.clock.install();
  const domain = await openOwn('domain-grows');
  const browser = await it.page.context().newCDPSession(it.page);
  await browser.send('Performance.enable');
  /** How many nodes and listeners the browser has, apart from garbage. */
  async function counts() {
    await it.settle();
    await browser.send('HeapProfiler.collectGarbage');
    const { metrics } = await browser.send('Performance.getMetrics');
    return ['Nodes', 'JSEventListeners'].map((name) => metrics.find((metric) => metric.name === name).value);
  }
  let writes = 0;
  /** Changes one of four jobs that stay on the page, adds one that leaves it again, and waits until both are shown. */
  async function write() {
    const [id, status] = [`job-stays-${writes % 4}`, ['IN_PROGRESS', 'ERROR', 'SUCCESS'][Math.floor(writes / 4) % 3]];
    const job = { job_id: id, domain_id: domain, created_at: NOW, status, errors: status === 'ERROR' ? [{ error_code: 'E', message: `Write ${writes}` }] : [] };
    const added = { job_id: `job-leaves-${writes}`, domain_id: domain, created_at: new Date(Date.parse('2025-12-31') + writes).toISOString(), status: 'SUCCESS' };
    it.server.importJobs([job, added]);
    writes += 1;
    await it.passUntil(() => it.page.evaluate(([id, status, added]) => document.querySelector(`[data-job=${id}] .status.${status}`)
      && document.querySelector(`[data-job=${added}]`), [id, status, added.job_id]));
  }
  // Both counts are taken after the same phase of the changes, and with a page of jobs that have been added.
  while (writes < 24) await write();
  const before = await counts();
  while (writes < 60) await write();
  const after = await counts();
  // A node or a listener that each of these 36 writes leaves behind would be growth; a highlight that just ends is not.
  assert.ok(after.every((count, index) => count - before[index] < 18), `${before} nodes and listeners, then ${after}`);
});

test('a duration ticks while a job runs, unless the clock is frozen', async () => {
  await it.page.route('**/jobdeck/about', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ json: { ...(await response.json()), is_frozen: false } });
  });
  await it.open('?refresh=0&tab=running');
  const duration = it.rows().first().locator('.duration');
  const before = await duration.textContent();
  await it.page.waitForFunction((before) => document.querySelector('#rows .duration').textContent !== before, before);
  await it.page.unroute('**/jobdeck/about');
  await it.open('?refresh=0&tab=running');
  const [job] = (await it.search({ filter: [{ k: 'status', v: 'IN_PROGRESS', o: 'eq' }], page: { limit: 1 } })).results;
  const seconds = Math.floor((Date.parse(NOW) - Date.parse(job.created_at)) / 1000);
  const expected = seconds < 60 ? `${seconds} sec` : `${Math.floor(seconds / 60)} min ${seconds % 60} sec`;
  assert.equal(await duration.textContent(), expected, 'by the clock that --now froze');
});

test('nothing is requested while the page is hidden or paused', async () => {
  await it.page.clock.install();
  const domain = await openOwn('domain-hidden');
  const hide = (hidden) => it.page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await pace('live');
  await hide(true);
  it.server.importJobs(newJobs(domain, 'hidden', 1));
  assert.deepEqual(await it.askedWithin(120_000), [], 'hidden');
  await hide(false);
  await it.page.locator('#rows .id', { hasText: 'job-hidden-0' }).waitFor();
  await pace('live');
  await it.page.locator('#refresh').selectOption('0');
  await it.addressIs(/refresh=0/);
  it.server.importJobs(newJobs(domain, 'paused', 1));
  assert.deepEqual(await it.askedWithin(120_000), [], 'paused');
});

test('the focus stays in position when a job leaves the page', async () => {
  await it.open('?refresh=2');
  const domain = await it.domain();
  await it.rows().last().locator('.id').focus();
  it.server.importJobs([{ job_id: 'job-newest', domain_id: domain, created_at: '2026-01-01T00:00:00Z', status: 'CREATED' }]);
  await news().waitFor();
  await it.page.keyboard.press('n');
  await it.page.locator('#rows .id', { hasText: 'job-newest' }).waitFor();
  assert.equal(await it.page.evaluate(() => document.activeElement === document.querySelector('#rows tr:last-child .id')), true);
});

test('a server that does not answer is reported, and requests are sent again', async () => {
  await it.open();
  const listen = new URL(it.server.url).host;
  await it.server.stop();
  await it.page.getByRole('button', { name: 'Refresh now' }).click();
  await it.page.getByRole('alert').getByText('The server does not answer.').waitFor();
  await it.page.getByRole('alert').getByText('The page shows older data.').waitFor();
  assert.ok(await it.rows().count() > 0, 'what was shown stays');
  await it.axe('trouble');
  await it.server.start(listen);
  await it.page.getByRole('button', { name: 'Try again' }).click();
  await it.page.locator('#trouble').waitFor({ state: 'hidden' });
  it.expect('ERR_CONNECTION_');
});

/** The answers of the API, which are no files of the page. */
const API = /\/(?:inventory|jobdeck)\//;

test('a list stays through failures of other views, and one that has no answer says so once', async () => {
  await it.open('?refresh=0');
  const shown = await it.ids();
  const total = await it.page.locator('#total').textContent();
  const press = (name) => it.page.getByRole('button', { name, exact: true }).click();
  const retries = () => it.page.getByRole('button', { name: 'Try again' }).count();
  await it.page.route(API, (route) => route.abort());
  await press('Now');
  await it.page.locator('#now.unanswered').waitFor({ state: 'attached' });
  await press('Jobs');
  await it.page.getByRole('alert').getByText('The page shows older data.').waitFor();
  assert.deepEqual(await it.ids(), shown);
  assert.equal(await it.page.locator('#total').textContent(), total);
  assert.equal(await retries(), 1);
  await it.page.locator('#tabs button', { hasText: 'Failed' }).click();
  const nothing = it.page.locator('#empty', { hasText: 'No answer' });
  await nothing.waitFor();
  assert.equal(await retries(), 1);
  assert.equal(await it.page.locator('#pages').isVisible(), false);
  // The list from before is not there any more.
  await it.page.locator('#tabs button', { hasText: 'All' }).click();
  await it.addressIs(/^(?!.*tab=failed)/);
  await it.page.getByRole('alert').getByText('The server does not answer.').waitFor();
  assert.ok(await nothing.isVisible());
  await it.page.unroute(API);
  await it.page.getByRole('button', { name: 'Try again' }).click();
  await it.rows().first().waitFor();
  assert.deepEqual(await it.ids(), shown);
  assert.ok(await it.page.locator('#pages').isVisible());
  it.expect('ERR_FAILED');
});

test('who goes from view to view does not make the page wait longer for the server', async () => {
  await it.open('?refresh=10');
  await it.page.clock.install();
  await it.page.route(API, (route) => route.abort());
  const failed = (act) => Promise.all([it.page.waitForEvent('requestfailed', (request) => API.test(request.url())), act()]);
  for (const view of ['Now', 'Collectors', 'Statistics', 'Jobs']) {
    await failed(() => it.page.getByRole('button', { name: view, exact: true }).click());
    await it.page.getByRole('alert').getByText('The server does not answer.').waitFor();
  }
  await it.page.unroute(API);
  // Twice the ten seconds after one failure; after four it would be a minute.
  const asked = it.page.waitForRequest((request) => API.test(request.url()));
  await it.page.clock.runFor(21_000);
  await asked;
  await it.page.locator('#trouble').waitFor({ state: 'hidden' });
  it.expect('ERR_FAILED');
});

test('an error is shown with its request id, and the rest of the page stays', async () => {
  await it.page.route('**/jobs/search', (route) => route.fulfill({
    status: 503, headers: { 'x-request-id': 'abc123' }, json: { detail: { code: 'ERROR_UNAVAILABLE', message: 'try again' } },
  }));
  await it.page.goto(`${it.server.url}/?refresh=0`);
  await it.page.getByRole('alert').getByText('try again').waitFor();
  await it.page.locator('#trouble', { hasText: 'request abc123' }).waitFor();
  // The page has no older data, so the list itself shows the error.
  await it.page.locator('#empty', { hasText: 'try again (request abc123)' }).waitFor();
  assert.equal(await it.page.locator('#list').getAttribute('aria-busy'), 'false');
  await it.page.locator('#tabs .count', { hasText: /\d/ }).first().waitFor();
  it.expect('503');
});

test('while a list loads the old rows stay, or a skeleton is shown', async () => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await it.page.route('**/jobs/search', async (route) => {
    await held;
    await route.continue();
  });
  await it.page.goto(`${it.server.url}/?refresh=0`);
  const list = it.page.locator('#list[aria-busy=true]');
  await list.waitFor();
  const height = await list.locator('.scroll').evaluate((node) => node.getBoundingClientRect().height);
  release();
  await it.rows().first().waitFor();
  const after = await it.page.locator('#list .scroll').evaluate((node) => node.getBoundingClientRect().height);
  assert.ok(Math.abs(height - after) < 10, `${height} px before, ${after} px after`);
});

test('a job far in the future does not stretch the chart', async () => {
  await it.open();
  const domain = await it.domain();
  it.server.importJobs([{ job_id: 'job-far', domain_id: domain, created_at: '9999-12-31T23:00:00Z' }, { job_id: 'job-old', domain_id: domain, created_at: '0001-01-01T00:00:00Z' }]);
  await it.open('?refresh=0');
  await it.page.getByRole('heading', { name: 'Jobs per month' }).waitFor();
  assert.ok(await it.page.locator('#times .bar-of-time').count() < 600);
  await it.page.setViewportSize({ width: 390, height: 800 });
  assert.equal(await it.overflow(), 0);
});

test('an empty database says how to fill it', async () => {
  const empty = new Server();
  try {
    await empty.start();
    it.page.removeAllListeners('request');
    await it.page.goto(empty.url);
    await it.page.getByText('No jobs yet').waitFor();
    await it.page.getByText(`jobdeck import --db ${empty.database} jobs.ndjson`).waitFor();
    await it.axe('no jobs');
    empty.importJobs(running('domain-first', 1));
    await it.page.locator('#rows .id', { hasText: 'job-new' }).waitFor();
    // Otherwise the page would go on asking a server that has stopped.
    await it.page.goto('about:blank');
  } finally {
    await empty.remove();
  }
});

/** The page over time: refreshes, their cost, and a server that does not answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, Server, suite } from './server.js';

const it = suite((server) => server.importGenerated(600));

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

test('a refresh without changes is one request, answered with 304', async () => {
  await it.open('?refresh=2');
  // Requests from the opening of the page may still be running.
  await it.page.waitForResponse((response) => response.url().endsWith('/domains') && response.status() === 304);
  const answers = [];
  it.page.on('response', (response) => response.request().resourceType() === 'fetch' && answers.push(`${response.status()} ${new URL(response.url()).pathname}`));
  for (let looks = 0; looks < 2; looks += 1) await it.page.waitForResponse((response) => response.url().endsWith('/domains'));
  assert.deepEqual(new Set(answers), new Set(['304 /jobdeck/domains']));
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
  it.server.importJobs([{ job_id: 'job-elsewhere', domain_id: domain, created_at: '2020-01-01T00:00:00Z', status: 'ERROR' }]);
  await it.page.waitForResponse((response) => response.url().endsWith('/domains') && response.status() === 200);
  await it.page.waitForResponse((response) => response.url().endsWith('/domains') && response.status() === 304);
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
  it.server.importJobs([{ job_id: 'job-arrived', domain_id: domain, created_at: NOW }]);
  // The rows of one answer are highlighted together, so the first highlighted rows are all of them.
  const marked = await it.page.waitForFunction(() => {
    const nodes = [...document.querySelectorAll('#rows .changed')];
    return nodes.length > 0 && nodes.map((node) => node.closest('tr').dataset.job);
  });
  assert.deepEqual(await marked.jsonValue(), ['job-arrived']);
  await it.page.waitForResponse((response) => response.url().endsWith('/domains') && response.status() === 304);
  assert.deepEqual(await it.ids(), ['job-arrived', ...ids].slice(0, 100));
  assert.deepEqual(await read(), seen);
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
  const fields = { '#search': 'status:ERR', '#from': '2025-12-10T01:02:03' };
  for (const [field, text] of Object.entries(fields)) await it.page.locator(field).fill(text);
  await it.page.locator('#refresh-now').focus();
  const hasValues = async (expected) => {
    it.server.importJobs([{ job_id: 'job-elsewhere', domain_id: domain, created_at: '2020-01-01T00:00:00Z', updated_at: new Date().toISOString() }]);
    for (const status of [200, 304]) await it.page.waitForResponse((response) => response.url().endsWith('/domains') && response.status() === status);
    for (const [field, text] of Object.entries(expected)) assert.equal(await it.page.locator(field).inputValue(), text, field);
  };
  await hasValues(fields);
  await it.open('?refresh=2&view=statistics');
  await it.page.getByText('Edit the query').click();
  await it.page.locator('#stat-json').fill('{"distinct":');
  await it.page.locator('#refresh-now').focus();
  await hasValues({ '#stat-json': '{"distinct":' });
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
  const expected = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  assert.equal(await duration.textContent(), expected, 'by the clock that --now froze');
});

test('nothing is requested while the page is hidden or paused', async () => {
  await it.page.clock.install();
  await it.open('?refresh=2');
  const hide = (hidden) => it.page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  const looks = () => it.page.waitForResponse((response) => response.url().endsWith('/domains'));
  await Promise.all([looks(), it.page.clock.runFor(5_000)]);
  await hide(true);
  assert.deepEqual(await it.askedWithin(60_000), [], 'hidden');
  await Promise.all([looks(), hide(false)]);
  await Promise.all([looks(), it.page.clock.runFor(5_000)]);
  await it.page.locator('#refresh').selectOption('0');
  await it.addressIs(/refresh=0/);
  assert.deepEqual(await it.askedWithin(120_000), [], 'paused');
});

test('the focus stays in position when a job leaves the page', async () => {
  await it.open('?refresh=2');
  const domain = await it.domain();
  await it.rows().last().locator('.id').focus();
  it.server.importJobs([{ job_id: 'job-newest', domain_id: domain, created_at: '2026-01-01T00:00:00Z', status: 'CREATED' }]);
  await it.page.locator('#rows .id', { hasText: 'job-newest' }).waitFor();
  assert.equal(await it.page.evaluate(() => document.activeElement === document.querySelector('#rows tr:last-child .id')), true);
});

test('a server that does not answer is reported, and asked again', async () => {
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

/** The page in headless Chromium, driven as a person would. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { HOSTILE, NOW, Server, launch } from './server.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const COUNT = 600;

const server = new Server();
let browser;
let page;
let complaints;

before(async () => {
  server.importGenerated(COUNT);
  server.importJobs(HOSTILE.map((text, index) => ({
    job_id: `${text.slice(0, 200)}-${index}`, domain_id: 'domain-hostile', created_at: NOW, status: 'ERROR',
    project_id: text.slice(0, 200), total_tasks: 3, remained_tasks: 1,
    collector_info: { collector_id: text, name: text, provider: text, plugin_info: { plugin_id: text, version: text } },
    errors: [{ error_code: text, message: text, additional: { [text]: text } }],
  })));
  await server.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server.remove();
});

beforeEach(async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'UTC' });
  page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && complaints.push(`console: ${message.text()}`));
  page.on('request', (request) => new URL(request.url()).origin !== server.url && complaints.push(`request: ${request.url()}`));
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
});

afterEach(async () => {
  await page.context().close();
  assert.deepEqual(complaints, []);
});

const rows = () => page.locator('#rows tr');
const open = async (query = '') => {
  await page.goto(`${server.url}/${query}`);
  await page.locator('#rows tr, #empty:not([hidden])').first().waitFor();
};
const search = (body) => fetch(`${server.url}/inventory/v1/jobs/search`, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
}).then((response) => response.json());
const chosenDomain = () => page.locator('#domain').inputValue();
const addressIs = (pattern) => page.waitForURL((url) => pattern.test(url.search));

test('lists the jobs of the largest domain, newest first', async () => {
  await open();
  const expected = await search({ domain_id: await chosenDomain(), query: { page: { limit: 15 } } });
  assert.deepEqual(await rows().locator('.id').allTextContents(), expected.results.map((job) => job.job_id));
  assert.equal(await page.locator('#total').textContent(), `1–15 of ${expected.total_count} jobs`);
  const counts = (await page.locator('#tabs .count').allTextContents()).map(Number);
  assert.equal(counts[0], expected.total_count);
  assert.equal(counts.slice(1).reduce((sum, count) => sum + count), expected.total_count, 'every status is in one tab');
  const first = expected.results[0];
  const text = await rows().first().innerText();
  assert.ok(text.includes(first.collector_info.name) && text.includes(first.collector_info.provider), text);
});

test('tabs, search and clearing', async () => {
  await open();
  await page.getByRole('button', { name: /^Failed/ }).click();
  await addressIs(/tab=failed/);
  await page.waitForFunction(() => [...document.querySelectorAll('#rows .status')].every((node) => /Error|Timeout/.test(node.textContent)));
  const id = await rows().first().locator('.id').textContent();
  await page.locator('#keyword').fill(id.slice(4));
  await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 1);
  assert.equal(await rows().locator('.id').textContent(), id);
  await page.locator('#keyword').fill('zzz');
  await page.getByText('No job matches').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 15);
  assert.equal(await page.locator('#keyword').inputValue(), '');
  await page.goBack();
  await addressIs(/tab=failed/);
  await page.waitForFunction(() => document.querySelector('#keyword').value === 'zzz');
});

test('sorts on the server, in both directions', async () => {
  await open('?refresh=0');
  await page.getByRole('button', { name: 'Tasks' }).click();
  await addressIs(/sort=total_tasks/);
  await page.locator('th[aria-sort=ascending]', { hasText: 'Tasks' }).waitFor();
  const expected = async (desc) => (await search({
    domain_id: await chosenDomain(), query: { sort: { key: 'total_tasks', desc }, page: { limit: 15 } },
  })).results.map((job) => job.job_id);
  const shows = (ids) => page.waitForFunction((ids) => [...document.querySelectorAll('#rows .id')].map((node) => node.textContent).join() === ids, ids.join());
  await shows(await expected(false));
  await page.getByRole('button', { name: 'Tasks' }).click();
  await page.locator('th[aria-sort=descending]', { hasText: 'Tasks' }).waitFor();
  await shows(await expected(true));
});

test('pages, and how many rows one has', async () => {
  await open('?refresh=0');
  const first = await rows().first().locator('.id').textContent();
  await page.getByRole('button', { name: 'Next' }).click();
  await addressIs(/page=2/);
  await page.waitForFunction((first) => document.querySelector('#rows .id').textContent !== first, first);
  await page.locator('#size').selectOption('100');
  await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 100);
  assert.equal(await rows().first().locator('.id').textContent(), first, 'back on the first page');
  await page.goBack();
  await addressIs(/page=2/);
});

test('a job opens, has an address of its own, and closes', async () => {
  await open('?tab=failed&refresh=0');
  const id = await rows().first().locator('.id').textContent();
  await rows().first().locator('.id').click();
  await page.getByRole('heading', { name: id }).waitFor();
  await page.locator('.fault').first().waitFor();
  await page.getByText('Raw JSON').click();
  const [job] = (await search({ domain_id: await chosenDomain(), job_id: id })).results;
  assert.deepEqual(JSON.parse(await page.locator('#raw').textContent()), job);
  assert.equal(await page.locator('.fault').count(), job.errors.length);
  await page.reload();
  await page.getByRole('heading', { name: id }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#detail').waitFor({ state: 'hidden' });
  await page.waitForURL((url) => !url.searchParams.has('job'));
});

test('what is read is left alone by a refresh', async () => {
  await open('?tab=failed&refresh=2');
  await rows().first().locator('.id').click();
  await page.locator('.fault').first().waitFor();
  await page.getByText('Raw JSON').click();
  await page.evaluate(() => { document.querySelector('.fault').marked = true; document.querySelector('#rows .collector').marked = true; });
  await page.locator('#raw').evaluate((node) => { node.scrollTop = 120; });
  await page.locator('summary').focus();
  let answers = 0;
  page.on('response', (response) => { answers += response.url().endsWith('/search'); });
  await page.clock.resume();
  while (answers < 4) await page.waitForResponse((response) => response.url().endsWith('/search'));
  assert.deepEqual(await page.evaluate(() => [
    document.querySelector('.fault').marked, document.querySelector('#rows .collector').marked,
    document.querySelector('#raw').scrollTop, document.activeElement.tagName,
  ]), [true, true, 120, 'SUMMARY']);
});

test('back leaves a job and does not open it again', async () => {
  await open('?refresh=0');
  await rows().first().locator('.id').click();
  await page.locator('#detail-title', { hasText: 'job-' }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForURL((url) => !url.searchParams.has('job'));
  await page.locator('#size').selectOption('30');
  await addressIs(/size=30/);
  await page.goBack();
  await page.waitForURL((url) => !url.searchParams.has('size') && !url.searchParams.has('job'));
  assert.equal(await page.locator('#detail').isVisible(), false);
});

test('a page past the end, and a domain without jobs, say so', async () => {
  await open('?page=9999&refresh=0');
  await page.getByRole('button', { name: 'To the first page' }).click();
  await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 15);
  await open('?domain=none-such&refresh=0');
  await page.getByText('No jobs in this domain').waitFor();
});

test('hostile text is shown as text', async () => {
  await open('?domain=domain-hostile&refresh=0');
  assert.equal(await rows().count(), HOSTILE.length);
  const names = await rows().locator('.collector').allTextContents();
  assert.deepEqual(names.toSorted(), HOSTILE.toSorted());
  for (let index = 0; index < HOSTILE.length; index += 1) {
    await rows().nth(index).locator('.id').click();
    await page.locator('.fault').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#detail').waitFor({ state: 'hidden' });
  }
  assert.equal(await page.evaluate(() => window.ran), undefined);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, 'the layout holds');
});

test('the page lives', async () => {
  await open('?refresh=2');
  const domain = await chosenDomain();
  const total = Number((await page.locator('#tabs .count').first().textContent()));
  server.importJobs([{ job_id: 'job-new', domain_id: domain, created_at: '2026-01-01T00:00:01Z', status: 'IN_PROGRESS', total_tasks: 4, remained_tasks: 4 }]);
  await page.clock.setSystemTime(NOW);
  await page.clock.resume();
  await page.locator('#rows .id', { hasText: 'job-new' }).waitFor();
  assert.equal(Number(await page.locator('#tabs .count').first().textContent()), total + 1);
  server.importJobs([{ job_id: 'job-new', domain_id: domain, created_at: '2026-01-01T00:00:01Z', status: 'IN_PROGRESS', total_tasks: 4, remained_tasks: 1 }]);
  await page.locator('tr[data-job=job-new]', { hasText: '75 %' }).waitFor();
});

test('a chosen domain is remembered', async () => {
  await open();
  await page.locator('#domain').selectOption('domain-hostile');
  await addressIs(/domain=domain-hostile/);
  await open();
  assert.equal(await chosenDomain(), 'domain-hostile');
});

test('a server that does not answer is told of, and tried again', async () => {
  await open('?refresh=0');
  const listen = new URL(server.url).host;
  await server.stop();
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await page.getByRole('alert').getByText('The server does not answer.').waitFor();
  assert.ok(await rows().count() > 0, 'what was shown stays');
  await server.start(listen);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#trouble').waitFor({ state: 'hidden' });
  complaints = complaints.filter((complaint) => !complaint.includes('ERR_CONNECTION_REFUSED'));
});

test('a fault is shown with the id of its request', async () => {
  await page.route('**/jobs/search', (route) => route.fulfill({
    status: 503, headers: { 'x-request-id': 'abc123' }, json: { detail: { code: 'ERROR_UNAVAILABLE', message: 'try again' } },
  }));
  await page.goto(`${server.url}/`);
  await page.getByRole('alert').getByText('try again (request abc123)').waitFor();
  complaints = complaints.filter((complaint) => !complaint.includes('503'));
});

test('an empty database says how to fill it', async () => {
  const empty = new Server();
  try {
    await empty.start();
    page.removeAllListeners('request');
    await page.goto(empty.url);
    await page.getByText('No jobs yet').waitFor();
    await page.getByText('jobdeck import jobs.ndjson').waitFor();
  } finally {
    await empty.remove();
  }
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme });
    for (const query of ['?refresh=0', '?refresh=0&keyword=none-such', '?domain=domain-hostile&refresh=0']) {
      await open(query);
      await check(`${colorScheme} ${query}`);
    }
    await open('?tab=failed&refresh=0');
    await rows().first().locator('.id').click();
    await page.locator('.fault').first().waitFor();
    await check(`${colorScheme} detail`);
  });
}

async function check(what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map((violation) => `${violation.id}: ${violation.nodes[0].html}`), [], what);
}

test('a phone shows the jobs without scrolling the page sideways', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  await open('?refresh=0');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0);
});

/** The page of the API: shows every operation of the server's own description, and sends requests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { HOSTILE, NOW, Server, hostileJobs, suite } from './server.js';

const it = suite((server) => {
  const jobs = ['SUCCESS', 'ERROR', 'ERROR'].map((status, index) => ({ job_id: `job-${index}`, domain_id: 'domain-a', created_at: NOW, status }));
  server.writeFixtures([...jobs, ...hostileJobs()].map((job) => `${JSON.stringify(job)}\n`).join(''));
});

/** What a shell prints of a command. */
const shell = async (command) => (await promisify(execFile)('bash', ['-c', command])).stdout;
const open = async (hash = '', url = it.server.url) => {
  await it.page.goto(`${url}/docs/api${hash}`);
  await it.page.locator('#api[aria-busy=false]').waitFor();
};
const operation = (id) => it.page.locator('.operation', { has: it.page.locator(`[id="${id}"]`) });
/** Opens the form of an operation. */
async function tryIt(id) {
  await operation(id).getByText('Try it', { exact: true }).click();
  return operation(id).locator('form');
}
const field = (form, name) => form.locator('label', { has: it.page.locator(`code:text-is("${name}")`) }).locator('input, select, textarea');
const body = (form) => form.getByLabel('Body', { exact: true });
/** Sends what a form holds, and returns the request and what is shown of its answer. */
async function send(form, { confirm = false } = {}) {
  const [request] = await Promise.all([
    it.page.waitForRequest((request) => request.resourceType() === 'fetch'),
    form.getByRole('button', { name: 'Send', exact: true }).click().then(() => confirm && it.page.locator('#confirm').getByText('Send', { exact: true }).click()),
  ]);
  await form.locator('.outcome', { hasText: / ms$/ }).waitFor();
  const { pathname, search } = new URL(request.url());
  return {
    asked: `${request.method()} ${pathname}${search}`, body: request.postData(), headers: request.headers(),
    outcome: await form.locator('.outcome').textContent(), shown: (await form.locator('.answer code').allTextContents()).join(),
  };
}
const document = async () => (await (await fetch(`${it.server.url}/openapi.json`)).json());

test('every operation is shown, with its parameters, answers and an address of its own', async () => {
  await open();
  const { paths } = await document();
  let count = 0;
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, { operationId, summary, parameters = [], responses }] of Object.entries(item)) {
      const id = operationId.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const text = await operation(id).textContent();
      for (const part of [path, method.toUpperCase(), summary.replaceAll('`', ''), ...Object.keys(responses)]) assert.ok(text.includes(part), `${id}: ${part}`);
      for (const { name } of parameters.filter(({ name, in: place }) => name && place !== 'header')) assert.ok(text.includes(name), `${id}: ${name}`);
      count += 1;
    }
  }
  assert.ok(count > 30, `${count}`);
  const links = await it.page.locator('#pageContents li li a').evaluateAll((links) => links.map(({ hash, textContent }) => [hash, textContent]));
  assert.ok(links.some(([hash, text]) => hash === '#stat-jobs' && text.includes('/inventory/v1/jobs/stat')));
  await open('#advance-clock');
  assert.ok(await operation('advance-clock').getByRole('heading', { name: '/jobdeck/clock/advance' }).evaluate((node) => node.getBoundingClientRect().top < innerHeight));
});

test('the list is searched', async () => {
  await open();
  await it.page.keyboard.press('/');
  await it.page.keyboard.type('truncate');
  await it.page.locator('#searchResults a', { hasText: '/jobdeck/faults' }).first().waitFor();
});

test('a schema opens step by step, and ends where it repeats itself', async () => {
  await open();
  const stat = operation('stat-jobs');
  await stat.getByText('Schema', { exact: true }).click();
  const fold = async (name, title) => {
    const item = stat.locator('.members > li', { has: it.page.locator(`:scope > code:text-is("${name}")`) }).last();
    await item.locator(':scope > details > summary', { hasText: title }).click();
    return item;
  };
  await fold('query', 'Members');
  const aggregate = await fold('aggregate', 'Choices');
  assert.match(await aggregate.textContent(), /array of Stage|array of object/);
  assert.match(await stat.locator('.members > li', { hasText: /^domain_id/ }).first().textContent(), /required, string; not empty/);
  // Opens everything below: it ends, though a calculation holds calculations.
  for (let rounds = 0; rounds < 20; rounds += 1) {
    const closed = stat.locator('.members details:not([open]) > summary');
    if (!(await closed.count())) break;
    await closed.evaluateAll((summaries) => summaries.forEach((summary) => summary.click()));
    await it.page.evaluate(() => new Promise(requestAnimationFrame));
  }
  assert.equal(await stat.locator('.members details:not([open])').count(), 0);
  await stat.getByText('Operand, as above').first().waitFor();
});

test('list, search and stat are sent as the form has them, and the answer is shown', async () => {
  await open();
  let form = await tryIt('list-jobs');
  assert.equal(await field(form, 'domain_id').inputValue(), 'domain-a', 'the first domain of the server');
  await field(form, 'status').fill('ERROR');
  await field(form, 'query.only').fill('job_id, status');
  const line = await form.locator('.code').last().locator('code').textContent();
  let got = await send(form);
  assert.equal(got.asked, 'GET /inventory/v1/jobs?domain_id=domain-a&status=ERROR&query.only=job_id&query.only=status&query.page.limit=30');
  assert.equal(got.headers['x-jobdeck-page'], undefined, 'the request of a client, not of the page');
  assert.match(got.outcome, /^200 OK · \d+ ms$/);
  assert.deepEqual(JSON.parse(got.shown).results.map((job) => job.job_id).sort(), ['job-1', 'job-2']);
  assert.ok(got.shown.includes('\n  "results": [\n    {\n      "job_id"'), 'it is indented');
  assert.equal(await form.locator('.answer dt').first().textContent(), 'content-type');
  assert.ok(await form.locator('.answer dt', { hasText: 'x-request-id' }).isVisible());
  assert.deepEqual(JSON.parse(await shell(line)), JSON.parse(got.shown), 'the curl line gets the same');

  form = await tryIt('search-jobs');
  await form.getByLabel('Example').selectOption('The newest failures');
  assert.equal(JSON.parse(await body(form).inputValue()).domain_id, 'domain-a');
  got = await send(form);
  assert.equal(got.asked, 'POST /inventory/v1/jobs/search');
  assert.equal(got.body, await body(form).inputValue());
  assert.equal(JSON.parse(got.shown).total_count, 2);

  form = await tryIt('stat-jobs');
  await form.getByLabel('Example').selectOption('Jobs by status');
  const statLine = await form.locator('.code').last().locator('code').textContent();
  got = await send(form);
  assert.deepEqual(JSON.parse(got.shown).results, [{ status: 'ERROR', count: 2 }, { status: 'SUCCESS', count: 1 }]);
  assert.deepEqual(JSON.parse(await shell(statLine)), JSON.parse(got.shown));
  const { results } = await (await it.server.send('GET', '/jobdeck/journal?limit=4')).json();
  assert.deepEqual(results.map(({ route }) => route), ['list', 'list', 'search', 'stat', 'stat'].slice(-4), 'the journal has these, and none of the page');
});

test('a refused request shows its error', async () => {
  await open();
  const form = await tryIt('search-jobs');
  await body(form).fill('{"domain_id": "domain-a", "query": {"sort": "-created_at"}}');
  const got = await send(form);
  assert.match(got.outcome, /^400 /);
  assert.match(JSON.parse(got.shown).detail.message, /query\.sort: expected an object such as/);
  it.expect('status of 400');
});

test('HEAD, headers and an answer without a body', async () => {
  await open();
  const form = await tryIt('list-jobs');
  await form.getByText('Headers', { exact: true }).click();
  await field(form, 'x-request-id').fill('mine-1');
  const [response] = await Promise.all([it.page.waitForResponse(/\/inventory\/v1\/jobs/), form.getByRole('button', { name: 'Send' }).click()]);
  await form.locator('.answer dd', { hasText: 'mine-1' }).waitFor();
  await field(form, 'If-None-Match').fill(await response.headerValue('etag'));
  await form.getByRole('button', { name: 'Send' }).click();
  await form.locator('.outcome', { hasText: '304' }).waitFor();
  await form.getByLabel('Method').selectOption('HEAD');
  await field(form, 'If-None-Match').fill('');
  await form.getByRole('button', { name: 'Send' }).click();
  await form.locator('.outcome', { hasText: '200' }).waitFor();
  assert.equal(await form.locator('.answer').getByText('No body.').isVisible(), true);
});

test('a request that writes is sent once it is confirmed', async () => {
  await open();
  assert.match(await operation('put-job').textContent(), /Changes jobs or settings of this server/);
  assert.doesNotMatch(await operation('search-jobs').textContent(), /Changes jobs/);
  const form = await tryIt('put-job');
  it.asked = [];
  await form.getByRole('button', { name: 'Send' }).click();
  const dialog = it.page.getByRole('dialog', { name: 'Send this request?' });
  await it.axe('the dialog');
  assert.match(await dialog.textContent(), /It changes jobs.*PUT \/jobdeck\/jobs\/job-1\?domain_id=domain-a/s);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await form.getByRole('button', { name: 'Send' }).click();
  await it.page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.deepEqual(it.asked, []);
  await field(form, 'job_id').fill('a/b c');
  await form.getByLabel('Example').selectOption('A job that has failed');
  const got = await send(form, { confirm: true });
  assert.equal(got.asked, 'PUT /jobdeck/jobs/a%2Fb%20c?domain_id=domain-a');
  assert.match(got.outcome, /^201 /);
  const deletion = await send(await tryIt('delete-job').then(async (form) => { await field(form, 'job_id').fill('a/b c'); return form; }), { confirm: true });
  assert.match(deletion.outcome, /^20\d /);
});

test('every example that reads is answered', async () => {
  await open();
  const { paths } = await document();
  const reading = Object.values(paths).flatMap((item) => Object.values(item)).filter((one) => !one['x-writes'] && !one.operationId.endsWith('Head'));
  for (const { operationId } of reading) {
    const form = await tryIt(operationId.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    assert.match((await send(form)).outcome, /^200 /, operationId);
  }
});

test('a long answer is cut, a broken and a missing one are reported, and waiting can be stopped', async () => {
  await open();
  const { server } = it;
  await server.send('POST', '/jobdeck/jobs', Array.from({ length: 1500 }, (_, index) => ({ job_id: `many-${index}`, domain_id: 'domain-many', created_at: NOW })));
  const form = await tryIt('list-jobs');
  await field(form, 'domain_id').fill('domain-many');
  await field(form, 'query.page.limit').fill('');
  let { shown } = await send(form);
  await form.getByText('The answer is longer; this is its beginning.').waitFor();
  assert.ok(shown.length > 100_000 && shown.length < 300_000, `${shown.length}`);
  const fault = (members) => server.send('POST', '/jobdeck/faults', { route: 'list', ...members });
  await field(form, 'query.page.limit').fill('3');
  await fault({ truncate: 20 });
  ({ shown } = await send(form));
  await form.getByText('The connection broke off; this is what came.').waitFor();
  // The browser may drop what came just before the end.
  assert.ok(shown.replace(/\s/g, '').length <= 20, shown);
  await server.send('DELETE', '/jobdeck/faults');
  await fault({ drop: true });
  await form.getByRole('button', { name: 'Send' }).click();
  await form.locator('.outcome', { hasText: 'No answer came' }).waitFor();
  await server.send('DELETE', '/jobdeck/faults');
  await fault({ hold: true });
  await form.getByRole('button', { name: 'Send' }).click();
  await form.getByRole('button', { name: 'Stop' }).click();
  await form.locator('.outcome', { hasText: 'Stopped.' }).waitFor();
  await server.send('DELETE', '/jobdeck/faults');
  it.expect('net::ERR');
});

test('hostile texts in answers and in the names of domains stay text', async () => {
  await it.server.send('PUT', '/jobdeck/jobs/h', { domain_id: HOSTILE[1] });
  await open();
  const form = await tryIt('list-jobs');
  await field(form, 'domain_id').fill('domain-hostile');
  const { shown } = await send(form);
  for (const text of HOSTILE.slice(0, 6)) assert.ok(JSON.parse(shown).results.some((job) => job.errors[0].message === text), text);
  await field(form, 'domain_id').fill(HOSTILE[1]);
  await send(form);
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
  assert.equal(await it.page.locator('#pageText :is(img, script, svg)').count(), 0);
  await it.server.send('DELETE', `/jobdeck/jobs?domain_id=${encodeURIComponent(HOSTILE[1])}`);
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing, ${colorScheme}, and nothing is too wide`, async () => {
    await it.page.emulateMedia({ colorScheme });
    await open();
    for (const id of ['list-jobs', 'search-jobs', 'add-jobs', 'export-jobs']) {
      const form = await tryIt(id);
      await form.getByText('Headers', { exact: true }).click();
      await operation(id).locator('details:not([open]) > summary').evaluateAll((folds) => folds.forEach((fold) => fold.click()));
    }
    await send(operation('list-jobs').locator('form'));
    await it.axe(colorScheme);
    for (const width of [1280, 800, 390]) {
      await it.page.setViewportSize({ width, height: 800 });
      assert.equal(await it.overflow(), 0, `${width}`);
    }
    await it.axe(`${colorScheme} when narrow`);
  });
}

test('every control has a name, and the keyboard sends a request', async () => {
  await open();
  const summary = operation('stat-jobs').getByText('Try it', { exact: true });
  await summary.focus();
  await it.page.keyboard.press('Enter');
  const form = operation('stat-jobs').locator('form');
  await form.getByRole('button', { name: 'Send' }).focus();
  await it.page.keyboard.press('Enter');
  await form.getByRole('status').getByText('200 OK').waitFor();
});

test('without JavaScript the page leads to the document', async () => {
  const html = await (await fetch(`${it.server.url}/docs/api`)).text();
  assert.match(html, /<noscript>.*JavaScript.*\/openapi\.json/s);
});

test('a server with tokens is shown once its token is entered', async () => {
  const server = new Server();
  server.importJobs([{ job_id: 'job-of-a', domain_id: 'domain-a', created_at: NOW }]);
  const token = server.makeToken('--domain', 'domain-a', '--name', 'of a');
  await server.start();
  try {
    it.page.removeAllListeners('request');
    await it.page.goto(`${server.url}/docs/api`);
    const entry = it.page.getByLabel('Token', { exact: true });
    await entry.fill('jobdeck_wrong');
    await it.page.getByRole('button', { name: 'Use token' }).click();
    await it.page.getByText('The server does not know this token.').waitFor();
    await it.axe('the field');
    assert.equal(await it.page.locator('#api').getAttribute('aria-busy'), 'false');
    await entry.fill(token);
    await it.page.getByRole('button', { name: 'Use token' }).click();
    await it.page.locator('#api[aria-busy=false]').waitFor();
    const form = await tryIt('list-jobs');
    const line = await form.locator('.code').last().locator('code').textContent();
    assert.match(line, /-H "authorization: Bearer \$JOBDECK_TOKEN"/);
    const { shown, headers } = await send(form);
    assert.equal(headers.authorization, `Bearer ${token}`);
    assert.equal(JSON.parse(shown).results[0].job_id, 'job-of-a');
    assert.match(await operation('get-health').textContent(), /Needs no token/);
    assert.equal(await operation('put-job').count(), 0, 'the server has no such route');
    await it.page.getByRole('button', { name: 'Forget token' }).click();
    await it.page.locator('#api .operation').first().waitFor({ state: 'detached' });
    it.expect('status of 401');
    assert.deepEqual(await it.page.evaluate(() => Object.values(sessionStorage).filter(Boolean)), []);
  } finally {
    await server.remove();
  }
});

/** The statistics, the dialog with the requests of the page, and the exports. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { suite } from './server.js';

const it = suite((server) => server.importGenerated(600));

const cells = () => it.page.locator('#stat-rows tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
const heads = () => it.page.locator('#stat-head th').allTextContents();

test('groups and measures are chosen, within the filters', async () => {
  await it.open('?view=statistics&refresh=0&tab=failed');
  await it.page.locator('#by-1').selectOption('provider');
  await it.page.locator('#by-2').selectOption('status');
  await it.page.getByLabel('Average duration').check();
  await it.addressIs(/by=provider,status&measures=count,average-duration/);
  await it.page.getByRole('columnheader', { name: 'Average duration' }).waitFor();
  const jobs = (await it.search({ filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }] })).results;
  const groups = new Map();
  for (const job of jobs) {
    const key = `${job.collector_info.provider} ${job.status}`;
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  assert.deepEqual(await heads(), ['Provider', 'Status', 'Jobs', 'Average duration']);
  const rows = await cells();
  assert.equal(rows.length, groups.size);
  for (const [provider, status, count] of rows) assert.equal(Number(count), groups.get(`${provider} ${status}`));
  const counts = rows.map((row) => Number(row[2]));
  assert.deepEqual(counts, counts.toSorted((a, b) => b - a), 'the first measure sorts');
  const share = await it.page.locator('#stat-rows .measured').first().evaluate((cell) => cell.style.getPropertyValue('--share'));
  assert.equal(share, '1');
});

test('every group and every measure is answered', async () => {
  await it.open('?view=statistics&refresh=0');
  const measures = await it.page.locator('#measures input').evaluateAll((inputs) => inputs.map((input) => input.value));
  for (const by of await it.page.locator('#by-1 option').evaluateAll((options) => options.map((option) => option.value))) {
    await it.open(`?view=statistics&refresh=0&by=${by}&measures=${measures}`);
    await it.page.locator('#stat-rows tr').first().waitFor();
    assert.equal((await heads()).length, 1 + measures.length, by);
    assert.equal(await it.page.locator('#trouble').isVisible(), false, by);
    // The job that never ends has no duration.
    const unknown = (row) => (row[0] === 'IN_PROGRESS' ? '–' : '');
    for (const row of await cells()) assert.ok(row.slice(1).every((cell) => /\d/.test(cell) || cell === unknown(row)), `${by}: ${row}`);
  }
});

test('by error code, jobs are measured and not errors, of which a job may have several of a code', async () => {
  await it.open('?view=statistics&by=error,status&measures=count,failed,average-tasks,average-duration&refresh=0');
  const jobs = (await it.search({ filter: [{ k: 'errors', v: true, o: 'exists' }] })).results.filter(({ errors }) => errors.length);
  assert.ok(jobs.some(({ errors }) => new Set(errors.map(({ error_code: code }) => code)).size < errors.length), 'a job has a code twice');
  for (const [code, status, count, failed, tasks] of await cells()) {
    const its = jobs.filter((job) => job.status === status && job.errors.some((error) => error.error_code === code));
    assert.equal(Number(count), its.length, `${code} ${status}`);
    assert.equal(Number(failed), status === 'ERROR' ? its.length : 0, `${code} ${status}`);
    const average = its.reduce((sum, job) => sum + job.total_tasks, 0) / its.length;
    assert.ok(Math.abs(Number(tasks.replaceAll(',', '')) - average) < 0.001, `${code} ${status}: ${tasks}, not ${average}`);
  }
});

test('a group leads to its jobs', async () => {
  await it.open('?view=statistics&by=error&refresh=0');
  const [code, count] = (await cells())[0];
  await it.page.getByRole('link', { name: code }).click();
  await it.page.locator('#chips', { hasText: `error:${code}` }).waitFor();
  await it.rows().first().waitFor();
  const { total_count: total } = await it.search({ filter: [{ k: 'errors.error_code', v: code, o: 'eq' }] });
  assert.equal(Number(count), total, 'jobs are counted, not errors');
  await it.page.locator('#total', { hasText: `of ${total} jobs` }).waitFor();
});

test('a query that the user writes', async () => {
  await it.open('?view=statistics&refresh=0');
  await it.page.getByText('Edit the query').click();
  const text = it.page.locator('#stat-json');
  assert.deepEqual(JSON.parse(await text.inputValue()).aggregate[0].group.keys, [{ key: 'collector_info.name', name: 'collector' }]);
  for (const [query, problem] of [['{"distinct"', /JSON/], ['[]', /A query is an object/], ['{"distinct":"stauts"}', /did you mean `status`/]]) {
    await text.fill(query);
    await it.page.getByRole('button', { name: 'Run' }).click();
    await it.page.locator('#stat-error', { hasText: problem }).waitFor();
  }
  it.expect('status of 400');
  await text.fill('{"distinct": "status"}');
  await it.page.getByRole('button', { name: 'Run' }).click();
  await it.page.getByRole('columnheader', { name: 'value' }).waitFor();
  const expected = (await it.server.post('stat', { domain_id: await it.domain(), query: { distinct: 'status' } })).results;
  assert.deepEqual(await cells(), expected.map((status) => [status]));
  await it.page.reload();
  await it.page.getByRole('columnheader', { name: 'value' }).waitFor();
  await it.page.getByRole('button', { name: 'Back to the choices' }).click();
  await it.page.getByRole('columnheader', { name: 'Collector' }).waitFor();
});

test('a long answer is shown as a table with a limit', async () => {
  await it.page.route('**/jobs/stat', (route) => route.fulfill({ json: { results: Array.from({ length: 200_000 }, (_, index) => index) } }));
  await it.page.goto(`${it.server.url}/?view=statistics&refresh=0&stat=${encodeURIComponent('{"distinct":"job_id"}')}`);
  await it.page.locator('#stat-total', { hasText: 'The first 500 of 200,000 rows' }).waitFor();
});

test('the requests are shown as they were sent, and run in a shell', async () => {
  const sent = [];
  it.page.on('request', (request) => request.url().endsWith('/search') && sent.push(request.postDataJSON()));
  await it.open(`?refresh=0&tab=failed&term=${encodeURIComponent('message~"it\'s" ')}&sort=tasks`);
  await it.page.getByRole('button', { name: 'Show request' }).click();
  const body = await it.page.locator('#requests .body').first().textContent();
  assert.deepEqual(JSON.parse(body), sent[0]);
  const line = await it.page.locator('#requests .curl').first().textContent();
  const answer = JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8' }));
  assert.deepEqual(answer, await it.server.post('search', sent[0]));
  for (const label of ['Copy body', 'Copy curl']) assert.ok(await it.page.getByRole('button', { name: label }).first().isVisible());
  await it.page.keyboard.press('Escape');
  await it.page.locator('#requests').waitFor({ state: 'hidden' });
});

test('the filtered jobs are exported', async () => {
  await it.open('?refresh=0&tab=failed&sort=tasks');
  const { results } = await it.search({ filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }], sort: { keys: [{ key: 'total_tasks', desc: true }, { key: 'created_at', desc: true }] } });
  const files = {};
  for (const label of ['CSV', 'NDJSON', 'JSON']) {
    await it.page.getByText('Export jobs', { exact: true }).click();
    const [download] = await Promise.all([it.page.waitForEvent('download'), it.page.getByRole('link', { name: label, exact: true }).click()]);
    const [, ending] = /^jobdeck-domain-[0-9a-f]+-\d{4}-\d{2}-\d{2}\.([a-z]+)$/.exec(download.suggestedFilename());
    files[ending] = readFileSync(await download.path(), 'utf8');
  }
  assert.deepEqual(Object.keys(files), ['csv', 'ndjson', 'json']);
  assert.deepEqual(JSON.parse(files.json), results);
  assert.deepEqual(files.ndjson.trim().split('\n').map((line) => JSON.parse(line)), results);
  assert.deepEqual(files.csv.trim().split('\r\n').slice(1).map((line) => line.split(',')[0]), results.map((job) => job.job_id));
});

/** The statistics, the dialog with the requests of the page, and the exports. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { span } from '../../static/js/format.js';
import { HOSTILE, NOW, hostileJobs, suite } from './server.js';

/** Two days and a gap of three between them, in which no job began. */
const GAPS = ['2025-11-01T08:00:00Z', '2025-11-01T09:30:00Z', '2025-11-05T08:00:00Z'].map((at, index) => ({
  job_id: `job-gap-${index}`, domain_id: 'domain-gaps', status: index ? 'SUCCESS' : 'ERROR', created_at: at,
  finished_at: at.replace(':00Z', ':40Z'), collector_info: { collector_id: 'c', name: index ? 'late' : 'early' },
}));

const it = suite((server) => {
  server.importGenerated(600);
  server.importJobs([...GAPS, ...hostileJobs()]);
});

/** The cells of the rows, without the bars. */
const cells = (part = 'rows') => it.page.locator(`#stat-${part} tr`).evaluateAll((rows) => rows.map((row) => (
  [...row.cells].filter((cell) => cell.tagName === 'TH' || cell.textContent).map((cell) => cell.textContent))));
const heads = async () => (await it.page.locator('#stat-head th').allTextContents()).map((text) => text.replace(/ [↓↑]$/, ''));
const tookOf = (job) => (job.finished_at ? Date.parse(job.finished_at) - Date.parse(job.created_at) : null);
const isFailed = ({ status }) => ['ERROR', 'TIMEOUT'].includes(status);
/** The nearest rank, by its definition. */
function percentile(numbers, percent) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1];
}
/** What the page shows of jobs, with the same measures. */
function measure(jobs) {
  const took = jobs.map(tookOf).filter((one) => one !== null);
  const ended = jobs.filter(({ status }) => !['CREATED', 'IN_PROGRESS'].includes(status));
  const ofSpans = (value) => (took.length ? span(value()) : '–');
  return {
    count: jobs.length.toLocaleString('en'), failures: String(jobs.filter(isFailed).length),
    rate: ended.length ? `${Math.round((jobs.filter(isFailed).length / ended.length) * 1000) / 10}\u00a0%` : '–',
    average: ofSpans(() => took.reduce((sum, one) => sum + one, 0) / took.length),
    median: ofSpans(() => percentile(took, 50)), p95: ofSpans(() => percentile(took, 95)), longest: ofSpans(() => Math.max(...took)),
  };
}
function grouped(jobs, keyOf) {
  const groups = new Map();
  for (const job of jobs) groups.set(keyOf(job), [...groups.get(keyOf(job)) ?? [], job]);
  return groups;
}
const points = () => it.page.locator('#stat-lines .bar-of-time').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));

test('groups and measures are chosen, within the filters', async () => {
  await it.open('?view=statistics&refresh=0&tab=failed');
  await it.page.locator('#by-1').selectOption('provider');
  await it.page.locator('#by-2').selectOption('status');
  await it.page.getByText('1 measure').click();
  await it.page.getByLabel('Average duration').check();
  await it.page.getByText('2 measures').waitFor();
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
    // A group without a job that has ended has no durations and no rate.
    for (const row of await cells()) {
      const unknown = row.slice(1).filter((cell) => !/\d/.test(cell));
      assert.ok(unknown.every((cell) => cell === '–') && [0, 5].includes(unknown.length), `${by}: ${row}`);
    }
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

test('medians, percentiles, rates and failures are those of the jobs, and so are the others and all', async () => {
  const measures = 'count,failures,rate,average-duration,median-duration,p95-duration,longest';
  await it.open(`?view=statistics&by=day&measures=${measures}&top=10&refresh=0`);
  assert.deepEqual(await heads(),
    ['Day (UTC)', 'Jobs', 'Failed', 'Failure rate', 'Average duration', 'Median duration', '95 % took at most', 'Longest']);
  const jobs = (await it.search({})).results;
  const days = [...new Set(jobs.map((job) => job.created_at.slice(0, 10)))].toSorted().toReversed();
  const expected = (of) => Object.values(measure(jobs.filter((job) => of.includes(job.created_at.slice(0, 10)))));
  assert.deepEqual(await cells(), days.slice(0, 10).map((day) => [day, ...expected([day])]));
  const [count, failures, rate] = expected(days.slice(10));
  assert.deepEqual(await cells('foot'), [
    [`${days.length - 10} others`, count, failures, rate, '–', '–', '–', '–'], ['All', ...expected(days)]]);
  await it.page.locator('#stat-total', { hasText: `The first 10 of ${days.length} rows` }).waitFor();
  await it.page.locator('#top').selectOption('all');
  await it.addressIs(/top=all/);
  await it.page.locator('#stat-total', { hasText: new RegExp(`^${days.length} rows`) }).waitFor();
  assert.deepEqual((await cells('foot')).map(([name]) => name), ['All']);
  // What the tab counts is what the measure counts.
  const tab = await it.page.locator('#tabs [data-tab=failed] .count').textContent();
  assert.equal(tab, measure(jobs).failures);
});

test('each header sorts, and the first groups are those of the order', async () => {
  await it.open('?view=statistics&by=collector&measures=count,median-duration,rate&top=10&refresh=0');
  const jobs = (await it.search({})).results;
  const groups = [...grouped(jobs, (job) => job.collector_info.name)].map(([name, its]) => (
    { name, median: percentile(its.map(tookOf).filter((one) => one !== null), 50) ?? -1, rate: Number.parseFloat(measure(its).rate) || 0 }));
  assert.ok(groups.length > 10);
  const header = (name) => it.page.getByRole('columnheader', { name });
  assert.equal(await header('Jobs').getAttribute('aria-sort'), 'descending');
  for (const [name, sorts, value] of [['Median duration', 'ssort=median-duration', 'median'], ['Failure rate', 'ssort=rate', 'rate']]) {
    for (const sign of [1, -1]) {
      await header(name).getByRole('button').focus();
      await it.page.keyboard.press('Enter');
      await it.addressIs(new RegExp(sorts + (sign < 0 ? '&sdesc=false' : '(&top|$)')));
      await it.page.locator(`th[aria-sort=${sign > 0 ? 'descending' : 'ascending'}]`, { hasText: name }).waitFor();
      const best = groups.map((group) => group[value]).toSorted((a, b) => sign * (b - a)).slice(0, 10);
      const byName = new Map(groups.map((group) => [group.name, group[value]]));
      assert.deepEqual((await cells()).map(([collector]) => byName.get(collector)), best, `${name} ${sign}`);
      assert.equal(await it.page.evaluate(() => document.activeElement.closest('th')?.textContent.slice(0, -2)), name);
    }
    // The bars are those of the column that sorts.
    const rows = (await cells()).map(([collector]) => groups.find((group) => group.name === collector)[value]);
    const shares = await it.page.locator('#stat-rows .measured').evaluateAll((bars) => bars.map((bar) => Number(bar.style.getPropertyValue('--share'))));
    const max = Math.max(...rows);
    shares.forEach((share, index) => assert.ok(Math.abs(share - (max ? Math.max(rows[index], 0) / max : 0)) < 0.01, `${name}: ${share}`));
  }
  await header('Collector').getByRole('button').click();
  await it.page.locator('th[aria-sort=ascending]', { hasText: 'Collector' }).waitFor();
  assert.deepEqual((await cells()).map(([name]) => name), groups.map(({ name }) => name).toSorted().slice(0, 10));
  await it.page.goBack();
  await it.page.locator('th[aria-sort=ascending]', { hasText: 'Failure rate' }).waitFor();
});

test('links of before have their meaning, and an unknown column sorts as none', async () => {
  await it.open('?view=statistics&by=status&measures=failed,timeouts&ssort=nonsense&refresh=0');
  assert.deepEqual(await heads(), ['Status', 'Failed with an error', 'Timed out']);
  const jobs = (await it.search({})).results;
  for (const [status, failed, timeouts] of await cells()) {
    const count = jobs.filter((job) => job.status === status).length;
    assert.deepEqual([failed, timeouts].map(Number), [status === 'ERROR' ? count : 0, status === 'TIMEOUT' ? count : 0]);
  }
});

test('by error code the others do not add up, and the page says so', async () => {
  await it.open('?view=statistics&by=error&measures=count&refresh=0');
  const jobs = (await it.search({ filter: [{ k: 'errors.error_code', v: true, o: 'exists' }] })).results.filter(({ errors }) => errors.length);
  assert.deepEqual((await cells('foot')).at(-1), ['All', String(jobs.length)]);
  await it.page.getByText('the rows do not add up').waitFor();
  await it.page.locator('#by-1').selectOption('status');
  await it.page.locator('#stat-note').waitFor({ state: 'hidden' });
});

test('time is drawn as a line: days without jobs are 0, and have no duration', async () => {
  await it.open('?domain=domain-gaps&view=statistics&by=day&measures=count,median-duration&refresh=0');
  await it.page.getByRole('heading', { name: 'Jobs · Day (UTC)' }).waitFor();
  const days = [1, 2, 3, 4, 5].map((day) => `2025-11-0${day}`);
  assert.deepEqual(await points(), days.map((day, index) => `${day}: ${[2, 0, 0, 0, 1][index]}`));
  // The maximum and the base line are labelled.
  assert.deepEqual(await it.page.locator('#stat-lines .tick-label.end').allTextContents(), ['0', '1', '2']);
  const [first, second] = (await it.page.locator('#stat-lines polyline').getAttribute('points')).split(' ').map((pair) => pair.split(',').map(Number));
  assert.ok(second[1] - first[1] > 140, 'the line falls from the top to the base line');
  await it.page.getByRole('button', { name: 'Median duration' }).click();
  await it.page.getByRole('heading', { name: 'Median duration · Day (UTC)' }).waitFor();
  assert.deepEqual(await points(), days.map((day, index) => `${day}: ${['40 sec', '–', '–', '–', '40 sec'][index]}`));
  assert.equal(await it.page.locator('#stat-lines circle').count(), 2, 'a gap is no line');
  for (const [by, expected] of [['hour', ['2025-11-01 08:00: 1', '2025-11-01 09:00: 1', '2025-11-01 10:00: 0']], ['month', []]]) {
    await it.open(`?domain=domain-gaps&view=statistics&by=${by}&refresh=0`);
    assert.deepEqual((await points()).slice(0, 3), expected);
  }
  assert.equal(await it.page.locator('#stat-lines').isVisible(), false, 'one month is no line');
});

test('a second group is a line each, which the legend toggles; the keyboard reads the points and opens their jobs', async () => {
  await it.open('?view=statistics&by=day,provider&refresh=0');
  const jobs = (await it.search({})).results;
  const providers = [...grouped(jobs, (job) => job.collector_info.provider)];
  const largest = providers.toSorted(([a, its], [b, others]) => others.length - its.length || (a < b ? -1 : 1)).slice(0, 5);
  const of = (day, shown) => `${day}: ${shown.map(([name, its]) => `${name}: ${its.filter((job) => job.created_at.startsWith(day)).length}`).join(', ')}`;
  const days = (await points()).map((text) => text.slice(0, 10));
  assert.deepEqual(await points(), days.map((day) => of(day, largest)));
  assert.ok(days.every((day, index) => !index || Date.parse(day) - Date.parse(days[index - 1]) === 86_400_000), 'no day is left out');
  const dashes = await it.page.locator('#stat-lines polyline').evaluateAll((all) => all.map((one) => getComputedStyle(one).strokeDasharray));
  assert.equal(new Set(dashes).size, dashes.length, 'the lines differ without their colors');
  const key = it.page.locator('#stat-lines .legend button').first();
  await key.click();
  assert.equal(await key.getAttribute('aria-pressed'), 'false');
  assert.deepEqual(await points(), days.map((day) => of(day, largest.slice(1))));
  await it.page.locator('#stat-lines .legend button').last().focus();
  await it.page.keyboard.press('Tab');
  await it.page.keyboard.press('End');
  await it.page.keyboard.press('ArrowLeft');
  const day = days.at(-2);
  await it.page.locator('#stat-lines .tip', { hasText: day }).waitFor();
  await it.page.keyboard.press('Enter');
  await it.addressIs(new RegExp(`range=custom&from=${day}T00:00:00.000Z`));
  const count = jobs.filter((job) => job.created_at.startsWith(day)).length;
  await it.page.locator('#total', { hasText: `of ${count} jobs` }).waitFor();
});

test('the pointer reads the lines', async () => {
  await it.open('?domain=domain-gaps&view=statistics&by=day&refresh=0');
  const plot = await it.page.locator('#stat-lines .plot').boundingBox();
  await it.page.mouse.move(plot.x + plot.width - 30, plot.y + 60);
  await it.page.locator('#stat-lines .tip', { hasText: '2025-11-05' }).waitFor();
  assert.equal(await it.page.locator('#stat-lines .tip div').textContent(), '1');
  await it.page.mouse.click(plot.x + plot.width - 30, plot.y + 60);
  await it.shows(['job-gap-2']);
});

test('on touch, the first tap shows what a point of the lines has, and the second one opens its jobs', async () => {
  const context = await it.page.context().browser().newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, timezoneId: 'UTC' });
  const page = await context.newPage();
  await page.goto(`${it.server.url}/?domain=domain-gaps&view=statistics&by=day&refresh=0`);
  const plot = page.locator('#stat-lines .plot');
  const tip = page.locator('#stat-lines .tip');
  await plot.locator('.bar-of-time').first().waitFor();
  const { width } = await plot.boundingBox();
  const tap = (x) => plot.tap({ position: { x, y: 60 } });
  await tap(70);
  await tip.getByText('2025-11-01').waitFor();
  await tap(width - 30);
  await tip.getByText('2025-11-05').waitFor();
  await page.touchscreen.tap(200, 5);
  await tip.waitFor({ state: 'hidden' });
  await tap(width - 30);
  await tip.getByText('2025-11-05').waitFor();
  assert.match(page.url(), /view=statistics/);
  await tap(width - 30);
  await page.locator('#rows .id').first().waitFor();
  assert.deepEqual(await page.locator('#rows .id').allTextContents(), ['job-gap-2']);
  await context.close();
});

test('a row of two groups leads to the jobs of both, within the range', async () => {
  for (const by of ['provider,status', 'status,day', 'hour,collector']) {
    await it.open(`?view=statistics&by=${by}&range=custom&from=2025-12-10T12:30:00.000Z&refresh=0`);
    const [row] = await cells();
    await it.page.locator('#stat-rows tr').first().locator('a').last().click();
    await it.page.locator('#total', { hasText: new RegExp(`of ${row.at(-1)} job`) }).waitFor();
    await it.rows().first().waitFor();
    await it.page.locator('#list[aria-busy=false]').waitFor();
  }
});

test('the table and the lines hold their layout, and axe finds nothing', async () => {
  for (const [query, what] of [['by=collector&measures=count,rate,p95-duration', 'table'], ['by=day,provider&measures=count,failures', 'lines'],
    ['domain=domain-hostile&by=hour,collector', 'hostile']]) {
    for (const width of [1280, 390]) {
      await it.page.setViewportSize({ width, height: 900 });
      await it.open(`?view=statistics&refresh=0&${query}`);
      assert.equal(await it.overflow(), 0, `${what} ${width}`);
      const bar = await it.page.locator('#stat-rows .measured').first().boundingBox();
      const label = await it.page.locator('#stat-rows .stat-text').nth(query.includes(',') && what !== 'table' ? 1 : 0).boundingBox();
      assert.ok(bar.width >= 30 && bar.height >= 8, `${what}: the bar is ${bar.width} wide at ${width}`);
      assert.ok(bar.x - label.x < 500, 'the bar is beside its label');
      await it.axe(`${what} ${width}`);
    }
  }
  const names = await it.page.locator('#stat-rows td:nth-child(2)').allTextContents();
  assert.deepEqual(names.toSorted(), HOSTILE.toSorted());
  assert.equal(await it.page.evaluate(() => window.ran), undefined);
  await it.page.setViewportSize({ width: 1280, height: 800 });
  await it.open('?view=statistics&refresh=0');
  const top = (await it.page.locator('#stat-rows').boundingBox()).y;
  assert.ok(top < 220, `the first row is at ${top}`);
});

test('a reload of the data keeps the focus, the open menu and the point', async () => {
  await it.page.clock.install({ time: NOW });
  await it.open('?view=statistics&by=day&refresh=2');
  await it.page.locator('#measures-chosen').click();
  await it.page.getByLabel('Timed out').focus();
  await it.settle();
  assert.equal(await it.page.locator('#measures-menu').evaluate((menu) => menu.open), true);
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'measure-timeouts');
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
  await it.page.getByRole('button', { name: 'value' }).click();
  await it.page.getByRole('button', { name: 'value ↑' }).click();
  await it.page.locator('th[aria-sort=descending]').waitFor();
  assert.deepEqual(await cells(), expected.toSorted().toReversed().map((status) => [status]));
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
  await it.page.locator('#more summary').click();
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
    await it.page.locator('#more summary').click();
    const [download] = await Promise.all([it.page.waitForEvent('download'), it.page.getByRole('link', { name: label, exact: true }).click()]);
    const [, ending] = /^jobdeck-domain-[0-9a-f]+-\d{4}-\d{2}-\d{2}\.([a-z]+)$/.exec(download.suggestedFilename());
    files[ending] = readFileSync(await download.path(), 'utf8');
  }
  assert.deepEqual(Object.keys(files), ['csv', 'ndjson', 'json']);
  assert.deepEqual(JSON.parse(files.json), results);
  assert.deepEqual(files.ndjson.trim().split('\n').map((line) => JSON.parse(line)), results);
  assert.deepEqual(files.csv.trim().split('\r\n').slice(1).map((line) => line.split(',')[0]), results.map((job) => job.job_id));
});

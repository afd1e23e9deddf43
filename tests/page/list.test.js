/** The list: its content, sorting, pages and filters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE, hostileJobs, suite } from './server.js';

const it = suite((server) => {
  server.importGenerated(600);
  server.importJobs([
    { job_id: 'job-canceled', domain_id: 'domain-67094cea8ca4', created_at: '2025-12-31T00:00:00Z', status: 'CANCELED', total_tasks: 3, remained_tasks: -1 },
    { job_id: 'job-without-tasks', domain_id: 'domain-67094cea8ca4', created_at: '2025-12-31T00:00:00Z' },
  ]);
  server.importJobs(hostileJobs());
});

test('lists the jobs of the largest domain, newest first', async () => {
  await it.open();
  const expected = await it.search({ page: { limit: 30 } });
  assert.deepEqual(await it.ids(), expected.results.map((job) => job.job_id));
  assert.equal(await it.page.locator('#total').textContent(), `1–30 of ${expected.total_count} jobs`);
  const counts = (await it.page.locator('#tabs .count').allTextContents()).map(Number);
  assert.equal(counts[0], expected.total_count);
  assert.equal(counts.slice(1).reduce((sum, count) => sum + count), expected.total_count, 'every status is in one tab');
  const [first] = expected.results;
  const text = await it.rows().first().innerText();
  assert.ok(text.includes(first.collector_info.name), text);
  await it.page.locator('#more summary').click();
  await it.page.getByLabel('Two lines a row').check();
  const bar = it.rows().first().locator('.against');
  await bar.waitFor();
  const lines = await it.rows().first().innerText();
  for (const part of [first.collector_info.provider, first.collector_info.plugin_info.version]) assert.ok(lines.includes(part), `${part} in ${lines}`);
  await it.page.reload();
  await bar.waitFor();
  assert.equal(await it.rows().first().innerText(), lines, 'it is remembered');
});

test('a failed row says why, and a row is one line', async () => {
  await it.open('?tab=failed&refresh=0');
  const { results } = await it.search({ filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }], page: { limit: 30 } });
  const shown = await it.page.locator('#rows .errors').allTextContents();
  results.forEach(({ errors: [first, ...others] }, index) => {
    assert.ok(shown[index].startsWith(`${first.error_code} ${first.message.split('\n')[0].slice(0, 20)}`), shown[index]);
    assert.equal(shown[index].endsWith(` and ${others.length} more`), others.length > 0);
  });
  const heights = await it.rows().evaluateAll((rows) => rows.map((row) => row.offsetHeight));
  assert.ok(heights.every((height) => height <= 36), `${heights}`);
  await it.page.setViewportSize({ width: 1280, height: 800 });
  await it.open('?size=30&refresh=0');
  const whole = await it.rows().evaluateAll((rows) => rows.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length);
  assert.ok(whole >= 16, `only ${whole} rows on the first screen`);
  for (const width of [600, 701, 768, 870, 960, 1024, 1280]) {
    await it.page.setViewportSize({ width, height: 800 });
    const [collector, errors, job] = await Promise.all(['collector', 'errors', 'job'].map((column) => (
      it.page.locator(`#rows [data-column=${column}]`).first().evaluate((cell) => cell.getBoundingClientRect().toJSON()))));
    assert.ok(collector.width >= (width > 700 ? 160 : 120) && errors.width >= 120, `${collector.width} and ${errors.width} at ${width}`);
    assert.ok(job.top === collector.top && job.height <= 36, `a row is a line at ${width}`);
    assert.equal(await it.overflow(), 0, `at ${width}`);
  }
  await it.page.setViewportSize({ width: 599, height: 800 });
  const [collector, job] = await Promise.all(['collector', 'job'].map((column) => it.page.locator(`#rows [data-column=${column}]`).first().boundingBox()));
  assert.ok(job.y > collector.y, 'below 600 px each job is a card');
});

test('a press on the text of a menu does what the text says, and leaves the menu open', async () => {
  await it.open('?refresh=0');
  await it.page.locator('#more summary').click();
  const density = it.page.getByLabel('Two lines a row');
  await it.page.getByText('Two lines a row').click();
  assert.ok(await density.isChecked());
  await it.page.locator('#columns').getByText('Progress').click();
  await it.page.locator('#head [data-column=progress]').waitFor({ state: 'detached' });
  assert.ok(await it.page.locator('#more > div').isVisible());
  await it.page.locator('#search').focus();
  await it.page.locator('#more > div').waitFor({ state: 'hidden' });
  await it.page.locator('#views-menu summary').click();
  const { x, y, width, height } = await it.page.locator('#views-menu > div').boundingBox();
  await it.page.mouse.click(x + width - 3, y + height - 3);
  assert.ok(await it.page.locator('#views-menu > div').isVisible());
});

test('every tab is on the screen of a phone', async () => {
  await it.page.setViewportSize({ width: 390, height: 800 });
  await it.open('?refresh=0');
  const tabs = await it.page.locator('#tabs button').evaluateAll((nodes) => nodes.map((node) => {
    const { left, right } = node.getBoundingClientRect();
    return { left, right, isCut: node.scrollWidth > node.clientWidth };
  }));
  assert.equal(tabs.length, 6);
  assert.ok(tabs.every(({ left, right, isCut }) => left >= 0 && right <= 390 && !isCut), JSON.stringify(tabs));
});

test('a number of tasks is never cut', async () => {
  await it.open('?refresh=0&columns=job,tasks');
  for (const width of [1280, 1501, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    const cut = await it.page.locator('#rows .tasks').evaluateAll((cells) => {
      cells[0].textContent = '3,104 / 4,500';
      return cells.filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent);
    });
    assert.deepEqual(cut, [], `at ${width}`);
  }
});

test('a tab shows the jobs of its statuses', async () => {
  await it.open();
  await it.page.getByRole('button', { name: /^Failed/ }).click();
  await it.addressIs(/tab=failed/);
  const { results } = await it.search({ filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }], page: { limit: 30 } });
  await it.shows(results.map((job) => job.job_id));
  assert.deepEqual(await it.page.locator('#rows .status').allTextContents(), results.map(({ status }) => (status === 'ERROR' ? 'Error' : 'Timeout')));
});

/** The query for each column, and the order after its first click. */
const SORTS = [
  ['Job', false, (job) => job.job_id],
  ['Collector', false, (job) => job.collector_info?.name ?? ''],
  ['Status', false, (job) => job.status],
  ['Progress', true, (job) => (job.total_tasks - job.remained_tasks) / (job.total_tasks || 1)],
  ['Tasks', true, (job) => job.total_tasks],
  ['Errors', true, (job) => job.errors.length],
  ['Project', false, (job) => job.project_id ?? ''],
  ['Created', true, (job) => job.created_at],
  ['Duration', true, (job) => (job.finished_at ? Date.parse(job.finished_at) - Date.parse(job.created_at) : -Infinity)],
];

test('every column sorts on the server, in both directions', async () => {
  await it.open('?refresh=0&size=100&columns=status,collector,errors,progress,tasks,project,created,duration,job');
  const all = (await it.search({})).results;
  for (const [label, desc, value] of SORTS) {
    for (const isDesc of [desc, !desc]) {
      await it.page.getByRole('columnheader', { name: label }).getByRole('button').click();
      await it.page.locator(`th[aria-sort=${isDesc ? 'descending' : 'ascending'}]`, { hasText: label }).waitFor();
      const sorted = all.map(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0) * (isDesc ? -1 : 1)).slice(0, 100);
      const ids = JSON.stringify(sorted);
      await it.page.waitForFunction(([label]) => document.querySelector('th[aria-sort]').textContent.includes(label), [label]);
      await it.page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 100);
      // The head changes before the rows, so the test waits for the expected rows.
      const byId = new Map(all.map((job) => [job.job_id, job]));
      for (let tries = 0; ; tries += 1) {
        const got = JSON.stringify((await it.ids()).map((id) => value(byId.get(id))));
        if (got === ids) break;
        assert.ok(tries < 200, `${label} ${isDesc ? 'descending' : 'ascending'}: ${got}`);
        await it.page.evaluate(() => new Promise(requestAnimationFrame));
      }
    }
  }
});

test('pages, and the number of rows on one', async () => {
  await it.open();
  const all = (await it.search({})).results.map((job) => job.job_id);
  await it.page.getByRole('button', { name: 'Next', exact: true }).click();
  await it.addressIs(/page=2/);
  await it.shows(all.slice(30, 60));
  await it.page.getByRole('navigation', { name: 'Pages' }).getByRole('button', { name: '3', exact: true }).click();
  await it.shows(all.slice(60, 90));
  await it.page.locator('#size').selectOption('100');
  await it.shows(all.slice(0, 100));
  await it.page.goBack();
  await it.addressIs(/page=3/);
  await it.shows(all.slice(60, 90));
});

test('keys stop at the first page and the last', async () => {
  await it.open();
  const all = (await it.search({})).results.map((job) => job.job_id);
  const last = Math.ceil(all.length / 30);
  const place = () => it.page.evaluate(() => [location.search, history.length]);
  // A key changes the address immediately, so its effect can be checked immediately.
  for (const [page, beyond, back, ids] of [[last, ']', '[', all.slice((last - 2) * 30, (last - 1) * 30)], [1, '[', ']', all.slice(30, 60)]]) {
    await it.open(`?refresh=0&page=${page}`);
    const before = await place();
    await it.page.keyboard.press(beyond);
    assert.deepEqual(await place(), before, `${beyond} on page ${page}`);
    await it.page.keyboard.press(back);
    await it.shows(ids);
  }
});

test('a page past the end, and a domain without jobs, say so', async () => {
  await it.open('?page=9999&refresh=0');
  await it.page.getByRole('button', { name: 'To the first page' }).click();
  await it.page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 30);
  await it.open('?domain=none-such&refresh=0');
  await it.page.getByText('No jobs in this domain').waitFor();
});

test('columns are chosen, and stay chosen', async () => {
  await it.open();
  await it.page.locator('#more summary').click();
  await it.page.getByLabel('Progress', { exact: true }).and(it.page.locator('input')).uncheck();
  await it.page.getByLabel('Finished').check();
  await it.addressIs(/columns=status,collector,errors,created,finished,duration,job/);
  const heads = () => it.page.getByRole('columnheader').allTextContents();
  const expected = ['Status', 'Collector', 'Errors', 'Created ↓', 'Finished', 'Duration', 'Job'];
  await it.page.getByRole('columnheader', { name: 'Finished' }).waitFor();
  assert.deepEqual(await heads(), expected);
  assert.equal(await it.rows().first().locator(':scope > :visible').count(), expected.length);
  await it.open('');
  await it.page.getByRole('button', { name: 'Jobs', exact: true }).click();
  await it.rows().first().waitFor();
  assert.deepEqual(await heads(), expected, 'a bare address remembers');
});

test('the pickers narrow to a collector and a project', async () => {
  await it.open();
  const all = (await it.search({})).results;
  const { collector_info: collector, project_id: project } = all.find((job) => job.project_id && job.collector_info);
  await it.page.locator(`#collector option[value="${collector.collector_id}"]`).waitFor({ state: 'attached' });
  await it.page.locator('#collector').selectOption(collector.collector_id);
  await it.shows(all.filter((job) => job.collector_info?.collector_id === collector.collector_id).slice(0, 30).map((job) => job.job_id));
  await it.page.locator('#project').selectOption(project);
  await it.shows(all.filter((job) => job.collector_info?.collector_id === collector.collector_id && job.project_id === project).map((job) => job.job_id));
  await it.addressIs(/collector=.*project=/);
});

test('a remembered domain that is gone is forgotten', async () => {
  await it.page.addInitScript(() => localStorage.setItem('jobdeck.domain', 'domain-gone'));
  await it.open('');
  assert.equal(await it.domain(), 'domain-67094cea8ca4');
});

test('a chosen domain is remembered, but a link overrides it', async () => {
  await it.open();
  const first = await it.domain();
  await it.page.locator('#domain').selectOption('domain-hostile');
  await it.addressIs(/domain=domain-hostile/);
  await it.open('');
  assert.equal(await it.domain(), 'domain-hostile');
  await it.open(`?domain=${first}`);
  assert.equal(await it.domain(), first);
});

test('hostile text is shown as text, in the list, the open job and the statistics', async () => {
  await it.open('?domain=domain-hostile&refresh=0');
  assert.equal(await it.rows().count(), HOSTILE.length);
  const names = await it.rows().locator('.collector').allTextContents();
  assert.deepEqual(names.toSorted(), HOSTILE.toSorted());
  for (let index = 0; index < HOSTILE.length; index += 1) {
    await it.rows().nth(index).locator('.id').click();
    await it.page.locator('#drawer .job-error').waitFor();
    for (const summary of await it.page.locator('#drawer summary').all()) await summary.click();
    assert.equal(await it.overflow(), 0, `the layout holds with ${HOSTILE[index].slice(0, 40)}`);
    await it.page.keyboard.press('Escape');
    await it.page.locator('#drawer').waitFor({ state: 'hidden' });
  }
  await it.page.getByRole('button', { name: 'Statistics' }).click();
  await it.page.locator('#stat-rows tr').first().waitFor();
  assert.deepEqual((await it.page.locator('#stat-rows td:first-child').allTextContents()).toSorted(), HOSTILE.toSorted());
  assert.equal(await it.overflow(), 0);
  assert.equal(await it.page.evaluate(() => window.ran), undefined);
});

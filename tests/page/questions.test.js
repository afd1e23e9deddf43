/**
 * The four questions that people open the page with: what failed, and why; which collector is flaky; how long jobs take, and which
 * collector gets slower; what runs, and what is stuck. Each is answered by a visit, or by one click after it, in the story of the
 * made-up jobs. The times that this takes are printed, and not tested.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suite } from './server.js';

const FLAKY = 'Google Compute Engine support-prod';
const SLOW = 'Azure SQL catalog-dev';
/** The job that is stuck has been running for days; another one of its collector took hours at most. */
const RULE = /^stuck: it runs for .* day.*, and 95 % of its collector's jobs took .* or less$/;

const it = suite((server) => server.importGenerated(12_000));

/** Visits the page as somebody without a link does, and waits for an answer, which is returned. */
async function visit(asked, selector) {
  const start = performance.now();
  await it.page.goto(it.server.url);
  await it.page.locator(selector).first().waitFor();
  asked.diagnostic(`${Math.round(performance.now() - start)} ms after the address was entered: ${selector}`);
  return it.page.locator(selector);
}

/** Clicks once, and waits for the answer. */
async function click(asked, link, selector) {
  const start = performance.now();
  await link.click();
  await it.page.locator(selector).first().waitFor();
  asked.diagnostic(`${Math.round(performance.now() - start)} ms after the click: ${selector}`);
}

const overview = async (from) => {
  const query = new URLSearchParams({ domain_id: await it.domain(), from });
  return (await fetch(`${it.server.url}/jobdeck/overview?${query}`)).json();
};

test('what failed last night, and why?', async (asked) => {
  const groups = await visit(asked, '#error-groups li');
  const { totals, errors } = await overview('2025-12-31T00:00:00Z');
  assert.equal(await it.page.locator('#all-failed').textContent(), `${totals.failed} failed`);
  const [worst] = errors.results;
  assert.ok((await groups.first().textContent()).startsWith(`${worst.error_code} `), 'the code is there, and the message behind it');
  assert.equal(await groups.first().locator('.group-count').textContent(), `${worst.jobs} jobs`);
  await click(asked, groups.first().locator('.group-count a'), '#rows .errors');
  const reasons = await it.page.locator('#rows .errors').allTextContents();
  assert.equal(reasons.length, worst.jobs);
  assert.ok(reasons.every((reason) => reason.startsWith(worst.error_code)), `each row says why: ${reasons}`);
});

test('what was the outage of this week?', async (asked) => {
  await visit(asked, '#error-groups li');
  await it.page.locator('#range').selectOption('week');
  const outage = it.page.locator('#error-groups li', { hasText: 'ERROR_SERVICE_UNAVAILABLE' });
  await outage.waitFor();
  const { errors, buckets } = await overview('2025-12-25T00:00:00Z');
  const { jobs, first_seen: first, last_seen: last } = errors.results.find((group) => group.error_code === 'ERROR_SERVICE_UNAVAILABLE');
  assert.equal(await outage.locator('.group-count').textContent(), `${jobs} jobs`);
  assert.deepEqual([first, last].map((time) => time.slice(0, 10)), ['2025-12-30', '2025-12-30']);
  const failed = ({ statuses }) => (statuses.ERROR ?? 0) + (statuses.TIMEOUT ?? 0);
  const [peak] = buckets.toSorted((one, other) => failed(other) - failed(one));
  assert.ok(peak.start.startsWith('2025-12-30'), 'the chart has its peak on that day');
});

test('which collector is flaky?', async (asked) => {
  const rows = await visit(asked, '#worst-collectors li');
  const flaky = rows.filter({ hasText: FLAKY });
  assert.match(await flaky.textContent(), /flaky/);
  assert.ok(await flaky.locator('.run.ERROR').count() >= 5, 'its last runs show it');
  await click(asked, flaky.getByRole('link', { name: FLAKY }), '#collector-history .run');
  assert.match(await it.page.locator('#collectors-title').textContent(), new RegExp(FLAKY));
});

test('how long do jobs take, and which collector gets slower?', async (asked) => {
  const median = await visit(asked, '#figures li:nth-child(4)');
  assert.match(await median.textContent(), /^Median duration\d+ min \d+ sec(up|down) from \d+ min \d+ sec$/);
  await click(asked, it.page.locator('#figure-median'), '#collector-rows tr');
  const first = it.page.locator('#collector-rows tr').first();
  assert.equal(await first.locator('[data-column=name]').textContent(), SLOW);
  assert.match(await first.locator('[data-column=change]').textContent(), /^\+[2-9]\d(\.\d)?\u00a0%$/);
});

test('what runs now, and is anything stuck?', async (asked) => {
  const lanes = await visit(asked, '#running-now li');
  const { running, stuck } = await overview('2025-12-31T00:00:00Z');
  assert.deepEqual(await it.page.locator('#all-running, #all-stuck').allTextContents(), [`${running.count} running`, '1 stuck']);
  const [job] = stuck.jobs;
  assert.match((await lanes.first().textContent()).slice(job.name.length), RULE);
  await click(asked, it.page.locator('#all-stuck'), '#rows tr');
  assert.deepEqual(await it.ids(), [job.job_id]);
});

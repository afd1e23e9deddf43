/** The three questions of a demo: each leads to its answer in the story of the made-up jobs, whatever their seed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { NOW, Server, suite } from './server.js';

const it = suite((server) => server.importGenerated(5_000));

/** Runs a test on a mock with made-up jobs, which has the story of `jobdeck demo` and a frozen clock. */
async function withDemo(seed, act) {
  const demo = new Server();
  try {
    demo.fixtures = join(demo.folder, 'demo.ndjson');
    demo.run('generate', '--jobs', '5000', '--days', '28', '--seed', seed, '--now', NOW, '--output', demo.fixtures);
    await demo.start();
    // The page of the suite takes a request to another server for a fault.
    it.page.removeAllListeners('request');
    await act(demo);
    await it.page.goto('about:blank');
  } finally {
    await demo.remove();
  }
}

const hint = (name) => it.page.getByRole('link', { name });
async function visit({ url }) {
  await it.page.goto(`${url}/?view=overview&range=day&refresh=0&zone=utc`);
  await it.page.locator('#running-now > *').first().waitFor();
}

for (const seed of ['1', '7']) {
  test(`the three questions lead to their answers, seed ${seed}`, () => withDemo(seed, async (demo) => {
    const domain_id = await visit(demo).then(() => it.domain());
    // Two of five jobs of the flaky collector fail. All others fail less often, apart from those with few jobs.
    await hint('Which collector is flaky?').click();
    const row = it.page.locator('#collector-rows tr').first();
    await row.waitFor();
    assert.deepEqual(await row.locator('[data-column=rate], [data-column=flaky]').allTextContents(), ['40.3\u00a0%', 'flaky']);
    const count = async (v) => {
      const name = await row.locator('[data-column=name]').textContent();
      const filter = [{ k: 'collector_info.name', v: name, o: 'eq' }, { k: 'status', v, o: 'in' }, { k: 'created_at', v: '2025-12-02T00:00:00Z', o: 'datetime_gte' }];
      return (await demo.post('search', { domain_id, query: { filter, count_only: true } })).total_count;
    };
    assert.deepEqual([await count(['ERROR', 'TIMEOUT']), await count(['SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED'])], [29, 72]);

    await visit(demo);
    await hint('On which day did most jobs fail, and why?').click();
    const outage = it.page.locator('#stat-rows tr', { hasText: 'ERROR_SERVICE_UNAVAILABLE' });
    await outage.first().waitFor();
    // NOW is a Thursday.
    const days = await outage.evaluateAll((rows) => rows.map((row) => [Number(row.lastElementChild.textContent), row.textContent]));
    const [, worst] = days.sort(([one], [other]) => other - one)[0];
    assert.match(worst, /2025-12-30/);
    await it.page.locator('#stat-lines .legend button', { hasText: 'ERROR_SERVICE_UNAVAILABLE' }).waitFor();

    await visit(demo);
    await hint('Which job is stuck?').click();
    await it.page.locator('.lane-of-time .isStuck').waitFor();
    const [stuck] = (await demo.post('search', { domain_id, query: {
      filter: [{ k: 'status', v: 'IN_PROGRESS', o: 'eq' }], sort: { keys: [{ key: 'created_at' }] }, page: { limit: 1 } } })).results;
    assert.equal(await it.page.locator('.lane-of-time .isStuck').getAttribute('id'), `bar-${stuck.job_id}`);
  }));
}

test('the line is dismissed in this browser', () => withDemo('1', async (demo) => {
  await visit(demo);
  await it.axe('hints');
  await it.page.setViewportSize({ width: 390, height: 800 });
  assert.equal(await it.overflow(), 0);
  await it.page.getByRole('button', { name: 'Dismiss these questions' }).click();
  await it.page.locator('#hints').waitFor({ state: 'hidden' });
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'content');
  await visit(demo);
  assert.equal(await it.page.locator('#hints').isVisible(), false);
}));

test('a server that is no mock has no such line', async () => {
  await visit(it.server);
  assert.ok((await it.page.locator('#all-stuck').count()) === 1, 'although its jobs have the story');
  assert.equal(await it.page.locator('#hints').isVisible(), false);
});

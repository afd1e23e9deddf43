/** The open job: its address, its content, and the steps to its neighbours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, suite } from './server.js';

/** A job with every member of today's SpaceONE, and a domain of its own. */
const TODAY = {
  job_id: 'job-today', domain_id: 'domain-today', created_at: NOW, total_tasks: 5, success_tasks: 0, failure_tasks: 3,
  workspace_id: '1234', resource_group: 'WORKSPACE', secret_id: 'secret-1', request_secret_id: 'secret-2', request_workspace_id: 'workspace-2',
};

/** Ten runs of a collector, an hour apart, of which the last three fail with another version of its plugin. */
const STORY = Array.from({ length: 10 }, (_, index) => {
  const began = Date.parse(NOW) - (10 - index) * 3_600_000;
  const fails = index > 6;
  return {
    job_id: `job-${index}`, domain_id: 'domain-story', status: fails ? 'ERROR' : 'SUCCESS', created_at: new Date(began).toISOString(),
    finished_at: new Date(began + (fails ? 28_000 : 660_000)).toISOString(), errors: fails ? [{ error_code: 'E', message: 'It broke' }] : [],
    collector_info: { collector_id: 'collector-1', name: 'One', plugin_info: { plugin_id: 'plugin-1', version: fails ? '1.7.0' : '1.6.2' } },
  };
});

const it = suite((server) => {
  server.importGenerated(600);
  server.importJobs([TODAY, { job_id: 'job-other', domain_id: 'domain-today', created_at: NOW }, ...STORY]);
});

const drawer = () => it.page.locator('#drawer');
const title = (id) => it.page.getByRole('heading', { name: id }).waitFor();

test('shows all of a job, under an address of its own', async () => {
  await it.open('?tab=failed&refresh=0');
  const [id] = await it.ids();
  await it.rows().first().locator('.id').click();
  await title(id);
  await it.addressIs(new RegExp(`job=${id}`));
  const job = (await it.search({}, { job_id: id })).results[0];
  assert.equal(await drawer().locator('.job-error').count(), job.errors.length);
  await it.page.getByText('All members').click();
  const text = await drawer().innerText();
  for (const { error_code: code, message, additional } of job.errors) {
    for (const part of [code, message, ...Object.values(additional ?? {})]) assert.ok(text.includes(part), `${part} in ${text}`);
  }
  for (const part of [job.collector_info.name, job.collector_info.plugin_info.plugin_id, job.project_id ?? '–', job.domain_id, 'UTC']) assert.ok(text.includes(part), part);
  await it.page.getByText('Raw JSON').click();
  assert.deepEqual(JSON.parse(await it.page.locator('#raw').textContent()), job);
  await it.page.reload();
  await title(id);
  await it.rows().first().waitFor(); // the list stays beside it
  await it.page.keyboard.press('Escape');
  await drawer().waitFor({ state: 'hidden' });
  await it.page.waitForURL((url) => !url.searchParams.has('job'));
});

test("the members of today's SpaceONE are shown where a job has them, as links to its jobs", async () => {
  const facts = async () => {
    const texts = (selector) => drawer().locator(`#drawer-facts ${selector}`).allTextContents();
    const [names, values] = [await texts('dt'), await texts('dd')];
    return Object.fromEntries(names.map((name, index) => [name, values[index]]));
  };
  const expected = {
    Succeeded: '0', Failed: '3', Workspace: '1234', 'Resource group': 'WORKSPACE', Secret: 'secret-1', 'Requested secret': 'secret-2',
    'Requested workspace': 'workspace-2',
  };
  await it.open('?refresh=0&domain=domain-today&job=job-other');
  await title('job-other');
  const others = await facts();
  assert.deepEqual(Object.keys(expected).filter((name) => name in others), []);
  for (const name of Object.keys(TODAY).filter((name) => name.endsWith('_id') || name === 'resource_group').slice(2)) {
    await it.open('?refresh=0&domain=domain-today&job=job-today');
    await title('job-today');
    const shown = await facts();
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, shown[name]])), expected);
    if (!(await drawer().locator('#drawer-facts dl').isVisible())) await it.page.getByText('All members').click();
    await drawer().locator(`#drawer-link-${name}`).click();
    await it.addressIs(new RegExp(`term=${name}:`));
    await it.shows(['job-today']);
  }
});

test('the next and the previous job, over the ends of a page', async () => {
  await it.open();
  const all = (await it.search({ page: { limit: 31 } })).results.map((job) => job.job_id);
  await it.rows().nth(28).locator('.id').click();
  await title(all[28]);
  await it.page.getByRole('button', { name: 'Next job' }).click();
  await title(all[29]);
  await it.page.keyboard.press('j');
  await title(all[30]);
  await it.addressIs(/page=2/);
  await it.page.getByRole('button', { name: 'Previous job' }).click();
  await title(all[29]);
  await it.shows(all.slice(0, 30));
  await it.page.getByRole('button', { name: 'Close' }).click();
  await drawer().waitFor({ state: 'hidden' });
});

test('back closes it, forward opens it again', async () => {
  await it.open();
  const [id] = await it.ids();
  await it.rows().first().locator('.id').click();
  await title(id);
  await it.page.goBack();
  await drawer().waitFor({ state: 'hidden' });
  await it.page.goForward();
  await title(id);
  await it.page.keyboard.press('Escape');
  await drawer().waitFor({ state: 'hidden' });
  await it.page.locator('#size').selectOption('100');
  await it.addressIs(/size=100/);
  await it.page.goBack();
  await it.page.waitForURL((url) => !url.searchParams.has('size') && !url.searchParams.has('job'));
  assert.equal(await drawer().isVisible(), false);
});

test('another view closes it, and back opens it again', async () => {
  await it.open();
  const [id] = await it.ids();
  await it.rows().first().locator('.id').click();
  await title(id);
  for (const view of ['statistics', 'overview']) {
    await it.page.locator(`[data-view=${view}]`).click();
    await it.page.waitForURL(({ searchParams }) => searchParams.get('view') === view && !searchParams.has('job'));
    await drawer().waitFor({ state: 'hidden' });
    await it.page.goBack();
    await it.addressIs(new RegExp(`job=${id}`));
    await title(id);
  }
  await it.page.locator('[data-view=jobs]').click();
  assert.ok(await drawer().isVisible(), 'it is this view already');
});

test('a link with a job opens it in a view of jobs alone', async () => {
  await it.open();
  const [id] = await it.ids();
  await it.page.goto(`${it.server.url}/?view=statistics&job=${id}&refresh=0`);
  await it.page.locator('#stat-rows tr').first().waitFor();
  await it.page.waitForURL((url) => !url.searchParams.has('job'));
  assert.ok(await drawer().isHidden());
  for (const view of ['overview', 'now', 'collectors']) {
    await it.page.setViewportSize({ width: 1000, height: 800 });
    await it.page.goto(`${it.server.url}/?view=${view}&job=${id}&refresh=0`);
    await title(id);
    assert.ok(await it.page.locator(`#${view}`).evaluate((node) => node.inert), 'what it covers is not reached');
  }
});

test('settings that change while it is open stay when it closes', async () => {
  await it.open();
  await it.rows().first().locator('.id').click();
  await drawer().waitFor();
  await it.page.locator('#zone').click();
  await it.page.locator('#refresh').selectOption('60');
  await it.addressIs(/refresh=60/);
  await it.page.getByRole('button', { name: 'Close' }).click();
  await drawer().waitFor({ state: 'hidden' });
  await it.page.waitForURL((url) => !url.searchParams.has('job'));
  assert.equal(await it.page.locator('#refresh').inputValue(), '60');
});

test('the next job is known in whatever order the answers arrive', async () => {
  const all = (await (await it.open(), it.search({ page: { limit: 30 } }))).results.map((job) => job.job_id);
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await it.page.route('**/jobs/search', async (route) => {
    if (!route.request().postData().includes(all[3])) await held;
    await route.continue();
  });
  await it.page.goto(`${it.server.url}/?refresh=0&job=${all[3]}`);
  await title(all[3]);
  release();
  await it.page.locator('#next-job:enabled').waitFor();
  await it.page.locator('#previous-job:enabled').click();
  await title(all[2]);
});

test('a job that is not on the page has no next', async () => {
  await it.open('?refresh=0');
  const [first] = await it.ids();
  await it.open(`?refresh=0&page=3&job=${first}`);
  await title(first);
  for (const key of ['j', 'k']) await it.page.keyboard.press(key);
  await it.page.waitForFunction(() => document.querySelector('#next-job').disabled && document.querySelector('#previous-job').disabled);
  assert.match(new URL(it.page.url()).search, new RegExp(`page=3.*job=${first}`));
});

test('the focus goes into it and comes back', async () => {
  await it.open();
  const focused = () => it.page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const id = (await it.ids())[2];
  await it.rows().nth(2).locator('.id').focus();
  await it.page.keyboard.press('Enter');
  await title(id);
  await it.page.waitForFunction(() => document.activeElement.id === 'drawer');
  await it.page.keyboard.press('Escape');
  await drawer().waitFor({ state: 'hidden' });
  assert.equal(await focused(), id);
});

test('a job that does not exist is reported', async () => {
  await it.open('?job=job-none&refresh=0');
  await drawer().getByText('There is no such job in this domain.').waitFor();
});

for (const [what, hasClipboard] of [['with a clipboard', true], ['without, as over plain HTTP', false]]) {
  test(`copies ${what}`, async () => {
    await it.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    if (!hasClipboard) {
      await it.page.addInitScript(() => {
        globalThis.reader = navigator.clipboard;
        Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined });
      });
    }
    await it.open(`?refresh=0&term=${encodeURIComponent('project!="it\'s"')}`);
    const copied = () => it.page.evaluate(() => (globalThis.reader ?? navigator.clipboard).readText());
    const [id] = await it.ids();
    await it.rows().first().locator('.id').click();
    await title(id);
    await it.page.getByRole('button', { name: 'Copy job id' }).click();
    await it.page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
    assert.equal(await copied(), id);
    assert.equal(await it.page.locator('#announcement').textContent(), 'Copied');
    await it.page.locator('#more summary').click();
    await it.page.getByRole('button', { name: 'Show request' }).click();
    const requests = it.page.locator('#requests details');
    await requests.nth(1).locator('summary').click();
    for (const request of [requests.nth(0), requests.nth(1)]) {
      for (const what of ['body', 'curl']) {
        const shown = await request.locator(`pre.${what}`).innerText();
        assert.match(shown, what === 'body' ? /^\{\n {2}"domain_id"/ : /^curl -sg 'http:/);
        const copier = request.getByRole('button').nth(what === 'body' ? 0 : 1);
        assert.equal(await copier.textContent(), `Copy ${what}`);
        await copier.click();
        await copier.filter({ hasText: /^Copied$/ }).waitFor();
        assert.equal(await copied(), shown);
      }
    }
  });
}

test('a sentence compares the job with the runs of its collector before it', async () => {
  await it.open('?refresh=0&domain=domain-story&job=job-9');
  const lead = drawer().locator('.lead');
  await lead.waitFor();
  assert.equal(await lead.textContent(), 'Failed after 28 sec, usually 11 min 0 sec; 3 failures in a row. The plugin has changed since the last success, '
    + 'from 1.6.2 to 1.7.0. The last success was 3 hr 0 min before.');
  const runs = drawer().locator('.run');
  assert.equal(await runs.count(), 10);
  assert.match(await drawer().locator('.run[aria-current]').getAttribute('title'), /^Error, .*28 sec$/);
  await it.axe('the open job');
  // Errors come before facts.
  const tops = await it.page.evaluate(() => ['lead', 'errors', 'runs', 'facts'].map((name) => document.querySelector(`#drawer-${name}`).offsetTop));
  assert.deepEqual(tops, tops.toSorted((one, other) => one - other));
  await drawer().getByRole('link', { name: 'The last success' }).click();
  await title('job-6');
  assert.match(await lead.textContent(), /^Succeeded after 11 min 0 sec, usually 11 min 0 sec\.$/);
  await it.page.goBack();
  await title('job-9');
  await runs.first().focus();
  await runs.last().focus();
  await it.page.keyboard.press('ArrowLeft');
  await it.page.keyboard.press('Enter');
  await title('job-8');
  // A job without a collector has no runs to be compared with.
  await it.open('?refresh=0&domain=domain-today&job=job-other');
  await lead.waitFor();
  assert.match(await lead.textContent(), /^Waits for \d+ sec\.$/);
  assert.equal(await runs.count(), 0);
});

test('a failure shows how long it took against what is usual, and what differs from the last success', async () => {
  await it.open('?domain=domain-story&job=job-9&refresh=0');
  const bar = drawer().locator('.timeline');
  await bar.waitFor();
  assert.equal(await bar.getAttribute('title'), 'usually 11 min 0 sec');
  const share = await bar.locator('.done').evaluate((node) => node.offsetWidth / node.parentElement.offsetWidth);
  assert.ok(Math.abs(share - 28 / 660) < 0.01, `${share}`);
  assert.deepEqual(await drawer().locator('.differences tbody :is(th, td)').allTextContents(), ['collector_info.plugin_info.version', '1.6.2', '1.7.0']);
  await it.open('?domain=domain-story&job=job-3&refresh=0');
  await drawer().locator('.timeline').waitFor();
  assert.equal(await drawer().locator('.differences').count(), 0, 'a success is not compared');
});

test('the next and the previous failed job', async () => {
  await it.open('?domain=domain-story&refresh=0&job=job-5');
  await title('job-5');
  await it.page.getByRole('button', { name: 'Previous failed job' }).click();
  await title('job-7');
  await it.page.keyboard.press('K');
  await title('job-8');
  await it.page.keyboard.press('J');
  await title('job-7');
  await it.page.getByRole('button', { name: 'Next failed job' }).click();
  await it.page.waitForFunction(() => document.querySelector('#next-failed').disabled);
  assert.equal(await it.page.locator('#announcement').textContent(), 'There is no other failed job.');
  assert.equal(await it.page.locator('#drawer-title').textContent(), 'job-7');
  // In a list that begins with the oldest, the next one is newer.
  await it.open('?domain=domain-story&refresh=0&order=asc&job=job-7');
  await title('job-7');
  await it.page.keyboard.press('J');
  await title('job-8');
});

test('all members are folded until they are opened, and stay open', async () => {
  await it.open('?domain=domain-story&refresh=0&job=job-5');
  await title('job-5');
  const facts = drawer().locator('#drawer-facts dl');
  assert.equal(await facts.isVisible(), false);
  await it.page.getByText('All members').click();
  await facts.waitFor();
  await it.page.keyboard.press('j');
  await title('job-4');
  assert.ok(await facts.isVisible());
});

test('a job that comes at once leaves all members as they were left', async () => {
  await it.open('?domain=domain-story&refresh=0&job=job-5');
  await title('job-5');
  const facts = drawer().locator('#drawer-facts dl');
  const toggleAndPress = (key) => it.page.evaluate((pressed) => {
    document.querySelector('#facts-summary').click();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: pressed, code: `Key${pressed.toUpperCase()}`, bubbles: true }));
  }, key);
  await toggleAndPress('j');
  await title('job-4');
  assert.ok(await facts.isVisible());
  await toggleAndPress('k');
  await title('job-5');
  assert.equal(await facts.isVisible(), false);
  await it.page.waitForFunction(() => localStorage.getItem('jobdeck.facts') === 'closed');
});

test('what a message has between backticks is code', async () => {
  it.server.importJobs([{ job_id: 'job-code', domain_id: 'domain-code', created_at: NOW, status: 'ERROR', errors: [{ message: 'No `zone` in `a.b`, and one ` alone' }] }]);
  await it.open('?domain=domain-code&refresh=0&job=job-code');
  assert.deepEqual(await drawer().locator('.job-error code').allTextContents(), ['zone', 'a.b']);
  assert.ok((await drawer().locator('.job-error').innerText()).includes('and one ` alone'));
});

test('what is done before the modules of an open job have come is done when they have', async () => {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await it.page.route('**/js/later.js', async (route) => {
    await held;
    await route.continue();
  });
  await it.open();
  const ids = await it.ids();
  await it.rows().first().locator('.id').click();
  await it.page.keyboard.press('j');
  assert.ok(await it.page.locator('#drawer').isHidden());
  release();
  await it.page.locator('#drawer-title', { hasText: ids[1] }).waitFor();
});

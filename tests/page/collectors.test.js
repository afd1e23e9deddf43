/** The collectors, with the story of the made-up jobs: which is flaky, which one slows down, and which plugin broke with a new version. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, hostileJobs, suite } from './server.js';

const it = suite((server) => {
  server.importGenerated(5_000);
  server.importJobs(hostileJobs());
});

const DAY = 86_400_000;
const WEEK = { from: new Date(Date.parse(NOW) - 7 * DAY).toISOString() };
const MONTH = { from: new Date(Date.parse(NOW) - 30 * DAY).toISOString() };
/** The collectors of the story, by name. */
const FLAKY = 'Azure VM shipping-dev';
const SLOW = 'Azure SQL catalog-dev';
const BROKEN = 'Google Compute Engine support-prod';
const ENDED = ['SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED'];

/** Opens the table of collectors, or one of them, and waits until it is there. */
async function open(query) {
  await it.page.goto(`${it.server.url}/?view=collectors&refresh=0&${query}`);
  await it.page.locator('#collectors-title', { hasText: /./ }).waitFor();
}

/** The answer that the page shows. */
async function collectors(query = WEEK) {
  const given = new URLSearchParams({ domain_id: await it.domain(), collectors: 500, ...query });
  return (await (await fetch(`${it.server.url}/jobdeck/overview?${given}`)).json()).collectors.results;
}

async function idOf(name) {
  return (await collectors(MONTH)).find((one) => one.name === name).collector_id;
}

/** The runs of a collector in the last 30 days, the newest first. */
async function runsOf(id) {
  const { results } = await it.search({ filter: [{ k: 'collector_id', v: id, o: 'eq' }, { k: 'created_at', v: MONTH.from, o: 'datetime_gte' }],
    sort: { keys: [{ key: 'created_at', desc: true }] } });
  return results;
}

const row = (name) => it.page.locator('#collector-rows tr', { has: it.page.getByRole('link', { name, exact: true }) });
const names = () => it.page.locator('#collector-rows .name').allTextContents();
const cell = (name, column) => row(name).locator(`[data-column=${column}]`);
const numberIn = (text) => Number(/[\d,]+/.exec(text)[0].replaceAll(',', ''));
const percent = (share) => `${Math.round(share * 1000) / 10}\u00a0%`;
const spanOf = (job) => Date.parse(job.finished_at) - Date.parse(job.created_at);
const median = (list) => list.toSorted((a, b) => a - b)[Math.ceil(list.length / 2) - 1];

/** Asserts that the list behind each link has as many jobs as its text or title says. */
async function agree(links) {
  for (const { href, text } of links) {
    await it.page.goto(href);
    await it.page.locator('#list:not([aria-busy=true])').waitFor();
    const total = it.page.locator('#total');
    await total.filter({ hasText: /\d|No jobs/ }).waitFor();
    const shown = (await total.textContent()).trim();
    const all = shown === 'No jobs' ? '0' : /([\d,]+) jobs?$/.exec(shown)[1];
    assert.equal(numberIn(all), numberIn(text), `${text}: ${decodeURIComponent(href)} shows ${shown}`);
  }
}
const linksIn = (selector) => it.page.locator(selector).evaluateAll((nodes) => nodes.map((node) => ({
  href: new URL(node.getAttribute('href'), location).href, text: node.title || node.getAttribute('aria-label')?.split(': ')[1] || node.textContent })));

test('the button after the overview leads to the collectors, which are those of a range', async () => {
  await it.open('?refresh=0');
  const views = await it.page.locator('#views button:visible').allTextContents();
  assert.deepEqual(views.slice(0, 4), ['Overview', 'Now', 'Collectors', 'Jobs']);
  await it.page.getByRole('button', { name: 'Collectors', exact: true }).click();
  await it.addressIs(/view=collectors.*range=week|range=week.*view=collectors/);
  await row(FLAKY).waitFor();
  assert.ok((await it.page.title()).endsWith(`Collectors · ${await it.domain()} · jobdeck`));
  assert.ok(await it.page.locator('#range option[value=all]').isDisabled());
  assert.ok(await it.page.locator('#tabs').isHidden());
  await it.page.goto(`${it.server.url}/?view=collectors&refresh=0`);
  await row(FLAKY).waitFor();
  assert.equal(await it.page.locator('#range').inputValue(), 'week', 'an address without a range as well');
  await it.page.goBack();
});

test('each collector has a row, which says what the server answers', async () => {
  await open('range=week');
  await row(FLAKY).waitFor();
  const all = await collectors();
  assert.equal(await it.page.locator('#collector-rows tr').count(), all.length);
  assert.ok(all.length > 100, `${all.length}`);
  const flaky = all.filter((one) => one.is_flaky);
  assert.equal(await it.page.locator('#collectors-title').textContent(), `${all.length} collectors with runs in the last 7 days, ${flaky.length} of them flaky`);
  assert.deepEqual((await it.page.locator('#collector-rows tr:has(td.flaky:not(:empty)) .name').allTextContents()).sort(), flaky.map(({ name }) => name).sort());
  for (const one of all.slice(0, 12)) {
    const text = (column) => cell(one.name, column).textContent();
    assert.equal(await text('runs'), String(one.runs));
    assert.equal(await text('rate'), percent(one.rate));
    assert.equal(await text('streak'), String(one.streak));
    // Bars are made where their row comes near the screen.
    await row(one.name).scrollIntoViewIfNeeded();
    await row(one.name).locator('.run').first().waitFor();
    assert.equal(await row(one.name).locator('.run').count(), one.last_runs.length);
    assert.match(await row(one.name).locator('.run').last().getAttribute('class'), new RegExp(one.last_runs[0].status));
  }
  // The flaky collector of the story is found, and the rule stands below the table.
  assert.ok(flaky.some(({ name }) => name === FLAKY));
  assert.equal(await cell(FLAKY, 'flaky').textContent(), 'flaky');
  await it.page.getByText('at least every third of these ended otherwise than the one before it').waitFor();
});

test('the usual duration is the median of the successes, and is compared with the period before', async () => {
  await open('range=custom&from=2025-12-17T00:00:00Z&to=2026-01-01T00:00:00Z');
  await row(FLAKY).waitFor();
  const runs = await runsOf(await idOf(FLAKY));
  const of = (from, to) => runs.filter((job) => job.status === 'SUCCESS' && job.created_at >= from && job.created_at < to).map(spanOf);
  const [now, before] = [median(of('2025-12-17', '2026-01-01')), median(of('2025-12-02', '2025-12-17'))];
  const minutes = (millis) => `${Math.floor(millis / 60_000)} min ${Math.floor(millis / 1000) % 60} sec`;
  assert.equal(await cell(FLAKY, 'usual').textContent(), minutes(now));
  const share = now / before - 1;
  assert.equal(await cell(FLAKY, 'change').textContent(), `${share > 0 ? '+' : ''}${percent(share)}`.replace('-', '−'));
  // The collector that slows down is the first by that.
  await it.page.locator('#csort-change').click();
  await it.addressIs(/csort=-change/);
  assert.equal((await names())[0], SLOW);
  const [slowest] = (await collectors({ from: '2025-12-17T00:00:00Z', to: NOW })).filter((one) => Math.min(one.successes.count, one.previous.successes.count) >= 5)
    .sort((one, other) => other.successes.median / other.previous.successes.median - one.successes.median / one.previous.successes.median);
  assert.equal(slowest.name, SLOW);
  assert.ok(slowest.successes.median > 1.5 * slowest.previous.successes.median);
});

test('every number is a link to the jobs that it counts', async () => {
  await open('range=week&term=provider:azure');
  await row(FLAKY).waitFor();
  const links = await linksIn('#collector-rows tr:nth-child(-n+9) :is([data-column=runs], [data-column=rate], [data-column=streak]) a');
  assert.ok(links.length > 10, `only ${links.length}`);
  await agree(links);
});

test('each column sorts, in both directions, and the address remembers it', async () => {
  await open('range=week');
  await row(FLAKY).waitFor();
  const all = await collectors();
  const values = {
    name: (one) => one.name.toLowerCase(), last: (one) => Date.parse(one.last_runs[0].created_at), runs: (one) => one.runs, rate: (one) => one.rate,
    streak: (one) => one.streak, flaky: (one) => Number(one.is_flaky), success: (one) => one.last_success && Date.parse(one.last_success.created_at),
    usual: (one) => one.successes.median, p95: (one) => one.successes.p95,
    change: ({ successes, previous: { successes: before } }) => (
      Math.min(successes.count, before.count) >= 5 ? successes.median / before.median : null),
  };
  await it.page.locator('#collector-head th[aria-sort=descending]:has(#csort-rate)').waitFor();
  for (const [column, value] of Object.entries(values)) {
    const orders = column === 'name' ? [1, -1] : [-1, 1];
    for (const sign of orders) {
      await it.page.locator(`#csort-${column}`).click();
      await it.page.locator(`#collector-head th:has(#csort-${column})[aria-sort=${sign > 0 ? 'ascending' : 'descending'}]`).waitFor();
      const shown = (await names()).map((name) => value(all.find((one) => one.name === name)));
      const known = shown.filter((one) => one !== null);
      assert.ok(shown.slice(known.length).every((one) => one === null), `${column}: what is not known is last`);
      const sorted = known.toSorted((one, other) => sign * (typeof one === 'string' ? one.localeCompare(other) : one - other));
      assert.deepEqual(known, sorted, `${column} ${sign}`);
      assert.equal(await it.page.evaluate(() => document.activeElement.id), `csort-${column}`);
    }
  }
  assert.equal(await it.page.locator('#collector-head [aria-sort]').count(), 1);
  await it.page.locator('#csort-flaky').click();
  await it.addressIs(/csort=-flaky/);
  await it.page.reload();
  await row(FLAKY).waitFor();
  const flaky = all.filter((one) => one.is_flaky).length;
  assert.ok((await names()).slice(0, flaky).includes(FLAKY), 'flaky collectors are first');
});

test('the bars are one stop of the keyboard, and a run is opened beside the others', async () => {
  await open('range=week&csort=-flaky');
  await row(FLAKY).waitFor();
  const { last_runs: runs, collector_id: id } = (await collectors()).find(({ name }) => name === FLAKY);
  await row(FLAKY).locator('.name a').focus();
  const at = () => it.page.evaluate(() => document.activeElement.id);
  const runId = (index) => `run-${id}-${runs.at(index).job_id}`;
  for (const [key, expected] of [['Tab', runId(0)], ['ArrowRight', runId(0)], ['ArrowLeft', runId(1)], ['Home', runId(-1)], ['End', runId(0)]]) {
    await it.page.keyboard.press(key);
    assert.equal(await at(), expected, key);
  }
  assert.match(await row(FLAKY).locator('.run').last().getAttribute('aria-label'), /^(Success|Error), 2025-12-\d\d \d\d:\d\d:\d\d.* UTC, .*sec$/);
  await it.page.keyboard.press('Enter');
  await it.page.getByRole('heading', { name: runs[0].job_id }).waitFor();
  await it.addressIs(/view=collectors.*csort=-flaky|csort=-flaky.*view=collectors/);
  assert.ok(await row(FLAKY).isVisible());
  await it.page.locator('#drawer-close').click();
  await it.page.locator('#drawer').waitFor({ state: 'hidden' });
  assert.equal(await at(), runId(0), 'the focus is where it was');
  await it.page.keyboard.press('Tab');
  assert.equal(await at(), `runs-of-${id}`);
});

test('outcomes differ by their shapes, not by their colours alone', async () => {
  await it.page.emulateMedia({ forcedColors: 'active' });
  await open('range=month');
  await row(FLAKY).waitFor();
  const shapes = await it.page.locator('#collector-keys .run').evaluateAll((nodes) => nodes.map((node) => {
    const { clipPath, borderTopWidth, backgroundImage, backgroundColor } = getComputedStyle(node, '::before');
    return { shape: [clipPath, borderTopWidth, backgroundImage].join(), isFilled: backgroundColor !== 'rgba(0, 0, 0, 0)' || backgroundImage !== 'none' };
  }));
  assert.equal(new Set(shapes.map(({ shape }) => shape)).size, 5, JSON.stringify(shapes));
  assert.equal(shapes.filter(({ isFilled }) => !isFilled).length, 1, 'a canceled run is hollow');
});

test('a collector is described in a sentence', async () => {
  await open('range=week');
  await row(FLAKY).waitFor();
  await row(FLAKY).locator('.name a').click();
  await it.addressIs(/collector=collector-/);
  await it.page.locator('#collector-history .run').first().waitFor();
  const { runs, rate, successes, previous } = (await collectors()).find(({ name }) => name === FLAKY);
  const by = successes.median - previous.successes.median;
  const title = await it.page.locator('#collectors-title').textContent();
  assert.match(title, new RegExp(`^${FLAKY}: fails ${percent(rate)} of ${runs} runs in the last 7 days, flaky; usually \\d+ min \\d+ sec, .* ${
    by > 0 ? 'more' : 'less'} than in the period before; last success .* ago$`));
  assert.equal(await it.page.locator('#collector').inputValue(), await idOf(FLAKY));
  assert.ok(await it.page.locator('#collector-table').isHidden());
  assert.ok(await it.page.locator('#collector-chart .bar-of-time').count() > 20);
  assert.equal(await it.page.locator('#collector-chart-title').textContent(), 'Jobs per 6 hours');
  await it.page.getByRole('link', { name: 'Its statistics' }).click();
  await it.page.locator('#stat-rows tr').first().waitFor();
  await it.page.goBack();
  await it.page.getByRole('link', { name: 'All collectors' }).click();
  await row(FLAKY).waitFor();
});

test('the change of the plugin that broke it is marked, and described in words', async () => {
  const id = await (async () => { await open('range=week'); return idOf(BROKEN); })();
  // The versions that the jobs have, from the jobs alone.
  const runs = await runsOf(id);
  const version = (job) => job.collector_info.plugin_info.version;
  const index = runs.findIndex((job) => version(job) !== version(runs[0]));
  const [newest, old] = [runs.slice(0, index), runs.slice(index)];
  const ended = (jobs) => jobs.filter(({ status }) => ENDED.includes(status));
  const failed = (jobs) => jobs.filter(({ status }) => ['ERROR', 'TIMEOUT'].includes(status));
  const share = (jobs) => failed(jobs).length / ended(jobs).length;
  assert.ok(share(newest) > 0.3 && share(old) < 0.1, 'the new version broke it');
  await open(`range=month&collector=${id}`);
  const item = it.page.locator('#collector-versions li');
  await item.waitFor();
  const since = newest.at(-1).created_at.slice(0, 16).replace('T', ' ');
  assert.equal(await item.textContent(), `${since}: from ${version(old[0])} to ${version(newest[0])}; ${percent(share(old))} of ${
    ended(old).length} runs failed before, ${percent(share(newest))} of ${ended(newest).length} after`.replace(/(\d+) after$/, '$1 runs after'));
  // In the chart of its jobs in time there is a mark, too, at the time of the change.
  const line = await it.page.locator('#collector-chart .event').evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().left));
  assert.equal(line.length, 1);
  assert.equal(await it.page.locator('#collector-chart .event-label').textContent(), version(newest[0]));
  const days = (await it.page.locator('#collector-chart .bar-of-time .target').evaluateAll((nodes) => nodes.map((node) => {
    const { left, right } = node.getBoundingClientRect();
    return { left, right, about: node.parentElement.ariaLabel };
  }))).filter(({ left, right }) => left <= line[0] && line[0] <= right);
  assert.ok(days.some(({ about }) => about.startsWith(since.slice(0, 10))), `${days.map(({ about }) => about)} has not ${since}`);
  // Around the change it is a mark between the bars of the two versions.
  const change = Date.parse(newest.at(-1).created_at);
  const [from, to] = [change - 2 * DAY, change + DAY].map((time) => new Date(time).toISOString());
  await open(`range=custom&from=${from}&to=${to}&collector=${id}`);
  const mark = it.page.locator('#collector-history .version');
  await mark.waitFor();
  assert.equal(await mark.textContent(), version(newest[0]));
  assert.equal(await mark.evaluate((node) => node.nextElementSibling.dataset.job), newest.at(-1).job_id);
  assert.equal(await mark.evaluate((node) => node.previousElementSibling.dataset.job), old[0].job_id);
});

test('the durations of the successes are binned, with the median and the 95th percentile', async () => {
  await open('range=week');
  const id = await idOf(FLAKY);
  await open(`range=month&collector=${id}`);
  await it.page.locator('.durations').waitFor();
  const took = (await runsOf(id)).filter(({ status }) => status === 'SUCCESS').map(spanOf);
  const counts = (await linksIn('.durations a')).map(({ text }) => numberIn(text));
  assert.ok(counts.length > 4);
  assert.equal(counts.reduce((sum, one) => sum + one), took.length);
  const text = await it.page.locator('.durations').textContent();
  const minutes = (millis) => `${Math.floor(millis / 60_000)} min ${Math.floor(millis / 1000) % 60} sec`;
  assert.ok(text.includes(`median ${minutes(median(took))}`), text);
  const p95 = took.toSorted((a, b) => a - b)[Math.ceil(took.length * 0.95) - 1];
  assert.ok(text.includes(`95 % at most ${minutes(p95)}`), text);
});

test('every number of a collector is a link to the jobs that it counts', async () => {
  await open('range=week');
  const id = await idOf(BROKEN);
  await open(`range=month&collector=${id}`);
  await it.page.locator('#collector-versions li').waitFor();
  const links = await linksIn('#collectors-title a:not(#last-one), #collector-versions a, #collector-errors a, .durations a');
  assert.ok(links.length > 12, `only ${links.length}`);
  await agree(links);
});

test('the overview leads to the collectors, and to each of them', async () => {
  await it.page.goto(`${it.server.url}/?view=overview&range=week&refresh=0`);
  const link = it.page.locator('#worst-collectors').getByRole('link', { name: BROKEN, exact: true });
  await link.click();
  await it.page.locator('#collectors-title', { hasText: BROKEN }).waitFor();
  await it.addressIs(/range=week/);
  await it.page.goBack();
  await it.page.getByRole('link', { name: 'All collectors' }).click();
  await row(FLAKY).waitFor();
});

test('rows, focus and bars stay where new jobs arrive', async () => {
  await open('range=month');
  await row(FLAKY).waitFor();
  const bar = row(FLAKY).locator('.run').last();
  await bar.focus();
  const id = await bar.getAttribute('id');
  await bar.evaluate((node) => { node.isKept = true; });
  const count = await it.page.locator('#collector-rows tr').count();
  it.server.importJobs([{ job_id: 'job-new', domain_id: await it.domain(), created_at: new Date(Date.parse(NOW) - 3_600_000).toISOString(), status: 'ERROR',
    collector_info: { collector_id: 'collector-new', name: 'A new one' } }]);
  await it.page.keyboard.press('r');
  await row('A new one').waitFor();
  assert.equal(await it.page.locator('#collector-rows tr').count(), count + 1);
  assert.ok(await bar.evaluate((node) => node.isKept), 'the bars of others are the same nodes');
  assert.equal(await it.page.evaluate(() => document.activeElement.id), id);
  assert.equal((await names())[0], 'A new one');
});

test('what the server does not answer is said', async () => {
  await it.page.route(/jobdeck\/overview/, async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    body.collectors.results = body.collectors.results.slice(0, 5);
    body.collectors.more = 12;
    await route.fulfill({ response, json: body });
  });
  await open('range=week');
  await it.page.getByText('12 more are not shown: narrow the filters.').waitFor();
  assert.match(await it.page.locator('#collectors-title').textContent(), /^17 collectors/);
});

test('a view that can not be answered does not leave another one in its position', async () => {
  await open('range=week');
  await row(FLAKY).waitFor();
  await it.page.route(/jobdeck\/overview/, (route) => route.fulfill({ status: 503, json: { detail: { code: 'E', message: 'Not now' } } }));
  await it.page.locator('#range').selectOption('month');
  await it.page.locator('#collectors-title').waitFor({ state: 'hidden' });
  await it.page.unroute(/jobdeck\/overview/);
  await it.page.getByRole('button', { name: 'Try again' }).first().click();
  await it.page.locator('#collectors-title', { hasText: 'in the last 30 days' }).waitFor();
  it.expect('status of 503');
});

test('no collectors, one without runs, and hostile ones', async () => {
  await open('range=hour&term=provider:none');
  assert.equal(await it.page.locator('#collectors-title').textContent(), 'No run of a collector has ended in the last hour');
  await open('range=hour&collector=none-such');
  assert.equal(await it.page.locator('#collectors-title').textContent(), 'none-such: no run has ended in the last hour');
  assert.match(await it.page.locator('#collector-view').textContent(), /No runs\..*No success among these runs\..*No run names a version\..*No errors\./s);
  await open('domain=domain-hostile&range=custom&from=2025-12-31T00:00:00Z');
  await it.page.locator('#collector-rows tr').first().waitFor();
  assert.equal(await it.page.locator('#collector-rows tr').count(), hostileJobs().length);
  assert.match(await it.page.locator('#collector-rows').textContent(), /<script>window\.ran = true<\/script>/);
  assert.equal(await it.overflow(), 0);
  for (const index of [0, 6]) {
    await open('domain=domain-hostile&range=custom&from=2025-12-31T00:00:00Z&csort=name');
    await it.page.locator('#collector-rows .name a').nth(index).click();
    await it.page.locator('#collector-history .run').waitFor();
    assert.equal(await it.overflow(), 0);
  }
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
});

test('the requests are shown', async () => {
  await open('range=week&collector=none-such');
  await it.page.locator('#more summary').click();
  await it.page.getByRole('button', { name: 'Show request' }).click();
  assert.match(await it.page.locator('#requests code').first().textContent(), /^GET \/jobdeck\/overview\?.*collectors=500/);
  assert.match(await it.page.locator('#requests').textContent(), /Runs of the collector/);
});

test('no width makes the collectors scroll sideways', async () => {
  await open('range=week');
  const id = await idOf(BROKEN);
  for (const width of [320, 390, 768, 1024, 1280, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    for (const query of ['range=week', `range=month&collector=${id}`]) {
      await open(query);
      await it.page.locator('#collector-rows tr, #collector-history .run').first().waitFor();
      assert.equal(await it.overflow(), 0, `${query} at ${width}`);
    }
  }
});

/** The overview, with the story of the made-up jobs: what failed and why, which collector is flaky, how long jobs take, what is stuck. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, hostileJobs, suite } from './server.js';

const it = suite((server) => {
  server.importGenerated(5_000);
  server.importJobs(hostileJobs());
});

const DAY = 86_400_000;
const before = (millis) => new Date(Date.parse(NOW) - millis).toISOString();

/** Opens the overview, and waits until it is there. */
async function open(query = '') {
  await it.page.goto(`${it.server.url}/${query}`);
  await it.page.locator('#running-now > *').first().waitFor();
}

/** The answer that the overview shows. */
async function answer(query = {}) {
  const given = new URLSearchParams({ domain_id: await it.domain(), ...query });
  return (await fetch(`${it.server.url}/jobdeck/overview?${given}`)).json();
}

const [week, month] = [7, 30].map((days) => ({ from: before(days * DAY) }));
const bars = () => it.page.locator('#chart .bar-of-time');
const tip = () => it.page.locator('#chart .tip');
/** The number at the beginning of a text, or the one before a word. */
const numberIn = (text) => Number(/[\d,]+/.exec(text)[0].replaceAll(',', ''));

test('a visit begins with the overview, and a link without a view leads to the jobs', async () => {
  await open();
  await it.addressIs(/view=overview/);
  assert.ok((await it.page.title()).endsWith(`Overview · ${await it.domain()} · jobdeck`));
  assert.equal(await it.page.locator('#range').inputValue(), 'day');
  await it.page.getByRole('button', { name: 'Jobs', exact: true }).click();
  await it.rows().first().waitFor();
  assert.ok(await it.page.locator('#overview').isHidden());
  await it.page.goBack();
  await it.page.locator('#overview-state a').first().waitFor();
  await it.open('?refresh=0');
  assert.ok(await it.page.locator('#overview').isHidden());
  await it.page.locator('#range').selectOption('all');
  await it.page.getByRole('button', { name: 'Overview' }).click();
  await it.addressIs(/range=day/);
  assert.ok(await it.page.locator('#range option[value=all]').isDisabled(), 'an overview is one of a range');
});

test('the page is shown with its first data', async () => {
  await it.page.clock.install({ time: NOW });
  await it.page.clock.pauseAt(Date.parse(NOW) + 1000);
  await it.page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.body || document.documentElement.classList.contains('starting')) return;
      observer.disconnect();
      globalThis.first = document.querySelector('#overview-state a')?.textContent;
    }).observe(document, { attributes: true, subtree: true, attributeFilter: ['class'] });
  });
  await it.page.goto(`${it.server.url}/`);
  await it.page.locator('#overview-state a').first().waitFor();
  assert.match(await it.page.evaluate(() => globalThis.first), /^[\d,]+ failed$/);
});

test('a page whose data take long is shown without them, and one that gets none shows the error', async () => {
  await it.page.clock.install({ time: NOW });
  await it.page.clock.pauseAt(Date.parse(NOW) + 1000);
  let answer = null;
  const asked = new Promise((resolve) => { answer = resolve; });
  await it.page.route(/jobdeck\/overview/, answer);
  await it.page.goto(`${it.server.url}/`);
  const route = await asked;
  assert.ok(await it.page.locator('#views').isHidden());
  await it.page.clock.runFor(400);
  await it.page.locator('#views').waitFor();
  assert.equal(await it.page.locator('#overview-state a').count(), 0);
  await route.continue();
  await it.page.locator('#overview-state a').first().waitFor();
  await it.page.unroute(/jobdeck\/overview/);

  await it.page.route('**/jobdeck/domains', (refused) => refused.fulfill({ status: 503, json: { detail: { code: 'E', message: 'Not now' } } }));
  await it.page.reload();
  await it.page.getByText('Not now').first().waitFor();
  it.expect('status of 503');
});

test('every number is a link to the jobs that it counts', async () => {
  for (const query of ['?view=overview&range=month&refresh=0', '?view=overview&range=week&refresh=0&term=provider:aws']) {
    await open(query);
    const all = await it.page.locator('#overview-state, #figures li:is(:nth-child(2), :nth-child(3)) > :not(:first-child)').evaluateAll((nodes) => (
      nodes.map((node) => [...node.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data).join(''))));
    assert.ok(all.every((text) => !/\d/.test(text.replace(/in the last \d+ (days|hours)/, ''))), `a number is no link: ${all.join(' / ')}`);
    const more = it.page.locator('#overview button[data-list]', { hasText: 'more' });
    while (await more.count()) await more.first().click();
    const numbers = ':is(#overview-state, #figures, #error-groups, #running-now > p) a:not(#figure-median, #figure-p95), #worst-collectors .group-count a';
    const links = await it.page.locator(numbers).evaluateAll((nodes) => nodes.map(({ href, textContent, title }) => ({ href, text: title || textContent })));
    assert.ok(links.length > 15, `only ${links.length} numbers`);
    for (const { href, text } of links) {
      await it.page.goto(href);
      await it.page.locator('#list:not([aria-busy=true])').waitFor();
      if (numberIn(text) === 0) {
        await it.page.getByText('No job matches').waitFor();
        continue;
      }
      const total = it.page.locator('#total');
      await total.filter({ hasText: /\d/ }).waitFor({ timeout: 4000 }).catch(() => assert.fail(`${text}: ${decodeURIComponent(href)} shows nothing`));
      const shown = await total.textContent();
      const all = /(?:of )?([\d,]+)(?: jobs?)?$/.exec(shown.trim())?.[1] ?? shown;
      assert.equal(numberIn(all), numberIn(text), `${text}: ${decodeURIComponent(href)} shows ${shown}`);
    }
  }
});

test('the state is a sentence, and the figures are compared with the period before', async () => {
  await open('?view=overview&range=week&refresh=0');
  const { totals, previous, running, stuck } = await answer(week);
  const n = (count) => count.toLocaleString('en');
  assert.ok(totals.failed > previous.totals.failed && stuck.count === 1, 'there is something to say');
  assert.equal(await it.page.locator('#overview-state').textContent(),
    `${n(totals.failed)} failed of ${n(totals.jobs)} jobs in the last 7 days, up from ${n(previous.totals.failed)} in the period before; `
    + `${n(running.count)} running, 1 stuck`);
  const figures = await it.page.locator('#figures li').evaluateAll((nodes) => nodes.map((node) => [...node.children].map((one) => one.textContent)));
  assert.deepEqual(figures.map(([label]) => label), ['Success rate', 'Succeeded', 'Failed', 'Median duration', '95 % took at most']);
  assert.equal(figures[0][1], `${Math.round(totals.success_rate * 1000) / 10}\u00a0%`);
  assert.deepEqual(figures[2].slice(1), [n(totals.failed), `up from ${n(previous.totals.failed)}`]);
});

test('the story of the made-up jobs is told', async () => {
  await open('?view=overview&range=week&refresh=0');
  const { collectors, stuck, errors } = await answer(week);
  const flaky = collectors.results.find((one) => one.is_flaky);
  assert.equal(flaky.name, 'Google Compute Engine support-prod');
  const row = it.page.locator('#worst-collectors li', { hasText: flaky.name });
  assert.match(await row.textContent(), /flaky/);
  assert.equal(await row.locator('.run').count(), flaky.last_runs.length);
  const newest = flaky.last_runs[0];
  const last = row.locator('.run').last();
  assert.match(await last.getAttribute('class'), new RegExp(newest.status));
  const lane = it.page.locator('#running-now li').first();
  assert.match(await lane.textContent(), new RegExp(`^${stuck.jobs[0].name}stuck: it runs for .*, and 95 % of its collector's jobs took .* or less$`));
  const groups = it.page.locator('#error-groups li');
  assert.match(await groups.first().textContent(), new RegExp(`^${errors.results[0].error_code} `));
  await lane.locator('a').click();
  await it.page.getByRole('heading', { name: stuck.jobs[0].job_id }).waitFor();
});

test('a run leads to its job, and the runs are one stop of the keyboard', async () => {
  await open('?view=overview&range=month&refresh=0');
  const [worst] = (await answer(month)).collectors.results;
  const runs = it.page.locator('#worst-collectors li').first().locator('.run');
  assert.equal(await runs.evaluateAll((nodes) => nodes.filter((node) => node.tabIndex === 0).length), 1);
  await runs.last().click();
  await it.page.getByRole('heading', { name: worst.last_runs[0].job_id }).waitFor();
});

test('the chart has every bucket, with an axis up to the highest', async () => {
  await open('?view=overview&range=month&refresh=0');
  const { buckets } = await answer({ ...month, bucket: '12h' });
  assert.equal(await bars().count(), buckets.length);
  assert.equal(await it.page.locator('#chart-title').textContent(), 'Jobs per 12 hours');
  const jobsOf = ({ statuses }) => Object.values(statuses).reduce((sum, one) => sum + one);
  const names = await bars().evaluateAll((nodes) => nodes.map((node) => node.getAttribute('aria-label')));
  names.forEach((name, index) => assert.match(name, new RegExp(`: ${jobsOf(buckets[index])} jobs?`)));
  const labels = await it.page.locator('.tick-label.end').allTextContents();
  const highest = Math.max(...labels.filter((text) => /^\d+$/.test(text)).map(Number));
  const most = Math.max(...buckets.map(jobsOf));
  assert.ok(highest >= most && highest < 2 * most + 10, `${highest} for ${most}`);
  // Failures are at the base line: the first piece of each bar that has some.
  const bases = await bars().evaluateAll((nodes) => nodes.filter((node) => node.querySelector('.ERROR'))
    .map((node) => node.querySelector('.piece-of-time').getAttribute('class')));
  assert.ok(bases.length > 5 && bases.every((name) => name.includes('ERROR')));
  await it.page.locator('#chart summary').click();
  await it.page.locator('#chart tbody tr').first().waitFor();
  const rows = await it.page.locator('#chart tbody tr').evaluateAll((nodes) => nodes.map((node) => [...node.querySelectorAll('td')].slice(0, 5)
    .reduce((sum, cell) => sum + Number(cell.textContent.replaceAll(',', '')), 0)));
  assert.deepEqual(rows, buckets.map(jobsOf));
});

test('a bar that the range cuts is hatched, and says so', async () => {
  await open('?view=overview&range=custom&from=2025-12-20T08:10:00Z&to=2025-12-21T08:00:00Z&refresh=0');
  const cut = bars().first();
  assert.match(await cut.getAttribute('aria-label'), /^2025-12-20 08:10 .*the bar is cut by the range$/);
  assert.ok(await it.page.locator('#chart rect[fill^="url("]').count() > 0);
});

test('the legend leaves outcomes out', async () => {
  await open('?view=overview&range=month&refresh=0');
  const key = it.page.getByRole('button', { name: 'Succeeded', exact: true });
  const top = () => it.page.locator('.tick-label.end').allTextContents().then((all) => Math.max(...all.filter((text) => /^\d+$/.test(text)).map(Number)));
  const whole = await top();
  await key.click();
  assert.equal(await key.getAttribute('aria-pressed'), 'false');
  assert.equal(await it.page.locator('.piece-of-time.SUCCESS').count(), 0);
  assert.ok(await top() < whole, 'the axis is that of what is left');
  const names = await bars().evaluateAll((nodes) => nodes.map((node) => node.getAttribute('aria-label')));
  const empty = names.filter((name) => name.includes(': 0 jobs'));
  assert.ok(empty.length > 5);
  assert.ok(empty.every((name) => !name.includes('half took')), 'without a job there is no duration');
  assert.ok(names.some((name) => name.includes('half took')));
  await key.click();
  assert.equal(await top(), whole);
});

test('the chart is read with the pointer and the keyboard, and narrows the range', async () => {
  await open('?view=overview&range=week&refresh=0&zone=utc');
  await bars().nth(3).hover({ position: { x: 3, y: 40 } });
  assert.match(await tip().textContent(), /^2025-12-2\d \d\d:00 – .*job/);
  await it.page.mouse.move(0, 0);
  await tip().waitFor({ state: 'hidden' });
  await it.page.locator('.legend button').last().focus();
  await it.page.keyboard.press('Tab');
  await it.page.keyboard.press('End');
  await it.page.keyboard.press('ArrowLeft');
  const name = await it.page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.equal(await tip().locator('b').textContent(), name.split(': ')[0]);
  await it.page.keyboard.press('Escape');
  assert.ok(await tip().isHidden());
  await it.page.keyboard.press('Enter');
  await it.addressIs(/range=custom/);
  const chosen = new URL(it.page.url()).searchParams;
  assert.equal(Date.parse(chosen.get('to')) - Date.parse(chosen.get('from')), 6 * 3_600_000);
  await it.page.goBack();
  await it.addressIs(/range=week/);
  await it.page.waitForFunction(() => document.querySelectorAll('#chart .bar-of-time').length === 29);
  const box = await it.page.locator('#chart .plot').boundingBox();
  await it.page.mouse.move(box.x + 200, box.y + 60);
  await it.page.mouse.down();
  await it.page.mouse.move(box.x + 500, box.y + 60, { steps: 3 });
  assert.ok(Number(await it.page.locator('.brush').getAttribute('width')) > 200);
  await it.page.mouse.up();
  await it.addressIs(/range=custom/);
});

test('Escape ends a drag, and no bar is described until the button is up', async () => {
  await open('?view=overview&range=week&refresh=0&zone=utc');
  const { x, y } = await it.page.locator('#chart .plot').boundingBox();
  const brush = () => it.page.locator('#chart .brush').getAttribute('width').then(Number);
  // In a bar, which takes the focus, and in the margin, which does not.
  for (const start of [200, 20]) {
    await it.page.mouse.move(x + start, y + 60);
    await tip().waitFor();
    await it.page.mouse.down();
    await it.page.mouse.move(x + 500, y + 60, { steps: 3 });
    assert.ok(await brush() > 200);
    await it.page.keyboard.press('Escape');
    assert.equal(await brush(), 0);
    assert.ok(await tip().isHidden());
    await it.page.mouse.move(x + 400, y + 60, { steps: 3 });
    assert.ok(await tip().isHidden());
    await it.page.mouse.up();
    await it.page.mouse.move(x + 300, y + 60, { steps: 3 });
    await tip().waitFor();
    assert.match(it.page.url(), /range=week/);
  }
});

test('on touch, the first tap shows what a bar has, and the second one narrows to it', async () => {
  const context = await it.page.context().browser().newContext({ viewport: { width: 390, height: 800 }, hasTouch: true, timezoneId: 'UTC' });
  const page = await context.newPage();
  await page.goto(`${it.server.url}/?view=overview&range=week&refresh=0&zone=utc`);
  await page.locator('#running-now > *').first().waitFor();
  const tip = page.locator('#chart .tip');
  const tap = async (index) => {
    await page.locator('#chart .plot').scrollIntoViewIfNeeded();
    const { x, y, width } = await page.locator('.bar-of-time .target').nth(index).boundingBox();
    await page.touchscreen.tap(x + width / 2, y + 40);
  };
  await tap(5);
  await tip.waitFor();
  const first = await tip.locator('b').textContent();
  await tap(9);
  await page.waitForFunction((first) => document.querySelector('#chart .tip b').textContent !== first, first);
  assert.match(page.url(), /range=week/);
  const shown = await tip.locator('b').textContent();
  await page.touchscreen.tap(200, 5);
  await tip.waitFor({ state: 'hidden' });
  await tap(9);
  await tip.waitFor();
  await tap(9);
  await page.waitForURL(/range=custom/);
  assert.equal(new URL(page.url()).searchParams.get('from').slice(0, 16).replace('T', ' '), shown.slice(0, 16));
  await context.close();
});

test('an overview without jobs, of hostile jobs, and of no domain', async () => {
  await open('?view=overview&range=hour&refresh=0&term=provider:none');
  assert.match(await it.page.locator('#overview-state').textContent(), /^No jobs in the last hour; 0 running$/);
  assert.match(await it.page.locator('#overview').textContent(), /No errors\..*No collector has failed\..*Nothing runs\./s);
  await open('?view=overview&refresh=0&domain=domain-hostile&range=custom&from=2025-12-31T00:00:00Z');
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
  assert.match(await it.page.locator('#overview').textContent(), /<script>window\.ran = true<\/script>/);
  assert.equal(await it.overflow(), 0);
  await open('?view=overview&refresh=0&domain=none-such');
  assert.match(await it.page.locator('#overview-state').textContent(), /^No jobs/);
});

test('the focus stays where it is when the answer changes', async () => {
  await open('?view=overview&range=month&refresh=0');
  const run = it.page.locator('#worst-collectors .run').last();
  await run.focus();
  const [job, jobs] = [await run.getAttribute('id'), await it.page.locator('#all-jobs').textContent()];
  it.server.importJobs([{ job_id: 'job-new', domain_id: await it.domain(), created_at: before(3_600_000), status: 'ERROR' }]);
  await it.page.keyboard.press('r');
  await it.page.waitForFunction((jobs) => document.querySelector('#all-jobs').textContent !== jobs, jobs);
  assert.equal(await it.page.evaluate(() => document.activeElement.id), job);
});

test('an overview that can not be answered does not leave another one in its position', async () => {
  await open('?view=overview&range=month&refresh=0');
  await it.page.route(/jobdeck\/overview/, (route) => route.fulfill({ status: 503, json: { detail: { code: 'E', message: 'Not now' } } }));
  await it.page.keyboard.press('r');
  await it.page.locator('#trouble', { hasText: 'Not now The page shows older data.' }).waitFor();
  assert.ok(await it.page.locator('#overview-state').isVisible(), 'it is the same overview');
  await it.page.locator('#range').selectOption('week');
  await it.page.locator('#overview-state').waitFor({ state: 'hidden' });
  assert.equal(await it.page.locator('#trouble-text').textContent(), 'Not now');
  await it.page.unroute(/jobdeck\/overview/);
  await it.page.getByRole('button', { name: 'Try again' }).first().click();
  await it.page.locator('#overview-state', { hasText: 'in the last 7 days' }).waitFor();
  it.expect('status of 503');
});

test('the request is shown', async () => {
  await open('?view=overview&range=month&refresh=0');
  await it.page.locator('#more summary').click();
  await it.page.getByRole('button', { name: 'Show request' }).click();
  assert.match(await it.page.locator('#requests .curl').first().textContent(), /^curl -sg 'http.*\/jobdeck\/overview\?domain_id=/);
  assert.match(await it.page.locator('#requests code').first().textContent(), /^GET \/jobdeck\/overview\?/);
});

test('no width makes the overview scroll sideways', async () => {
  for (const width of [320, 390, 768, 1024, 1280, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    await open('?view=overview&range=month&refresh=0');
    assert.equal(await it.overflow(), 0, `at ${width}`);
    // The chart follows the width of its panel.
    const [plot, drawn] = await it.page.evaluate(() => [document.querySelector('.plot').clientWidth, document.querySelector('.plot svg').clientWidth]);
    assert.ok(Math.abs(plot - drawn) <= 1 || plot < 240, `${drawn} of ${plot} at ${width}`);
  }
});

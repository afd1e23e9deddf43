/** The page of a mock: the journal of requests, problems of the fixtures, clocks, and injected faults. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { beforeEach, test } from 'node:test';
import { HOSTILE, NOW, Server, suite } from './server.js';

const DOMAINS = ['domain-a', 'domain-b'];
const JOBS = DOMAINS.flatMap((domain_id) => [
  { job_id: `${domain_id}-done`, domain_id, created_at: '2025-12-31T22:00:00Z', finished_at: '2025-12-31T23:00:00Z', status: 'SUCCESS' },
  { job_id: `${domain_id}-runs`, domain_id, created_at: '2025-12-31T23:00:00Z', status: 'IN_PROGRESS', total_tasks: 4, remained_tasks: 1 },
]);
const FIXTURES = JOBS.map((job) => `${JSON.stringify(job)}\n`).join('');

const it = suite((server) => server.writeFixtures(FIXTURES));
const { server } = it;

beforeEach(async () => {
  await server.send('DELETE', '/jobdeck/faults');
  await server.send('POST', '/jobdeck/reset');
  await server.send('DELETE', '/jobdeck/journal');
});

const entries = () => it.page.locator('#entries li');
/** The requests that are shown, as they were sent. */
const paths = () => it.page.locator('#entries .in-words').evaluateAll((rows) => rows.map((row) => row.title));
const total = (text) => it.page.locator('#journal-total', { hasText: text }).waitFor();
/** Opens the journal and waits until it shows a number of requests. */
async function openJournal(count, query = '') {
  await it.page.goto(`${server.url}/?view=journal&zone=utc&domain=domain-a&refresh=0${query}`);
  await total(new RegExp(`^${count} requests?$`));
}
/** Text that runs from right to left by a mark, which would rearrange a row. */
const REVERSED = 'job-\u202Ereversed';
const list = (domain, more = '') => server.send('GET', `/inventory/v1/jobs?domain_id=${domain}${more}`);
const search = (domain, query, headers) => server.send('POST', '/inventory/v1/jobs/search', { domain_id: domain, query }, headers);
/** Opens a request, and returns the texts of its sections. */
async function opened(index) {
  await entries().nth(index).locator('summary').click();
  await entries().nth(index).locator('.content').waitFor();
  return entries().nth(index).locator('pre').allTextContents();
}
/** A request that gets no answer. */
async function dropped() {
  await server.send('POST', '/jobdeck/faults', { route: 'search', drop: true, times: 1 });
  await assert.rejects(search('domain-a', {}));
}
const refresh = () => it.page.getByRole('button', { name: 'Refresh now' }).click();

test('an empty mock shows a command that puts a job', async () => {
  for (const domain of DOMAINS) await server.send('DELETE', `/jobdeck/jobs?domain_id=${domain}`);
  await it.page.goto(`${server.url}/?refresh=2`);
  const command = await it.page.locator('#empty code').textContent();
  execFileSync('bash', ['-c', `${command} -s`]);
  await it.page.locator('#rows .id', { hasText: 'job-1' }).waitFor();
});

test('requests appear as they are sent, the newest first, without those of the page', async () => {
  await it.open('?domain=domain-a&refresh=2');
  await it.page.getByRole('button', { name: 'Journal' }).click();
  await it.addressIs(/view=journal/);
  await total('0 requests');
  await list('domain-a', '&status=ERROR');
  await search('domain-b', { filter: [{ k: 'status', v: 'ERROR', o: 'eqq' }] });
  await server.send('GET', '/inventory/v2/jobs');
  await total('3 requests');
  assert.equal(await it.page.locator('#entries .changed').count(), 3, 'what is new is marked');
  const rows = await entries().locator('summary').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
  for (const [time, , , , , , took] of rows) assert.match(`${time} ${took}`, /^\d\d:\d\d:\d\d\.\d{3} [\d.,]+ ms$/);
  assert.deepEqual(rows.map(([, method, words, rows, route, answer, , about]) => [method, words, rows, route, answer, about]), [
    ['GET', '/inventory/v2/jobs ', '', 'no route', '404 Refused', 'ERROR_NOT_FOUND'],
    ['POST', 'status eqq ERROR domain-b', '', 'search', '400 Refused', 'ERROR_DB_QUERY'],
    ['GET', 'status = ERROR domain-a', '0 rows of 0', 'list', '200 OK', undefined],
  ]);
  assert.deepEqual(await paths(), ['/inventory/v2/jobs', '/inventory/v1/jobs/search', '/inventory/v1/jobs?domain_id=domain-a&status=ERROR']);
  const { results } = await (await server.send('GET', '/jobdeck/journal')).json();
  assert.equal(results.length, 3, 'the journal has none of the page, either');
});

test('a refresh without new requests is one request, answered with 304', async () => {
  await list('domain-a');
  await openJournal(1, '&refresh=2');
  const answers = [];
  it.page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    // The browser fetches the icon at any time.
    if (!pathname.startsWith('/assets/')) answers.push(`${response.status()} ${pathname}`);
  });
  const look = () => it.page.waitForResponse((response) => response.url().includes('/jobdeck/journal'));
  await look();
  await look();
  assert.deepEqual(new Set(answers), new Set(['304 /jobdeck/domains', '304 /jobdeck/journal']));
});

test('the time of a request is a bar, as long as it is among those that are shown', async () => {
  await list('domain-a');
  await server.send('POST', '/jobdeck/faults', { route: 'list', delay: 0.4, times: 1 });
  await list('domain-a');
  await openJournal(2);
  const { results } = await (await server.send('GET', '/jobdeck/journal')).json();
  const [fast, slow] = results.map((entry) => entry.milliseconds);
  assert.ok(slow >= 400);
  const shares = await it.page.locator('.took').evaluateAll((bars) => bars.map((bar) => Number(bar.style.getPropertyValue('--share'))));
  assert.deepEqual(shares, [1, fast / slow]);
});

test('a request opens, with its body, its answer, and a line that sends it again', async () => {
  const query = { filter: [{ k: 'job_id', v: "it's [1-3]", o: 'not' }], only: ['job_id'] };
  const answer = await (await search('domain-a', query, { 'x-request-id': 'mine-1' })).json();
  await openJournal(1);
  const texts = await opened(0);
  assert.deepEqual(JSON.parse(texts[0]), { domain_id: 'domain-a', query });
  assert.deepEqual(JSON.parse(texts[1]), answer);
  assert.ok(texts[0].includes('\n  "query": {'), 'pretty');
  await it.page.locator('.content', { hasText: 'Request mine-1' }).waitFor();
  assert.deepEqual(JSON.parse(execFileSync('bash', ['-c', texts[2]], { encoding: 'utf8' })), answer);
  await it.page.getByRole('button', { name: 'Copy curl' }).click();
  await it.page.getByRole('button', { name: 'Copied' }).waitFor();
  // A refresh leaves the open request alone.
  await refresh();
  await total('2 requests');
  assert.deepEqual(await it.page.locator('details[open] pre').allTextContents(), texts);
  await it.page.locator('.content pre').first().focus();
  await it.page.keyboard.press('Escape');
  assert.equal(await it.page.locator('details[open] .content').count(), 0);
  // A query string with brackets, which curl would take for a pattern.
  await list('domain-a', '&status=IN_PROGRESS&keyword={a,b}[1-2]');
  await refresh();
  await total('3 requests');
  const [parameters, body, line] = await opened(0);
  assert.deepEqual(parameters.split('\n'), ['domain_id = domain-a', 'status = IN_PROGRESS', 'keyword = {a,b}[1-2]']);
  assert.deepEqual(JSON.parse(execFileSync('bash', ['-c', line], { encoding: 'utf8' })), JSON.parse(body));
  // A body that is no JSON and another method are sent as they were.
  const added = [1, 2].map((id) => JSON.stringify({ job_id: `job-${id}`, domain_id: 'domain-a' })).join('\n');
  await server.send('POST', '/jobdeck/jobs', `${added}\n`);
  await server.send('DELETE', '/jobdeck/jobs/job-1?domain_id=domain-a');
  await server.send('PUT', '/jobdeck/jobs/job-9', { domain_id: 'domain-a', status: 'CREATED' });
  await refresh();
  await total('7 requests');
  for (const [index, expected] of [[2, /./], [1, /^$/], [0, /job-9/]]) {
    assert.match(execFileSync('bash', ['-c', (await opened(index)).at(-1)], { encoding: 'utf8' }), expected);
  }
  const { results } = await server.post('search', { domain_id: 'domain-a', query: { only: ['job_id'], sort: { keys: [{ key: 'job_id' }] } } });
  assert.deepEqual(results.map((job) => job.job_id), ['domain-a-done', 'domain-a-runs', 'job-2', 'job-9'], 'added, deleted and put again');
});

test('entries that are cut, dropped or unanswered say so', async () => {
  await server.send('PUT', '/jobdeck/jobs/job-long', { domain_id: 'domain-a', project_id: 'x'.repeat(70_000) });
  await dropped();
  await openJournal(2);
  await entries().first().locator('.status', { hasText: /^No answer$/ }).waitFor();
  assert.match(await entries().first().locator('.about').textContent(), /^on purpose: fault-\d+$/);
  await entries().last().locator('summary').click();
  await entries().last().getByText('Body, cut short').waitFor();
  await entries().last().getByText('The journal has only the beginning of the body, which was too long.').waitFor();
  assert.equal(await entries().last().getByRole('button', { name: 'Copy curl' }).count(), 0);
});

test('filters narrow the requests, and are in the address', async () => {
  await list('domain-a', '&status=ERROR');
  await list('domain-b');
  await search('domain-b', { keyword: 'needle' });
  await server.send('GET', '/inventory/v2/jobs');
  await openJournal(4);
  await it.page.locator('#scope').selectOption('domain');
  await total('1 request');
  assert.deepEqual(await paths(), ['/inventory/v1/jobs?domain_id=domain-a&status=ERROR']);
  await it.page.locator('#domain').selectOption('domain-b');
  await total('2 requests');
  await it.page.locator('#route').selectOption('search');
  await total('1 request');
  await it.addressIs(/domain=domain-b.*route=search&scope=domain/);
  await it.page.goBack();
  await total('2 requests');
  assert.equal(await it.page.locator('#route').inputValue(), '');
  await it.page.goForward();
  await total('1 request');
  await it.page.reload();
  await total('1 request');
  assert.deepEqual(await paths(), ['/inventory/v1/jobs/search']);
  await openJournal(4);
  await it.page.keyboard.press('/');
  await it.page.keyboard.type('needle');
  await total('1 request');
  await it.addressIs(/contains=needle/);
  await it.page.goBack();
  await total('4 requests');
  assert.equal(await it.page.locator('#contains').inputValue(), '');
  await it.page.locator('#status').selectOption('404 Refused');
  await total('1 request');
  assert.deepEqual(await paths(), ['/inventory/v2/jobs']);
  await it.page.locator('#contains').fill('no such text');
  await it.page.getByText('No such request').waitFor();
  await it.page.getByRole('button', { name: 'Clear filters' }).click();
  await total('4 requests');
});

test('the journal is cleared after a question that counts, for all domains or for one, and says how to fill it', async () => {
  for (const domain of DOMAINS) await list(domain);
  const clear = (answer) => async (title) => {
    await it.page.getByRole('button', { name: 'Clear the journal…' }).click();
    const dialog = it.page.getByRole('alertdialog', { name: title });
    await dialog.getByText('They can not be brought back.').waitFor();
    assert.equal(await it.page.evaluate(() => document.activeElement.textContent), 'Cancel', 'the focus is on what does no harm');
    await it.page.keyboard.press(answer);
    await dialog.waitFor({ state: 'hidden' });
  };
  // The question counts all of them, whatever the filters show.
  await openJournal(0, '&scope=domain&contains=no-such-text');
  await clear('Enter')('Forget 1 request of domain-a?');
  await clear('Escape')('Forget 1 request of domain-a?');
  assert.equal((await (await server.send('GET', '/jobdeck/journal')).json()).total_count, 2);
  await openJournal(1, '&scope=domain');
  await it.page.getByRole('button', { name: 'Clear the journal…' }).click();
  await it.page.getByRole('button', { name: 'Forget', exact: true }).click();
  await total('0 requests');
  await it.page.getByRole('status').getByText('1 request forgotten').waitFor();
  await it.page.locator('#scope').selectOption('all');
  await total('1 request');
  assert.deepEqual(await paths(), ['/inventory/v1/jobs?domain_id=domain-b']);
  await it.page.getByRole('button', { name: 'Clear the journal…' }).click();
  await it.page.getByRole('alertdialog', { name: 'Forget 1 request of all domains?' }).getByRole('button', { name: 'Forget' }).click();
  await it.page.getByText('No requests yet').waitFor();
  execFileSync('bash', ['-c', await it.page.locator('#journal-empty code').textContent()]);
  await refresh();
  await total('1 request');
  assert.equal(await it.page.locator('#journal-empty').isVisible(), false);
});

test('of many requests only the newest are shown, and all are counted', async () => {
  for (let count = 0; count < 103; count += 1) await list('domain-a', `&keyword=n${count}`);
  await it.page.goto(`${server.url}/?view=journal&refresh=0`);
  await total('The newest 100 of 103 requests');
  const shown = await paths();
  assert.deepEqual([shown.length, shown[0].split('=').at(-1), shown[99].split('=').at(-1)], [100, 'n102', 'n3']);
  await list('domain-a', '&keyword=n103');
  await entries().first().evaluate((row) => { row.marked = true; });
  await refresh();
  await total('of 104');
  assert.equal(await entries().nth(1).evaluate((row) => row.marked), true, 'a row that stays is not made anew');
  assert.equal((await paths()).length, 100);
});

test('hostile requests are shown as text', async () => {
  for (const text of HOSTILE) {
    await list(encodeURIComponent(text));
    await search(text, { keyword: text, [text]: text });
    await server.send('POST', `/inventory/v1/${encodeURIComponent(text)}`, text);
  }
  await openJournal(HOSTILE.length * 3);
  for (const width of [320, 390, 1280]) {
    await it.page.setViewportSize({ width, height: 800 });
    assert.equal(await it.overflow(), 0, `closed at ${width}`);
  }
  await it.page.locator('#entries details').evaluateAll((all) => all.forEach((details) => { details.open = true; }));
  await it.page.locator('.content').nth(HOSTILE.length * 3 - 1).waitFor();
  const bodies = await it.page.locator('.content pre').allTextContents();
  for (const text of HOSTILE) assert.ok(bodies.includes(text), text);
  for (const width of [1280, 390, 320]) {
    await it.page.setViewportSize({ width, height: 800 });
    assert.equal(await it.overflow(), 0, `open at ${width}`);
  }
  assert.equal(await it.page.evaluate(() => window.ran), undefined);
  assert.equal(await it.page.locator('#journal :is(script, img, svg)').count(), 0);
});

test('keys move through the requests', async () => {
  for (const domain of DOMAINS) await list(domain);
  await openJournal(2);
  for (const key of ['j', 'j', 'k', 'j', 'Enter']) await it.page.keyboard.press(key);
  await entries().last().locator('.content').waitFor();
  assert.equal(await entries().first().locator('.content').count(), 0);
  assert.equal(await it.page.evaluate(() => document.activeElement.querySelector('.in-words').title), (await paths())[1]);
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing in the journal, ${colorScheme}`, async () => {
    await it.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await openJournal(0);
    await it.axe('empty');
    await list('domain-a', '&status=ERROR');
    await search('domain-a', { only: ['x'] });
    await search('domain-a', {}, { prefer: 'code=503' });
    await dropped();
    await refresh();
    await total('4 requests');
    for (const summary of await it.page.locator('#entries summary').all()) await summary.click();
    for (const width of [1280, 390]) {
      await it.page.setViewportSize({ width, height: 800 });
      await it.axe(`open at ${width}`);
    }
    await openJournal(0, '&contains=no-such-text');
    await it.axe('nothing matches');
  });
}

test('a problem of the fixtures is shown until they are correct again', async () => {
  await it.open('?domain=domain-a&refresh=2');
  const banner = it.page.getByRole('alert').filter({ hasText: 'The changed fixtures can\'t be loaded; the jobs are those of before:' });
  try {
    server.writeFixtures(`${FIXTURES}{"job_id": "<img src=x onerror='window.ran=true'>", "domain_id": "domain-a", "status": "<b>LOST</b>"}\n`);
    await banner.filter({ hasText: 'fixtures.ndjson' }).waitFor();
    await banner.filter({ hasText: '<b>LOST</b>' }).waitFor();
    assert.deepEqual(await it.ids(), ['domain-a-runs', 'domain-a-done']);
    await it.axe('banner');
    await it.page.setViewportSize({ width: 390, height: 800 });
    assert.equal(await it.overflow(), 0);
  } finally {
    server.writeFixtures(`${FIXTURES}{"job_id": "job-mended", "domain_id": "domain-a", "created_at": "${NOW}"}\n`);
  }
  await banner.waitFor({ state: 'hidden' });
  await it.shows(['job-mended', 'domain-a-runs', 'domain-a-done']);
  server.writeFixtures(FIXTURES);
  await it.shows(['domain-a-runs', 'domain-a-done']);
});

test('the clock of the page is that of the domain, and follows it', async () => {
  await server.send('PUT', '/jobdeck/clock?domain_id=domain-b', { now: '2026-01-03T00:00:00Z', is_frozen: true });
  await it.open('?domain=domain-a&refresh=2');
  const runs = (text) => it.page.locator('#rows tr', { hasText: 'runs' }).filter({ has: it.page.locator('.duration', { hasText: text }) }).waitFor();
  await runs('1 hr 0 min');
  await it.page.locator('#domain').selectOption('domain-b');
  await runs('2 days 1 hr');
  await it.page.locator('#domain').selectOption('domain-a');
  await runs('1 hr 0 min');
  await server.send('POST', '/jobdeck/clock/advance?domain_id=domain-a', { seconds: 5400 });
  await runs('2 hr 30 min');
  assert.equal(await it.page.locator('#rows .created').first().textContent(), '2 hr. ago');
  // From a frozen clock to one that runs, and back.
  await server.send('PUT', '/jobdeck/clock?domain_id=domain-a', { now: '2025-12-31T23:00:10Z', is_frozen: false });
  await runs(/^\d\d sec$/);
  const duration = await it.page.locator('#rows .duration').first().textContent();
  await it.page.waitForFunction((before) => document.querySelector('#rows .duration').textContent !== before, duration);
  await server.send('PUT', '/jobdeck/clock?domain_id=domain-a', { now: NOW, is_frozen: true });
  await runs('1 hr 0 min');
});

test('injected faults do not affect the page, and it uses none up', async () => {
  for (const fault of [{ code: 503, times: 1 }, { route: 'search', hold: true }, { route: 'domains', drop: true }]) {
    await server.send('POST', '/jobdeck/faults', fault);
  }
  await it.open('?domain=domain-a&refresh=0');
  await it.shows(['domain-a-runs', 'domain-a-done']);
  const { results } = await (await server.send('GET', '/jobdeck/faults')).json();
  assert.deepEqual(results.map(({ used, holding }) => [used, holding]), [[0, 0], [0, 0], [0, 0]]);
});

test('an injected error for the page is shown as any other, and goes away', async () => {
  await it.open('?domain=domain-a&refresh=0');
  // The journal names the page's searches no differently from a client's, so faults are injected into them.
  await it.page.route('**/inventory/v1/jobs/search', async (route) => {
    const { 'x-jobdeck-page': _, ...headers } = await route.request().allHeaders();
    await route.continue({ headers });
  });
  await server.send('POST', '/jobdeck/faults', { route: 'search', code: 503, times: 1 });
  await server.send('PUT', '/jobdeck/jobs/job-new', { domain_id: 'domain-a', created_at: NOW });
  await refresh();
  await it.page.getByRole('alert').getByText('The page shows older data.').waitFor();
  await it.page.locator('#trouble-id', { hasText: /^request \w+$/ }).waitFor();
  assert.deepEqual(await it.ids(), ['domain-a-runs', 'domain-a-done']);
  await it.page.getByRole('button', { name: 'Try again' }).click();
  await it.shows(['job-new', 'domain-a-runs', 'domain-a-done']);
  await it.page.locator('#trouble').waitFor({ state: 'hidden' });
  // While answers are held, the page stays as it is; they arrive when they are released.
  const { id } = await (await server.send('POST', '/jobdeck/faults', { route: 'search', hold: true })).json();
  await it.page.locator('#tabs button', { hasText: 'Succeeded' }).click();
  await it.page.locator('#list[aria-busy=true]').waitFor();
  await server.send('POST', `/jobdeck/faults/${id}/release`);
  await it.shows(['domain-a-done']);
  it.expect('503');
});

test('without a mock there is no journal', async () => {
  const plain = new Server();
  try {
    plain.importJobs(JOBS);
    await plain.start();
    it.page.removeAllListeners('request');
    await it.page.goto(`${plain.url}/?view=journal&refresh=0`);
    await it.page.locator('#rows .id', { hasText: 'domain-a-runs' }).waitFor();
    assert.equal(await it.page.getByRole('button', { name: 'Journal' }).count(), 0);
    assert.equal(await it.page.locator('#journal').isVisible(), false);
    assert.ok(!new URL(it.page.url()).searchParams.has('view'));
    await it.page.goto('about:blank');
  } finally {
    await plain.remove();
  }
});

test('a mock without a job has a journal', async () => {
  const empty = new Server();
  try {
    empty.writeFixtures('');
    await empty.start();
    it.page.removeAllListeners('request');
    await it.page.goto(`${empty.url}/?view=journal&refresh=0`);
    await it.page.getByText('No requests yet').waitFor();
    await empty.send('GET', '/inventory/v1/jobs?domain_id=domain-none');
    await refresh();
    await total('1 request');
    await it.page.goto('about:blank');
  } finally {
    await empty.remove();
  }
});

test('marks of direction in an id do not rearrange a row', async () => {
  await server.send('PUT', `/jobdeck/jobs/${encodeURIComponent(REVERSED)}?domain_id=domain-a`, { status: 'ERROR' });
  await openJournal(1);
  const text = await entries().first().innerText();
  assert.ok(text.includes('job-\\u202ereversed') && !text.includes('\u202E'), text);
});

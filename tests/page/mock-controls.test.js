/** The controls of a mock: its clock, faults, snapshots and reset, each checked against the API. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { HOSTILE, NOW, Server, suite } from './server.js';

const DOMAINS = ['domain-a', 'domain-b'];
const JOBS = DOMAINS.flatMap((domain_id) => [1, 2].map((number) => ({ job_id: `${domain_id}-${number}`, domain_id, created_at: '2025-12-31T22:00:00Z' })));

const it = suite((server) => server.writeFixtures(JOBS.map((job) => `${JSON.stringify(job)}\n`).join('')));
const { server } = it;
const read = async (path) => (await server.send('GET', path)).json();
const jobsOf = async (domain) => (await read(`/inventory/v1/jobs?domain_id=${domain}`)).results.map((job) => job.job_id).sort();

beforeEach(async () => {
  await server.send('DELETE', '/jobdeck/faults');
  for (const { name, domain_id: domain } of (await read('/jobdeck/snapshots')).results) {
    await server.send('DELETE', `/jobdeck/snapshots/${name}${domain ? `?domain_id=${domain}` : ''}`);
  }
  await server.send('POST', '/jobdeck/reset');
});

/** Opens the journal with the controls. */
async function open(query = '') {
  await it.page.goto(`${server.url}/?view=journal&zone=utc&domain=domain-a&refresh=0${query}`);
  await it.page.locator('#mock summary').click();
  await it.page.locator('#snapshots > *').first().waitFor();
}
const press = (name) => it.page.getByRole('button', { name, exact: true }).click();
const says = (text) => it.page.locator('#note', { hasText: text }).waitFor();
const clockSays = (text) => it.page.locator('#clock-now', { hasText: text }).waitFor();
/** Answers a question, after a look at what it says and at the focus. */
async function answer(title, text, button) {
  const dialog = it.page.getByRole('alertdialog', { name: title, exact: true });
  await dialog.waitFor();
  assert.equal(await it.page.locator('#confirm-text').textContent(), text);
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'confirm-cancel');
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}

test('the clock is shown, set, frozen, let run, advanced, and set back', async () => {
  await open();
  await clockSays('2026-01-01 00:00:00 UTC, frozen');
  assert.equal(await it.page.getByLabel('Time', { exact: true }).inputValue(), '2026-01-01 00:00:00', 'as the page writes times');
  await it.page.getByLabel('Time', { exact: true }).fill('2026-02-03 04:05:06');
  await press('Set');
  await says('The clock shows 2026-02-03 04:05:06 UTC');
  assert.deepEqual(await read('/jobdeck/clock'), { now: '2026-02-03T04:05:06.000Z', is_frozen: true });
  await clockSays('2026-02-03 04:05:06 UTC, frozen');
  await press('+1 h');
  await clockSays('2026-02-03 05:05:06 UTC, frozen');
  await press('+1 d');
  await clockSays('2026-02-04 05:05:06 UTC, frozen');
  assert.equal((await read('/jobdeck/clock')).now, '2026-02-04T05:05:06.000Z');
  await press('Let it run');
  await clockSays(/2026-02-04 05:05:\d\d UTC, running/);
  assert.equal((await read('/jobdeck/clock')).is_frozen, false);
  const before = await it.page.locator('#clock-now').textContent();
  await it.page.waitForFunction((text) => document.querySelector('#clock-now').textContent !== text, before);
  await press('Freeze');
  await it.page.getByRole('button', { name: 'Let it run' }).waitFor();
  assert.equal((await read('/jobdeck/clock')).is_frozen, true);
  await press('Back to the start');
  await clockSays('2026-01-01 00:00:00 UTC, frozen');
  assert.equal((await read('/jobdeck/clock')).now, NOW.replace('Z', '.000Z'));
});

test('the clock is set in the zone that is shown, and a text that is no time is refused', async () => {
  const context = await it.page.context().browser().newContext({ timezoneId: 'Asia/Seoul' });
  const page = await context.newPage();
  await page.goto(`${server.url}/?view=journal&domain=domain-a&refresh=0`);
  await page.locator('#mock summary').click();
  const field = page.locator('#clock-time');
  await page.waitForFunction(() => document.querySelector('#clock-time').value === '2026-01-01 09:00:00');
  await field.fill('03/02/2026');
  await field.press('Enter');
  assert.equal(await field.evaluate((node) => node.validationMessage), '“Time” takes a time as 2026-01-31 or 2026-01-31T08:00, not “03/02/2026”');
  assert.equal((await read('/jobdeck/clock')).now, NOW.replace('Z', '.000Z'));
  await field.fill('2026-02-03 04:05');
  await field.press('Enter');
  await page.locator('#note', { hasText: 'The clock shows 2026-02-03 04:05:00 UTC+9' }).waitFor();
  assert.equal((await read('/jobdeck/clock')).now, '2026-02-02T19:05:00.000Z');
  await context.close();
});

test('controls act on a domain alone where the journal shows that', async () => {
  await open('&scope=domain');
  await it.page.getByText('For the domain domain-a alone.').waitFor();
  await press('+1 h');
  await clockSays('01:00:00');
  assert.equal((await read('/jobdeck/clock?domain_id=domain-a')).now, '2026-01-01T01:00:00.000Z');
  assert.equal((await read('/jobdeck/clock')).now, '2026-01-01T00:00:00.000Z');
  await it.page.locator('#scope').selectOption('all');
  await it.page.getByText('For all domains.').waitFor();
  await clockSays('00:00:00');
});

test('faults are added in a form, shown in words, released and removed', async () => {
  await open();
  await it.page.getByText('None: each request is answered as it should be.').waitFor();
  const form = it.page.locator('#fault-form');
  const add = async (effect, value, more = async () => {}) => {
    await form.getByLabel('Effect').selectOption(effect);
    if (value !== null) await form.locator('#fault-value').fill(value);
    assert.equal(await form.locator('#fault-value').isVisible(), value !== null);
    await more();
    await form.getByRole('button').click();
  };
  await add('error', '503', async () => {
    await form.getByLabel('Requests').selectOption('list');
    await form.getByLabel('Times').fill('2');
  });
  await says('Added: list: answers 503');
  await form.getByLabel('Requests').selectOption('');
  await form.getByLabel('Times').fill('');
  await add('delay', '0.1-0.2');
  await says('waits 0.1–0.2 s');
  await add('cut answer', '1000');
  await says('ends after 1,000 bytes');
  await add('no answer', null, () => form.getByLabel('Requests').selectOption('stat'));
  await says('stat: drops the connection');
  await add('hold until released', null, () => form.getByLabel('Requests').selectOption('search'));
  await says('search: holds the answer');
  const { results } = await read('/jobdeck/faults');
  assert.deepEqual(results.map(({ id, used, holding, ...fault }) => fault),
    [{ route: 'list', times: 2, code: 503 }, { delay: [0.1, 0.2] }, { truncate: 1000 }, { route: 'stat', drop: true }, { route: 'search', hold: true }]);
  assert.equal((await server.send('GET', '/inventory/v1/jobs?domain_id=domain-a')).status, 503);
  await it.page.getByRole('button', { name: 'Refresh now' }).click();
  await it.page.locator('#faults li', { hasText: 'list: answers 503 used 1 of 2×' }).waitFor();
  const held = server.post('search', { domain_id: 'domain-a' });
  // The journal has no entry of a request that is held, so the page is refreshed until it has arrived.
  while ((await read('/jobdeck/faults')).results[4].holding === 0);
  await it.page.getByRole('button', { name: 'Refresh now' }).click();
  await it.page.locator('#faults li', { hasText: 'search: holds the answer used 1× · holds 1 now' }).waitFor();
  await it.page.getByRole('button', { name: `Release ${results[4].id}` }).click();
  await says('1 answer released');
  await held.catch(() => {});
  await it.page.getByRole('button', { name: `Remove ${results[3].id}` }).click();
  await says(`${results[3].id} removed`);
  assert.equal((await read('/jobdeck/faults')).total_count, 3, 'a fault that only held does nothing after its release');
  await press('Remove all…');
  await answer('Remove all 3 faults?', 'Answers that they hold or delay are sent.', 'Cancel');
  assert.equal((await read('/jobdeck/faults')).total_count, 3, 'a fault that only held does nothing after its release');
  await press('Remove all…');
  await answer('Remove all 3 faults?', 'Answers that they hold or delay are sent.', 'Remove');
  await says('3 faults removed');
  assert.equal((await read('/jobdeck/faults')).total_count, 0);
  await it.page.getByRole('button', { name: 'Remove all…' }).waitFor({ state: 'detached' });
});

test('what the server refuses is said, and what was written stays', async () => {
  await open();
  await it.page.locator('#fault-value').fill('ERROR_UNAVAILABEL');
  await it.page.locator('#fault-form button').click();
  await it.page.getByRole('alert').getByText('unknown error code ERROR_UNAVAILABEL; did you mean ERROR_UNAVAILABLE').waitFor();
  assert.equal(await it.page.locator('#fault-value').inputValue(), 'ERROR_UNAVAILABEL');
  await it.page.getByLabel('Name', { exact: true }).fill('a b');
  await it.page.getByLabel('Name', { exact: true }).press('Enter');
  await it.page.getByRole('alert').getByText('a b is not a name of a snapshot').waitFor();
  assert.equal(await it.page.locator('#mock-error code').textContent(), 'a b');
  await it.page.getByRole('button', { name: 'Refresh now' }).click();
  assert.match(await it.page.locator('#mock-error').textContent(), /a b/, 'a refresh leaves it');
  it.expect('400');
  await press('+1 h');
  await says('The clock shows');
  assert.equal(await it.page.locator('#mock-error').textContent(), '');
});

test('snapshots are taken, replaced, restored and deleted', async () => {
  await open();
  await it.page.getByText('None. A snapshot saves the jobs as they are now.').waitFor();
  const take = async (name) => {
    await it.page.getByLabel('Name', { exact: true }).fill(name);
    await press('Take snapshot');
  };
  await take('before');
  await says('Snapshot before taken: 4 jobs');
  const row = it.page.locator('#snapshots li', { hasText: 'before' });
  assert.match(await row.textContent(), /^before all domains · 4 jobs · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  const [{ saved_at: at }] = (await read('/jobdeck/snapshots')).results;
  const time = `${at.slice(0, 19).replace('T', ' ')} UTC`;
  await server.send('PUT', '/jobdeck/jobs/more?domain_id=domain-a', {});
  await row.getByRole('button', { name: 'Restore… before' }).click();
  await answer('Restore the snapshot before?', `The present 5 jobs of all domains are replaced by the 4 jobs of ${time}. Clocks and faults stay.`, 'Cancel');
  assert.equal((await jobsOf('domain-a')).length, 3);
  await row.getByRole('button', { name: 'Restore… before' }).click();
  await answer('Restore the snapshot before?', `The present 5 jobs of all domains are replaced by the 4 jobs of ${time}. Clocks and faults stay.`, 'Restore');
  await says('Snapshot before restored: 4 jobs');
  assert.deepEqual(await jobsOf('domain-a'), ['domain-a-1', 'domain-a-2']);
  await server.send('DELETE', '/jobdeck/jobs/domain-a-1?domain_id=domain-a');
  await take('before');
  await answer('Replace the snapshot before?', `Its 4 jobs of ${time} are forgotten.`, 'Replace');
  await says('Snapshot before taken: 3 jobs');
  assert.deepEqual((await read('/jobdeck/snapshots')).results.map(({ name, jobs }) => [name, jobs]), [['before', 3]]);
  await row.getByRole('button', { name: 'Delete… before' }).click();
  await answer('Delete the snapshot before?', 'It saves 3 jobs. They can not be restored afterwards.', 'Delete');
  await says('Snapshot before deleted');
  assert.deepEqual((await read('/jobdeck/snapshots')).results, []);
  // A snapshot of a domain is restored there alone, whatever the journal shows then.
  await it.page.locator('#scope').selectOption('domain');
  await it.page.getByText('For the domain domain-a alone.').waitFor();
  await take('mine');
  await says('Snapshot mine taken: 1 job');
  await it.page.locator('#scope').selectOption('all');
  await it.page.getByText('For all domains.').waitFor();
  for (const domain of DOMAINS) await server.send('DELETE', `/jobdeck/jobs?domain_id=${domain}`);
  await it.page.getByRole('button', { name: 'Restore… mine' }).click();
  await it.page.getByRole('alertdialog').getByRole('button', { name: 'Restore', exact: true }).click();
  await says('Snapshot mine restored');
  assert.deepEqual([await jobsOf('domain-a'), await jobsOf('domain-b')], [['domain-a-2'], []]);
});

test('an act is reported when what it has changed is shown', async () => {
  await open();
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await it.page.route('**/jobdeck/snapshots*', async (request) => {
    if (request.request().method() === 'GET') await held;
    await request.continue();
  });
  await it.page.getByLabel('Name', { exact: true }).fill('slow');
  await Promise.all([it.page.waitForRequest((request) => request.method() === 'GET' && /snapshots/.test(request.url())), press('Take snapshot')]);
  assert.equal(await it.page.locator('#note', { hasText: 'taken' }).count(), 0);
  release();
  await says('Snapshot slow taken: 4 jobs');
  assert.equal(await it.page.locator('#snapshots li', { hasText: 'slow' }).count(), 1);
  await server.send('DELETE', '/jobdeck/snapshots/slow');
});

test('a reset asks first, says how much it replaces, and is apart from the clearing of the journal', async () => {
  await server.send('PUT', '/jobdeck/jobs/more?domain_id=domain-a', {});
  await server.send('PUT', '/jobdeck/jobs/more?domain_id=domain-b', {});
  await server.send('POST', '/jobdeck/faults', { route: 'stat', code: 503 });
  await open('&scope=domain');
  assert.equal(await it.page.locator('#clear').evaluate((node) => node.closest('details, search')), null);
  await press('Reset…');
  await answer('Reset domain-a to the start?', 'The present 3 jobs are replaced by those of the start. So are 0 faults and the clocks.', 'Cancel');
  assert.equal((await jobsOf('domain-a')).length, 3);
  await press('Reset…');
  await answer('Reset domain-a to the start?', 'The present 3 jobs are replaced by those of the start. So are 0 faults and the clocks.', 'Reset');
  await says('Reset to the start: 2 jobs');
  assert.deepEqual([(await jobsOf('domain-a')).length, (await jobsOf('domain-b')).length], [2, 3]);
  await it.page.locator('#domain option', { hasText: 'domain-a (2)' }).waitFor({ state: 'attached' });
  await it.page.locator('#scope').selectOption('all');
  await it.page.getByText('For all domains.').waitFor();
  await press('Reset…');
  await answer('Reset all domains to the start?', 'The present 5 jobs are replaced by those of the start. So are 1 fault and the clocks.', 'Reset');
  await says('Reset to the start: 4 jobs');
  assert.deepEqual([await jobsOf('domain-b'), (await read('/jobdeck/faults')).total_count], [['domain-b-1', 'domain-b-2'], 0]);
});

test('closed controls ask nothing, and open ones leave focus and what is typed alone', async () => {
  await it.page.clock.install();
  await it.page.goto(`${server.url}/?view=journal&zone=utc&domain=domain-a&refresh=2`);
  await it.settle();
  it.asked = [];
  await it.passUntil(() => it.asked.filter((path) => path === '/jobdeck/journal').length > 2);
  // Whether it asks for the domains, too, depends on whether the stream of events is open by then.
  const others = it.asked.filter((path) => !['/jobdeck/journal', '/jobdeck/domains', '/healthz'].includes(path));
  assert.deepEqual(others, []);
  await it.page.locator('#mock summary').focus();
  await it.page.keyboard.press('Enter');
  await it.page.locator('#snapshots > *').first().waitFor();
  await server.send('POST', '/jobdeck/faults', { code: 503, route: 'stat' });
  const button = it.page.locator('#faults button');
  await it.passUntil(() => button.count());
  await button.focus();
  await it.page.locator('#clock-time').fill('2026-05-05T05:05:05');
  await button.focus();
  await server.post('stat', { domain_id: 'domain-a', query: {} });
  await it.passUntil(() => it.page.locator('#faults', { hasText: 'used 1×' }).count());
  assert.match(await it.page.evaluate(() => document.activeElement.ariaLabel), /^Remove fault-/);
  assert.equal(await it.page.locator('#clock-time').inputValue(), '2026-05-05T05:05:05');
});

test('hostile texts of faults are texts', async () => {
  for (const text of HOSTILE) await server.send('POST', '/jobdeck/faults', { code: 503, domain_id: text, job_id: text, message: text });
  await open();
  await it.page.locator('#faults li').nth(HOSTILE.length - 1).waitFor();
  for (const width of [320, 390, 1280]) {
    await it.page.setViewportSize({ width, height: 800 });
    assert.equal(await it.overflow(), 0, `at ${width}`);
  }
  assert.equal(await it.page.evaluate(() => window.ran), undefined);
  assert.equal(await it.page.locator('#mock :is(script, img, svg)').count(), 0);
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing in the controls and the question, ${colorScheme}`, async () => {
    await it.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await server.send('POST', '/jobdeck/faults', { route: 'list', hold: true });
    await server.send('PUT', '/jobdeck/snapshots/one');
    await open();
    for (const width of [1280, 390]) {
      await it.page.setViewportSize({ width, height: 900 });
      await it.axe(`controls at ${width}`);
      await press('Reset…');
      await it.page.getByRole('alertdialog').waitFor();
      await it.axe(`question at ${width}`);
      assert.equal(await it.overflow(), 0);
      await it.page.keyboard.press('Escape');
      await it.page.getByRole('alertdialog').waitFor({ state: 'hidden' });
      assert.equal(await it.page.evaluate(() => document.activeElement.id), 'reset', 'the focus returns');
    }
    await press('+1 h');
    await says('The clock shows');
    await it.axe('note');
  });
}

test('a token with less rights gets a clear error', async () => {
  const other = new Server();
  try {
    other.writeFixtures(JOBS.map((job) => `${JSON.stringify(job)}\n`).join(''));
    const token = other.makeToken('--domain', 'domain-a', '--name', 'reader');
    await other.start();
    it.page.removeAllListeners('request');
    const view = async (scope) => {
      await it.page.goto(`${other.url}/?view=journal&zone=utc&domain=domain-a&refresh=0&scope=${scope}`);
    };
    await view('domain');
    await it.page.getByLabel('Token', { exact: true }).fill(token);
    await it.page.getByRole('button', { name: 'Go on' }).click();
    await it.page.locator('#journal-empty > *').first().waitFor();
    await it.page.locator('#mock summary').click();
    await clockSays('2026-01-01 00:00:00 UTC, frozen');
    await press('+1 h');
    await it.page.getByRole('alert').getByText('token reader may read, but not write').waitFor();
    await it.page.locator('#scope').selectOption('all');
    await it.page.locator('#mock-trouble', { hasText: 'domain domain-a alone' }).or(it.page.locator('#trouble', { hasText: 'domain domain-a alone' })).first().waitFor();
    for (const status of ['401', '403']) it.expect(status);
    await it.page.goto('about:blank');
  } finally {
    await other.remove();
  }
});

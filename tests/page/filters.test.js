/** The search box, the time range and the chart above the list: what narrows the list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordConditions } from '../../static/js/search-language.js';
import { NOW, suite } from './server.js';

const it = suite((server) => server.importGenerated(600));

const box = () => it.page.getByRole('combobox', { name: 'Search' });
const chips = () => it.page.locator('#chips li');
const options = () => it.page.getByRole('option').locator('span:first-child').allTextContents();
const expectList = async (query) => it.shows((await it.search({ ...query, page: { limit: 30 } })).results.map((job) => job.job_id));

test('plain words are searched for as they are typed', async () => {
  await it.open();
  const [id] = await it.ids();
  await box().pressSequentially(id.slice(6, 10));
  await it.addressIs(/keyword=/);
  await expectList({ filter_or: wordConditions(id.slice(6, 10)) });
  await box().fill('zzz');
  await it.page.getByText('No job matches').waitFor();
  await it.page.getByRole('button', { name: 'Clear filters' }).click();
  await expectList({});
  assert.equal(await box().inputValue(), '');
  await it.page.goBack();
  await it.addressIs(/keyword=zzz/);
  await it.page.waitForFunction(() => document.querySelector('#search').value === 'zzz');
});

test('a view is one entry in the history, and back restores the words', async () => {
  await it.open();
  await box().pressSequentially('a1');
  await it.addressIs(/keyword=a1/);
  const entries = await it.page.evaluate(() => history.length);
  await box().press('Enter');
  await it.page.getByRole('button', { name: /^All/ }).first().click();
  assert.equal(await it.page.evaluate(() => history.length), entries);
  await box().focus();
  await it.page.goBack();
  await it.page.waitForURL((url) => !url.searchParams.has('keyword'));
  await it.page.waitForFunction(() => document.querySelector('#search').value === '');
});

test('terms become chips, all of which must hold', async () => {
  await it.open();
  await box().pressSequentially('status:ERROR,timeout ');
  await chips().nth(0).waitFor();
  await box().pressSequentially('tasks>=10 errors.error_code~quota');
  await box().press('Enter');
  await chips().nth(2).waitFor();
  assert.deepEqual(await chips().locator('button:first-child').allTextContents(), ['status:ERROR,timeout', 'tasks>=10', 'errors.error_code~quota']
    .map((text) => text.replace('errors.error_code', 'error')));
  const filter = [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }, { k: 'total_tasks', v: 10, o: 'gte' }, { k: 'errors.error_code', v: 'quota', o: 'contain' }];
  await expectList({ filter });
  await it.page.reload();
  await expectList({ filter });
  await it.page.getByRole('button', { name: 'Remove tasks>=10' }).click();
  await expectList({ filter: [filter[0], filter[2]] });
  await box().press('Backspace');
  await expectList({ filter: [filter[0]] });
  assert.equal(await box().inputValue(), 'error~quota', 'the last chip is text again');
});

test('OR, NOT and a minus are understood, or the box says how they are written', async () => {
  await it.open();
  const texts = () => chips().locator('button:first-child').allTextContents();
  await box().pressSequentially('-status:SUCCESS ');
  await chips().nth(0).waitFor();
  assert.deepEqual(await texts(), ['status!=SUCCESS']);
  await expectList({ filter: [{ k: 'status', v: 'SUCCESS', o: 'not' }] });
  await it.page.getByRole('button', { name: 'Remove status!=SUCCESS' }).click();
  // The space makes a chip of the first term, from which the OR goes on.
  await box().pressSequentially('status:ERROR OR status:TIMEOUT');
  assert.deepEqual(await texts(), ['status:ERROR']);
  await box().press('Enter');
  await it.page.getByRole('button', { name: 'Remove status:ERROR,TIMEOUT' }).waitFor();
  assert.deepEqual(await texts(), ['status:ERROR,TIMEOUT']);
  assert.equal(await box().inputValue(), '');
  await expectList({ filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }] });
  await box().fill('status:CREATED OR project:a');
  await box().press('Enter');
  await it.page.getByText('Only the values of one key may be alternatives').waitFor();
  assert.equal(await box().inputValue(), 'status:CREATED OR project:a');
  assert.equal(await box().getAttribute('aria-invalid'), 'true');
  await expectList({ filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }] });
  await box().fill('');
  await box().pressSequentially('-status:T');
  assert.deepEqual(await options(), ['-status:TIMEOUT']);
  await it.page.clock.install();
  await box().fill('zz');
  await it.page.clock.runFor(1000);
  await it.addressIs(/keyword=zz/);
  await box().fill('-status');
  await it.page.clock.runFor(1000);
  assert.match(it.page.url(), /keyword=zz/, 'what may become a key is not searched for while it is typed');
  await box().fill('-status:T');
  assert.deepEqual(await options(), ['-status:TIMEOUT'], 'nothing that was searched for before is suggested');
  await it.page.locator('#suggestions').getByText('-status:TIMEOUT').click();
  await it.page.getByRole('button', { name: 'Remove status!=TIMEOUT' }).waitFor();
  await it.page.goBack();
  await it.page.goBack();
  await it.page.goBack();
  assert.deepEqual(await texts(), ['status:ERROR']);
});

test('keys, operators and values are suggested', async () => {
  await it.open();
  await box().pressSequentially('pro');
  assert.deepEqual(await options(), ['provider:', 'project:']);
  await box().pressSequentially('vider');
  assert.deepEqual(await options(), ['provider:', 'provider!=', 'provider~', 'provider!~']);
  await box().press('ArrowDown');
  assert.equal(await box().getAttribute('aria-activedescendant'), 'suggestion-0');
  await box().press('Tab');
  assert.equal(await box().inputValue(), 'provider:');
  await it.page.getByRole('option', { name: 'provider:azure' }).click();
  await chips().first().waitFor();
  await expectList({ filter: [{ k: 'collector_info.provider', v: 'azure', o: 'eq' }] });
  await box().pressSequentially('status:T');
  assert.deepEqual(await options(), ['status:TIMEOUT']);
  await box().press('Escape');
  assert.deepEqual(await options(), []);
  await box().fill('collector~"cloud s');
  await it.page.getByRole('option', { name: 'Google Cloud SQL' }).first().waitFor();
});

test('the beginning of a key is not searched for, and the members that have a word are suggested', async () => {
  await it.open();
  await box().pressSequentially('provider');
  await box().press('Enter');
  assert.equal(await box().inputValue(), 'provider:', 'a key alone is the beginning of a term');
  assert.doesNotMatch(it.page.url(), /keyword/);
  await box().fill('AWS EC2');
  await it.page.getByRole('option', { name: 'collector contains “AWS EC2”' }).click();
  await expectList({ filter: [{ k: 'collector_info.name', v: 'AWS EC2', o: 'contain' }] });
  await it.page.getByRole('button', { name: 'Change collector~"AWS EC2"' }).click();
  assert.equal(await box().inputValue(), 'collector~"AWS EC2"', 'a chip is text again, to be changed');
  await expectList({});
});

test('the error of a wrong term is shown at the search box', async () => {
  await it.open();
  for (const [text, problem] of [
    ['stauts:ERROR', /There is no key “stauts”. Did you mean status/], ['status:BROKEN', /There is no status “BROKEN”/], ['tasks>many', /takes a number/],
    ['created:yesterday', /takes a time as 2026-01-31/], ['status>ERROR', /takes : !=, not >/], ['tasks:', /needs a value/],
    ['duration>10m', /Jobs can't be filtered by duration: .* Sort the list by Duration instead/],
  ]) {
    await box().fill(text);
    await box().press('Enter');
    await it.page.locator('#search-error', { hasText: problem }).waitFor();
    assert.equal(await box().inputValue(), text, 'nothing is lost');
  }
  assert.equal(await chips().count(), 0);
  await it.open('?refresh=0&term=stauts:ERROR&term=tasks>40');
  assert.equal(await it.page.locator('.chip.wrong').count(), 1);
  await it.page.locator('#search-error', { hasText: 'stauts:ERROR is left out: There is no key “stauts”' }).waitFor();
  await expectList({ filter: [{ k: 'total_tasks', v: 40, o: 'gt' }] });
});

test('terms that exclude each other are explained', async () => {
  await it.open('?refresh=0&term=status:ERROR&term=status:TIMEOUT');
  await it.page.getByText('“status:ERROR” and “status:TIMEOUT” exclude each other; “status:ERROR,TIMEOUT” finds both.').waitFor();
  for (const query of ['term=status:ERROR,TIMEOUT&term=status:TIMEOUT', 'term=status!=ERROR&term=status!=TIMEOUT', 'term=error:A&term=error:B', 'term=project:*&term=project:a']) {
    await it.open(`?refresh=0&${query}`);
    assert.ok(await it.page.locator('#search-error').isHidden(), query);
  }
});

test('a preset narrows to the time before the clock of the server', async () => {
  await it.open();
  for (const [range, hours, unit] of [['day', 24, 'hour'], ['week', 168, 'day'], ['month', 720, 'day'], ['hour', 1, 'minute']]) {
    await it.page.locator('#range').selectOption(range);
    await it.addressIs(new RegExp(`range=${range}`));
    const from = new Date(Date.parse(NOW) - hours * 3_600_000).toISOString();
    await expectList({ filter: [{ k: 'created_at', v: from, o: 'datetime_gte' }] });
    await it.page.getByRole('heading', { name: `Jobs per ${unit}` }).waitFor();
  }
});

test('a custom range has two ends, in the zone that is shown', async () => {
  await it.open();
  await it.page.locator('#range').selectOption('week');
  await it.page.locator('#range').selectOption('custom');
  await it.page.waitForFunction(() => document.querySelector('#from').value.startsWith('2025-12-25 00:00'));
  await it.page.locator('#to').fill('2025-12-24 00:00:00');
  await it.page.getByRole('button', { name: 'Show', exact: true }).click();
  assert.equal(await it.page.locator('#to').evaluate((node) => node.validationMessage), 'It ends before it begins.');
  await it.page.locator('#to').fill('tomorrow');
  await it.page.getByRole('button', { name: 'Show', exact: true }).click();
  assert.match(await it.page.locator('#to').evaluate((node) => node.validationMessage), /takes a time as .*, not “tomorrow”$/);
  await it.page.locator('#to').fill(' ');
  await it.page.getByRole('button', { name: 'Show', exact: true }).click();
  assert.match(await it.page.locator('#to').evaluate((node) => node.validationMessage), /takes a time/, 'spaces are no time');
  await it.page.locator('#from').fill('2025-12-10');
  await it.page.locator('#to').fill('2025-12-12 12:00');
  await it.page.getByRole('button', { name: 'Show', exact: true }).click();
  const filter = [{ k: 'created_at', v: '2025-12-10T00:00:00.000Z', o: 'datetime_gte' }, { k: 'created_at', v: '2025-12-12T12:00:00.000Z', o: 'datetime_lt' }];
  await expectList({ filter });
  await it.page.reload();
  await expectList({ filter });
  assert.equal(await it.page.locator('#from').inputValue(), '2025-12-10 00:00:00');
  // A day is included.
  await it.page.locator('#to').fill('2025-12-12');
  await it.page.locator('#to').press('Enter');
  await expectList({ filter: [filter[0], { k: 'created_at', v: '2025-12-13T00:00:00.000Z', o: 'datetime_lt' }] });
});

const timeBars = () => it.page.locator('#times .bar-of-time');
const barNames = () => timeBars().evaluateAll((bars) => bars.map((bar) => bar.ariaLabel));
const countsOf = (names) => names.map((name) => Number(/: ([\d,]+) job/.exec(name)[1].replace(',', '')));

test('the chart above the list counts every job once, by day and outcome', async () => {
  await it.open();
  await timeBars().first().waitFor();
  const names = await barNames();
  const all = (await it.search({})).results;
  assert.equal(countsOf(names).reduce((sum, count) => sum + count), all.length);
  const day = all.filter((job) => job.created_at.startsWith('2025-12-24'));
  const errors = day.filter(({ status }) => ['ERROR', 'TIMEOUT'].includes(status)).length;
  const name = names.find((text) => text.startsWith('2025-12-24'));
  assert.ok(name.startsWith(`2025-12-24: ${day.length} jobs, `), name);
  if (errors) assert.ok(name.includes(`Failed: ${errors}`), name);
});

test('a click on the chart narrows to a day, a drag to several', async () => {
  await it.open();
  const bars = timeBars();
  await bars.nth(5).click();
  await it.addressIs(/range=custom&from=2025-12-07T00:00:00.000Z&to=2025-12-08/);
  await it.page.getByRole('heading', { name: 'Jobs per hour' }).waitFor();
  await it.page.getByRole('button', { name: 'All time' }).click();
  await it.page.getByRole('heading', { name: 'Jobs per day' }).waitFor();
  const [from, to] = await Promise.all([3, 9].map((index) => bars.nth(index).boundingBox()));
  await it.page.mouse.move(from.x + 2, from.y + 20);
  await it.page.mouse.down();
  await it.page.mouse.move(to.x + 2, to.y + 20, { steps: 5 });
  const width = Number(await it.page.locator('#times .brush').getAttribute('width'));
  assert.ok(Math.abs(width - (to.x + to.width - from.x)) < 2, `${width} pixels are marked`);
  await it.page.mouse.up();
  await it.addressIs(/from=2025-12-05T00:00:00.000Z&to=2025-12-12T00/);
});

test('arrow keys move through the chart', async () => {
  await it.open();
  await it.page.locator('#times .bar-of-time[tabindex="0"]').focus();
  await it.page.keyboard.press('Home');
  await it.page.keyboard.press('ArrowRight');
  const name = await it.page.evaluate(() => document.activeElement.ariaLabel);
  assert.equal(name, (await barNames())[1]);
  assert.ok(name.startsWith(await it.page.locator('#times .tip b').textContent()), 'the selected bar is shown');
  await it.page.keyboard.press('Enter');
  await it.addressIs(/from=2025-12-03T00:00:00.000Z&to=2025-12-04/);
});

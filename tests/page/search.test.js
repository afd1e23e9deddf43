/** The search box: what plain words find, what is suggested for them, times as words, composed input, and the ways to the box. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE, NOW, suite } from './server.js';

const MINUTE = 60_000;
const at = (minutes) => new Date(Date.parse(NOW) - minutes * MINUTE).toISOString();
/** A job that began so many minutes ago; the newest is the first of the list. */
const job = (id, minutes, { collector = {}, plugin = {}, ...more } = {}) => ({
  job_id: `job-${id}`, domain_id: 'domain-a', status: 'SUCCESS', created_at: at(minutes), finished_at: at(minutes - 1), total_tasks: 1, remained_tasks: 0,
  collector_info: { collector_id: `collector-${id}`, name: 'Plain', provider: 'any', ...collector, plugin_info: { plugin_id: 'plugin-any', version: '1', ...plugin } }, ...more,
});
const failed = (error) => ({ status: 'ERROR', errors: [{ error_code: 'ERROR_ANY', message: 'Any message.', ...error }] });

// Each of the first seven has the word in another member.
const JOBS = [
  job('needle', 2),
  job('b', 3, { collector: { name: 'The Needle of São Paulo' } }),
  job('c', 4, { plugin: { plugin_id: 'plugin-needle' } }),
  job('d', 5, { collector: { provider: 'needles' } }),
  job('e', 6, { project_id: 'project-needle' }),
  job('f', 7, failed({ error_code: 'ERROR_NEEDLE' })),
  job('g', 8, failed({ message: 'No thread for the NEEDLE.' })),
  job('h', 9),
  job('i', 10, { collector: { name: 'The Needle of São Paulo' }, ...failed({ message: 'Rate exceeded.' }) }),
  job('j', 11, failed({ message: 'Quota used up.' })),
  job('k', 26 * 60, { collector: { name: '한국 서버' } }),
];
const it = suite((server) => server.importJobs(JOBS));

const box = () => it.page.getByRole('combobox', { name: 'Search' });
const chips = () => it.page.locator('#chips li button:first-child').allTextContents();
const options = () => it.page.locator('#suggestions [role=option]').evaluateAll((nodes) => nodes.map((node) => [...node.children].map((part) => part.textContent).join(' | ')));
const offers = (texts) => it.page.waitForFunction((expected) => [...document.querySelectorAll('#suggestions [role=option]')]
  .map((node) => [...node.children].map((part) => part.textContent).join(' | ')).join('\n') === expected, texts.join('\n'));
const shows = (letters) => it.shows([...letters].map((letter) => (letter === 'a' ? 'job-needle' : `job-${letter}`)));

test('a word is found in each of the seven members, by every answer of the page', async () => {
  await it.open();
  await box().fill('NEEDLE');
  await shows('abcdefgi');
  const count = (tab) => it.page.locator(`#tabs [data-tab=${tab}] .count`).textContent();
  await it.page.waitForFunction(() => document.querySelector('#tabs [data-tab=all] .count').textContent === '8');
  assert.deepEqual([await count('succeeded'), await count('failed')], ['5', '3']);
  await it.page.waitForFunction(() => {
    const names = [...document.querySelectorAll('#times .bar-of-time')].map((bar) => bar.ariaLabel);
    return names.reduce((sum, name) => sum + Number(/: (\d+) job/.exec(name)[1]), 0) === 8;
  });
  const link = await it.page.locator('#export a').nth(2).getAttribute('href');
  const exported = await (await fetch(`${it.server.url}/${link}`)).json();
  assert.equal(exported.results?.length ?? exported.length, 8);
  await it.page.getByRole('button', { name: 'Statistics' }).click();
  await it.page.locator('#stat-rows tr').nth(1).waitFor();
  const counts = await it.page.locator('#stat-rows tr').evaluateAll((rows) => rows.map((row) => Number(/\d+/.exec(row.querySelector('td.number').textContent)[0])));
  assert.equal(counts.reduce((sum, one) => sum + one), 8);
  await it.page.getByRole('button', { name: 'Overview' }).click();
  await it.page.locator('#overview-state', { hasText: '3 failed of 8 jobs' }).waitFor();
  await it.open('?refresh=0&keyword=needle');
  await shows('abcdefgi');
});

test('the members that have the words are suggested with the jobs that they leave', async () => {
  await it.open();
  await box().fill('needle');
  await offers(['collector contains “needle” | 2 jobs', 'plugin contains “needle” | 1 job', 'provider contains “needle” | 1 job',
    'project contains “needle” | 1 job', 'error code contains “needle” | 1 job', 'error message contains “needle” | 1 job', 'job id contains “needle” | 1 job']);
  await box().press('ArrowDown');
  await box().press('Enter');
  await shows('bi');
  assert.deepEqual(await chips(), ['collector~needle']);
  assert.equal(await box().inputValue(), '');
  // The counts are of the other filters, too.
  await it.page.getByRole('button', { name: /^Failed/ }).click();
  await shows('i');
  await box().fill('rate');
  await offers(['error message contains “rate” | 1 job']);
  await it.page.getByRole('option', { name: 'error message contains “rate”' }).click();
  assert.deepEqual(await chips(), ['collector~needle', 'message~rate']);
  await shows('i');
});

test('several words are one text, and each of them is looked for where the text is nowhere', async () => {
  await it.open();
  await box().fill('rate exceeded');
  await shows('i');
  await offers(['as one text, anywhere: “rate exceeded” | 1 job', 'error message contains “rate exceeded” | 1 job']);
  await box().fill('needle exceeded');
  await it.page.getByText('No job matches').waitFor();
  await offers(['as one text, anywhere: “needle exceeded” | 0 jobs', 'each word in its place: collector~needle message~exceeded | 1 job']);
  await box().press('ArrowUp');
  await box().press('Enter');
  await shows('i');
  assert.deepEqual(await chips(), ['collector~needle', 'message~exceeded']);
});

test('OR between words finds either, NOT what has the word nowhere', async () => {
  await it.open();
  await box().fill('exceeded OR quota used');
  await box().press('Enter');
  await shows('ij');
  await it.addressIs(/keyword=exceeded\+OR\+quota\+used/);
  await box().fill('NOT needle');
  await box().press('Enter');
  await shows('hjk');
  assert.deepEqual(await chips(), ['anywhere!~needle']);
  await box().fill('needle AND quota');
  await box().press('Enter');
  await it.page.locator('#search-error', { hasText: 'Give each its key, as collector~nova message~quota' }).waitFor();
  await shows('hjk');
});

test('a message with a colon is found, and a minus and lower case are offered as operators', async () => {
  await it.open();
  await box().fill('Quota exceeded: 1011');
  await box().press('Enter');
  await it.addressIs(/keyword=Quota\+exceeded(?::|%3A)\+1011/);
  assert.deepEqual(await chips(), []);
  assert.ok(await it.page.locator('#search-error').isHidden());
  for (const [text, offer, keyword] of [['-needle', 'NOT needle', ''], ['exceeded or quota', 'exceeded OR quota', 'exceeded OR quota']]) {
    await box().fill(text);
    await it.page.getByRole('option', { name: offer }).click();
    assert.equal(await box().inputValue(), keyword);
  }
  assert.deepEqual(await chips(), ['anywhere!~needle']);
});

test('typing waits for nothing, and asks nothing before it pauses', async () => {
  await it.page.clock.install();
  await it.open();
  await it.page.clock.pauseAt(Date.now() + 60_000);
  assert.deepEqual(await it.askedWithin(1000), []);
  await box().pressSequentially('nee');
  await it.page.clock.runFor(100);
  await box().pressSequentially('d');
  await it.page.clock.runFor(100);
  await it.page.evaluate(() => fetch('/healthz').then((response) => response.text()));
  assert.deepEqual(it.asked.filter((path) => path !== '/healthz'), []);
  await it.settle();
  const asked = it.asked.filter((path) => path.startsWith('/inventory'));
  assert.ok(asked.length >= 8, 'the answers, and a count for each member');
  assert.equal((await options()).length, 7);
  // What was being counted when more is typed is not suggested.
  await box().pressSequentially('l');
  await it.page.clock.runFor(500);
  await box().fill('quota');
  await it.settle();
  assert.deepEqual(await options(), ['error message contains “quota” | 1 job']);
});

test('an unknown key is answered with the one that is most like it', async () => {
  await it.open();
  await box().pressSequentially('statsu:ERR');
  assert.deepEqual(await options(), ['status:ERR | Did you mean status?']);
  await box().fill('statsu:ERROR');
  await box().press('Enter');
  await it.page.locator('#search-error', { hasText: 'There is no key “statsu”. Did you mean status?' }).waitFor();
  await box().press('End');
  await box().fill('statsu:ERROR');
  await it.page.getByRole('option', { name: 'status:ERROR' }).click();
  assert.deepEqual(await chips(), ['status:ERROR']);
  await shows('fgij');
});

test('the name of a tab is a suggestion of its statuses, and values are not offered twice', async () => {
  await it.open();
  await box().fill('needle failed');
  assert.deepEqual(await options(), ['status:ERROR,TIMEOUT | Failed']);
  await it.page.getByRole('option', { name: 'status:ERROR,TIMEOUT' }).click();
  assert.deepEqual(await chips(), ['status:ERROR,TIMEOUT']);
  assert.equal(await box().inputValue(), 'needle');
  await shows('fgi');
  await box().fill('status:failed');
  await box().press('Enter');
  await it.page.locator('#search-error', { hasText: 'There is no status “failed”. Did you mean ERROR,TIMEOUT?' }).waitFor();
  await box().fill('provider:any,');
  await offers(['provider:any,needles | ']);
});

test('a duration is no filter, and the order by duration is offered', async () => {
  await it.open();
  await box().fill('duration<30s');
  assert.deepEqual(await options(), ['sort by Duration: the shortest first | there is no filter by duration']);
  await box().press('Enter');
  await it.page.locator('#search-error', { hasText: "Jobs can't be filtered by duration" }).waitFor();
  await box().fill('duration>=1h30m');
  await it.page.getByRole('option', { name: 'sort by Duration: the longest first' }).click();
  await it.addressIs(/sort=duration/);
  assert.equal(await box().inputValue(), '');
  assert.doesNotMatch(it.page.url(), /order=asc/);
});

test('times as words are time ranges', async () => {
  await it.open();
  await box().pressSequentially('last night');
  assert.deepEqual(await options(), ['time range: last night | 2025-12-31 18:00 – 2026-01-01 08:00 UTC']);
  await box().press('Enter');
  await it.addressIs(/range=custom&from=2025-12-31T18:00:00.000Z&to=2026-01-01T08:00:00.000Z/);
  assert.doesNotMatch(it.page.url(), /keyword/);
  assert.equal(await box().inputValue(), '');
  await shows('abcdefghij');
  await box().fill('last hour');
  await box().press('Enter');
  await it.addressIs(/range=hour/);
  await box().fill('needle last 2 days');
  await it.page.getByRole('option', { name: 'time range: last 2 days' }).click();
  await it.addressIs(/keyword=needle&range=custom&from=2025-12-30T00:00:00.000Z/);
  assert.equal(await box().inputValue(), 'needle');
  await shows('abcdefgi');
  // The focus may leave the box as well.
  await box().fill('yesterday');
  await it.page.locator('#content').focus();
  await it.addressIs(/from=2025-12-31T00:00:00.000Z&to=2026-01-01T00:00:00.000Z/);
  await shows('abcdefghij');
});

test('times are Korean and Japanese words on the pages of these languages', async () => {
  const WORDS = { ko: ['지난 3시간', '기간: 최근 3시간'], ja: ['過去３時間', '期間: 過去 3 時間'] };
  for (const [language, [words, range]] of Object.entries(WORDS)) {
    await it.page.addInitScript((language) => localStorage.setItem('jobdeck.language', language), language);
    await it.open();
    const search = it.page.locator('#search');
    await search.pressSequentially(words);
    assert.equal(await it.page.locator('#suggestion-0 > :first-child').textContent(), range);
    await search.press('Enter');
    await it.addressIs(/range=custom&from=2025-12-31T21:00:00.000Z/);
    assert.doesNotMatch(it.page.url(), /keyword/);
  }
});

test('nothing is searched for while characters are composed', async () => {
  await it.page.clock.install();
  await it.open();
  await it.page.clock.pauseAt(Date.now() + 60_000);
  const keyboard = await it.page.context().newCDPSession(it.page);
  const compose = (text) => keyboard.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 };
  await box().focus();
  await it.settle();
  for (const text of ['ㅎ', '하', '한']) await compose(text);
  assert.equal(await box().inputValue(), '한');
  assert.deepEqual(await it.askedWithin(2000), []);
  assert.doesNotMatch(it.page.url(), /keyword/);
  // The key that ends a composition commits nothing, whatever its code.
  await keyboard.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter, windowsVirtualKeyCode: 229 });
  assert.equal(await it.page.locator('#search-error').isVisible(), false);
  assert.doesNotMatch(it.page.url(), /keyword/);
  await keyboard.send('Input.insertText', { text: '한국' });
  await it.settle();
  await shows('k');
  assert.equal(new URL(it.page.url()).searchParams.get('keyword'), '한국');
  assert.deepEqual(await options(), ['collector contains “한국” | 1 job']);
  // A composition that goes on stops what the text before it has begun.
  await box().fill('zz');
  await compose('ㅎ');
  await it.page.clock.runFor(2000);
  assert.equal(new URL(it.page.url()).searchParams.get('keyword'), '한국');
});

test('Ctrl-K leads to the search from anywhere, and keys are known by their place on other keyboards', async () => {
  await it.open();
  const keyboard = await it.page.context().newCDPSession(it.page);
  const press = async (key, code, modifiers = 0) => {
    for (const type of ['rawKeyDown', 'keyUp']) {
      await keyboard.send('Input.dispatchKeyEvent', { type, key, code, modifiers, windowsVirtualKeyCode: code.charCodeAt(3) });
    }
  };
  const focused = () => it.page.evaluate(() => document.activeElement.id || document.activeElement.closest('tr')?.dataset.job);
  const [ALT, CTRL, META, SHIFT] = [1, 2, 4, 8];
  const leave = () => it.page.locator('#content').focus();
  for (const [key, code, modifiers] of [['k', 'KeyK', CTRL], ['ㅏ', 'KeyK', CTRL], ['л', 'KeyK', META], ['K', 'KeyK', CTRL], ['/', 'Slash'], ['.', 'Slash']]) {
    await leave();
    await press(key, code, modifiers);
    assert.equal(await focused(), 'search', `${key} ${code} ${modifiers}`);
    assert.equal(await box().inputValue(), '');
  }
  await it.page.locator('#size').focus();
  await press('k', 'KeyK', CTRL);
  assert.equal(await focused(), 'search', 'from a field');
  for (const [key, code, modifiers] of [['k', 'KeyK', CTRL | SHIFT], ['k', 'KeyK', CTRL | ALT], ['-', 'Slash'], ['j', 'KeyC', CTRL]]) {
    await leave();
    await press(key, code, modifiers);
    assert.equal(await focused(), 'content', `${key} ${code} ${modifiers}`);
  }
  for (const [down, up] of [['j', 'k'], ['ㅓ', 'ㅏ'], ['о', 'л'], ['Process', 'Process']]) {
    await it.page.locator('#rows a.id').first().focus();
    await press(down, 'KeyJ');
    assert.equal(await focused(), 'job-b', down);
    await press(up, 'KeyK');
    assert.equal(await focused(), 'job-needle', up);
  }
  await leave();
  await press('?', 'Slash', SHIFT);
  await it.page.locator('#help kbd', { hasText: 'Ctrl+K' }).waitFor();
  await press('k', 'KeyK', CTRL);
  assert.equal(await focused(), 'search');
  assert.equal(await it.page.locator('#help').isVisible(), false);
  await leave();
  await press(',', 'Slash', SHIFT);
  assert.equal(await it.page.locator('#help').isVisible(), true, 'the question mark of a Cyrillic keyboard');
});

test('hostile words are words', async () => {
  await it.open();
  for (const text of HOSTILE) {
    await box().fill(text.slice(0, await box().getAttribute('maxlength')));
    await box().press('Enter');
    // Some of them look like terms.
    await it.page.getByText('No job matches').or(it.page.locator('#search-error:visible')).first().waitFor();
    await it.open();
    await it.open(`?refresh=0&keyword=${encodeURIComponent(text.slice(0, 700))}`);
    await it.page.getByText('No job matches').waitFor();
    await it.open();
  }
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
});

test('the box and its suggestions are accessible', async () => {
  await it.open();
  await box().fill('needle');
  await it.page.locator('#suggestion-6').waitFor();
  await it.axe('suggestions of members');
  await box().fill('last night');
  await it.page.getByRole('option', { name: 'time range: last night' }).waitFor();
  await it.axe('a time range');
});

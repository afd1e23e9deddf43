/** The menu of views: those of the page, and those that are saved in the browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE, NOW, hostileJobs, suite } from './server.js';

const at = (minutes) => new Date(Date.parse(NOW) - minutes * 60_000).toISOString();
const job = (id, status, minutes, duration) => ({
  job_id: id, domain_id: 'domain-a', status, created_at: at(minutes), total_tasks: 1, remained_tasks: 0,
  ...(duration && { finished_at: at(minutes - duration) }), collector_info: { collector_id: 'collector-1', name: 'One' },
});
const JOBS = [
  job('running', 'IN_PROGRESS', 5), job('failed-now', 'ERROR', 10, 1), job('timeout-now', 'TIMEOUT', 50, 9), job('failed-night', 'ERROR', 120, 3),
  job('fine', 'SUCCESS', 180, 30), job('failed-day', 'ERROR', 10 * 60, 5), job('old', 'ERROR', 50 * 60, 500),
];
const it = suite((server) => server.importJobs([...JOBS, ...hostileJobs()]));

const open = () => it.open('?refresh=0&domain=domain-a');
const menu = () => it.page.locator('#views-menu');
const toggle = () => menu().locator('summary').click();
const saved = () => it.page.locator('#saved-views a').allTextContents();
const stored = () => it.page.evaluate(() => localStorage.getItem('jobdeck.views'));
const name = () => it.page.getByRole('textbox', { name: 'Name of this view' });
async function save(text) {
  await name().fill(text);
  await it.page.locator('#view-save').click();
}

test('the views of the page answer the most frequent questions', async () => {
  await open();
  await it.page.getByRole('combobox', { name: 'Search' }).fill('status:SUCCESS ');
  for (const [view, ids] of [
    ['Failed last night', ['failed-now', 'timeout-now', 'failed-night']],
    ['Failed in the last hour', ['failed-now', 'timeout-now']],
    ['Running', ['running']],
    ['Slowest of the last day', ['fine', 'timeout-now', 'failed-day', 'failed-night', 'failed-now', 'running']],
  ]) {
    await toggle();
    await menu().getByRole('link', { name: view, exact: true }).click();
    assert.equal(await menu().evaluate((node) => node.open), false, view);
    await it.shows(ids);
    await toggle();
    await menu().locator('a[aria-current=page]', { hasText: view }).waitFor();
    await toggle();
  }
});

test('a view is saved under a name, opened, replaced and deleted', async () => {
  await open();
  await it.page.getByRole('button', { name: /^Failed/ }).click();
  await it.shows(['failed-now', 'timeout-now', 'failed-night', 'failed-day', 'old']);
  await toggle();
  await save('  What failed ');
  assert.deepEqual(await saved(), ['What failed']);
  assert.equal(await name().inputValue(), '');
  const [{ query }] = JSON.parse(await stored());
  assert.match(query, /^\?domain=domain-a&tab=failed/);
  await toggle();
  await it.page.getByRole('button', { name: /^In progress/ }).click();
  await it.shows(['running']);
  await it.page.reload();
  await it.shows(['running']);
  await toggle();
  assert.equal(await menu().getByRole('link', { name: 'What failed' }).getAttribute('aria-current'), null);
  await menu().getByRole('link', { name: 'What failed' }).click();
  await it.shows(['failed-now', 'timeout-now', 'failed-night', 'failed-day', 'old']);
  await it.page.goBack();
  await it.shows(['running']);
  // The button asks, since the name is taken.
  await toggle();
  await name().fill('What failed');
  assert.equal(await it.page.locator('#view-save').textContent(), 'Replace');
  await name().fill('What fails');
  assert.equal(await it.page.locator('#view-save').textContent(), 'Save');
  await save('What failed');
  assert.deepEqual(await saved(), ['What failed']);
  assert.match(JSON.parse(await stored())[0].query, /tab=running/);
  await save('Another');
  await it.page.getByRole('button', { name: 'Delete the view What failed' }).click();
  assert.deepEqual(await saved(), ['Another']);
  assert.equal(await menu().evaluate((node) => node.open), true, 'the menu stays open');
  assert.equal(await it.page.evaluate(() => document.activeElement.ariaLabel), 'Delete the view Another');
  await it.page.keyboard.press('Enter');
  assert.deepEqual(await saved(), []);
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'view-name');
});

test('hostile names are names, and names are needed', async () => {
  await it.open('?refresh=0&domain=domain-hostile');
  await toggle();
  await save('   ');
  assert.deepEqual(await saved(), []);
  for (const text of HOSTILE) await save(text);
  assert.deepEqual(await saved(), HOSTILE.map((text) => text.slice(0, 100)));
  assert.equal(await it.overflow(), 0);
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
  await it.axe('saved views');
  await it.page.setViewportSize({ width: 390, height: 800 });
  assert.equal(await it.overflow(), 0);
  const right = await menu().locator('> div').evaluate((node) => node.getBoundingClientRect().right);
  assert.ok(right <= 390, `${right}`);
  await menu().locator('#saved-views a').first().click();
  await it.addressIs(/domain=domain-hostile/);
});

test('a broken storage has no views, and there is room for fifty', async () => {
  await open();
  const show = async (text) => {
    await it.page.evaluate((value) => {
      localStorage.setItem('jobdeck.views', value);
      // The event of an opened menu comes some time after the click, maybe after that of the menu that was closed before.
      window.shown = new Promise((done) => {
        document.querySelector('#views-menu').addEventListener('toggle', ({ newState }) => newState === 'open' && done());
      });
    }, text);
    await toggle();
    await it.page.evaluate(() => window.shown.then(() => null));
    const names = await saved();
    await toggle();
    return names;
  };
  for (const text of ['', '{', 'null', '5', '{"name":"a"}', '[null, 5, {"name": 5, "query": ""}, {"name": "", "query": ""}]']) assert.deepEqual(await show(text), [], text);
  assert.deepEqual(await show('[{"name": "good", "query": "?domain=domain-a"}, {"name": "bad"}]'), ['good']);
  const bad = JSON.stringify([{ name: 'bad', query: 'javascript:window.ran=true' }]);
  await show(bad);
  assert.equal(new URL(await it.page.locator('#saved-views a').first().getAttribute('href'), it.server.url).pathname, '/');
  const many = Array.from({ length: 60 }, (_, index) => ({ name: `view ${index}`, query: '?domain=domain-a' }));
  assert.equal((await show(JSON.stringify(many))).length, 50);
  await toggle();
  await save('one more');
  await it.page.getByText('There is room for 50 views: delete one first.').waitFor();
  assert.equal((await saved()).length, 50);
  await save('view 3');
  assert.equal(await it.page.locator('#view-problem').isVisible(), false, 'one of them is replaced');
  // A browser that stores nothing says so.
  await it.page.evaluate(() => { Storage.prototype.setItem = () => { throw new Error('full'); }; });
  await it.page.evaluate(() => localStorage.removeItem('jobdeck.views'));
  await save('lost');
  await it.page.getByText('This browser stores nothing here').waitFor();
  assert.equal(await name().inputValue(), 'lost');
});

test('the menu closes at Escape, and at a click elsewhere', async () => {
  await open();
  await toggle();
  await name().focus();
  await it.page.keyboard.press('Escape');
  assert.equal(await menu().evaluate((node) => node.open), false);
  await toggle();
  await it.page.locator('#total').click();
  assert.equal(await menu().evaluate((node) => node.open), false);
});

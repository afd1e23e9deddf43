/** Texts of several lines: errors of jobs, and of the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorSummary } from '../../static/js/format.js';
import '../../static/js/texts/en.js';
import { NOW, suite } from './server.js';

const TRACEBACK = 'Traceback (most recent call last):\n  File "c.py", line 4, in collect\n\tquota = limits[\'x\']\nValueError: no quota';
const LONG = `Could not read\n    ${'x'.repeat(600)}\n    end`;
const job = (id, errors) => ({ job_id: id, domain_id: 'domain-a', created_at: NOW, status: 'ERROR', errors });
const JOBS = [
  job('job-lines', [
    { error_code: 'E_TRACE', message: TRACEBACK, additional: { region: 'eu-west-1', log: 'first\n  second\n' } },
    { error_code: 'E_LONG', message: LONG },
    { error_code: 'E_LINE', message: 'One line', additional: { region: 'eu-west-1' } },
  ]),
  job('job-plain', [{ error_code: 'E', message: 'Plain' }]),
];

const it = suite((server) => server.writeFixtures(JOBS.map((one) => `${JSON.stringify(one)}\n`).join('')),
  { permissions: ['clipboard-read', 'clipboard-write'] });

const errors = () => it.page.locator('.job-error');
/** What is copied of a node that is selected. */
const copied = (node) => node.evaluate((element) => {
  getSelection().selectAllChildren(element);
  return getSelection().toString();
});
/** The indent of each line as it is painted, in pixels. */
const indents = (node) => node.evaluate((element) => {
  const text = element.firstChild;
  const left = element.getBoundingClientRect().left + parseFloat(getComputedStyle(element).paddingLeft);
  let at = 0;
  return text.data.split('\n').map((line) => {
    const range = new Range();
    const first = at + line.search(/\S/);
    range.setStart(text, first);
    range.setEnd(text, first + 1);
    at += line.length + 1;
    return Math.round(range.getBoundingClientRect().left - left);
  });
});

test('a summary has the line that says most', () => {
  for (const [messages, expected] of [
    [[TRACEBACK], 'E: ValueError: no quota'],
    [['Exception in thread "main"\n\tat A.b(A.java:1)'], 'E: Exception in thread "main"'],
    [['\r\n  first  \r\nsecond'], 'E: first'],
    [[''], 'E'],
    [[undefined], 'E'],
    [['a', 'b', 'c', 'd'], 'E: a\nE: b\nE: c\n…'],
    [[], ''],
  ]) assert.equal(errorSummary(messages.map((message) => ({ error_code: 'E', message }))), expected);
  assert.equal(errorSummary([{}]), 'No code');
  assert.equal(errorSummary(undefined), '');
});

for (const [width, name] of [[1280, 'wide'], [390, 'on a phone']]) {
  test(`errors of a job keep their lines and indents, ${name}`, async () => {
    await it.page.setViewportSize({ width, height: 900 });
    await it.open('?refresh=0&job=job-lines&domain=domain-a');
    await errors().nth(2).waitFor();
    const message = errors().nth(0).locator('pre').first();
    // Without a rendered box a newline would be a space.
    const rows = await indents(message);
    assert.equal(rows[0], 0);
    assert.ok(rows[1] > 5 && rows[2] > rows[1] && rows[3] === 0, `${rows}`);
    assert.equal(await copied(message), TRACEBACK);
    const parts = await errors().nth(0).locator('pre').allTextContents();
    assert.deepEqual(parts, [TRACEBACK, '{\n  "region": "eu-west-1"\n}', 'first\n  second\n']);
    assert.equal(await errors().nth(2).locator('div').first().textContent(), 'One line');
    assert.equal(await it.overflow(), 0);
    for (const node of await it.page.locator('.job-error pre').all()) {
      assert.ok(await node.evaluate((box) => box.scrollWidth <= box.clientWidth), 'a long line wraps');
    }
    // No block lies on the one above it.
    const boxes = await errors().locator('> *').evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect()));
    boxes.slice(1).forEach(({ top }, index) => assert.ok(top >= boxes[index].bottom - 1, `${index}`));
    await it.axe(name);
  });
}

test('the number of errors in the list has their summary', async () => {
  await it.open('?refresh=0&domain=domain-a');
  const titles = await it.page.locator('#rows .errors').evaluateAll((cells) => cells.map(({ title }) => title));
  assert.deepEqual(titles.sort(), ['E: Plain', 'E_TRACE: ValueError: no quota\nE_LONG: Could not read\nE_LINE: One line']);
});

test('a message of several lines is searched for and suggested in one', async () => {
  await it.open('?refresh=0&domain=domain-a');
  const box = it.page.getByRole('combobox', { name: 'Search' });
  await box.pressSequentially('message:Trace');
  await it.page.getByRole('option', { name: 'message:"Traceback' }).click();
  await it.shows(['job-lines']);
  await it.page.reload();
  await it.shows(['job-lines']);
});

test('an error of the server keeps its lines in every notice', async () => {
  const text = 'two mistakes:\n  line 1: a\n  line 2: b';
  const body = JSON.stringify({ detail: { code: 'ERROR_DB_QUERY', message: text } });
  await it.page.route('**/inventory/v1/jobs/*', (route) => route.fulfill({ status: 400, body, contentType: 'application/json' }));
  await it.page.goto(`${it.server.url}/?refresh=0&domain=domain-a`);
  for (const selector of ['#trouble-text', '#empty p']) {
    const node = it.page.locator(selector);
    await node.getByText('two mistakes').waitFor();
    assert.ok((await copied(node)).includes(text), selector);
    assert.ok((await indents(node))[1] > 3, selector);
  }
  await it.page.goto(`${it.server.url}/docs/api`);
  await it.page.locator('#api[aria-busy=false]').waitFor();
  const operation = it.page.locator('.operation', { has: it.page.locator('[id="search-jobs"]') });
  await operation.getByText('Try it', { exact: true }).click();
  await operation.getByRole('button', { name: 'Send', exact: true }).click();
  await operation.locator('.outcome', { hasText: '400' }).waitFor();
  assert.equal(await operation.locator('.answer code').first().textContent(), text);
  it.expect('status of 400');
});

/** The dialog of notifications: the rules, the deliveries and their answers. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HOSTILE, NOW, suite } from './server.js';

const MARKUP = HOSTILE[1];
let posts = 0;
const receiver = createServer((request, response) => {
  posts += 1;
  response.writeHead(500).end(MARKUP);
});
// Before the server starts, whose rule has the port.
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
after(() => receiver.close());
const it = suite((server) => {
  const file = join(server.folder, 'notify.toml');
  writeFileSync(file, `[[notify]]\nname = "nightly"\ndomain_id = "d"\non = ["failed", "stuck"]\n`
    + `url = "http://127.0.0.1:${receiver.address().port}/secret"\nallow_private = true\n`);
  server.options = ['--notify', file];
});

/** Waits, by real time, until something holds. */
async function until(holds) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}
const notifications = async () => (await it.server.send('GET', '/jobdeck/notifications')).json();

async function openDialog() {
  await it.page.goto(`${it.server.url}/?refresh=0`);
  await it.page.locator('#settings summary').click();
  await it.page.getByRole('button', { name: 'Notifications' }).click();
  const dialog = it.page.getByRole('dialog', { name: 'Notifications' });
  await dialog.waitFor();
  return dialog;
}

test('the rules and the deliveries are shown with their answers', async () => {
  let dialog = await openDialog();
  assert.match(await dialog.textContent(), /nightlydfailed, stuck127\.0\.0\.10.*Nothing has been sent yet/s);
  await it.axe('the dialog');
  // The rule is new: what is there is noted, and a failure after that is sent.
  it.server.importJobs([{ job_id: 'j', domain_id: 'd', status: 'ERROR', created_at: NOW, collector_info: { collector_id: 'c' } }]);
  await until(async () => posts > 0 && (await notifications()).deliveries.length > 0);
  dialog = await openDialog();
  const cells = await dialog.locator('table').nth(1).locator('td').allTextContents();
  assert.equal(cells[1], 'nightly');
  assert.equal(cells[3], `500 ${MARKUP}`, 'as text');
  assert.notEqual(cells[5], '', 'the next attempt');
  assert.equal(await it.page.evaluate(() => globalThis.ran), undefined);
  assert.doesNotMatch(await dialog.textContent(), /secret/);
  await it.axe('the dialog with a delivery');
});

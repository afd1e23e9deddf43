import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Inventory } from './inventory.mjs';
import setup from './jobdeck.setup.mjs';

let stop;
before(async () => { stop = await setup(); });
after(() => stop?.());

test('a search that is not answered is given up', async () => {
  const inventory = new Inventory();
  await inventory.putJob('job-1', { status: 'SUCCESS' });
  await inventory.addFault({ route: 'list', hold: true });
  const request = inventory.request('GET', '/inventory/v1/jobs', undefined, { signal: AbortSignal.timeout(50) });
  await assert.rejects(request, { name: 'TimeoutError' });

  await inventory.request('DELETE', '/jobdeck/jobs/job-1');
  await inventory.reset();
  assert.deepEqual(await inventory.jobs(), []);
});

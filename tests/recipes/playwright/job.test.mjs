import { expect, test } from '@playwright/test';
import { Inventory } from './inventory.mjs';

test('a job is created, runs and fails', async () => {
  const inventory = new Inventory();
  await inventory.freezeClock();
  await inventory.putJob('job-1', {
    total_tasks: 4,
    life: [
      { after: 10, status: 'IN_PROGRESS' },
      { after: 50, status: 'ERROR', remained_tasks: 2, errors: [{ error_code: 'ERROR_QUOTA', message: 'too many requests' }] },
    ],
  });
  const job = async () => (await inventory.jobs())[0];

  expect(await job()).toMatchObject({ status: 'CREATED', remained_tasks: 4, errors: [] });
  await inventory.advanceClock(10);
  expect(await job()).toMatchObject({ status: 'IN_PROGRESS', remained_tasks: 4 });
  await inventory.advanceClock(20);
  expect(await job()).toMatchObject({ status: 'IN_PROGRESS', remained_tasks: 3 });
  await inventory.advanceClock(20);
  expect(await job()).toMatchObject({ status: 'ERROR', remained_tasks: 2, errors: [{ error_code: 'ERROR_QUOTA' }] });
  expect(await inventory.search({ filter: [{ k: 'errors.message', v: 'requests', o: 'contain' }] })).toHaveLength(1);
});

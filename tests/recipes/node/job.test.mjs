import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest'; // or from '@playwright/test'

const domain = `domain-${randomUUID()}`;

async function ask(method, path, body) {
  const answer = await fetch(`${process.env.JOBDECK_URL}${path}?domain_id=${domain}`, {
    method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const advance = (seconds) => ask('POST', '/jobdeck/clock/advance', { seconds });

async function shows(expected) {
  const { results: [job] } = await ask('GET', '/inventory/v1/jobs');
  expect(job).toMatchObject(expected);
}

test('a job is created, runs and fails', async () => {
  await ask('PUT', '/jobdeck/clock', { is_frozen: true });
  await ask('PUT', '/jobdeck/jobs/job-1', {
    total_tasks: 4,
    life: [
      { after: 10, status: 'IN_PROGRESS' },
      { after: 50, status: 'ERROR', remained_tasks: 2, errors: [{ error_code: 'ERROR_QUOTA', message: 'too many requests' }] },
    ],
  });
  await shows({ status: 'CREATED', remained_tasks: 4, errors: [] });
  await advance(10);
  await shows({ status: 'IN_PROGRESS', remained_tasks: 4 });
  await advance(20);
  await shows({ status: 'IN_PROGRESS', remained_tasks: 3 });
  await advance(20);
  await shows({ status: 'ERROR', remained_tasks: 2, errors: [{ error_code: 'ERROR_QUOTA' }] });
});

/** Adding, editing and deleting jobs from the page, each checked against the API. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { HOSTILE, NOW, Server, suite } from './server.js';

const JOB = {
  job_id: 'job-1', domain_id: 'domain-a', status: 'ERROR', total_tasks: 4, remained_tasks: 1, created_at: '2025-12-31T22:00:00.000Z',
  updated_at: '2025-12-31T23:00:00.000Z', finished_at: '2025-12-31T23:00:00.000Z', project_id: 'project-1', filter: { region: 'x' },
  collector_info: { collector_id: 'collector-1', name: 'EC2' }, errors: [{ error_code: 'ERROR_QUOTA', message: 'too many' }],
};
const it = suite((server) => {
  server.options = ['--writable'];
  server.importJobs([JOB]);
});
const { server } = it;
const stored = async (job_id, domain_id = 'domain-a') => (await server.post('search', { domain_id, job_id })).results[0];

beforeEach(async () => {
  await server.send('DELETE', '/jobdeck/jobs?domain_id=domain-a');
  await server.send('PUT', '/jobdeck/jobs/job-1?domain_id=domain-a', JOB);
});

const dialog = () => it.page.locator('#job-dialog');
const field = () => it.page.getByLabel('The job as JSON');
const content = async () => JSON.parse(await field().inputValue());
const press = (name) => it.page.getByRole('button', { name, exact: true }).click();
const add = async () => {
  await it.page.locator('#more summary').click();
  await press('Add a job…');
};
const says = (text) => it.page.locator('#note', { hasText: text }).waitFor();
const closed = () => dialog().waitFor({ state: 'hidden' });
const selected = () => field().evaluate((node) => node.value.slice(node.selectionStart, node.selectionEnd));
async function openJob(id = 'job-1') {
  await it.page.goto(`${server.url}/?domain=domain-a&refresh=0&job=${encodeURIComponent(id)}`);
  await it.page.getByRole('button', { name: 'Edit…' }).waitFor();
}

test('a job is added, and opened at once', async () => {
  await it.open('?domain=domain-a&refresh=0&tab=failed');
  await add();
  await it.page.getByRole('dialog', { name: 'Add a job' }).waitFor();
  const draft = await content();
  assert.match(draft.job_id, /^job-[0-9a-f]+$/);
  assert.deepEqual({ ...draft, job_id: '' }, { job_id: '', domain_id: 'domain-a', status: 'CREATED', total_tasks: 1, remained_tasks: 1 });
  await field().fill(JSON.stringify({ ...draft, job_id: 'job-new', status: 'IN_PROGRESS' }));
  await press('Save');
  await closed();
  await says('job-new added');
  // It is shown, although the tab would not show it.
  await it.page.getByRole('heading', { name: 'job-new' }).waitFor();
  await it.page.locator('#domain option', { hasText: 'domain-a (2)' }).waitFor({ state: 'attached' });
  assert.equal((await stored('job-new')).status, 'IN_PROGRESS');
  assert.equal((await stored('job-new')).created_at, NOW.replace('Z', '.000Z'));
  await it.addressIs(/job=job-new/);
});

test('an id that is there already is refused, and nothing is overwritten', async () => {
  await it.open('?domain=domain-a&refresh=0');
  await add();
  await field().fill('{"job_id": "job-1", "domain_id": "domain-a"}');
  await press('Save');
  await it.page.getByRole('alert').getByText('job job-1 of domain domain-a is present already').waitFor();
  assert.equal((await stored('job-1')).status, 'ERROR');
  it.expect('409');
});

test('several jobs are added at once, and another domain is chosen by what is added', async () => {
  await it.open('?domain=domain-a&refresh=0');
  await add();
  await field().fill(JSON.stringify(['a', 'b'].map((job_id) => ({ job_id, domain_id: 'domain-a', created_at: NOW }))));
  await press('Save');
  await says('2 jobs added');
  await it.shows(['a', 'b', 'job-1']);
  await add();
  await field().fill('{"job_id": "c", "domain_id": "domain-c"}');
  await press('Save');
  await it.page.getByRole('heading', { name: 'c', exact: true }).waitFor();
  assert.equal(await it.domain(), 'domain-c');
  await server.send('DELETE', '/jobdeck/jobs?domain_id=domain-c');
});

test('a job is edited as JSON, and the page shows it at once', async () => {
  await openJob();
  await press('Edit…');
  await it.page.getByRole('dialog', { name: 'Edit job-1' }).waitFor();
  assert.deepEqual(await content(), { ...JOB, updated_at: NOW.replace('Z', '.000Z') }, 'with the time of the change');
  await field().fill(JSON.stringify({ ...(await content()), status: 'TIMEOUT', errors: [] }));
  await press('Save');
  await closed();
  await says('job-1 saved');
  await it.page.locator('#drawer-about .status', { hasText: 'Timeout' }).waitFor();
  await it.page.locator('#rows .status', { hasText: 'Timeout' }).waitFor();
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'edit-job', 'the focus is where it was');
  const { status, errors, updated_at: at, project_id: project } = await stored('job-1');
  assert.deepEqual([status, errors, at, project], ['TIMEOUT', [], NOW.replace('Z', '.000Z'), 'project-1']);
});

test('errors of the server are shown at their places', async () => {
  await openJob();
  await press('Edit…');
  const filler = Array.from({ length: 60 }, (_, index) => `    "x${index}": 1`).join(',\n');
  await field().fill(`{\n  "project_id": 7, "filter": {\n${filler}\n  },\n  "status": "LOST",\n  "total_tasks": -1\n}`);
  await press('Save');
  await it.page.getByRole('alert').getByText('unknown status `LOST`').waitFor();
  assert.equal(await selected(), '  "project_id": 7, "filter": {', 'the first one');
  await it.page.getByRole('button', { name: /^line 64, .*unknown status `LOST`; known are/ }).click();
  assert.equal(await selected(), '  "status": "LOST",');
  const [top, height, lines] = await field().evaluate((node) => [node.scrollTop, node.clientHeight, node.scrollHeight]);
  assert.ok(top > 0 && (63.5 / 66) * lines > top && (63.5 / 66) * lines < top + height, 'it is in sight');
  await it.page.getByRole('button', { name: /^line 65, .*total_tasks/ }).click();
  assert.equal(await selected(), '  "total_tasks": -1');
  await field().fill('{\n  "status": \n}');
  await press('Save');
  await it.page.getByRole('alert').getByText('the body is not JSON').waitFor();
  assert.equal(await selected(), '}');
  await field().fill('{"job_id": "other"}');
  await press('Save');
  await it.page.getByRole('alert').getByText('is `other` in the body and `job-1` in the address').waitFor();
  assert.equal((await stored('job-1')).status, 'ERROR');
  it.expect('400');
});

test('a change of somebody else is not overwritten without a word', async () => {
  await openJob();
  await press('Edit…');
  await server.send('PATCH', '/jobdeck/jobs/job-1?domain_id=domain-a', { status: 'SUCCESS', errors: [] });
  await field().fill(JSON.stringify({ ...(await content()), project_id: 'project-2' }));
  await press('Save');
  await it.page.getByRole('alert').getByText('Somebody has changed it meanwhile: status, updated_at, errors.').or(
    it.page.getByRole('alert').getByText(/Somebody has changed it meanwhile: (?=.*status)(?=.*errors)(?=.*updated_at)/)).first().waitFor();
  assert.deepEqual([(await stored('job-1')).status, (await stored('job-1')).project_id], ['SUCCESS', 'project-1']);
  await press('Save');
  await closed();
  assert.deepEqual([(await stored('job-1')).status, (await stored('job-1')).project_id], ['ERROR', 'project-2']);
  await press('Edit…');
  await server.send('DELETE', '/jobdeck/jobs/job-1?domain_id=domain-a');
  await press('Save');
  await it.page.getByRole('alert').getByText('Somebody has deleted it meanwhile.').waitFor();
  assert.equal(await stored('job-1'), undefined);
  await press('Save');
  await closed();
  assert.equal((await stored('job-1')).project_id, 'project-2');
});

test('what was written is not lost without a question', async () => {
  await openJob();
  await press('Edit…');
  await it.page.keyboard.press('Escape');
  await closed();
  await press('Edit…');
  await field().fill('{}');
  await it.page.mouse.click(5, 5);
  assert.equal(await dialog().isVisible(), true);
  await it.page.keyboard.press('Escape');
  const question = it.page.getByRole('alertdialog', { name: 'Discard what you wrote?' });
  await question.waitFor();
  assert.equal(await it.page.evaluate(() => document.activeElement.id), 'confirm-cancel');
  await it.page.keyboard.press('Enter');
  assert.equal(await field().inputValue(), '{}');
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  await press('Discard');
  await closed();
  assert.equal((await stored('job-1')).status, 'ERROR');
});

test('a job runs again as a copy that has yet to run', async () => {
  await openJob();
  await press('Run again…');
  const copy = await content();
  assert.notEqual(copy.job_id, 'job-1');
  assert.deepEqual(copy, {
    job_id: copy.job_id, domain_id: 'domain-a', status: 'CREATED', total_tasks: 4, remained_tasks: 4, project_id: 'project-1',
    filter: { region: 'x' }, collector_info: JOB.collector_info, errors: [],
  });
  await press('Save');
  await it.page.getByRole('heading', { name: copy.job_id }).waitFor();
  const { created_at: at, status, finished_at: end } = await stored(copy.job_id);
  assert.deepEqual([at, status, end], [NOW.replace('Z', '.000Z'), 'CREATED', undefined]);
});

test('a job is deleted after a question', async () => {
  await openJob();
  for (const button of ['Cancel', 'Delete']) {
    await press('Delete…');
    const question = it.page.getByRole('alertdialog', { name: 'Delete the job job-1?' });
    await question.getByText('It is one of the domain domain-a, and can not be brought back.').waitFor();
    assert.equal(await it.page.evaluate(() => document.activeElement.id), 'confirm-cancel');
    await question.getByRole('button', { name: button, exact: true }).click();
    await question.waitFor({ state: 'hidden' });
    if (button === 'Cancel') assert.equal((await stored('job-1')).job_id, 'job-1');
  }
  await says('job-1 deleted');
  await it.page.locator('#drawer').waitFor({ state: 'hidden' });
  await it.page.locator('#rows tr').first().waitFor({ state: 'detached' });
  assert.equal(await stored('job-1'), undefined);
  await it.page.waitForURL((url) => !url.searchParams.has('job'));
});

test('hostile ids and texts are edited and deleted as they are', async () => {
  for (const [index, text] of HOSTILE.entries()) {
    const id = text.slice(0, 100);
    await server.send('POST', '/jobdeck/jobs', { ...JOB, job_id: id, project_id: text.slice(0, 200), errors: [{ message: text }] });
    await openJob(id);
    await press('Edit…');
    assert.equal((await content()).errors[0].message, text);
    for (const width of [390, 1280]) {
      await it.page.setViewportSize({ width, height: 800 });
      assert.equal(await it.overflow(), 0);
    }
    await field().fill(JSON.stringify({ ...(await content()), total_tasks: index + 10 }));
    await press('Save');
    await says('saved');
    await closed();
    assert.equal((await stored(id)).total_tasks, index + 10);
    await press('Delete…');
    await press('Delete');
    await says('deleted');
    assert.equal(await stored(id), undefined);
  }
  assert.equal(await it.page.evaluate(() => window.ran), undefined);
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing in the dialog, ${colorScheme}`, async () => {
    await it.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await openJob();
    await it.axe('drawer');
    await press('Edit…');
    await field().fill('{\n"x": 1\n}');
    await press('Save');
    await it.page.getByRole('alert').getByText('unknown field').waitFor();
    for (const width of [1280, 390]) {
      await it.page.setViewportSize({ width, height: 800 });
      await it.axe(`dialog at ${width}`);
      assert.equal(await it.overflow(), 0);
    }
    await it.page.keyboard.press('Escape');
    await it.axe('question');
    it.expect('400');
  });
}

test('a server that is not writable, and a token that may only read, have none of it', async () => {
  const check = async (other, token, isWritable) => {
    await it.page.goto(`${other.url}/?refresh=0&domain=domain-a&job=job-1`);
    if (token) {
      await it.page.getByLabel('Token', { exact: true }).fill(token);
      await it.page.getByRole('button', { name: 'Go on' }).click();
    }
    await it.page.getByRole('button', { name: 'Copy JSON' }).waitFor();
    await it.page.locator('#more summary').click();
    const visible = (id) => it.page.locator(`#${id}`).isVisible();
    assert.deepEqual(await Promise.all(['add-job', 'edit-job', 'run-again', 'delete-job'].map(visible)), Array(4).fill(isWritable));
    await it.page.evaluate(() => sessionStorage.clear());
    await it.page.goto('about:blank');
  };
  it.page.removeAllListeners('request');
  for (const [options, tokens] of [[[], [null]], [['--writable'], ['reader', 'writer']]]) {
    const other = new Server();
    try {
      other.options = options;
      other.importJobs([JOB]);
      const made = tokens.map((name) => name && other.makeToken('--domain', 'domain-a', '--name', name, ...(name === 'writer' ? ['--write'] : [])));
      await other.start();
      for (const [index, token] of made.entries()) await check(other, token, tokens[index] === 'writer');
    } finally {
      await other.remove();
    }
  }
  it.expect('401');
});

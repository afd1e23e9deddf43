import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULTS, change, countsBody, format, pageNumbers, parse, searchBody } from '../../static/js/state.js';
import { duration, percent, relative, tasks } from '../../static/js/format.js';

test('a state and its address are the same', () => {
  const states = [
    { ...DEFAULTS },
    { ...DEFAULTS, domain: 'd & e', tab: 'failed', keyword: 'a b', sort: 'job_id', desc: false, page: 3, size: 100, job: 'j/1', refresh: 0 },
    { ...DEFAULTS, desc: false },
  ];
  for (const state of states) assert.deepEqual(parse(format(state)), state);
  assert.equal(format(DEFAULTS), '');
});

test('an address that says nonsense is the default', () => {
  assert.deepEqual(parse('?tab=x&sort=domain_id&page=0&size=7&refresh=-1&order='), { ...DEFAULTS });
  assert.equal(parse('?page=1e99').page, 1);
  assert.equal(parse('?refresh=0').refresh, 0);
});

test('what changes the rows goes back to the first page', () => {
  const state = { ...DEFAULTS, page: 5 };
  assert.equal(change(state, { tab: 'failed' }).page, 1);
  assert.equal(change(state, { job: 'j' }).page, 5);
  assert.equal(change(state, { page: 6 }).page, 6);
});

test('a state asks what it shows', () => {
  const state = { ...DEFAULTS, domain: 'd', tab: 'failed', keyword: ' a ', page: 2, size: 30 };
  assert.deepEqual(searchBody(state), {
    domain_id: 'd',
    query: {
      keyword: 'a', sort: { key: 'created_at', desc: true }, page: { start: 31, limit: 30 },
      filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }],
    },
  });
  assert.equal(countsBody(state).query.filter, undefined, 'the tabs count every status');
});

test('pages are offered near the current one', () => {
  assert.deepEqual(pageNumbers(1, 1), [1]);
  assert.deepEqual(pageNumbers(1, 9), [1, 2, 0, 9]);
  assert.deepEqual(pageNumbers(5, 9), [1, 0, 4, 5, 6, 0, 9]);
  assert.deepEqual(pageNumbers(99, 3), [1, 0, 3], 'past the end, the last page is offered');
});

test('values are read as people read them', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(relative('2025-12-31T23:59:30Z', now), '30 seconds ago');
  assert.equal(relative('2025-12-31T20:00:00Z', now), '4 hours ago');
  assert.equal(relative('2026-01-01T00:00:00Z', now), 'now');
  const job = { created_at: '2025-12-31T22:00:00Z', status: 'IN_PROGRESS' };
  assert.equal(duration(job, now), '2 h 0 min');
  assert.equal(duration({ ...job, finished_at: '2025-12-31T22:01:05Z' }, now), '1 min 5 s');
  assert.equal(duration({ ...job, finished_at: job.created_at }, now), '0 s');
  assert.equal(percent({ total_tasks: 3, remained_tasks: 1 }), 67);
  assert.equal(duration({ ...job, status: 'ERROR' }, now), '–', 'it ended, but nobody wrote down when');
  assert.equal(percent({ total_tasks: 3, remained_tasks: -1 }), null);
  assert.equal(tasks({ total_tasks: 3, remained_tasks: -1 }), '– / 3');
  assert.equal(tasks({ total_tasks: 3, remained_tasks: 1 }), '2 / 3');
  assert.equal(percent({}), null);
});

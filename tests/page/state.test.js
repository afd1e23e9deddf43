import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, exact, percent, plugin, rate, relative, signedRate, span, tasks, zoneName } from '../../static/js/format.js';
import { number } from '../../static/js/language.js';
import '../../static/js/texts/en.js';
import { DEFAULTS, NO_FILTERS, change, format, isFiltered, pageNumbers, parse } from '../../static/js/state.js';

test('a state and its address are the same', () => {
  const states = [
    { ...DEFAULTS },
    {
      ...DEFAULTS, domain: 'd & e', view: 'statistics', tab: 'failed', keyword: 'a b', terms: ['status:ERROR', 'message~"a, b"'], collector: 'c', project: 'p',
      range: 'custom', from: '2026-01-01T00:00:00.000Z', to: '', sort: 'job', desc: false, page: 3, size: 100, columns: ['status', 'finished', 'job'],
      by: ['status', 'day'], measures: ['failed', 'count'], stat: '{"distinct": "status"}', zone: 'utc', refresh: 0,
    },
    { ...DEFAULTS, desc: false, job: 'j/1' },
    { ...DEFAULTS, view: 'journal', contains: 'a & b', route: 'search', status: 'null', scope: 'domain' },
  ];
  for (const state of states) assert.deepEqual(parse(format(state)), state);
  assert.equal(format(DEFAULTS), '');
});

test('a wrong address has the defaults', () => {
  const nonsense = '?tab=x&view=y&sort=domain_id&page=0&size=7&refresh=-1&order=&columns=a,b&by=,&measures=&zone=mars&range=never&from=x&nonsense=1&desc=false&route=x&status=20&scope=none';
  assert.deepEqual(parse(nonsense), { ...DEFAULTS, columns: DEFAULTS.columns });
  assert.equal(parse('?page=1e99').page, 1);
  assert.equal(parse('?refresh=0').refresh, 0);
  assert.equal(parse('?range=day&from=2026-01-01').from, '', 'a preset has no ends of its own');
  assert.deepEqual(['overview', 'collectors', 'jobs'].map((view) => parse(`?view=${view}`).range), ['day', 'week', 'all']);
  assert.equal(parse('?view=overview&range=all').range, 'day', 'an overview is one of a range');
  assert.deepEqual(parse('?columns=status').columns, ['status', 'job'], 'the column that opens a job is always there');
  assert.deepEqual(parse('?by=status,status,provider,day').by, ['status', 'provider']);
});

test('a change of the rows leads back to the first page', () => {
  const state = { ...DEFAULTS, page: 5, job: 'j' };
  for (const to of [{ tab: 'failed' }, { keyword: 'x' }, { terms: ['a'] }, { sort: 'job' }, { range: 'day' }, { size: 30 }]) assert.equal(change(state, to).page, 1);
  for (const to of [{ job: 'k' }, { zone: 'utc' }, { columns: ['job'] }, { view: 'statistics' }, { refresh: 0 }]) assert.equal(change(state, to).page, 5);
  assert.equal(change(state, { page: 6 }).page, 6);
  assert.equal(change(state, { domain: 'e' }).job, '', 'a job belongs to its domain');
  assert.equal(change(state, { domain: 'e', job: 'k' }).job, 'k');
  assert.equal(change({ ...state, collector: 'c' }, { domain: 'e' }).collector, '', 'so does a collector');
});

test('an open job belongs to its view', () => {
  const state = { ...DEFAULTS, job: 'j' };
  assert.equal(change(state, { view: 'statistics' }).job, '');
  assert.equal(change(state, { view: 'jobs' }).job, 'j', 'it is this view already');
  assert.equal(change({ ...state, view: 'now' }, { view: 'jobs', job: 'k' }).job, 'k');
  const opens = ['overview', 'now', 'collectors', 'jobs', 'statistics', 'journal'].filter((view) => parse(`?view=${view}&job=j`).job);
  assert.deepEqual(opens, ['overview', 'now', 'collectors', 'jobs']);
});

test('every filter counts as one, and can be cleared', () => {
  assert.equal(isFiltered({ ...DEFAULTS, domain: 'd', sort: 'job', page: 2 }), false);
  for (const to of [{ tab: 'failed' }, { keyword: 'x' }, { terms: ['a'] }, { collector: 'c' }, { project: 'p' }, { range: 'day' }]) {
    const state = { ...DEFAULTS, ...to };
    assert.equal(isFiltered(state), true);
    assert.equal(isFiltered(change(state, NO_FILTERS)), false);
  }
});

test('page numbers near the current one are shown', () => {
  assert.deepEqual(pageNumbers(1, 1), [1]);
  assert.deepEqual(pageNumbers(1, 9), [1, 2, 0, 9]);
  assert.deepEqual(pageNumbers(5, 9), [1, 0, 4, 5, 6, 0, 9]);
  assert.deepEqual(pageNumbers(99, 3), [1, 0, 3], 'past the end, the last page is offered');
});

test('the age and the duration of a job that runs are the same', () => {
  const now = Date.parse('2026-01-01T00:00:00.400Z');
  const DAY = 86_400_000;
  for (let millis = 0; millis < 3 * DAY; millis += millis < 180_000 ? 377 : 7_013) {
    const job = { created_at: new Date(now - millis).toISOString(), status: 'IN_PROGRESS' };
    const [age, took] = [relative(job.created_at, now), duration(job, now)].map((text) => /^\d+ \w+/.exec(text)[0]);
    assert.equal(age.replace(/days$/, 'day'), took.replace(/days$/, 'day'), `after ${millis} ms`);
  }
});

test('values are formatted for people', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(relative('2025-12-31T23:59:30Z', now), '30 sec. ago');
  assert.equal(relative('2025-12-31T20:00:00Z', now), '4 hr. ago');
  assert.equal(relative('2026-01-01T00:00:00Z', now), '0 sec. ago');
  assert.equal(relative('2026-01-01T00:02:00Z', now), 'in 2 min.');
  assert.equal(relative('nonsense', now), '');
  assert.equal(exact('2026-01-01T08:00:00.120Z', 'utc'), '2026-01-01 08:00:00.120 UTC');
  assert.match(exact('2026-01-01T08:00:00Z', 'local'), /^202[56]-\d\d-\d\d \d\d:\d\d:00 UTC/);
  assert.equal(zoneName(now, 'utc'), 'UTC');
  assert.deepEqual([0, 999, 1000, 1234567.8912, -1234.5].map(number), ['0', '999', '1,000', '1,234,567.891', '-1,234.5']);
  assert.equal(exact('nonsense', 'utc'), '');
  assert.equal(exact(undefined, 'utc'), '');
  const job = { created_at: '2025-12-31T22:00:00Z', status: 'IN_PROGRESS' };
  assert.equal(duration(job, now), '2 hr 0 min');
  assert.equal(duration({ ...job, finished_at: '2025-12-31T22:01:05Z' }, now), '1 min 5 sec');
  assert.equal(duration({ ...job, finished_at: job.created_at }, now), '0 sec');
  assert.equal(duration({ ...job, status: 'ERROR' }, now), '–', 'it ended, but nobody wrote down when');
  assert.equal(span(90_000_000), '1 day 1 hr');
  assert.equal(percent({ total_tasks: 3, remained_tasks: 1 }), 67);
  assert.equal(percent({ total_tasks: 3, remained_tasks: -1 }), null);
  assert.equal(percent({}), null);
  assert.equal(tasks({ total_tasks: 3, remained_tasks: -1 }), '– / 3');
  assert.equal(tasks({ total_tasks: 3, remained_tasks: 1 }), '2 / 3');
  assert.equal(plugin({ collector_info: { provider: 'aws', plugin_info: { plugin_id: 'p', version: '1' } } }), 'p 1 · aws');
  assert.equal(plugin({}), '');
  assert.deepEqual([1, 0.9724, 0].map(rate), ['100\u00a0%', '97.2\u00a0%', '0\u00a0%']);
  assert.deepEqual([0.056, -0.1092, 0, 0.0004, -0.0004].map(signedRate), ['+5.6\u00a0%', '−10.9\u00a0%', '0\u00a0%', '0\u00a0%', '0\u00a0%']);
});

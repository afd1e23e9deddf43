/** What the runs before a job say of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, differences } from '../../static/js/history.js';
import '../../static/js/texts/en.js';

const MINUTE = 60_000;
const NOW = Date.parse('2026-01-01T12:00:00Z');

/** A job that began so many minutes ago and took so many; none where it has not ended. */
const run = (status, ago, took = null) => ({
  job_id: `job-${ago}`, status, created_at: new Date(NOW - ago * MINUTE).toISOString(),
  finished_at: took === null ? null : new Date(NOW - (ago - took) * MINUTE).toISOString(),
});
const runs = (status, count, from = 100) => Array.from({ length: count }, (_, index) => run(status, from + index * 10, 10));

test('a job is compared with what is usual, and with the run before', () => {
  for (const [job, earlier, expected] of [
    [run('SUCCESS', 50, 12), runs('SUCCESS', 5), 'Succeeded after 12 min 0 sec, usually 10 min 0 sec.'],
    [run('SUCCESS', 50, 12), runs('SUCCESS', 4), 'Succeeded after 12 min 0 sec.'],
    [run('SUCCESS', 50, 12), runs('ERROR', 1), 'Succeeded after 12 min 0 sec; the run before failed.'],
    [run('SUCCESS', 50, 12), runs('TIMEOUT', 2), 'Succeeded after 12 min 0 sec; after 2 failures in a row.'],
    [run('ERROR', 50, 1), [...runs('SUCCESS', 6)], 'Failed after 1 min 0 sec, usually 10 min 0 sec; the run before succeeded.'],
    [run('TIMEOUT', 50, 30), [...runs('ERROR', 2), ...runs('SUCCESS', 5, 200)], 'Timed out after 30 min 0 sec, usually 10 min 0 sec; 3 failures in a row.'],
    [run('ERROR', 50, 1), runs('ERROR', 20), 'Failed after 1 min 0 sec; 21 failures in a row; none of the 20 runs before succeeded.'],
    [run('ERROR', 50), [], 'Failed.'],
    [run('CANCELED', 50, 3), runs('SUCCESS', 5), 'Canceled after 3 min 0 sec, usually 10 min 0 sec.'],
    [run('IN_PROGRESS', 4), runs('SUCCESS', 5), 'Runs for 4 min 0 sec, usually 10 min 0 sec.'],
    [run('CREATED', 2), [], 'Waits for 2 min 0 sec.'],
  ]) assert.equal(describe(job, [job, ...earlier], NOW).text, expected);
});

test('a failure names its last success, and a change of the plugin since then', () => {
  const withVersion = (job, version) => ({ ...job, collector_info: { plugin_info: { version } } });
  const job = withVersion(run('ERROR', 50, 1), '2.0');
  const success = withVersion(run('SUCCESS', 90, 5), '1.9');
  const found = describe(job, [job, run('ERROR', 70, 1), success], NOW);
  assert.equal(found.lastSuccess, success);
  assert.match(found.text, /The plugin has changed since the last success, from 1\.9 to 2\.0\.$/);
  assert.doesNotMatch(describe(job, [withVersion(success, '2.0')], NOW).text, /plugin/);
  assert.equal(describe(run('SUCCESS', 50, 1), [success], NOW).lastSuccess, null);
});

test('what a job was run with otherwise than another one, by path', () => {
  const job = (version, options, filter) => ({ collector_info: { name: 'One', plugin_info: { version, options } }, filter });
  const [then, here] = [job('1', { region: 'a', deep: { list: [1, 2] } }, {}), job('2', { region: 'a', deep: { list: [1] }, more: true }, { secrets: ['s'] })];
  assert.deepEqual(differences(then, here), [
    { path: 'collector_info.plugin_info.options.deep.list', then: [1, 2], here: [1] },
    { path: 'collector_info.plugin_info.options.more', then: undefined, here: true },
    { path: 'collector_info.plugin_info.version', then: '1', here: '2' },
    { path: 'filter.secrets', then: undefined, here: ['s'] },
  ]);
  assert.deepEqual(differences(then, then), []);
  assert.deepEqual(differences({}, {}), []);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import * as questions from '../../static/js/questions.js';
import { DEFAULTS } from '../../static/js/state.js';

const NOW = Date.parse('2026-01-01T00:00:30Z');
const state = { ...DEFAULTS, domain: 'd' };

test('a list asks for what its state shows', () => {
  const shown = { ...state, tab: 'failed', keyword: ' a ', collector: 'c', project: 'p', terms: ['tasks>1', 'nonsense:1'], range: 'hour', page: 2, size: 30, sort: 'tasks' };
  assert.deepEqual(questions.list(shown, NOW), {
    path: '/inventory/v1/jobs/search',
    body: {
      domain_id: 'd',
      query: {
        filter: [
          { k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }, { k: 'collector_id', v: 'c', o: 'eq' }, { k: 'project_id', v: 'p', o: 'eq' },
          { k: 'total_tasks', v: 1, o: 'gt' }, { k: 'created_at', v: '2025-12-31T23:00:00.000Z', o: 'datetime_gte' },
        ],
        keyword: 'a', sort: { keys: [{ key: 'total_tasks', desc: true }, { key: 'created_at', desc: true }] }, page: { start: 31, limit: 30 },
      },
    },
  });
  assert.deepEqual(questions.list(state, NOW).body.query, { sort: { keys: [{ key: 'created_at', desc: true }] }, page: { start: 1, limit: 15 } });
});

test('the tabs and the strip count every status', () => {
  for (const ask of [questions.counts, questions.strip]) assert.equal(ask({ ...state, tab: 'failed' }, NOW, '%Y').body.query.filter, undefined);
});

test('a column that is no path is sorted by a statistic', () => {
  assert.equal(questions.isComputed(state), false);
  const shown = { ...state, sort: 'duration' };
  assert.equal(questions.isComputed(shown), true);
  const { aggregate, page } = questions.order(shown, NOW).body.query;
  assert.deepEqual(aggregate[0].project.fields.at(-1), { name: 'value', operator: 'subtract', fields: ['finished_at', 'created_at'] });
  assert.deepEqual(page, { start: 1, limit: 15 });
});

test('a duration is worked out before it is measured', () => {
  const chosen = { ...state, by: ['status', 'day'], measures: ['average-duration', 'failed'] };
  const [project, group, sort] = questions.statisticsQuery(chosen, NOW).aggregate;
  assert.deepEqual(project.project.fields.map(({ name }) => name), ['status', 'day', 'total_tasks', 'duration']);
  assert.deepEqual(group.group.keys, [{ key: 'status', name: 'status' }, { key: 'day', name: 'day', date_format: '%Y-%m-%d' }]);
  assert.deepEqual(sort.sort.keys, [{ key: 'day', desc: true }, { key: 'average-duration', desc: true }, { key: 'status', desc: false }]);
});

test('a line for a shell is what it says, whatever it says', () => {
  const body = { domain_id: `it's "$HOME" \`id\` \\ ; $(id)\n` };
  const line = questions.curl('http://127.0.0.1:1', { path: '/x', body });
  const said = execFileSync('bash', ['-c', line.replace(/^curl/, 'printf "%s\\0"')], { encoding: 'utf8' }).split('\0');
  assert.deepEqual(said.slice(0, 5), ['-sg', 'http://127.0.0.1:1/x', '-H', 'content-type: application/json', '--data-raw']);
  assert.deepEqual(JSON.parse(said[5]), body);
  const how = (request) => questions.curl('http://h', { path: '/x?[1-2]', ...request });
  assert.equal(how({ method: 'GET' }), "curl -sg 'http://h/x?[1-2]'");
  assert.equal(how({ method: 'HEAD' }), "curl -sg -I 'http://h/x?[1-2]'");
  assert.equal(how({ method: "D'X" }), "curl -sg -X 'D'\\''X' 'http://h/x?[1-2]'");
  assert.equal(how({ method: 'PUT', body: '@a\n"' }), "curl -sg -X 'PUT' 'http://h/x?[1-2]' -H 'content-type: application/json' --data-raw '@a\n\"'");
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as queries from '../../static/js/queries.js';
import { wordConditions } from '../../static/js/search-language.js';
import { DEFAULTS } from '../../static/js/state.js';

const NOW = Date.parse('2026-01-01T00:00:30Z');
const state = { ...DEFAULTS, domain: 'd' };

test('the query of a list has everything that its state names', () => {
  const shown = { ...state, tab: 'failed', keyword: ' a ', collector: 'c', project: 'p', terms: ['tasks>1', 'nonsense:1'], range: 'hour', page: 2, size: 30, sort: 'tasks' };
  assert.deepEqual(queries.list(shown, NOW), {
    path: 'inventory/v1/jobs/search',
    body: {
      domain_id: 'd',
      query: {
        filter: [
          { k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }, { k: 'collector_id', v: 'c', o: 'eq' }, { k: 'project_id', v: 'p', o: 'eq' },
          { k: 'total_tasks', v: 1, o: 'gt' }, { k: 'created_at', v: '2025-12-31T23:00:00.000Z', o: 'datetime_gte' },
        ],
        filter_or: wordConditions('a'), sort: { keys: [{ key: 'total_tasks', desc: true }, { key: 'created_at', desc: true }] }, page: { start: 31, limit: 30 },
      },
    },
  });
  assert.deepEqual(queries.list(state, NOW).body.query, { sort: { keys: [{ key: 'created_at', desc: true }] }, page: { start: 1, limit: 30 } });
});

test('every answer is of the same words, and without words there is no condition', () => {
  const words = { ...state, keyword: 'nova', view: 'jobs' };
  const expected = wordConditions('nova');
  for (const ask of [queries.list, queries.order, queries.counts, queries.times, queries.statistics]) {
    assert.deepEqual(ask(words, NOW, '%Y').body.query.filter_or, expected, ask.name);
    assert.equal(ask({ ...state, keyword: ' ' }, NOW, '%Y').body.query.filter_or, undefined, ask.name);
  }
  for (const path of [queries.overview(words, NOW), queries.exportAddress(words, NOW, 'csv')]) {
    assert.deepEqual(JSON.parse(new URL(path, 'http://x/').searchParams.get('query')).filter_or, expected, path);
  }
  assert.equal(new URL(queries.overview(state, NOW), 'http://x/').searchParams.has('query'), false);
  const { query } = queries.countAfter({ ...words, tab: 'failed' }, { keyword: '', terms: ['collector~nova'] }, NOW).body;
  assert.deepEqual(query, { filter: [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }, { k: 'collector_info.name', v: 'nova', o: 'contain' }], count_only: true });
});

test('the tabs count every status, and the chart those of the tab', () => {
  const failed = { ...state, tab: 'failed' };
  assert.equal(queries.counts(failed, NOW).body.query.filter, undefined);
  assert.deepEqual(queries.times(failed, NOW, '%Y').body.query.filter, [{ k: 'status', v: ['ERROR', 'TIMEOUT'], o: 'in' }]);
});

test('statistics sort by a column without a path', () => {
  assert.equal(queries.isComputed(state), false);
  const shown = { ...state, sort: 'duration' };
  assert.equal(queries.isComputed(shown), true);
  const { aggregate, page } = queries.order(shown, NOW).body.query;
  assert.deepEqual(aggregate[0].project.fields.at(-1), { name: 'value', operator: 'subtract', fields: ['finished_at', 'created_at'] });
  assert.deepEqual(page, { start: 1, limit: 30 });
});

test('a duration is computed before it is measured', () => {
  const chosen = { ...state, by: ['status', 'day'], measures: ['average-duration', 'failed'] };
  const [project, group, sort] = queries.statisticsQuery(chosen, NOW).aggregate;
  assert.deepEqual(project.project.fields.map(({ name }) => name), ['status', 'day', 'total_tasks', 'duration']);
  assert.deepEqual(group.group.keys, [{ key: 'status', name: 'status' }, { key: 'day', name: 'day', date_format: '%Y-%m-%d' }]);
  assert.deepEqual(sort.sort.keys, [{ key: 'day', desc: true }, { key: 'average-duration', desc: true }, { key: 'status', desc: false }]);
});

test('percentiles are requested from the route that has them, and what is computed has what it needs', () => {
  const chosen = { ...state, by: ['collector'], measures: ['count', 'rate'], ssort: 'rate' };
  const plain = queries.statistics(chosen, NOW);
  assert.equal(plain.path, 'inventory/v1/jobs/stat');
  const [group, project, sort] = plain.body.query.aggregate;
  assert.deepEqual(group.group.fields.map(({ name }) => name).toSorted(), ['canceled', 'count', 'failed', 'succeeded', 'timeouts']);
  assert.equal(project.project.fields.at(-1).operator, 'divide');
  assert.deepEqual(sort.sort.keys, [{ key: 'rate', desc: true }, { key: 'count', desc: true }, { key: 'collector', desc: false }]);
  assert.equal(queries.statistics({ ...chosen, measures: ['median-duration'] }, NOW).path, 'jobdeck/stat');
  assert.equal(queries.statistics({ ...chosen, stat: '{"aggregate":[{"group":{"fields":[{"operator":"percentile"}]}}]}' }, NOW).path, 'jobdeck/stat');
  assert.deepEqual(queries.totals({ ...chosen, by: ['error'], measures: ['count'] }, NOW).body.query.aggregate.map((stage) => Object.keys(stage)[0]),
    ['unwind', 'group', 'group']);
});

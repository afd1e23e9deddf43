/** Requests of the journal in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf, words } from '../../static/js/journal-words.js';
import '../../static/js/texts/en.js';

const said = (entry) => words({ route: null, method: 'GET', path: '/inventory/v2/jobs', query: '', body: null, job_id: null, domain_id: 'd', ...entry });
const searched = (query, more) => said({ route: 'search', body: { domain_id: 'd', ...more, query } });
const stat = (query) => said({ route: 'stat', body: { domain_id: 'd', query } });
const list = (query) => said({ route: 'list', query });
const filter = (k, o, v) => searched({ filter: [{ k, v, o }] });

test('conditions are written with signs, and times of the past as spans', () => {
  for (const [k, o, v, expected] of [
    ['status', 'eq', 'ERROR', 'status = ERROR'],
    ['status', 'not_in', ['SUCCESS', 'CANCELED'], 'status ≠ SUCCESS, CANCELED'],
    ['collector_info.provider', 'not', 'aws', 'collector.provider ≠ aws'],
    ['errors.message', 'contain', 'rate exceeded', 'errors.message ~ rate exceeded'],
    ['errors.message', 'not_contain', 'a, b', 'errors.message !~ "a, b"'],
    ['errors.message', 'contain', ' ', 'errors.message ~ " "'],
    ['total_tasks', 'gte', 10, 'total_tasks ≥ 10'],
    ['finished_at', 'eq', null, 'finished = null'],
    ['created_at', 'datetime_lt', '2026-01-01', 'created < 2026-01-01'],
    ['created_at', 'timediff_gt', 'now - 7d', 'created in the last 7 days'],
    ['created_at', 'timediff_gte', 'now-12h', 'created in the last 12 hr'],
    ['created_at', 'timediff_lt', 'now - 7d', 'created < now - 7d'],
    ['created_at', 'timediff_gte', 'now/d', 'created ≥ now/d'],
    ['project_id', 'exists', true, 'project_id exists'],
    ['project_id', 'exists', 'false', 'project_id is missing'],
    ['job_id', 'regex', '^job-0', 'job_id regex ^job-0'],
    ['errors', 'match', { error_code: 'X' }, 'errors match {"error_code":"X"}'],
    ['job_id', 'in', [], 'job_id = []'],
    ['project_id', 'eq', 'x'.repeat(100), `project_id = ${'x'.repeat(60)}…`],
  ]) assert.equal(filter(k, o, v), expected);
  assert.equal(searched({ filter: [{ key: 'status', value: 'ERROR', operator: 'eq' }] }), 'status = ERROR', 'long names');
});

test('a list says its conditions, its order and its page', () => {
  const query = { page: { start: 31, limit: 15 }, sort: { key: 'created_at', desc: true }, filter: [{ k: 'created_at', v: 'now - 7d', o: 'timediff_gt' }] };
  assert.equal(searched(query, { status: 'ERROR' }), 'status = ERROR · created in the last 7 days · sort created ↓ · page 3, 15 rows');
  assert.equal(searched({ sort: [{ key: 'status' }, { key: 'total_tasks', desc: true }] }), 'sort status ↑, total_tasks ↓');
  assert.equal(searched({ sort: { keys: [{ key: 'finished_at' }] }, page: { limit: 1 } }), 'sort finished ↑ · page 1, 1 row');
  assert.equal(searched({ page: { start: 5, limit: 10 } }), '10 rows from row 5 on');
  assert.equal(searched({ page: { limit: 0 } }), 'all jobs');
  assert.equal(searched({ filter_or: [{ k: 'a', v: 1, o: 'eq' }, { k: 'b', v: 2, o: 'lt' }], keyword: 'x y' }), 'any of (a = 1 | b < 2) · id contains x y');
  assert.equal(searched({ only: ['job_id', 'collector_info.name'], minimal: true, countOnly: true }), 'only job_id, collector.name · minimal · only the number');
  assert.equal(searched({}), 'all jobs');
  assert.equal(said({ route: 'search', body: { domain_id: 'd' } }), 'all jobs');
});

test('a query string is read in each of its forms', () => {
  assert.equal(list('domain_id=d&status=ERROR&query.sort.key=created_at&query.sort.desc=true&query.page.limit=15'), 'status = ERROR · sort created ↓ · page 1, 15 rows');
  assert.equal(list('domainId=d&query[filter][0][k]=errors.error_code&query[filter][0][v]=quota&query[filter][0][o]=contain&query[only][]=a&query[only][]=b'), 'errors.error_code ~ quota · only a, b');
  assert.equal(list('query.only=job_id&query.only=status&query.count_only=True&query.minimal=false'), 'only job_id, status · only the number');
  assert.equal(list(`query=${encodeURIComponent('{"keyword": "x"}')}`), 'id contains x');
  assert.equal(list('query={broken'), 'query = {broken');
  assert.equal(said({ route: 'overview', query: 'domain_id=d&from=now-7d&bucket=6h' }), 'from = now-7d · bucket = 6h');
  assert.equal(said({ route: 'export', query: 'format=csv&domain_id=d&status=ERROR' }), 'format = csv · status = ERROR');
});

test('statistics say what is grouped and counted', () => {
  const count = { name: 'n', operator: 'count', conditions: [{ key: 'status', operator: 'eq', value: 'ERROR' }] };
  const group = { keys: [{ key: 'created_at', name: 'day', date_format: '%Y-%m-%d' }, { k: 'status', n: 's' }], fields: [count, { operator: 'sum', key: 'total_tasks', name: 't' }] };
  assert.equal(stat({ aggregate: [{ unwind: { path: 'errors' } }, { group }, { sort: { key: 'n', desc: true } }, { limit: 5 }] }),
    'each of errors · count(status = ERROR), sum(total_tasks) · by created %Y-%m-%d, status · sort n ↓ · the first 5');
  assert.equal(stat({ distinct: 'collector_info.name' }), 'the different collector.name');
  assert.equal(said({ route: 'analyze', path: '/inventory/job/analyze', body: { query: { unwind: { path: 'errors' }, group_by: ['status'], fields: { n: { operator: 'count' } } } } }),
    'each of errors · count · by status');
  assert.equal(said({ route: 'get', path: '/inventory/job/get', body: { job_id: 'job-1' } }), 'job_id = job-1');
  assert.equal(said({ path: '/inventory/v1/jobs/analyze', body: { query: { group_by: ['status'], fields: { n: { operator: 'count' } }, granularity: 'DAILY' } } }),
    'count · by status · {"granularity":"DAILY"}');
});

test('requests that write say which job; others have their path', () => {
  assert.equal(said({ route: 'put', job_id: 'j', body: { status: 'ERROR' } }), 'put j · status = ERROR');
  assert.equal(said({ route: 'put', job_id: 'j', body: 'broken' }), 'put j');
  assert.equal(said({ route: 'patch', job_id: 'j', body: { finished_at: null, total_tasks: 3 } }), 'change j · finished = null · total_tasks = 3');
  assert.equal(said({ route: 'delete', job_id: 'j' }), 'delete j');
  assert.equal(said({ route: 'delete' }), 'delete all jobs of d');
  assert.equal(said({ route: 'add' }), 'add jobs');
  assert.equal(said({ route: 'about', path: '/jobdeck/about' }), '/jobdeck/about');
  assert.equal(said({ query: 'a=1' }), '/inventory/v2/jobs?a=1');
});

test('a shape that is not known is JSON, and none breaks the journal', () => {
  assert.equal(searched({ filter: 5, sort: '-created_at', page: [1], only: 7, x: { a: 1 } }), '{"filter":5} · {"sort":"-created_at"} · {"page":[1]} · {"only":7} · {"x":{"a":1}}');
  assert.equal(searched({ filter: [{ k: 'a', v: 1, o: 'eq', z: 2 }, { k: 'constructor', v: 1, o: '__proto__' }] }), '{"k":"a","v":1,"o":"eq","z":2} · constructor __proto__ 1');
  assert.equal(searched({ filter: [null] }), '{"filter":[null]}');
  assert.equal(searched('x'), 'query = x');
  assert.equal(stat({ aggregate: [{ constructor: 1 }, { skip: 3 }] }), '{"constructor":1} · {"skip":3}');
  assert.equal(said({ route: 'search', body: '{bro' }), '{bro');
  assert.equal(said({ route: 'search', body: [1] }), '[1]');
  assert.equal(list('__proto__[a]=1&constructor=2'), '__proto__ = {"a":"1"} · constructor = 2');
  assert.equal(searched({ x: 'y'.repeat(1000) }).length, 201);
  assert.equal({}.a, undefined);
});

test('an answer says how many rows it has', () => {
  for (const [answer, expected] of [
    [{ results: [1, 2], total_count: 2031 }, '2 rows of 2,031'], [{ results: [1], total_count: 1 }, '1 row of 1'], [{ results: [] }, '0 rows'],
    [{ added: 2, replaced: 1, skipped: 0 }, '2 added'], [{ deleted: 3 }, '3 deleted'], [{ results: 'x' }, ''], [{ job_id: 'j' }, ''], [null, ''], ['text', ''],
  ]) assert.equal(rowsOf({ answer, is_answer_cut: false }), expected);
  assert.equal(rowsOf({ answer: '{"results":', is_answer_cut: true }), 'long answer');
});

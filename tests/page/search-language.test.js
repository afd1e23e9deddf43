import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  WORD_KEYS, alternatives, complete, conditions, nearestKey, parseTerm, quote, termStart, tokens, withZone, wordConditions, wordTerm, writeTerm,
} from '../../static/js/search-language.js';
import { texts as korean } from '../../static/js/texts/ko.js';
import { texts as japanese } from '../../static/js/texts/ja.js';
// Each table becomes that of the page; the last one is in use.
import '../../static/js/texts/en.js';

/** Cases that the tests of the command line read, too: src/terms/search.rs. */
const CASES = JSON.parse(readFileSync(new URL('terms.json', import.meta.url), 'utf8'));

const ask = (text, zone = 'utc') => conditions(parseTerm(text), zone).map(({ k, v, o }) => [k, v, o]);

test('a term becomes conditions of the API', () => {
  for (const [text, expected] of CASES.terms) assert.deepEqual(ask(text), expected, text);
});

test('a time without a zone has the zone that is shown', () => {
  const local = new Date(2026, 0, 31).toISOString();
  assert.deepEqual(ask('created>=2026-01-31', 'local'), [['created_at', local, 'datetime_gte']]);
});

test('a plain word is no term', () => {
  for (const text of ['job-1234', 'abc', '123', '"a:b"', ':', '']) assert.equal(parseTerm(text), null, text);
});

test('an error names what is wrong, and what is allowed', () => {
  for (const [text, problem] of [
    ['stauts:ERROR', /There is no key “stauts”. Did you mean status\?$/],
    ['nonsense:ERROR', /There is no key “nonsense”. Keys are status, /],
    ['duration>10m', /Jobs can't be filtered by duration: .* Sort the list by Duration instead/],
    ['anywhere~nova', /Words without a key look anywhere: write nova$/],
    ['status:BROKEN', /There is no status “BROKEN”. Statuses are CREATED, /],
    ['status:failed', /There is no status “failed”. Did you mean ERROR,TIMEOUT\?$/],
    ['status>ERROR', /“status” takes : !=, not >/],
    ['tasks~1', /“tasks” takes : != > >= < <=, not ~/],
    ['failure_tasks:many', /“failure_tasks” takes a number, not “many”/],
    ['tasks:many', /“tasks” takes a number, not “many”/],
    ['tasks>1,2', /takes one value/],
    ['created:2026-13-41', /takes a time as 2026-01-31/],
    ['created!=2026-01-31', /“created” takes : > >= < <=, not !=/],
    ['message~', /“message~” needs a value/],
    ['filter.a..b:1', /There is no key “filter.a..b”/],
  ]) assert.throws(() => parseTerm(text), problem, text);
});

test('a term is the same after it is written and parsed', () => {
  for (const text of CASES.written) {
    const term = parseTerm(text);
    assert.deepEqual(parseTerm(writeTerm(term)), term, text);
    assert.equal(writeTerm(term), text);
  }
  for (const value of ['123456789012', 'true', 'plain', 'two words', 'a,b', 'say "x"', 'null', '*', '\\', '']) {
    assert.deepEqual(parseTerm(`collector:${quote(value)}`).values.map(({ text }) => text), [value], value);
  }
});

test('a time is written with its zone, so that a link means the same everywhere', () => {
  const written = (text, zone) => withZone(parseTerm(text), zone).map(writeTerm).join(' ');
  assert.equal(written('created>2026-01-31', 'utc'), 'created>=2026-02-01T00:00+00:00');
  assert.equal(written('created:2026-01-31', 'utc'), 'created>=2026-01-31T00:00+00:00 created<2026-02-01T00:00+00:00');
  assert.equal(written('created<2026-01-31T08:00', 'utc'), 'created<2026-01-31T08:00+00:00');
  for (const text of ['created>2026-01-31T08:00Z', 'created<2026-01-31-05:30', 'finished:*', 'tasks>1']) assert.equal(written(text, 'utc'), text);
  const [{ v }] = conditions(parseTerm(written('created>=2026-01-31', 'local')), 'utc');
  assert.equal(v, new Date(2026, 0, 31).toISOString());
});

test('the message of a group of errors has placeholders', () => {
  const matches = (text, message) => {
    const [{ k, v, o }] = conditions(parseTerm(`message:${quote(text)}`), 'utc');
    assert.deepEqual([k, o], ['errors.message', 'regex'], text);
    return new RegExp(v, 'su').test(message);
  };
  for (const [text, message, other] of [
    ['Quota <n> of <n> in us-<n>.', ' Quota 12 of 1,000 in us-4.', 'Quota 12 of 1,000 in us-west-4.'],
    ['job <n> (x)', 'job 6f1c2d3e-0000-4111-8222-933344445555 (x)', 'job abandoned (x)'],
    ['after <n>s: <value>', 'after\n 30s: "a [b]"', 'after 30s: a'],
    ['reset by <address> at <time>', 'reset by 10.0.0.1:443 at 2026-01-01 08:00:00', 'reset by 10.0.0.1:443 at noon'],
    ['a long text…', 'a long text and more', 'no long text'],
  ]) {
    assert.ok(matches(text, message), `${text}: ${message}`);
    assert.ok(!matches(text, other), `${text}: ${other}`);
  }
  assert.deepEqual(ask('message:plain'), [['errors.message', 'plain', 'eq']]);
  assert.throws(() => parseTerm('message!="<n> left"'), /“message!=” takes no text with <n>/);
});

test('a text that looks like a number is suggested as a text', () => {
  assert.deepEqual(ask(`filter.account_id:${quote('123456789012')}`), [['filter.account_id', '123456789012', 'eq']]);
});

test('spaces within quotes do not split', () => {
  assert.deepEqual(tokens(' a  status:ERROR message~"rate exceeded" "x'), ['a', 'status:ERROR', 'message~"rate exceeded"', '"x']);
});

test('plain words are one text in one of seven members, unless OR is between them', () => {
  const paths = ['collector_info.name', 'collector_info.plugin_info.plugin_id', 'collector_info.provider', 'project_id', 'errors.error_code', 'errors.message', 'job_id'];
  assert.deepEqual(wordConditions(' rate  exceeded '), paths.map((k) => ({ k, v: 'rate exceeded', o: 'contain' })));
  assert.deepEqual(wordConditions('"rate exceeded" OR quota'), paths.map((k) => ({ k, v: ['rate exceeded', 'quota'], o: 'contain_in' })));
  assert.deepEqual(wordConditions(''), []);
  assert.deepEqual(wordConditions('  '), []);
  for (const [words, expected] of [['a | b', ['a', 'b']], ['a || b c', ['a', 'b c']], ['a or b', ['a or b']], ['"a OR b"', ['a OR b']], ['OR', ['OR']], ['a OR', ['a']]]) {
    assert.deepEqual(alternatives(words), expected, words);
  }
  // A link of before, and ids that are pasted together: one of them is enough.
  for (const [words, ids] of [['3f8 a01', ['3f8', 'a01']], ['job-x1 job-x2', ['job-x1', 'job-x2']]]) {
    const [id] = wordConditions(words).slice(-1);
    assert.deepEqual(id, { k: 'job_id', v: ids, o: 'contain_in' });
    assert.equal(wordConditions(words)[0].v, words);
  }
  assert.equal(wordTerm('message', 'rate exceeded OR quota'), 'message~"rate exceeded",quota');
  assert.equal(wordTerm('id', '3f8 a01'), 'id~3f8,a01');
  assert.deepEqual(ask('anywhere!~a,b').length, 2 * WORD_KEYS.length);
  assert.deepEqual(ask('anywhere!~a').map(([k, v, o]) => [k, v, o].join(' ')), paths.map((k) => `${k} a not_contain`));
});

test('the known key that is most like an unknown one is found', () => {
  for (const [name, near] of [['statsu', 'status'], ['colector', 'collector'], ['Proejct', 'project'], ['mesage', 'message'], ['taks', 'tasks'], ['xyz', null], ['region', null]]) {
    assert.equal(nearestKey(name), near, name);
  }
  assert.deepEqual(complete('statsu:ERROR').options, [{ text: 'status:ERROR', about: 'Did you mean status?' }]);
  assert.equal(termStart('collector'), 'collector:');
  assert.equal(termStart('anywhere'), 'anywhere!~');
});

test('a token is completed', () => {
  const offered = (token) => complete(token).options.map(({ text }) => text);
  assert.deepEqual(offered('pro'), ['provider:', 'project:']);
  assert.deepEqual(offered('collector'), ['collector:', 'collector!=', 'collector~', 'collector!~', 'collector_id:']);
  assert.deepEqual(offered('status'), ['status:', 'status!=']);
  assert.deepEqual(offered('tasks!'), ['tasks!=']);
  assert.deepEqual(offered('filter.x'), ['filter.x:', 'filter.x!=', 'filter.x~', 'filter.x!~', 'filter.x>', 'filter.x>=', 'filter.x<', 'filter.x<=']);
  assert.deepEqual(offered('status:ERROR,t'), ['status:ERROR,TIMEOUT']);
  assert.deepEqual(offered('request_'), ['request_secret_id:', 'request_workspace_id:']);
  assert.deepEqual(offered('failure_tasks'), [':', '!=', '>', '>=', '<', '<='].map((sign) => `failure_tasks${sign}`));
  assert.deepEqual(offered('zzz'), []);
  assert.deepEqual(offered('filter.'), []);
  assert.equal(complete('collector:a,"b, c').typed, 'b, c', 'a comma within quotes divides nothing');
  assert.equal(complete('collector:a,"b, c').start, 'collector:a,');
  assert.equal(complete('collector:a,').start, 'collector:a,');
  assert.deepEqual(complete('provider:"aw'), { options: [], term: { key: 'provider', path: 'collector_info.provider', kind: 'text' }, start: 'provider:', typed: 'aw', had: [] });
  assert.deepEqual(complete('collector:a,"b, c",d').had, ['a', 'b, c']);
  assert.equal(complete('nonsense:x').term.kind, 'none');
});

test('a status is suggested once, and the name of a tab suggests its statuses', () => {
  const offered = (token) => complete(token).options.map(({ text, about }) => [text, about].filter(Boolean).join(' | '));
  assert.deepEqual(offered('status:ERROR,'), ['CREATED', 'IN_PROGRESS', 'SUCCESS', 'TIMEOUT', 'CANCELED'].map((one) => `status:ERROR,${one}`));
  assert.deepEqual(offered('status!=error,e'), []);
  assert.deepEqual(offered('status:failed'), ['status:ERROR,TIMEOUT | Failed']);
  assert.deepEqual(offered('status!=Fail'), ['status!=ERROR,TIMEOUT | Failed']);
  assert.deepEqual(offered('status:ERROR,failed'), ['status:ERROR,TIMEOUT | Failed']);
  assert.deepEqual(offered('status:succ'), ['status:SUCCESS']);
  assert.deepEqual(offered('status:waiting'), ['status:CREATED | Waiting']);
  assert.deepEqual(offered('Failed'), ['status:ERROR,TIMEOUT | Failed']);
  assert.deepEqual(offered('succeeded'), ['status:SUCCESS | Succeeded']);
  for (const word of ['fai', 'all', 'nova', 'failedover', 'error:failed']) assert.deepEqual(offered(word).filter((one) => one.startsWith('status')), [], word);
  const english = globalThis.texts;
  try {
    for (const [texts, words] of [[korean, { 실패: 'ERROR,TIMEOUT', 성공: 'SUCCESS' }], [japanese, { 失敗: 'ERROR,TIMEOUT', 成功: 'SUCCESS' }]]) {
      globalThis.texts = texts;
      for (const [word, statuses] of Object.entries(words)) {
        for (const token of [word, `status:${word}`]) assert.deepEqual(offered(token), [`status:${statuses} | ${word}`]);
      }
    }
  } finally {
    globalThis.texts = english;
  }
});

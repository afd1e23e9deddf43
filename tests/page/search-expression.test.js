/** AND, OR, NOT, a minus and parentheses in the search box, and other ways to write its terms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEnded, parseSearch, wordsOf } from '../../static/js/search-expression.js';
import { parseTerm, writeTerm } from '../../static/js/search-language.js';

/** What a text means: the terms, with the words behind them in brackets. */
const read = (text, before) => {
  const { keyword, terms } = parseSearch(text, before);
  return [...terms.map(writeTerm), ...(keyword ? [`[${keyword}]`] : [])].join(' ');
};

test('what is certain is understood', () => {
  for (const [text, expected] of [
    ['-status:ERROR', 'status!=ERROR'],
    ['!status:ERROR', 'status!=ERROR'],
    ['NOT status:ERROR', 'status!=ERROR'],
    ['not status:ERROR', 'status!=ERROR'],
    ['--status:ERROR', 'status:ERROR'],
    ['-status!=ERROR', 'status:ERROR'],
    ['-status:ERROR,TIMEOUT', 'status!=ERROR,TIMEOUT'],
    ['-message~"a b"', 'message!~"a b"'],
    ['-project:*', 'project!=*'],
    ['-tasks>10', 'tasks<=10'],
    ['-created>=2026-01-31', 'created<2026-01-31'],
    ['status:ERROR OR status:TIMEOUT', 'status:ERROR,TIMEOUT'],
    ['status:ERROR or status:TIMEOUT', 'status:ERROR,TIMEOUT'],
    ['status:ERROR || status:TIMEOUT', 'status:ERROR,TIMEOUT'],
    ['status:ERROR | status:ERROR | status:TIMEOUT', 'status:ERROR,TIMEOUT'],
    ['(status:ERROR OR status:TIMEOUT)', 'status:ERROR,TIMEOUT'],
    ['( status:ERROR OR (status:TIMEOUT) )', 'status:ERROR,TIMEOUT'],
    ['status:(ERROR OR TIMEOUT)', 'status:ERROR,TIMEOUT'],
    ['-status:(ERROR OR TIMEOUT)', 'status!=ERROR,TIMEOUT'],
    ['NOT (status:ERROR OR status:TIMEOUT)', 'status!=ERROR,TIMEOUT'],
    ['message~(quota OR "rate, exceeded")', 'message~quota,"rate, exceeded"'],
    ['tasks:1 OR tasks:5', 'tasks:1,5'],
    ['error~a OR errors.error_code~b', 'error~a,b'],
    ['project:a AND status:ERROR', 'project:a status:ERROR'],
    ['project:a && status:ERROR', 'project:a status:ERROR'],
    ['project:a and not status:ERROR', 'project:a status!=ERROR'],
    ['project:a AND (status:ERROR OR status:TIMEOUT)', 'project:a status:ERROR,TIMEOUT'],
    ['project:a status:ERROR OR status:TIMEOUT', 'project:a status:ERROR,TIMEOUT'],
    ['(project:a status:ERROR)', 'project:a status:ERROR'],
    // Words: several are one text, of alternatives one is enough.
    ['a1 b2', '[a1 b2]'],
    ['a1 OR b2', '[a1 OR b2]'],
    ['a1 | b2 b3', '[a1 OR b2 b3]'],
    ['(a1 OR b2) status:ERROR', 'status:ERROR [a1 OR b2]'],
    ['"a1 OR b2" OR c3', '["a1 OR b2" OR c3]'],
    ['NOT a1', 'anywhere!~a1'],
    ['NOT a1 b2', 'anywhere!~"a1 b2"'],
    ['NOT (a1 OR b2)', 'anywhere!~a1,b2'],
    ['a1 AND status:ERROR', 'status:ERROR [a1]'],
    ['status:ERROR OR status:TIMEOUT a1', 'status:ERROR,TIMEOUT [a1]'],
    // Spaces that belong to a term.
    ['status = ERROR', 'status:ERROR'],
    ['status == ERROR', 'status:ERROR'],
    ['status: ERROR', 'status:ERROR'],
    ['tasks > 10 a1', 'tasks>10 [a1]'],
    ['status:ERROR, TIMEOUT, SUCCESS a1', 'status:ERROR,TIMEOUT,SUCCESS [a1]'],
    ['collector:a, status:ERROR', 'collector:a status:ERROR'],
  ]) assert.equal(read(text), expected, text);
});

test('what is in quotes, and what is no operator, stays as it is', () => {
  for (const [text, expected] of [
    ['message~"a OR b"', 'message~"a OR b"'],
    ['message~"status = x, y:(a OR b)" tasks>1', 'message~"status = x, y:(a OR b)" tasks>1'],
    ['message~foo(bar)', 'message~foo(bar)'],
    ['(message~foo(bar))', 'message~foo(bar)'],
    ['"OR" status:ERROR', 'status:ERROR ["OR"]'],
    ['OR', '[OR]'],
    ['a1 or b2', '[a1 or b2]'],
    ['not a1', '[not a1]'],
    ['-a1', '[-a1]'],
    ['(a1) b2', '[(a1) b2]'],
    ['job-1 status:ERROR', 'status:ERROR [job-1]'],
    ['', ''],
  ]) assert.equal(read(text), expected, text);
});

test('an operator at the start continues the last chip', () => {
  assert.equal(read('OR status:TIMEOUT', ['project:a', 'status:ERROR']), 'status:ERROR,TIMEOUT');
  assert.equal(parseSearch('OR status:TIMEOUT', ['status:ERROR']).isJoined, true);
  assert.equal(read('or status:TIMEOUT a1', ['status:ERROR']), 'status:ERROR,TIMEOUT [a1]');
  assert.equal(read('AND status:TIMEOUT', ['project:a']), 'status:TIMEOUT');
  assert.equal(parseSearch('AND status:TIMEOUT', ['project:a']).isJoined, false);
  assert.equal(parseSearch('status:TIMEOUT', ['project:a']).isJoined, false);
});

test('what is not certain is an error that says how it is written', () => {
  for (const [text, problem, before] of [
    ['status:ERROR OR project:a', /: “status:ERROR OR project:a” can't be searched for: .* as status:ERROR,TIMEOUT$/],
    ['a1 OR status:ERROR', /: “a1 OR status:ERROR” can't be searched for/],
    ['id~a1 OR b2', /: “id~a1 OR b2” can't be searched for/],
    ['a1 AND b2', /: “a1 AND b2” can't be searched for: words are looked for as one text. .* as collector~nova message~quota$/],
    ['(a1 OR b2) AND c3', /: “a1 OR b2 AND c3” can't be searched for/],
    ['a1 OR b2 status:ERROR c3', /: “a1 OR b2 AND c3” can't be searched for/],
    ['OR status:ERROR', /: “project:a OR status:ERROR” can't be searched for/, ['project:a']],
    ['project:a OR NOT project:b', /“project:a OR project!=b” can't/],
    ['tasks>5 OR tasks<2', /can't be searched for/],
    ['created:2026-01-01 OR created:2026-01-02', /can't be searched for/],
    ['(project:a status:ERROR) OR status:TIMEOUT', /: “project:a AND status:ERROR OR status:TIMEOUT” can't/],
    ['status!=ERROR OR status!=TIMEOUT', /holds for every job. Jobs with none of these values: status!=ERROR,TIMEOUT$/],
    ['project:a AND status:ERROR OR status:TIMEOUT', /need parentheses, as project:a AND \(status:ERROR OR status:TIMEOUT\)/],
    ['NOT (project:a status:ERROR)', /: NOT takes one term, as status!=ERROR, not “project:a status:ERROR”$/],
    ['-finished>2026-01-01', /has no opposite, since a job may have no “finished”: write finished<=2026-01-01$/],
    ['-filter.a>1', /write filter.a<=1$/],
    ['-created:2026-01-31', /“created” takes : > >= < <=, not !=/],
    ['status:ERROR OR', /: “OR” needs a term after it$/],
    ['OR status:ERROR', /: “OR” needs a term before it$/],
    ['status:ERROR AND NOT', /: “NOT” needs a term after it$/],
    ['(status:ERROR', /: A parenthesis is not closed/],
    ['status:ERROR)', /: A parenthesis is not opened/],
    ['-status:FAILED', /There is no status “FAILED”/],
    ['status = ', /“status=” needs a value/],
  ]) assert.throws(() => parseSearch(text, before), problem, text);
});

test('words are searched for while they are typed, unless they may be part of an operator', () => {
  for (const [text, expected, before] of [
    ['a1 status:', 'a1'],
    ['a1 -status:FAI', null],
    ['OR', 'OR'],
    ['OR', null, ['status:ERROR']],
    ['OR stat', null, ['status:ERROR']],
    ['NOT a1', ''],
    ['(status:ERROR', null],
    ['status = ', ''],
    ['a1 b2', 'a1 b2'],
  ]) assert.equal(wordsOf(text, before), expected, text);
});

test('a space ends terms, unless more is to come', () => {
  for (const text of ['status:ERROR ', '-status:ERROR ', '(status:ERROR OR status:TIMEOUT) ', 'OR status:TIMEOUT ', 'status = ERROR ', 'message~f( ']) {
    assert.equal(isEnded(text), true, text);
  }
  for (const text of ['a1 ', 'status:ERROR', 'status: ', 'status:ERROR, ', 'status:ERROR OR ', '(status:ERROR ', 'status:(ERROR ', 'message~"a ', 'NOT ']) {
    assert.equal(isEnded(text), false, text);
  }
});

test('a text of several lines is written in one, and read again', () => {
  const text = 'Traceback\n\tFile "C:\\new"\r\nend';
  const term = parseTerm(`message:${JSON.stringify(text)}`);
  assert.equal(term.values[0].text, text);
  assert.doesNotMatch(writeTerm(term), /[\n\r\t]/);
  assert.deepEqual(parseTerm(writeTerm(term)), term);
});

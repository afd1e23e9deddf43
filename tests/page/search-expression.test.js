/** AND, OR, NOT, a minus and parentheses in the search box, and other ways to write its terms. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isEnded, parseSearch, withOperators, wordsOf } from '../../static/js/search-expression.js';
import { parseTerm, wordConditions, writeTerm } from '../../static/js/search-language.js';
import { texts as en } from '../../static/js/texts/en.js';

/** Cases that the tests of the command line read, too: src/terms/search.rs. */
const CASES = JSON.parse(readFileSync(new URL('terms.json', import.meta.url), 'utf8'));

/** What a text means: the terms, with the words behind them in brackets. */
const read = (text, before) => {
  const { keyword, terms } = parseSearch(text, before);
  return [...terms.map(writeTerm), ...(keyword ? [`[${keyword}]`] : [])].join(' ');
};

test('what is certain is understood', () => {
  for (const [text, expected] of CASES.searches) assert.equal(read(text), expected, text);
});

test('plain words are one text in one of seven members', () => {
  for (const [text, message = null, id = null] of CASES.words) {
    const { keyword } = parseSearch(text);
    const found = Object.fromEntries(wordConditions(keyword).map(({ k, v }) => [k, v]));
    assert.deepEqual([found['errors.message'] ?? null, found.job_id ?? null], [message, id], text);
  }
});

test('a minus and lower case are offered as the operators that they may be', () => {
  for (const [text, expected] of [
    ['-nova', 'NOT nova'], ['nova -billing', 'nova NOT billing'], ['!nova', 'NOT nova'], ['aws or quota', 'aws OR quota'],
    ['status:ERROR and nova', 'status:ERROR AND nova'], ['nova', null], ['a-b', null], ['-status:ERROR', null], ['-', null], ['NOT nova', null],
  ]) assert.equal(withOperators(text), expected, text);
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
  for (const [text, name, parts = []] of CASES.errors) {
    // A text of the page, with anything for what differs.
    const shown = en[`search.${name}`].split(/\{\w+\}/).map((part) => part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&')).join('.*');
    assert.throws(() => parseSearch(text), ({ message }) => {
      assert.match(message, new RegExp(`^${shown}$`, 's'), text);
      for (const part of parts) assert.ok(message.includes(part), `${text}: ${message}`);
      return true;
    }, text);
  }
  for (const [text, problem, before] of [
    ['OR status:ERROR', /: “project:a OR status:ERROR” can't be searched for/, ['project:a']],
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

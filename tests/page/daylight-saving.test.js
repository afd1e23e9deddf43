/** Days on which clocks are changed: Node takes its zone from the environment, so these run in a process of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

process.env.TZ = 'Europe/Berlin';
const { conditions, parseTerm, withZone, writeTerm } = await import('../../static/js/search-language.js');
const { cut } = await import('../../static/js/range.js');

test('a day has its 23 or 25 hours where clocks are changed', () => {
  const asked = (text) => withZone(parseTerm(text), 'local').map(writeTerm).flatMap((term) => conditions(parseTerm(term), 'utc')).map(({ v, o }) => `${o} ${v}`);
  assert.deepEqual(asked('created:2025-03-30'), ['datetime_gte 2025-03-29T23:00:00.000Z', 'datetime_lt 2025-03-30T22:00:00.000Z']);
  assert.deepEqual(asked('created:2025-10-26'), ['datetime_gte 2025-10-25T22:00:00.000Z', 'datetime_lt 2025-10-26T23:00:00.000Z']);
  assert.deepEqual(asked('created>2025-03-30'), ['datetime_gte 2025-03-30T22:00:00.000Z']);
  assert.deepEqual(asked('created<=2025-03-30'), ['datetime_lt 2025-03-30T22:00:00.000Z']);
  assert.deepEqual(asked('created>=2025-03-30'), ['datetime_gte 2025-03-29T23:00:00.000Z']);
});

test('the chart is cut at the midnights of the reader', () => {
  const days = cut(Date.parse('2025-03-27T00:00:00Z'), Date.parse('2025-04-03T00:00:00Z'), 'local');
  assert.ok(days.starts.every((start) => new Date(start).getHours() === 0));
  const lengths = days.starts.slice(1).map((start, index) => (start - days.starts[index]) / 3_600_000);
  assert.ok(lengths.includes(23), lengths.join());
});

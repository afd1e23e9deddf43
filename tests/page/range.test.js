import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bounds, cut, fill } from '../../static/js/range.js';
import { DEFAULTS } from '../../static/js/state.js';

const at = (text) => Date.parse(text);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('a preset ends now, and keeps the same bounds for a while', () => {
  const now = at('2026-01-31T12:34:56Z');
  const from = (range, moment = now) => new Date(bounds({ ...DEFAULTS, range }, moment).from).toISOString();
  assert.equal(from('hour'), '2026-01-31T11:34:00.000Z');
  assert.equal(from('hour', now + 3_000), from('hour'));
  assert.equal(from('week'), '2026-01-24T12:00:00.000Z');
  assert.deepEqual(bounds({ ...DEFAULTS, range: 'all' }, now), { from: null, to: null });
  assert.deepEqual(bounds({ ...DEFAULTS, range: 'custom', from: '', to: '2026-01-01T00:00:00Z' }, now), { from: null, to: at('2026-01-01T00:00:00Z') });
});

test('a span is cut into few enough buckets', () => {
  const from = at('2026-01-01T10:30:00Z');
  for (const [span, unit, format, buckets] of [
    [HOUR, 'minute', '%Y-%m-%dT%H:%M', 60], [DAY, 'hour', '%Y-%m-%dT%H', 25], [30 * DAY, 'day', '%Y-%m-%d', 31],
    [365 * DAY, 'week', '%Y-%m-%d', 53], [3650 * DAY, 'month', '%Y-%m-%d', 120], [0, 'minute', '%Y-%m-%dT%H:%M', 1],
  ]) {
    const pieces = cut(from, from + span, 'utc');
    assert.deepEqual([pieces.unit, pieces.format, pieces.starts.length], [unit, format, buckets], unit);
    assert.ok(pieces.starts[0] <= from && pieces.end >= from + span, unit);
    assert.deepEqual(pieces.starts, pieces.starts.toSorted((a, b) => a - b));
  }
  assert.equal(new Date(cut(from, from + 365 * DAY, 'utc').starts[1]).getUTCDay(), 1, 'weeks begin on Mondays');
});

test('a chart has a longest span', () => {
  const pieces = cut(at('0001-01-01T00:00:00Z'), at('9999-01-01T00:00:00Z'), 'utc');
  assert.ok(pieces.starts.length < 500, String(pieces.starts.length));
  assert.ok(pieces.end >= at('9999-01-01T00:00:00Z'), 'the newest are shown');
});

test('local days are summed up from hours, where the server has them', () => {
  const from = at('2026-03-01T00:00:00Z');
  const days = cut(from, from + 40 * DAY, 'local');
  assert.deepEqual([days.unit, days.zone, days.format], ['day', 'local', '%Y-%m-%dT%H']);
  assert.ok(days.starts.every((start) => new Date(start).getHours() === 0));
  const long = cut(from, from + 100 * DAY, 'local');
  assert.deepEqual([long.zone, long.format], ['utc', '%Y-%m-%d'], 'else they are the server\'s, and said to be');
});

test('every job is in one bucket', () => {
  const from = at('2026-01-01T00:00:00Z');
  const pieces = cut(from, from + 10 * DAY, 'utc');
  const groups = [
    { at: '2026-01-01', status: 'SUCCESS', count: 2 }, { at: '2026-01-10', status: 'SUCCESS', count: 3 }, { at: '2026-01-10', status: 'ERROR', count: 1 },
    { at: '2025-12-31', status: 'ERROR', count: 9 }, { at: '2026-01-11', status: 'ERROR', count: 9 },
  ];
  const buckets = fill(pieces, groups);
  assert.deepEqual(buckets[0], { SUCCESS: 2 });
  assert.deepEqual(buckets[9], { SUCCESS: 3, ERROR: 1 });
  assert.deepEqual(buckets.slice(1, 9), Array(8).fill({}), 'what lies without is not counted');
});

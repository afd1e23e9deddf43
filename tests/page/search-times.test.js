/** Times that are typed as words, in the zone that is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
// Days are not those of UTC.
process.env.TZ = 'Asia/Seoul';

import { isTimeStart, lastNight, readTime, suggestTimes } from '../../static/js/search-times.js';
import '../../static/js/texts/en.js';

// A Thursday.
const NOW = Date.parse('2026-01-08T10:30:00Z');
const span = (text, now = NOW, zone = 'utc') => {
  const { range, from, to } = readTime(text, now, zone)?.change ?? {};
  return range === 'custom' ? `${from} ${to}`.replaceAll(':00.000Z', 'Z').trim() : range;
};

test('words mean a range', () => {
  for (const [text, expected] of [
    ['last night', '2026-01-07T18:00Z 2026-01-08T08:00Z'],
    [' Last  Night ', '2026-01-07T18:00Z 2026-01-08T08:00Z'],
    ['yesterday', '2026-01-07T00:00Z 2026-01-08T00:00Z'],
    ['today', '2026-01-08T00:00Z 2026-01-09T00:00Z'],
    ['this week', '2026-01-05T00:00Z 2026-01-12T00:00Z'],
    ['this month', '2026-01-01T00:00Z'],
    ['last 2 days', '2026-01-06T10:30Z'],
    ['last 90 minutes', '2026-01-08T09:00Z'],
    ['last 3h', '2026-01-08T07:30Z'],
    ['last 2 weeks', '2025-12-25T10:30Z'],
    ['last hour', 'hour'],
    ['last 60 min', 'hour'],
    ['last day', 'day'],
    ['last 24 hours', 'day'],
    ['last week', 'week'],
    ['last 7 days', 'week'],
    ['last 30 days', 'month'],
    ['last 0 days', undefined],
    ['last', undefined],
    ['night', undefined],
    ['the last night', undefined],
    ['', undefined],
  ]) assert.equal(span(text), expected, text);
});

test('the last night is the one that ends in the morning of this day', () => {
  assert.equal(span('last night', Date.parse('2026-01-08T03:00:00Z')), '2026-01-07T18:00Z 2026-01-08T08:00Z');
  assert.equal(span('last night', Date.parse('2026-01-08T23:00:00Z')), '2026-01-07T18:00Z 2026-01-08T08:00Z');
  assert.deepEqual(lastNight(NOW, 'utc'), readTime('last night', NOW, 'utc').change);
});

test('days are those of the zone that is shown', () => {
  const local = (day, hour) => new Date(2026, 0, day, hour).toISOString().replace(':00.000Z', 'Z');
  const now = new Date(2026, 0, 8, 10).getTime();
  assert.equal(span('last night', now, 'local'), `${local(7, 18)} ${local(8, 8)}`);
  assert.equal(span('this week', now, 'local'), `${local(5, 0)} ${local(12, 0)}`);
});

test('a range is suggested for what begins it, and for the last of several words', () => {
  const offered = (words) => suggestTimes(words, NOW, 'utc').map(({ text, about, rest }) => [text, about, rest]);
  assert.deepEqual(offered('yes'), [['time range: yesterday', '2026-01-07 00:00 – 2026-01-08 00:00 UTC', '']]);
  assert.deepEqual(offered('last night'), [['time range: last night', '2026-01-07 18:00 – 2026-01-08 08:00 UTC', '']]);
  assert.deepEqual(offered('nova quota last 2 days'), [['time range: last 2 days', 'since 2026-01-06 10:30 UTC', 'nova quota']]);
  assert.deepEqual(offered('la').length, 0);
  assert.deepEqual(offered('nova').length, 0);
  for (const text of ['las', 'last ', 'last 2', 'last 2 d', 'last 2 days', 'toda', 'this m']) assert.ok(isTimeStart(text), text);
  for (const text of ['la', 'lasting', 'last error', 'this is', 'todays', '']) assert.ok(!isTimeStart(text), text);
});

/** Times that are typed as words, in the zone that is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
// Days are not those of UTC.
process.env.TZ = 'Asia/Seoul';

import { isTimeStart, lastNight, readTime, suggestTimes } from '../../static/js/search-times.js';
import { texts as korean } from '../../static/js/texts/ko.js';
import { texts as japanese } from '../../static/js/texts/ja.js';
// Each table becomes that of the page; the last one is in use.
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

/** The words of a language, with the English ones that mean the same. */
const WORDS = [
  [korean, {
    'last night': ['지난밤', '지난 밤', '어젯밤', '어제 밤'], today: ['오늘'], yesterday: ['어제'],
    'this week': ['이번 주', '이번주'], 'this month': ['이번 달', '이번달'], 'last week': ['지난 주', '지난주', '지난 7일', '최근 1주일', '지난 1주'],
    'last hour': ['최근 1시간', '지난 60분'], 'last 3 hours': ['지난 3시간', '지난3시간', '지난 3 시간', '지난 ３시간', '최근 3h', 'last 3 hours'],
    'last day': ['최근 24시간', '지난 1일'], 'last 2 days': ['지난 2일', '최근 2일간', '지난 48시간'], 'last 90 minutes': ['최근 90분', '지난 90분간'],
    '': ['지난', '최근', '지난 일', '지난 시간', '최근 0시간', '지난 3'],
  }],
  [japanese, {
    'last night': ['昨夜', '昨晩'], today: ['今日', '本日'], yesterday: ['昨日'], 'this week': ['今週'], 'this month': ['今月'],
    'last week': ['先週', '過去7日', '直近1週間', '過去 7 日間'], 'last hour': ['過去 1 時間', '最近60分'],
    'last 3 hours': ['過去3時間', '過去３時間', '過去 3 時間', '過去\u3000３\u3000時間', '直近3時間', '最近3時間'],
    'last day': ['直近24時間', '過去1日'], 'last 2 days': ['過去2日', '直近２日間'], 'last 90 minutes': ['過去90分', '直近90分間'],
    '': ['過去', '先', '過去日', '過去0日', '過去3'],
  }],
];

test('the words of the other languages mean the same as the English ones', () => {
  const english = globalThis.texts;
  try {
    for (const [texts, words] of WORDS) {
      globalThis.texts = texts;
      for (const [expected, all] of Object.entries(words)) for (const text of all) assert.equal(span(text), span(expected), text);
    }
    assert.deepEqual(suggestTimes('nova 過去３時間', NOW, 'utc').map(({ text, rest }) => [text, rest]), [['期間: 過去 3 hr', 'nova']]);
    assert.equal(suggestTimes('先週', NOW, 'utc')[0].text, '期間: 過去 7 日', 'it says what it means');
    for (const text of ['過去3', '過去 3 時', '過去３日']) assert.ok(isTimeStart(text), text);
    for (const text of ['過去の', '過去3時間前から', '今']) assert.ok(!isTimeStart(text), text);
  } finally {
    globalThis.texts = english;
  }
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

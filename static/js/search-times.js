/** Time ranges as words, such as `last night`. */
import { clock, zoneName } from './format.js';
import { language, amount, t } from './language.js';

const MINUTE = 60_000;
const UNITS = { minute: MINUTE, hour: 60 * MINUTE, day: 1440 * MINUTE, week: 7 * 1440 * MINUTE };
/** Other names of the units; the ranges of the picker that end now, by their lengths. */
const UNIT_NAMES = { min: 'minute', m: 'minute', hr: 'hour', h: 'hour', d: 'day', w: 'week' };
const PRESETS = { [UNITS.hour]: 'hour', [UNITS.day]: 'day', [UNITS.week]: 'week', [30 * UNITS.day]: 'month' };
const LAST = /^last (?:(\d{1,4}) ?)?(minute|min|m|hour|hr|h|day|d|week|w)s?$/;
/** The hours of the evening and of the morning between which it is night. */
const [EVENING, MORNING] = [18, 8];
/** The fewest letters that may begin one of the phrases. */
const MIN_LETTERS = language === 'en' ? 3 : 2;

const custom = (from, to) => ({ range: 'custom', from: new Date(from).toISOString(), to: to ? new Date(to).toISOString() : '' });

/** The phrases, each with the change of the state. `at` is the time of an hour of a day, counted from today. */
const PHRASES = [
  ['last night', 'search.lastNight', (at) => custom(at(-1, EVENING), at(0, MORNING))],
  ['last hour', 'search.lastHour', () => ({ range: 'hour', from: '', to: '' })],
  ['today', 'search.today', (at) => custom(at(0), at(1))],
  ['yesterday', 'search.yesterday', (at) => custom(at(-1), at(0))],
  ['this week', 'search.thisWeek', (at, { weekday }) => custom(at(-weekday), at(7 - weekday))],
  ['this month', 'search.thisMonth', (at, { day }) => custom(at(1 - day))],
];

/** What reads the days of a zone at a time. */
function calendar(now, zone) {
  const date = new Date(now);
  const [year, month, day, weekday] = zone === 'utc'
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCDay()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getDay()];
  const at = (by, hour = 0) => (zone === 'utc' ? Date.UTC(year, month, day + by, hour) : new Date(year, month, day + by, hour).getTime());
  // A week begins on Monday.
  return [at, { day, weekday: (weekday + 6) % 7 }];
}

/** The range of the last night. */
export const lastNight = (now, zone) => PHRASES[0][2](...calendar(now, zone));

/** "2026-01-01 18:00 – 2026-01-02 08:00 UTC+9"; nothing for a range of the picker, which moves along. */
function about({ range, from, to }, zone) {
  if (range !== 'custom') return '';
  const written = (time) => clock(time, zone).slice(0, 16).replace('T', ' ');
  const values = { from: written(from), to: to && written(to), zone: zoneName(from, zone) };
  return t(to ? 'search.fromTo' : 'search.since', values);
}

const tidy = (text) => text.trim().toLowerCase().replace(/\s+/g, ' ');
const namesOf = ([phrase, key]) => [phrase, t(key).toLowerCase()];

function option(label, change, zone) {
  return { text: t('search.timeRange', { phrase: label }), about: about(change, zone), change };
}

/** The change of the state that a text means; null where it is no such phrase. */
export function readTime(text, now, zone) {
  const wanted = tidy(text);
  const phrase = PHRASES.find((one) => namesOf(one).includes(wanted));
  if (phrase) return option(t(phrase[1]), phrase[2](...calendar(now, zone)), zone);
  const [, count = '1', name] = LAST.exec(wanted) ?? [];
  if (!name) return null;
  const unit = UNIT_NAMES[name] ?? name;
  const span = Number(count) * UNITS[unit];
  const label = t('search.last', { span: unit === 'week' ? amount(Number(count) * 7, 'day') : amount(Number(count), unit) });
  const preset = PRESETS[span];
  return span ? option(label, preset ? { range: preset, from: '', to: '' } : custom(now - span), zone) : null;
}

/** The phrases that a text begins. */
const begunBy = (text) => PHRASES.filter((one) => text.length >= MIN_LETTERS && namesOf(one).some((name) => name.startsWith(text)));

/** Whether a text is a phrase, or may become one when more of it is typed. */
export function isTimeStart(text) {
  const wanted = tidy(text);
  return LAST.test(wanted) || /^last(?: \d{0,4} ?[a-z]?)?$/.test(wanted) || begunBy(wanted).length > 0;
}

/** The ranges to suggest for words: what they begin, or what their last ones are, with the words before these as `rest`. */
export function suggestTimes(words, now, zone) {
  const all = tidy(words).split(' ');
  const typed = words.trim().split(/\s+/);
  const ends = [3, 2, 1].filter((count) => count <= all.length)
    .map((count) => [typed.slice(0, -count).join(' '), readTime(all.slice(-count).join(' '), now, zone)])
    .filter(([, found]) => found).slice(0, 1);
  const found = [...ends.map(([rest, one]) => ({ ...one, rest })),
    ...begunBy(tidy(words)).map(([phrase]) => ({ ...readTime(phrase, now, zone), rest: '' }))];
  return found.filter(({ text }, index) => found.findIndex((one) => one.text === text) === index);
}

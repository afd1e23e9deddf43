/** Time ranges as words, such as `last night`. */
import { clock, zoneName } from './format.js';
import { language, amount, t } from './language.js';

const MINUTE = 60_000;
const UNITS = { minute: MINUTE, hour: 60 * MINUTE, day: 1440 * MINUTE, week: 7 * 1440 * MINUTE };
/** The English names of the units, which are known in every language, as patterns. */
const UNIT_NAMES = ['m|min|minute', 'h|hr|hour', 'd|day', 'w|week'];
/** The ranges of the picker that end now, by their lengths. */
const PRESETS = { [UNITS.hour]: 'hour', [UNITS.day]: 'day', [UNITS.week]: 'week', [30 * UNITS.day]: 'month' };
/** The hours of the evening and of the morning between which it is night. */
const [EVENING, MORNING] = [18, 8];
/** The fewest letters that may begin one of the phrases. */
const MIN_LETTERS = language === 'en' ? 3 : 2;

const custom = (from, to) => ({ range: 'custom', from: new Date(from).toISOString(), to: to ? new Date(to).toISOString() : '' });

/** The phrases, each with the key of its names and a change of the state. `at` is the time of an hour of a day, counted from today. */
const PHRASES = [
  ['last night', 'search.lastNight', (at) => custom(at(-1, EVENING), at(0, MORNING))],
  ['last hour', 'search.lastHour', () => ({ range: 'hour', from: '', to: '' })],
  ['last week', 'search.lastWeek', () => ({ range: 'week', from: '', to: '' })],
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

/** Full-width digits are those of a Japanese keyboard. */
const tidy = (text) => text.trim().toLowerCase().replace(/\s+/g, ' ')
  .replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xFEE0));
/** The names of a phrase in the language of the page. The first one is shown. */
const namesIn = (key) => t(key).split('|');
const namesOf = ([phrase, key]) => [phrase, ...namesIn(key)];

/** The unit and the count of a text such as `last 3 hours`; null where it is none. */
function readLast(text) {
  const units = t('search.units').split(' ').map((names, index) => `(${UNIT_NAMES[index]}|${names})`).join('|');
  // A unit without a count means one of it in English alone: in Korean, such words have other meanings.
  const words = `last (?:(\\d{1,4}) ?)?|(?:${t('search.lastWords')}) ?(\\d{1,4}) ?`;
  const [, english, other, ...found] = new RegExp(`^(?:${words})(?:${units})s?$`).exec(text) ?? [];
  return found.length ? { unit: Object.keys(UNITS)[found.findIndex(Boolean)], count: Number(english ?? other ?? 1) } : null;
}

function option(label, change, zone) {
  return { text: t('search.timeRange', { phrase: label }), about: about(change, zone), change };
}

/** The change of the state that a text means; null where it is no such phrase. */
export function readTime(text, now, zone) {
  const wanted = tidy(text);
  const phrase = PHRASES.find((one) => namesOf(one).includes(wanted));
  if (phrase) return option(namesIn(phrase[1])[0], phrase[2](...calendar(now, zone)), zone);
  const { unit, count } = readLast(wanted) ?? {};
  if (!count) return null;
  const span = count * UNITS[unit];
  const label = t('search.last', { span: unit === 'week' ? amount(count * 7, 'day') : amount(count, unit) });
  const preset = PRESETS[span];
  return option(label, preset ? { range: preset, from: '', to: '' } : custom(now - span), zone);
}

/** The phrases that a text begins. */
const begunBy = (text) => PHRASES.filter((one) => text.length >= MIN_LETTERS && namesOf(one).some((name) => name.startsWith(text)));

/** Whether a text is a phrase, or may become one when more of it is typed. */
export function isTimeStart(text) {
  const wanted = tidy(text);
  return readLast(wanted) !== null || begunBy(wanted).length > 0
    || new RegExp(`^(?:last(?: \\d{0,4} ?[a-z]?)?|(?:${t('search.lastWords')})(?: ?\\d{1,4} ?\\D?)?)$`).test(wanted);
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

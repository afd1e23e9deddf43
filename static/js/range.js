/** Time ranges, and the buckets of the histogram. Times are in milliseconds; an end is not part of its range. */

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const YEAR = 366 * DAY;
/** The longest span of a histogram. */
const MAX_SPAN = 40 * YEAR;

/** The span of each preset, and the step by which its start moves: until then the query and its answer stay the same. */
const PRESETS = { hour: [HOUR, MINUTE], day: [DAY, MINUTE], week: [7 * DAY, HOUR], month: [30 * DAY, HOUR] };

/** The start and end of a range; null where it is open. */
export function bounds({ range, from, to }, now) {
  if (range === 'custom') return { from: from ? Date.parse(from) : null, to: to ? Date.parse(to) : null };
  const [span, step] = PRESETS[range] ?? [];
  return { from: span ? Math.floor((now - span) / step) * step : null, to: null };
}

/** The beginning of the last hours, which moves by the minute. */
export const sinceHours = ({ hours }, now) => Math.floor((now - hours * HOUR) / MINUTE) * MINUTE;

/** The units of buckets, each with the longest span that is cut into it, and the unit that the server groups by. */
const UNITS = [
  ['minute', 3 * HOUR, 'minute'],
  ['hour', 4 * DAY, 'hour'],
  ['day', 124 * DAY, 'day'],
  ['week', 3 * YEAR, 'day'],
  ['month', Infinity, 'day'],
];
/** The server groups by days of UTC: up to this span, local days are summed up from its hours. */
const MAX_BY_HOUR = 62 * DAY;
/** The date format of each unit of the server, and what makes a time of its groups. */
const GRAINS = { minute: ['%Y-%m-%dT%H:%M', ':00Z'], hour: ['%Y-%m-%dT%H', ':00:00Z'], day: ['%Y-%m-%d', 'T00:00:00Z'] };

/**
 * Cuts a span into buckets, few enough to be told apart; `zone` is the one of their days.
 * @typedef {{unit: string, zone: string, format: string, suffix: string, starts: number[], end: number}} Cut
 * @returns {Cut}
 */
export function cut(from, to, zone) {
  from = Math.max(from, to - MAX_SPAN);
  const span = to - from;
  let [unit, , grain] = UNITS.find(([, max]) => span <= max);
  if (grain === 'day' && zone === 'local') {
    const hasWholeHours = [from, to].every((time) => new Date(time).getTimezoneOffset() % 60 === 0);
    if (span <= MAX_BY_HOUR && hasWholeHours) grain = 'hour';
    else zone = 'utc';
  }
  const starts = [];
  let end = step(unit, from, zone, 0);
  do {
    starts.push(end);
    end = step(unit, end, zone, 1);
  } while (end < to);
  const [format, suffix] = GRAINS[grain];
  return { unit, zone, format, suffix, starts, end };
}

/** The start of the bucket of a time, or of the bucket `by` further on. */
export function step(unit, time, zone, by) {
  // Hours and minutes are those of UTC, as the server groups them.
  if (unit === 'minute' || unit === 'hour') {
    const size = unit === 'hour' ? HOUR : MINUTE;
    return (Math.floor(time / size) + by) * size;
  }
  const date = new Date(time);
  const [year, month, day, weekday] = zone === 'utc'
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCDay()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getDay()];
  const timeOf = (...parts) => (zone === 'utc' ? Date.UTC(...parts) : new Date(...parts).getTime());
  if (unit === 'month') return timeOf(year, month + by, 1);
  return timeOf(year, month, unit === 'week' ? day - ((weekday + 6) % 7) + 7 * by : day + by);
}

/**
 * Sorts groups of jobs into buckets: the number of jobs in each status, for each bucket.
 * @param {Cut} cut
 * @param {{at: string, status: string, count: number}[]} groups
 */
export function fill({ starts, end, suffix }, groups) {
  const buckets = starts.map(() => ({}));
  for (const { at, status, count } of groups) {
    const time = Date.parse(at + suffix);
    if (!(time >= starts[0] && time < end)) continue;
    const bucket = buckets[starts.findLastIndex((start) => start <= time)];
    bucket[status] = (bucket[status] ?? 0) + count;
  }
  return buckets;
}

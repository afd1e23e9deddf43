/** Time ranges, and the buckets into which one is cut. Moments are milliseconds; ends are not within. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
export const YEAR = 366 * DAY;
/** No strip is longer. */
const LONGEST = 40 * YEAR;

/** How long a preset is, and how far its beginning jumps: in between the question, and so its answer, stays the same. */
const PRESETS = { hour: [HOUR, MINUTE], day: [DAY, MINUTE], week: [7 * DAY, HOUR], month: [30 * DAY, HOUR] };

export function bounds({ range, from, to }, now) {
  if (range === 'custom') return { from: from ? Date.parse(from) : null, to: to ? Date.parse(to) : null };
  const [span, step] = PRESETS[range] ?? [];
  return { from: span ? Math.floor((now - span) / step) * step : null, to: null };
}

/** Units, the longest spans that are cut into them, and the server's. */
const UNITS = [['minute', 3 * HOUR, 'minute'], ['hour', 4 * DAY, 'hour'], ['day', 124 * DAY, 'day'], ['week', 3 * YEAR, 'day'], ['month', Infinity, 'day']];
/** The server cuts by UTC: up to this span local days are put together of hours. */
const MOST_BY_HOUR = 62 * DAY;
/** What the server groups by; what makes a moment of a group. */
const GRAINS = { minute: ['%Y-%m-%dT%H:%M', ':00Z'], hour: ['%Y-%m-%dT%H', ':00:00Z'], day: ['%Y-%m-%d', 'T00:00:00Z'] };

/**
 * Cuts a span into buckets that can be told apart; `zone` is that of their days.
 * @typedef {{unit: string, zone: string, format: string, suffix: string, starts: number[], end: number}} Cut
 * @returns {Cut}
 */
export function cut(from, to, zone) {
  from = Math.max(from, to - LONGEST);
  const span = to - from;
  let [unit, , grain] = UNITS.find(([, most]) => span <= most);
  if (grain === 'day' && zone === 'local') {
    const hasWholeHours = [from, to].every((time) => new Date(time).getTimezoneOffset() % 60 === 0);
    if (span <= MOST_BY_HOUR && hasWholeHours) grain = 'hour';
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

/** The beginning of a moment's bucket, or of one so many further. */
function step(unit, time, zone, by) {
  // Hours are cut as the server cuts them.
  if (unit === 'minute' || unit === 'hour') {
    const size = unit === 'hour' ? HOUR : MINUTE;
    return (Math.floor(time / size) + by) * size;
  }
  const date = new Date(time);
  const [year, month, day, weekday] = zone === 'utc'
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCDay()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getDay()];
  const moment = (...parts) => (zone === 'utc' ? Date.UTC(...parts) : new Date(...parts).getTime());
  if (unit === 'month') return moment(year, month + by, 1);
  return moment(year, month, unit === 'week' ? day - ((weekday + 6) % 7) + 7 * by : day + by);
}

/**
 * Sorts groups of jobs into buckets: for each, how many there are in each status.
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

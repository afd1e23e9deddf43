/** The chart above the list: when its jobs were created, by outcome. */
import { createChart } from './chart.js';
import { $, on } from './dom.js';
import { t } from './language.js';

let chart = null;
/** The letters of the units of buckets, by which the tables of texts name them. */
const UNITS = { minute: 'm', hour: 'h', day: 'd', week: 'w', month: 'M' };
const NO_DURATIONS = { count: 0, median: null, p95: null };

/**
 * @param {import('./state.js').State} state
 * @param {number} now in milliseconds
 * @param {import('./range.js').Cut?} cut null where there are no jobs
 * @param {Record<string, number>[]} counts the number of jobs in each status, for each bucket of the cut
 */
export function showTimes(state, now, cut, counts) {
  const node = $('times');
  for (const part of node.querySelectorAll('.canvas, h2')) part.hidden = !cut;
  $('all-time').hidden = state.range === 'all' || (state.range === 'custom' && !state.from && !state.to);
  if (!cut) return;
  const { unit, zone, starts, end, ends } = cut;
  const from = Math.max(starts[0], ends.from ?? starts[0]);
  const to = Math.min(end, ends.to ?? (['all', 'custom'].includes(state.range) ? end : now));
  const buckets = counts.map((statuses, index) => {
    const [start, stop] = [starts[index], starts[index + 1] ?? end];
    const isPart = start < from || stop > Math.min(to, Math.max(now, from));
    return { start: iso(start), end: iso(stop), is_part: isPart, statuses, durations: NO_DURATIONS };
  });
  chart.setTitle(t(`chart.per.${UNITS[unit]}`, { count: 1 }) + (zone === state.zone ? '' : ' (UTC)'));
  chart.show(buckets, from, to, zone);
}

const iso = (time) => new Date(time).toISOString();

/**
 * @param {(from: number, to: number) => void} narrow to a range of time, in milliseconds
 * @param {() => void} widen to all time
 */
export function wireTimes(narrow, widen) {
  chart = createChart($('times'), narrow, true);
  on($('all-time'), 'click', widen);
}

/** The ticks of an axis of time, on the clocks of the zone that is shown. */
import { clock } from './format.js';
import { day } from './language.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The steps between ticks, in milliseconds. */
const STEPS = [MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY,
  7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 182 * DAY, 364 * DAY];

/** The times on the clocks of a zone that are multiples of a step: the smallest step by which there are at most `most`. */
export function timeTicks(from, to, zone, most) {
  const size = STEPS.find((step) => (to - from) / step <= most) ?? STEPS.at(-1);
  const ahead = Date.parse(`${clock(from, zone)}Z`) - from;
  const ticks = [];
  for (let time = Math.ceil((from + ahead) / size) * size - ahead; time <= to; time += size) ticks.push(time);
  return ticks;
}

/** "08:00", or "Jan 31" for a midnight */
export function tickLabel(time, zone) {
  const text = clock(time, zone);
  return text.slice(11, 16) === '00:00' ? day(Date.parse(`${text}Z`)) : text.slice(11, 16);
}

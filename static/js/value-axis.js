/** The vertical axis of a chart: a round maximum, and ticks at round numbers or spans. */
import { svg } from './dom.js';
import { amount, number } from './language.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The steps between spans, in milliseconds. */
export const SPAN_STEPS = [1000, 2000, 5000, 10_000, 15_000, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY];

/** A round step by which at most `most` ticks reach a maximum: 1, 2 or 5 with zeros. */
function numberStep(max, most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(max / most, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => max / step <= most);
}

/** A step of spans by which at most `most` ticks reach a maximum. */
const spanStep = (max, most) => SPAN_STEPS.find((one) => max / one <= most) ?? Math.ceil(max / most);

/** "10 min": a span that is a multiple of its largest unit */
function roundSpan(millis) {
  const units = [['day', DAY], ['hour', HOUR], ['minute', MINUTE]];
  const [unit, size] = units.find(([, one]) => millis >= one && millis % one === 0) ?? ['second', 1000];
  return amount(millis / size, unit);
}

/**
 * Makes an axis that begins with 0, and has at most `most` ticks above it.
 * @param {number} max the largest value: a number, or with `isSpan` milliseconds
 * @param {(value: number) => string} format a number as text
 */
export function valueAxis(max, most, isSpan, format = number) {
  const step = isSpan ? spanStep(max, most) : numberStep(Math.max(max, 1), most);
  const top = Math.max(Math.ceil(max / step) * step, step);
  const text = (value) => (isSpan ? (value ? roundSpan(value) : '0') : format(value));
  return {
    /** The value at the upper end. */
    top,
    /** The lines of the ticks from `left` to `right`, and their labels. */
    lines(left, right, yOf) {
      const parts = [];
      for (let value = 0; value <= top; value += step) {
        const y = yOf(value);
        parts.push(svg('line', { x1: left, x2: right, y1: y, y2: y, class: value ? 'grid' : 'axis' }),
          svg('text', { x: left - 8, y: y + 4, class: 'tick-label end' }, text(value)));
      }
      return parts;
    },
  };
}

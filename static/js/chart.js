/**
 * A chart of jobs in time: bars by outcome with the failures at the base line, and below them how long jobs took, on one axis
 * of time. A click or a drag narrows the range to its bars; a tap shows what a bar has, and a second one narrows to it.
 *
 * @typedef {{start: string, end: string, is_part: boolean, statuses: Record<string, number>,
 *   durations: {count: number, median: number?, p95: number?}}} Bucket as the overview of the API has it
 */
import { button, el, on, setText, svg } from './dom.js';
import { clock, span } from './format.js';
import { amount, list, number, t } from './language.js';
import { TABS } from './state.js';
import { tickLabel, timeTicks } from './time-axis.js';

/** The tabs whose jobs are stacked in a bar, from the base line up. */
const OUTCOMES = ['failed', 'canceled', 'waiting', 'running', 'succeeded'].map((id) => {
  const { label, statuses } = TABS.find((tab) => tab.id === id);
  return { id, label, tint: statuses[0], statuses };
});

/** Lengths in pixels. */
const LEFT = 58;
const RIGHT = 12;
/** The heights of a chart from the top down: a margin, the bars, a gap, the durations, the labels of time. */
const TALL = { top: 10, bars: 132, gap: 16, spans: 64, bottom: 22 };
/** Those of a chart without durations, as the list has it. */
const LOW = { top: 6, bars: 34, gap: 0, spans: 0, bottom: 18 };
/** The least distance between two labels of the axis of time. */
const LABEL = 64;
/** The number of charts, for the ids of their patterns. */
let charts = 0;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The steps between the ticks of spans, in milliseconds. */
export const SPAN_STEPS = [1000, 2000, 5000, 10_000, 15_000, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY];

const sumOf = (numbers) => numbers.reduce((sum, one) => sum + one, 0);
const jobsIn = (bucket, outcome) => sumOf(outcome.statuses.map((status) => bucket.statuses[status] ?? 0));

/** A round step by which at most `most` ticks reach a maximum: 1, 2 or 5 with zeros. */
export function roundStep(max, most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(max / most, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => max / step <= most);
}

/** A step of spans by which at most `most` ticks reach a maximum. */
export const spanStep = (max, most) => SPAN_STEPS.find((one) => max / one <= most) ?? Math.ceil(max / most);

/** "10 min": a span that is a multiple of its largest unit */
export function roundSpan(millis) {
  const units = [['day', DAY], ['hour', HOUR], ['minute', MINUTE]];
  const [unit, size] = units.find(([, one]) => millis >= one && millis % one === 0) ?? ['second', 1000];
  return amount(millis / size, unit);
}

/**
 * Makes a chart in a node.
 * @param {HTMLElement} node has children with the classes `plot` and `tip`, and unless it is low `legend` and `data`
 * @param {(from: number, to: number) => void} narrow to a range of time
 * @param {boolean} isLow whether it has bars alone
 */
export function createChart(node, narrow, isLow = false) {
  const [legend, plot, tip, data] = ['legend', 'plot', 'tip', 'data'].map((name) => node.querySelector(`.${name}`));
  const { top: TOP, bars: BARS, gap, spans: SPANS, bottom } = isLow ? LOW : TALL;
  const SPANS_TOP = TOP + BARS + gap;
  const HEIGHT = SPANS_TOP + SPANS + bottom;
  charts += 1;
  const hatchId = `hatch-${charts}`;
  /** @type {{buckets: Bucket[], from: number, to: number, zone: string}?} */
  let shown = null;
  /** The outcomes that the legend leaves out. */
  const hidden = new Set();
  /** The bar that the keyboard or the pointer is at. */
  let current = -1;
  /** The first and the last bar of a drag; null while there is none. */
  let drag = null;
  let drawn = '';

  const starts = () => shown.buckets.map(({ start }) => Date.parse(start));
  const width = () => Math.max(plot.clientWidth, 240);
  const xOf = (time) => LEFT + ((time - shown.from) / (shown.to - shown.from)) * (width() - LEFT - RIGHT);
  const ends = ({ start, end }) => [Math.max(Date.parse(start), shown.from), Math.min(Date.parse(end), shown.to)];
  const bars = () => [...plot.querySelectorAll('.bar-of-time')];

  /** "2026-01-31 08:00 – 09:00", or whole days without hours: "2026-01-31" */
  function period(bucket) {
    const [from, to] = ends(bucket).map((time) => clock(time, shown.zone).slice(0, 16).replace('T', ' '));
    if (from.endsWith(' 00:00') && to.endsWith(' 00:00')) {
      const days = [from, clock(ends(bucket)[1] - 1, shown.zone)].map((time) => time.slice(0, 10));
      return [...new Set(days)].join(' – ');
    }
    return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
  }

  const drawable = () => OUTCOMES.filter(({ id }) => !hidden.has(id));

  /** What a bar has, in lines. */
  function lines(bucket) {
    const outcomes = drawable().map((outcome) => ({ ...outcome, jobs: jobsIn(bucket, outcome) })).filter(({ jobs }) => jobs);
    const all = sumOf(outcomes.map(({ jobs }) => jobs));
    const { median, p95 } = bucket.durations;
    return [t('count.jobs', { count: all }),
      ...outcomes.map(({ label, jobs }) => t('chart.outcome', { outcome: t(label), count: jobs })),
      ...(median === null ? [] : [t('chart.spans', { median: span(median), p95: span(p95) })]),
      ...(bucket.is_part ? [t('chart.part')] : [])];
  }

  function draw() {
    if (!shown) return;
    const key = JSON.stringify([shown, [...hidden], width()]);
    if (key === drawn) return;
    drawn = key;
    const { buckets, from, to, zone } = shown;
    const outcomes = drawable();
    const totals = buckets.map((bucket) => sumOf(outcomes.map((outcome) => jobsIn(bucket, outcome))));
    const step = roundStep(Math.max(...totals, 1), isLow ? 1 : 4);
    const top = Math.max(Math.ceil(Math.max(...totals) / step) * step, step);
    const longest = Math.max(...buckets.map(({ durations }) => durations.p95 ?? 0));
    const stepOfSpans = spanStep(longest, 2);
    const longestTick = Math.max(Math.ceil(longest / stepOfSpans) * stepOfSpans, stepOfSpans);
    const yOf = (jobs) => TOP + BARS * (1 - jobs / top);
    const ySpan = (millis) => SPANS_TOP + SPANS * (1 - millis / longestTick);
    const right = width() - RIGHT;
    const line = (y, className) => svg('line', { x1: LEFT, x2: right, y1: y, y2: y, class: className });
    const label = (y, text) => svg('text', { x: LEFT - 8, y: y + 4, class: 'tick-label end' }, text);
    const parts = [];
    for (let jobs = 0; jobs <= top; jobs += step) parts.push(line(yOf(jobs), jobs ? 'grid' : 'axis'), label(yOf(jobs), number(jobs)));
    for (let millis = 0; SPANS && millis <= longestTick; millis += stepOfSpans) {
      parts.push(line(ySpan(millis), millis ? 'grid' : 'axis'), label(ySpan(millis), millis ? roundSpan(millis) : '0'));
    }
    for (const time of timeTicks(from, to, zone, Math.max(Math.floor((right - LEFT) / LABEL), 1))) {
      const x = xOf(time);
      parts.push(svg('line', { x1: x, x2: x, y1: TOP, y2: SPANS_TOP + SPANS + 4, class: 'grid' }));
      parts.push(svg('text', { x: Math.min(x, right - 12), y: HEIGHT - 4, class: 'tick-label middle' }, tickLabel(time, zone)));
    }
    const points = { median: [[]], p95: [[]] };
    const all = buckets.map((bucket, index) => {
      const [start, end] = ends(bucket).map(xOf);
      const space = end - start > 4 ? 1 : 0;
      let base = 0;
      const pieces = outcomes.flatMap((outcome) => {
        const jobs = jobsIn(bucket, outcome);
        if (!jobs) return [];
        base += jobs;
        const height = Math.max((jobs / top) * BARS, 1);
        const place = { x: start + space / 2, width: Math.max(end - start - space, 1), y: yOf(base), height };
        return [svg('rect', { ...place, class: `piece-of-time ${outcome.tint}` }),
          ...(bucket.is_part ? [svg('rect', { ...place, fill: `url(#${hatchId})` })] : [])];
      });
      for (const [name, sets] of Object.entries(points)) {
        const value = bucket.durations[name];
        if (value === null) sets.push([]);
        else sets.at(-1).push([(start + end) / 2, ySpan(value)]);
      }
      const about = `${period(bucket)}: ${list(lines(bucket))}`;
      const tabindex = index === Math.max(current, 0) ? 0 : -1;
      const target = { x: start, width: Math.max(end - start, 1), y: TOP, height: SPANS_TOP + SPANS - TOP, class: 'target' };
      return svg('g', { class: 'bar-of-time', role: 'button', tabindex, 'aria-label': about }, svg('rect', target), ...pieces);
    });
    const curves = Object.entries(points).flatMap(([name, sets]) => sets.filter(({ length }) => length).map((set) => (
      set.length === 1
        ? svg('circle', { cx: set[0][0], cy: set[0][1], r: 2, class: `dot ${name}` })
        : svg('polyline', { points: set.map((pair) => pair.join()).join(' '), class: `curve ${name}` }))));
    const hatch = svg('pattern', { id: hatchId, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svg('rect', { width: 3, height: 6, class: 'hatch' }));
    const focused = bars().indexOf(document.activeElement);
    plot.replaceChildren(svg('svg', { width: width(), height: HEIGHT, viewBox: `0 0 ${width()} ${HEIGHT}`, role: 'presentation' },
      svg('defs', {}, hatch), ...parts, ...all, ...curves, svg('rect', { y: TOP, height: SPANS_TOP + SPANS - TOP, class: 'brush' })));
    if (focused >= 0) bars()[focused]?.focus();
    if (isLow) return;
    showLegend();
    showData(outcomes);
  }

  function showLegend() {
    if (!legend.children.length) {
      const ofLine = (name, label) => el('span', { className: `key-of-line ${name}` }, label);
      legend.append(...OUTCOMES.map(({ id, label, tint }) => button(t(label), null, { className: `key ${tint}`, data: { id } })),
        ofLine('median', t('figure.median')), ofLine('p95', t('figure.p95')));
    }
    for (const key of legend.querySelectorAll('button')) key.ariaPressed = String(!hidden.has(key.dataset.id));
  }

  /** The same as a table, for those who do not see the chart. */
  function showData(outcomes) {
    const cell = (text) => el('td', { className: 'number' }, text);
    const row = (bucket) => el('tr', {}, el('th', { scope: 'row' }, period(bucket)),
      ...outcomes.map((outcome) => cell(number(jobsIn(bucket, outcome)))),
      ...['median', 'p95'].map((name) => cell(bucket.durations[name] === null ? '–' : span(bucket.durations[name]))));
    const head = ['chart.time', ...outcomes.map(({ label }) => label), 'figure.median', 'figure.p95'].map((key) => t(key));
    data.replaceChildren(el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, ...shown.buckets.map(row)));
  }

  function showTip(index) {
    current = index;
    const bucket = shown?.buckets[index];
    tip.hidden = !bucket || Boolean(drag);
    bars().forEach((bar, at) => bar.classList.toggle('current', at === index));
    if (tip.hidden) return;
    tip.replaceChildren(el('b', {}, period(bucket)), ...lines(bucket).map((text) => el('div', {}, text)));
    const middle = ends(bucket).map(xOf).reduce((one, other) => one + other) / 2;
    const room = width() - tip.offsetWidth;
    tip.style.left = `${Math.min(Math.max(middle + (middle > width() / 2 ? -tip.offsetWidth - 12 : 12), 0), Math.max(room, 0))}px`;
  }

  /** The bar at a pointer, which may have left the chart. */
  function indexAt(x) {
    const time = shown.from + ((x - plot.getBoundingClientRect().left - LEFT) / (width() - LEFT - RIGHT)) * (shown.to - shown.from);
    return Math.max(starts().findLastIndex((start) => start <= time), 0);
  }

  function showDrag(to) {
    drag = to;
    const brush = plot.querySelector('.brush');
    if (!drag || !brush) return brush?.setAttribute('width', 0);
    const [first, last] = drag.toSorted((a, b) => a - b).map((index) => ends(shown.buckets[index]).map(xOf));
    brush.setAttribute('x', first[0]);
    brush.setAttribute('width', Math.max(last[1] - first[0], 0));
  }

  const choose = (pair) => {
    const [first, last] = pair.toSorted((a, b) => a - b).map((index) => ends(shown.buckets[index]));
    showTip(-1);
    narrow(first[0], last[1]);
  };

  if (legend) on(legend, 'click', ({ target: { dataset: { id } } }) => {
    if (!id) return;
    if (!hidden.delete(id)) hidden.add(id);
    // Without any outcome there is no chart.
    if (hidden.size === OUTCOMES.length) hidden.clear();
    draw();
  });
  on(plot, 'pointerdown', (event) => {
    if (event.button !== 0 || !shown || event.pointerType === 'touch') return;
    showDrag([indexAt(event.clientX), indexAt(event.clientX)]);
    showTip(-1);
  });
  on(plot, 'pointermove', (event) => shown && !drag && event.pointerType !== 'touch' && showTip(indexAt(event.clientX)));
  on(window, 'pointermove', (event) => drag && showDrag([drag[0], indexAt(event.clientX)]));
  on(window, 'pointerup', () => {
    if (drag) choose(drag);
    showDrag(null);
  });
  on(window, 'pointercancel', () => showDrag(null));
  // A finger leaves when it is lifted, and what it has shown stays until it is put down elsewhere.
  on(plot, 'pointerleave', (event) => drag || event.pointerType === 'touch' || showTip(-1));
  on(window, 'pointerdown', (event) => plot.contains(event.target) || showTip(-1));
  on(plot, 'click', (event) => {
    // A mouse or a pen has chosen when its drag ended; what is left is a tap, the keyboard or a screen reader.
    if (!shown || (event.pointerType !== 'touch' && event.detail > 0)) return;
    const bar = bars().indexOf(event.target.closest('.bar-of-time'));
    const index = bar >= 0 ? bar : indexAt(event.clientX);
    if (event.pointerType === 'touch' && index !== current) showTip(index);
    else choose([index, index]);
  });
  on(plot, 'focusin', (event) => {
    const index = bars().indexOf(event.target.closest('.bar-of-time'));
    if (index >= 0 && event.target.matches(':focus-visible')) showTip(index);
  });
  on(plot, 'focusout', () => showTip(-1));
  on(plot, 'keydown', (event) => {
    const at = bars().indexOf(event.target.closest('.bar-of-time'));
    if (event.key === 'Escape' && (drag || !tip.hidden)) {
      showDrag(null);
      showTip(-1);
      event.preventDefault();
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      if (at >= 0) choose([at, at]);
    }
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (!by || at < 0) return;
    event.preventDefault();
    const next = Math.min(Math.max(at + by, 0), bars().length - 1);
    bars().forEach((bar, index) => bar.setAttribute('tabindex', index === next ? 0 : -1));
    bars()[next].focus();
  });
  new ResizeObserver(draw).observe(plot);

  return {
    /** @param {Bucket[]} buckets of the range from `from` to `to`, in milliseconds, with times in a zone */
    show(buckets, from, to, zone) {
      shown = { buckets, from, to, zone };
      draw();
    },
    setTitle: (text) => setText(node.querySelector('.chart-title'), text),
  };
}

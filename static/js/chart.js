/**
 * A chart of jobs in time: bars by outcome with the failures at the base line, and below them how long jobs took, on one axis
 * of time. A click or a drag narrows the range to its bars; a tap shows what a bar has, and a second one narrows to it.
 *
 * @typedef {{start: string, end: string, is_part: boolean, statuses: Record<string, number>,
 *   durations: {count: number, median: number?, p95: number?}}} Bucket as the overview of the API has it
 */
import { button, el, on, setText, svg } from './dom.js';
import { clock, span } from './format.js';
import { list, number, t } from './language.js';
import { createPlot, curve } from './plot.js';
import { TABS } from './state.js';
import { tickLabel, timeTicks } from './time-axis.js';
import { valueAxis } from './value-axis.js';

/** The tabs whose jobs are stacked in a bar, from the base line up. */
const OUTCOMES = ['failed', 'canceled', 'waiting', 'running', 'succeeded'].map((id) => {
  const { label, statuses } = TABS.find((tab) => tab.id === id);
  return { id, label, tint: statuses[0], statuses };
});
/** The figures of durations that have curves. */
const FIGURES = ['median', 'p95'];

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

const sumOf = (numbers) => numbers.reduce((sum, one) => sum + one, 0);
const jobsIn = (bucket, outcome) => sumOf(outcome.statuses.map((status) => bucket.statuses[status] ?? 0));

/**
 * Makes a chart in a node.
 * @param {HTMLElement} node has children with the classes `plot` and `tip`, and unless it is low `legend` and `data`
 * @param {(from: number, to: number) => void} narrow to a range of time
 * @param {boolean} isLow whether it has bars alone
 */
export function createChart(node, narrow, isLow = false) {
  const [legend, data] = ['legend', 'data'].map((name) => node.querySelector(`.${name}`));
  const { top: TOP, bars: BARS, gap, spans: SPANS, bottom } = isLow ? LOW : TALL;
  const SPANS_TOP = TOP + BARS + gap;
  const HEIGHT = SPANS_TOP + SPANS + bottom;
  charts += 1;
  const hatchId = `hatch-${charts}`;
  /** @type {{buckets: Bucket[], from: number, to: number, zone: string}?} */
  let shown = null;
  /** The outcomes that the legend leaves out. */
  const hidden = new Set();
  /** The first and the last bar of a drag; null while there is none. */
  let drag = null;
  const { plot, bar, ...drawn } = createPlot(node, {
    data: () => shown && [shown, [...hidden]],
    drawing,
    describe: (index) => {
      const bucket = shown.buckets[index];
      return { x: middle(bucket), title: period(bucket), lines: lines(bucket) };
    },
    indexAt,
    // A mouse or a pen has chosen when its drag ended; what is left is a tap, the keyboard or a screen reader.
    choose: (index, event) => (event.pointerType === 'touch' || !event.detail) && choose([index, index]),
  });

  const setTitle = (text) => setText(node.querySelector('.chart-title'), text);
  const right = () => drawn.width() - RIGHT;
  const xOf = (time) => LEFT + ((time - shown.from) / (shown.to - shown.from)) * (right() - LEFT);
  const ends = ({ start, end }) => [Math.max(Date.parse(start), shown.from), Math.min(Date.parse(end), shown.to)];
  const middle = (bucket) => sumOf(ends(bucket).map(xOf)) / 2;
  const drawable = () => OUTCOMES.filter(({ id }) => !hidden.has(id));

  /** The bar at pixels from the left edge, which may be outside of the chart. */
  function indexAt(x) {
    const time = shown.from + ((x - LEFT) / (right() - LEFT)) * (shown.to - shown.from);
    return Math.max(shown.buckets.findLastIndex(({ start }) => Date.parse(start) <= time), 0);
  }

  /** "2026-01-31 08:00 – 09:00", or whole days without hours: "2026-01-31" */
  function period(bucket) {
    const [from, to] = ends(bucket).map((time) => clock(time, shown.zone).slice(0, 16).replace('T', ' '));
    if (from.endsWith(' 00:00') && to.endsWith(' 00:00')) {
      const days = [from, clock(ends(bucket)[1] - 1, shown.zone)].map((time) => time.slice(0, 10));
      return [...new Set(days)].join(' – ');
    }
    return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
  }

  /** What a bar has, in lines. */
  function lines(bucket) {
    const outcomes = drawable().map((outcome) => ({ ...outcome, jobs: jobsIn(bucket, outcome) })).filter(({ jobs }) => jobs);
    const all = sumOf(outcomes.map(({ jobs }) => jobs));
    const { median, p95 } = bucket.durations;
    return [t('count.jobs', { count: all }),
      ...outcomes.map(({ label, jobs }) => t('chart.outcome', { outcome: t(label), count: jobs })),
      ...(median === null || !all ? [] : [t('chart.spans', { median: span(median), p95: span(p95) })]),
      ...(bucket.is_part ? [t('chart.part')] : [])];
  }

  function drawing() {
    const { buckets, from, to, zone } = shown;
    const outcomes = drawable();
    const totals = buckets.map((bucket) => sumOf(outcomes.map((outcome) => jobsIn(bucket, outcome))));
    const jobs = valueAxis(Math.max(...totals), isLow ? 1 : 4, false);
    const spans = valueAxis(Math.max(...buckets.map(({ durations }) => durations.p95 ?? 0)), 2, true);
    const yOfJobs = (value) => TOP + BARS * (1 - value / jobs.top);
    const yOfSpan = (millis) => SPANS_TOP + SPANS * (1 - millis / spans.top);
    const axes = [...jobs.lines(LEFT, right(), yOfJobs), ...(SPANS ? spans.lines(LEFT, right(), yOfSpan) : []),
      ...timeTicks(from, to, zone, Math.max(Math.floor((right() - LEFT) / LABEL), 1)).flatMap((time) => timeTick(time, zone))];
    const bars = buckets.map((bucket, index) => {
      const [start, end] = ends(bucket).map(xOf);
      const target = { x: start, width: Math.max(end - start, 1), y: TOP, height: SPANS_TOP + SPANS - TOP };
      const about = `${period(bucket)}: ${list(lines(bucket))}`;
      return bar(index, 'button', about, target, ...outcomePieces(bucket, outcomes, jobs.top, yOfJobs));
    });
    const curves = FIGURES.flatMap((name) => {
      const points = buckets.map(({ durations }, index) => (
        durations[name] === null ? null : [middle(buckets[index]), yOfSpan(durations[name])]));
      return SPANS ? curve(points, `curve ${name}`, `dot ${name}`, 2) : [];
    });
    const hatch = svg('pattern', { id: hatchId, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svg('rect', { width: 3, height: 6, class: 'hatch' }));
    const brush = svg('rect', { y: TOP, height: SPANS_TOP + SPANS - TOP, class: 'brush' });
    return { height: HEIGHT, parts: [svg('defs', {}, hatch), ...axes, ...bars, ...curves, ...eventMarks(), brush] };
  }

  function timeTick(time, zone) {
    const x = xOf(time);
    return [svg('line', { x1: x, x2: x, y1: TOP, y2: SPANS_TOP + SPANS + 4, class: 'grid' }),
      svg('text', { x: Math.min(x, right() - 12), y: HEIGHT - 4, class: 'tick-label middle' }, tickLabel(time, zone))];
  }

  /** A line for each event, and its label where it does not cover that of the event before. */
  function eventMarks() {
    let free = LEFT;
    return shown.events.filter(({ time }) => time >= shown.from && time < shown.to).flatMap(({ time, label }) => {
      const x = xOf(time);
      const line = svg('line', { x1: x, x2: x, y1: TOP, y2: SPANS_TOP + SPANS, class: 'event' });
      const isEnd = x > (LEFT + right()) / 2;
      const width = label.length * 7;
      const start = isEnd ? x - width - 4 : x + 4;
      if (start < free) return [line];
      free = Math.max(start + width, x) + 4;
      return [line, svg('text', { x: start, y: TOP + 8, class: 'event-label' }, label)];
    });
  }

  /** The jobs of a bar, stacked by their outcomes; those of a part of its time are hatched. */
  function outcomePieces(bucket, outcomes, top, yOf) {
    // On whole pixels, since the gaps between bars would be of different widths otherwise.
    const [start, end] = ends(bucket).map(xOf).map(Math.round);
    const space = right() - LEFT > 4 * shown.buckets.length ? 1 : 0;
    let base = 0;
    return outcomes.flatMap((outcome) => {
      const jobs = jobsIn(bucket, outcome);
      if (!jobs) return [];
      base += jobs;
      const place = { x: start, width: Math.max(end - start - space, 1), y: yOf(base),
        height: Math.max((jobs / top) * BARS, 1) };
      return [svg('rect', { ...place, class: `piece-of-time ${outcome.tint}` }),
        ...(bucket.is_part ? [svg('rect', { ...place, fill: `url(#${hatchId})` })] : [])];
    });
  }

  function draw() {
    if (!drawn.draw() || isLow) return;
    showLegend();
    showData();
  }

  function showLegend() {
    if (!legend.children.length) {
      const ofLine = (name, label) => el('span', { className: `key-of-line ${name}` }, label);
      legend.append(...OUTCOMES.map(({ id, label, tint }) => button(t(label), null, { className: `key ${tint}`, data: { id } })),
        ofLine('median', t('figure.median')), ofLine('p95', t('figure.p95')));
    }
    for (const key of legend.querySelectorAll('button')) key.ariaPressed = String(!hidden.has(key.dataset.id));
  }

  /** The same as a table, for those who do not see the chart. It is made when it is opened. */
  function showData() {
    if (!shown || !data.closest('details').open) return;
    const outcomes = drawable();
    const cell = (text) => el('td', { className: 'number' }, text);
    const row = (bucket) => el('tr', {}, el('th', { scope: 'row' }, period(bucket)),
      ...outcomes.map((outcome) => cell(number(jobsIn(bucket, outcome)))),
      ...['median', 'p95'].map((name) => cell(bucket.durations[name] === null ? '–' : span(bucket.durations[name]))));
    const head = ['chart.time', ...outcomes.map(({ label }) => label), 'figure.median', 'figure.p95'].map((key) => t(key));
    data.replaceChildren(el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, ...shown.buckets.map(row)));
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
    drawn.showTip(-1);
    narrow(first[0], last[1]);
  };

  if (data) on(data.closest('details'), 'toggle', showData);
  if (legend) on(legend, 'click', ({ target: { dataset: { id } } }) => {
    if (!id) return;
    if (!hidden.delete(id)) hidden.add(id);
    // Without any outcome there is no chart.
    if (hidden.size === OUTCOMES.length) hidden.clear();
    draw();
  });
  on(plot, 'pointerdown', (event) => {
    if (event.button !== 0 || !shown || event.pointerType === 'touch') return;
    showDrag([drawn.at(event), drawn.at(event)]);
    drawn.showTip(-1);
  });
  on(window, 'pointermove', (event) => drag && showDrag([drag[0], drawn.at(event)]));
  on(window, 'pointerup', () => {
    const chosen = drag;
    showDrag(null);
    if (chosen) choose(chosen);
  });
  on(window, 'pointercancel', () => showDrag(null));
  // Wherever the focus is, and before the keys of the page, which would close the open job.
  addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !drag) return;
    showDrag(null);
    event.preventDefault();
  }, true);

  return {
    /**
     * @param {Bucket[]} buckets of the range from `from` to `to`, in milliseconds, with times in a zone
     * @param {{time: number, label: string}[]} events that are marked, such as a new version of a plugin
     */
    show(buckets, from, to, zone, events = []) {
      shown = { buckets, from, to, zone, events };
      draw();
    },
    setTitle,
    /** Says how long a bar is; the overview of the API writes it as `3h`. */
    setBucket(bucket) {
      const [, length, unit] = /^(\d+)(\w)$/.exec(bucket);
      setTitle(t(`chart.per.${unit}`, { count: Number(length) }));
    },
  };
}

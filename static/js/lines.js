/** A chart of lines in time. What a point has is shown at the pointer, by keyboard and by the first tap; a click leads to its jobs. */
import { el, on, setText, svg } from './dom.js';
import { createPlot, curve } from './plot.js';
import { valueAxis } from './value-axis.js';

/** Lengths in pixels. */
const LEFT = 64;
const RIGHT = 12;
const TOP = 10;
const PLOT = 150;
const HEIGHT = TOP + PLOT + 24;
/** The least distance between two labels of the axis of time. */
const LABEL = 96;

/**
 * Makes a chart in a node.
 * @param {HTMLElement} node has children with the classes `legend`, `plot` and `tip`
 * @param {(index: number) => void} open the jobs of a point in time
 */
export function createLines(node, open) {
  const legend = node.querySelector('.legend');
  /** @type {{labels: string[], series: {name: string, values: number?[]}[], isSpan: boolean, format: (value: number) => string}?} */
  let shown = null;
  /** The names of the lines that the legend leaves out. */
  const hidden = new Set();
  const { bar, ...drawn } = createPlot(node, {
    data: () => shown && [shown, [...hidden]],
    drawing,
    describe: (index) => ({ x: xOf(index), title: shown.labels[index], lines: texts(index) }),
    indexAt: (x) => Math.min(Math.max(Math.floor((x - LEFT) / slot()), 0), shown.labels.length - 1),
    choose: open,
  });

  const right = () => drawn.width() - RIGHT;
  const slot = () => (right() - LEFT) / shown.labels.length;
  const xOf = (index) => LEFT + (index + 0.5) * slot();
  const visible = () => shown.series.map((one, line) => ({ ...one, line })).filter(({ name }) => !hidden.has(name));
  const texts = (index) => visible().map(({ name, values }) => (
    `${shown.series.length > 1 ? `${name}: ` : ''}${values[index] === null ? '–' : shown.format(values[index])}`));

  function drawing() {
    const lines = visible();
    const axis = valueAxis(Math.max(...lines.flatMap(({ values }) => values), 0), 4, shown.isSpan, shown.format);
    const yOf = (value) => TOP + PLOT * (1 - value / axis.top);
    const every = Math.ceil(LABEL / slot());
    const labels = shown.labels.flatMap((label, index) => (index % every === 0 ? tick(label, xOf(index)) : []));
    const bars = shown.labels.map((label, index) => {
      const target = { x: xOf(index) - slot() / 2, width: slot(), y: TOP, height: PLOT };
      return bar(index, 'link', `${label}: ${texts(index).join(', ')}`, target);
    });
    const curves = lines.flatMap(({ values, line }) => curve(
      values.map((value, index) => (value === null ? null : [xOf(index), yOf(value)])), `series s${line}`, `series point s${line}`, 3));
    return { height: HEIGHT, parts: [...axis.lines(LEFT, right(), yOf), ...labels, ...bars, ...curves] };
  }

  const tick = (label, x) => [svg('line', { x1: x, x2: x, y1: TOP + PLOT, y2: TOP + PLOT + 4, class: 'axis' }),
    svg('text', { x: Math.min(Math.max(x, 40), right() - 36), y: HEIGHT - 4, class: 'tick-label middle' }, label)];

  function draw() {
    if (drawn.draw()) showLegend();
  }

  function showLegend() {
    const names = shown.series.map(({ name }) => name);
    if (legend.dataset.names !== JSON.stringify(names)) {
      legend.dataset.names = JSON.stringify(names);
      legend.replaceChildren(...(names.length > 1 ? names : []).map((name, line) => {
        const sample = svg('svg', { width: 28, height: 10, 'aria-hidden': true },
          svg('line', { x1: 0, x2: 28, y1: 5, y2: 5, class: `series s${line}` }));
        return el('button', { type: 'button', className: 'line-key', data: { line } }, sample, el('span', { dir: 'auto' }, name));
      }));
    }
    for (const key of legend.children) key.ariaPressed = String(!hidden.has(names[key.dataset.line]));
  }

  on(legend, 'click', ({ target }) => {
    const key = target.closest('button');
    if (!key) return;
    const { name } = shown.series[key.dataset.line];
    if (!hidden.delete(name)) hidden.add(name);
    // Without any line there is no chart.
    if (!visible().length) hidden.clear();
    draw();
  });

  return {
    /** Shows lines, each with a value or null for every label; null hides the chart. */
    show(lines, title) {
      shown = lines;
      node.hidden = !lines;
      if (!lines) return;
      setText(node.querySelector('.chart-title'), title);
      draw();
    },
  };
}

/** A chart of lines in time. What a point has is shown at the pointer, by keyboard and by the first tap; a click leads to its jobs. */
import { roundSpan, roundStep, spanStep } from './chart.js';
import { el, on, setText, svg } from './dom.js';
import { number } from './language.js';

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
  const [legend, plot, tip] = ['legend', 'plot', 'tip'].map((name) => node.querySelector(`.${name}`));
  /** @type {{labels: string[], series: {name: string, values: number?[]}[], isSpan: boolean, format: (value: number) => string}?} */
  let shown = null;
  /** The names of the lines that the legend leaves out. */
  const hidden = new Set();
  let current = -1;
  let drawn = '';

  const width = () => Math.max(plot.clientWidth, 240);
  const slot = () => (width() - LEFT - RIGHT) / shown.labels.length;
  const xOf = (index) => LEFT + (index + 0.5) * slot();
  const points = () => [...plot.querySelectorAll('.bar-of-time')];
  const visible = () => shown.series.map((one, line) => ({ ...one, line })).filter(({ name }) => !hidden.has(name));
  const texts = (index) => visible().map(({ name, values }) => (
    `${shown.series.length > 1 ? `${name}: ` : ''}${values[index] === null ? '–' : shown.format(values[index])}`));

  function draw() {
    if (!shown) return;
    const key = JSON.stringify([shown, [...hidden], width()]);
    if (key === drawn) return;
    drawn = key;
    const lines = visible();
    const max = Math.max(...lines.flatMap(({ values }) => values), 0);
    const step = shown.isSpan ? spanStep(max, 4) : roundStep(Math.max(max, 1), 4);
    const top = Math.max(Math.ceil(max / step) * step, step);
    const yOf = (value) => TOP + PLOT * (1 - value / top);
    const right = width() - RIGHT;
    const parts = [];
    for (let value = 0; value <= top; value += step) {
      const text = shown.isSpan && value ? roundSpan(value) : shown.isSpan ? '0' : shown.format(value);
      parts.push(svg('line', { x1: LEFT, x2: right, y1: yOf(value), y2: yOf(value), class: value ? 'grid' : 'axis' }),
        svg('text', { x: LEFT - 8, y: yOf(value) + 4, class: 'tick-label end' }, text));
    }
    const every = Math.ceil(LABEL / slot());
    const targets = shown.labels.map((label, index) => {
      if (index % every === 0) {
        parts.push(svg('line', { x1: xOf(index), x2: xOf(index), y1: TOP + PLOT, y2: TOP + PLOT + 4, class: 'axis' }),
          svg('text', { x: Math.min(Math.max(xOf(index), 40), right - 36), y: HEIGHT - 4, class: 'tick-label middle' }, label));
      }
      const properties = { class: 'bar-of-time', role: 'link', tabindex: index === Math.max(current, 0) ? 0 : -1,
        'aria-label': `${label}: ${texts(index).join(', ')}` };
      const target = { x: xOf(index) - slot() / 2, width: slot(), y: TOP, height: PLOT, class: 'target' };
      return svg('g', properties, svg('rect', target));
    });
    const curves = lines.flatMap(({ values, line }) => {
      const runs = [[]];
      values.forEach((value, index) => (value === null ? runs.push([]) : runs.at(-1).push([xOf(index), yOf(value)])));
      return runs.filter(({ length }) => length).map((run) => (run.length === 1
        ? svg('circle', { cx: run[0][0], cy: run[0][1], r: 3, class: `series point s${line}` })
        : svg('polyline', { points: run.map((pair) => pair.map((one) => one.toFixed(1)).join()).join(' '), class: `series s${line}` })));
    });
    const focused = points().indexOf(document.activeElement);
    plot.replaceChildren(svg('svg', { width: width(), height: HEIGHT, viewBox: `0 0 ${width()} ${HEIGHT}`, role: 'presentation' },
      ...parts, ...targets, ...curves));
    if (focused >= 0) points()[focused]?.focus();
    showTip(Math.min(current, shown.labels.length - 1));
    showLegend();
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

  function showTip(index) {
    current = index;
    tip.hidden = !(index >= 0);
    points().forEach((point, at) => point.classList.toggle('current', at === index));
    if (tip.hidden) return;
    tip.replaceChildren(el('b', {}, shown.labels[index]), ...texts(index).map((text) => el('div', {}, text)));
    const x = xOf(index);
    const left = x + (x > width() / 2 ? -tip.offsetWidth - 12 : 12);
    tip.style.left = `${Math.max(Math.min(left, width() - tip.offsetWidth), 0)}px`;
  }

  const indexAt = (x) => {
    const index = Math.floor((x - plot.getBoundingClientRect().left - LEFT) / slot());
    return Math.min(Math.max(index, 0), shown.labels.length - 1);
  };

  on(legend, 'click', ({ target }) => {
    const key = target.closest('button');
    if (!key) return;
    const { name } = shown.series[key.dataset.line];
    if (!hidden.delete(name)) hidden.add(name);
    // Without any line there is no chart.
    if (!visible().length) hidden.clear();
    draw();
  });
  on(plot, 'pointermove', (event) => shown && event.pointerType !== 'touch' && showTip(indexAt(event.clientX)));
  on(plot, 'pointerleave', (event) => event.pointerType !== 'touch' && showTip(-1));
  on(window, 'pointerdown', ({ target }) => plot.contains(target) || showTip(-1));
  on(plot, 'click', (event) => {
    if (!shown) return;
    const index = event.detail ? indexAt(event.clientX) : points().indexOf(event.target.closest('.bar-of-time'));
    if (event.pointerType === 'touch' && index !== current) showTip(index);
    else if (index >= 0) open(index);
  });
  on(plot, 'focusin', ({ target }) => target.matches(':focus-visible') && showTip(points().indexOf(target)));
  on(plot, 'focusout', () => showTip(-1));
  on(plot, 'keydown', (event) => {
    const all = points();
    const at = all.indexOf(event.target);
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (event.key === 'Enter' && at >= 0) open(at);
    else if (event.key === 'Escape' && !tip.hidden) showTip(-1);
    else if (!by || at < 0) return;
    event.preventDefault();
    if (!by) return;
    const next = Math.min(Math.max(at + by, 0), all.length - 1);
    all.forEach((point, index) => point.setAttribute('tabindex', index === next ? 0 : -1));
    all[next].focus();
  });
  new ResizeObserver(draw).observe(plot);

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

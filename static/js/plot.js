/**
 * What the charts in time share: a drawing that follows its data and its width, and bars of which pointer, keyboard and touch
 * choose one, that a tip describes.
 */
import { el, on, svg } from './dom.js';

/** The least width of a drawing, in pixels. */
const LEAST = 240;
/** The width of a drawing on paper: that of A4 without its margins and those of a panel. */
const PAPER = 690;
/** The distance of a tip from its bar, in pixels. */
const GAP = 12;

/**
 * Draws a curve through points. A point between two gaps is a dot.
 * @param {([number, number]?)[]} points in pixels; null is a gap
 */
export function curve(points, lineClass, dotClass, radius) {
  const runs = [[]];
  for (const point of points) {
    if (point) runs.at(-1).push(point);
    else runs.push([]);
  }
  return runs.filter(({ length }) => length).map((run) => (run.length === 1
    ? svg('circle', { cx: run[0][0], cy: run[0][1], r: radius, class: dotClass })
    : svg('polyline', { points: run.map((point) => point.map((one) => one.toFixed(1)).join()).join(' '), class: lineClass })));
}

/**
 * Makes a plot in a node, which has children with the classes `plot` and `tip`.
 * @param {object} chart
 * @param {() => unknown} chart.data what is drawn, as JSON can tell apart; null for nothing
 * @param {() => {height: number, parts: SVGElement[]}} chart.drawing of the data
 * @param {(index: number) => {x: number, title: string, lines: string[]}} chart.describe a bar, in the middle of which x is
 * @param {(x: number) => number} chart.indexAt the bar at pixels from the left edge, the nearest one where there is none
 * @param {(index: number) => void} chart.choose a bar by click, tap or key
 */
export function createPlot(node, { data, drawing, describe, indexAt, choose }) {
  const [plot, tip] = ['plot', 'tip'].map((name) => node.querySelector(`.${name}`));
  /** The bar that the keyboard or the pointer is at; -1 for none. */
  let current = -1;
  let drawn = '';
  let isPrinted = false;

  const width = () => (isPrinted ? PAPER : Math.max(plot.clientWidth, LEAST));
  const bars = () => [...plot.querySelectorAll('.bar-of-time')];
  const at = (event) => indexAt(event.clientX - plot.getBoundingClientRect().left);
  const barOf = ({ target }) => bars().indexOf(target.closest('.bar-of-time'));

  /** Draws what has changed, and returns whether anything has. */
  function draw() {
    const key = JSON.stringify([data(), width()]);
    if (data() === null || key === drawn) return false;
    drawn = key;
    const focused = bars().indexOf(document.activeElement);
    const { height, parts } = drawing();
    const size = { width: width(), height, viewBox: `0 0 ${width()} ${height}` };
    plot.replaceChildren(svg('svg', { ...size, role: 'presentation' }, ...parts));
    if (focused >= 0) bars()[focused]?.focus();
    if (!tip.hidden) showTip(Math.min(current, bars().length - 1));
    return true;
  }

  function showTip(index) {
    current = index;
    tip.hidden = !(index in bars());
    bars().forEach((bar, each) => bar.classList.toggle('current', each === index));
    if (tip.hidden) return;
    const { x, title, lines } = describe(index);
    tip.replaceChildren(el('b', {}, title), ...lines.map((text) => el('div', {}, text)));
    const left = x + (x > width() / 2 ? -tip.offsetWidth - GAP : GAP);
    tip.style.left = `${Math.max(Math.min(left, width() - tip.offsetWidth), 0)}px`;
  }

  on(plot, 'pointermove', (event) => {
    // While a button is down, somebody drags or has given that up.
    if (data() !== null && event.pointerType !== 'touch') showTip(event.buttons ? -1 : at(event));
  });
  // A finger leaves when it is lifted, and what it has shown stays until it is put down elsewhere.
  on(plot, 'pointerleave', (event) => event.pointerType === 'touch' || showTip(-1));
  on(window, 'pointerdown', ({ target }) => plot.contains(target) || showTip(-1));
  on(plot, 'click', (event) => {
    if (data() === null) return;
    // The keyboard of a screen reader clicks a bar, without a place.
    const index = barOf(event) >= 0 ? barOf(event) : at(event);
    if (event.pointerType === 'touch' && index !== current) showTip(index);
    else choose(index, event);
  });
  on(plot, 'focusin', (event) => barOf(event) >= 0 && event.target.matches(':focus-visible') && showTip(barOf(event)));
  on(plot, 'focusout', () => showTip(-1));
  on(plot, 'keydown', (event) => {
    const index = barOf(event);
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === 'Escape' && !tip.hidden) showTip(-1);
    else if (index < 0) return;
    else if (event.key === 'Enter' || event.key === ' ') choose(index, event);
    else if (by) moveTo(Math.min(Math.max(index + by, 0), bars().length - 1));
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(plot);
  for (const name of ['beforeprint', 'afterprint']) {
    on(window, name, () => {
      isPrinted = name === 'beforeprint';
      draw();
    });
  }

  function moveTo(next) {
    bars().forEach((bar, index) => bar.setAttribute('tabindex', index === next ? 0 : -1));
    bars()[next].focus();
  }

  return {
    plot,
    draw,
    showTip,
    width,
    at,
    /** The SVG of a bar, which one of them has in the order of the keyboard. */
    bar: (index, role, label, target, ...pieces) => svg('g',
      { class: 'bar-of-time', role, tabindex: index === Math.max(current, 0) ? 0 : -1, 'aria-label': label },
      svg('rect', { ...target, class: 'target' }), ...pieces),
  };
}

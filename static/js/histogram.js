/** The histogram of jobs over time: a bar a bucket, stacked by outcome. A click or a drag narrows the range to its bars. */
import { $, el, on, setText } from './dom.js';
import { clock, zoneName } from './format.js';
import { number } from './language.js';
import { TABS } from './state.js';

/** The tabs whose jobs are stacked in a bar, from the top down. */
const STACK = ['running', 'waiting', 'failed', 'canceled', 'succeeded'].map((id) => TABS.find((tab) => tab.id === id));

let cut = null;
/** The number of jobs of each bar. */
let totals = [];
/** The first and the last bar of a drag; null while there is none. */
let drag = null;

const bars = () => [...$('bars').children];
/** A time, as exact as a bucket. */
const timeLabel = (time) => clock(time, cut.zone).slice(0, ['minute', 'hour'].includes(cut.unit) ? 16 : 10).replace('T', ' ');

/** The pieces of a bar, one a tab that has jobs in its bucket. */
function stacked(bucket, tabs) {
  const jobsIn = (statuses) => statuses.reduce((sum, status) => sum + (bucket[status] ?? 0), 0);
  const pieces = tabs.map(({ label, statuses }) => ({ label, tint: statuses[0], jobs: jobsIn(statuses) }));
  return pieces.filter(({ jobs }) => jobs);
}

/** @param {import('./range.js').Cut} newCut */
export function showHistogram(state, newCut, buckets) {
  cut = newCut;
  const stack = STACK.filter(({ id }) => state.tab === 'all' || state.tab === id);
  const pieces = buckets.map((bucket) => stacked(bucket, stack));
  totals = pieces.map((bucket) => bucket.reduce((sum, { jobs }) => sum + jobs, 0));
  const max = Math.max(...totals);
  setText($('histogram-title'), `Jobs per ${cut.unit}`);
  const ends = new Set([cut.starts[0], cut.end - 1].map(timeLabel));
  setText($('histogram-range'), `${[...ends].join(' – ')}, ${zoneName(cut.end - 1, cut.zone)}`);
  $('histogram-all').hidden = state.range === 'all' || (state.range === 'custom' && !state.from && !state.to);
  while (bars().length > buckets.length) $('bars').lastChild.remove();
  while (bars().length < buckets.length) $('bars').append(el('button', { type: 'button', className: 'column', tabIndex: -1 }));
  if (!bars().some((bar) => bar.tabIndex === 0)) $('bars').lastChild.tabIndex = 0;
  bars().forEach((bar, index) => {
    const text = [`${timeLabel(cut.starts[index])}: ${number(totals[index])} ${totals[index] === 1 ? 'job' : 'jobs'}`,
      ...pieces[index].toReversed().map(({ label, jobs }) => `${number(jobs)} ${label.toLowerCase()}`)].join(', ');
    if (bar.ariaLabel === text && bar.dataset.max === String(max)) return;
    Object.assign(bar, { ariaLabel: text }).dataset.max = max;
    bar.replaceChildren(...pieces[index].map(({ tint, jobs }) => {
      const piece = el('span', { className: `piece ${tint}` });
      piece.style.height = `${(jobs / max) * 100}%`;
      return piece;
    }));
  });
}

const indexOf = (node) => bars().indexOf(node.closest('.column'));

/** The index of the bar at a pointer, which may have left the histogram. */
function indexAt(x) {
  const { left, width } = $('bars').getBoundingClientRect();
  return Math.min(Math.max(Math.floor(((x - left) / width) * bars().length), 0), bars().length - 1);
}

function setDrag(to) {
  drag = to;
  const [first, last] = (drag ?? [-1, -1]).toSorted((a, b) => a - b);
  bars().forEach((bar, index) => bar.classList.toggle('chosen', index >= first && index <= last));
  if (!drag) return;
  const jobs = totals.slice(first, last + 1).reduce((sum, total) => sum + total);
  setText($('histogram-selection'), `${timeLabel(cut.starts[first])} – ${timeLabel(cut.starts[last])}: ${number(jobs)} jobs`);
}

/**
 * @param {(from: string, to: string) => void} narrow to a range of time
 * @param {() => void} widen to all time
 */
export function wireHistogram(narrow, widen) {
  const node = $('bars');
  const choose = (pair) => {
    const [first, last] = pair.toSorted((a, b) => a - b);
    // The first and the last bucket may reach over the ends of the range.
    const { from, to } = cut.ends;
    const ends = [Math.max(cut.starts[first], from ?? -Infinity), Math.min(cut.starts[last + 1] ?? cut.end, to ?? Infinity)];
    narrow(...ends.map((time) => new Date(time).toISOString()));
  };
  on(node, 'pointerdown', (event) => {
    if (event.button === 0 && cut) setDrag([indexAt(event.clientX), indexAt(event.clientX)]);
  });
  on(window, 'pointermove', (event) => drag && setDrag([drag[0], indexAt(event.clientX)]));
  on(window, 'pointerup', () => {
    if (drag) choose(drag);
    setDrag(null);
  });
  on(window, 'pointercancel', () => setDrag(null));
  on(node, 'click', (event) => {
    // The keyboard or a screen reader; a click of the pointer has chosen when it ended as a drag.
    if (event.detail === 0) choose([indexOf(event.target), indexOf(event.target)]);
  });
  on(node, 'keydown', (event) => {
    if (event.key === 'Escape' && drag) {
      setDrag(null);
      event.preventDefault();
    }
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = Math.min(Math.max(indexOf(event.target) + step, 0), bars().length - 1);
    bars().forEach((bar, index) => { bar.tabIndex = index === at ? 0 : -1; });
    bars()[at].focus();
  });
  const showText = (event) => drag || setText($('histogram-selection'), event.target.closest('.column')?.ariaLabel ?? '');
  for (const name of ['pointerover', 'focusin', 'pointerleave']) on(node, name, showText);
  on($('histogram-all'), 'click', widen);
}

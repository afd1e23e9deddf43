/** The strip: jobs in time, a bar a bucket, stacked by outcome. A click or a drag narrows the range to what it covers. */
import { $, el, on, setText } from './dom.js';
import { clock, number, zoneName } from './format.js';
import { TABS } from './state.js';

/** From the top down: what went well lies below what did not. */
const STACK = ['running', 'waiting', 'failed', 'canceled', 'succeeded'].map((id) => TABS.find((tab) => tab.id === id));

let cut = null;
/** How many jobs each bar stands for. */
let totals = [];
/** The first and the last bar of a drag. */
let drag = null;

const bars = () => [...$('bars').children];
const moment = (time) => clock(time, cut.zone).slice(0, ['minute', 'hour'].includes(cut.unit) ? 16 : 10).replace('T', ' ');

/** @param {import('./range.js').Cut} pieces */
export function showStrip(state, pieces, buckets) {
  cut = pieces;
  const stack = STACK.filter(({ id }) => state.tab === 'all' || state.tab === id);
  const counted = buckets.map((bucket) => stack.map(({ label, statuses }) => ({ label, tint: statuses[0], jobs: statuses.reduce((sum, status) => sum + (bucket[status] ?? 0), 0) }))
    .filter(({ jobs }) => jobs));
  totals = counted.map((bucket) => bucket.reduce((sum, { jobs }) => sum + jobs, 0));
  const most = Math.max(...totals);
  setText($('strip-title'), `Jobs per ${cut.unit}`);
  setText($('strip-range'), `${[...new Set([cut.starts[0], cut.end - 1].map(moment))].join(' – ')}, ${zoneName(cut.end - 1, cut.zone)}`);
  $('strip-all').hidden = state.range === 'all' || (state.range === 'custom' && !state.from && !state.to);
  while (bars().length > buckets.length) $('bars').lastChild.remove();
  while (bars().length < buckets.length) $('bars').append(el('button', { type: 'button', className: 'column', tabIndex: -1 }));
  if (!bars().some((bar) => bar.tabIndex === 0)) $('bars').lastChild.tabIndex = 0;
  bars().forEach((bar, index) => {
    const said = [`${moment(cut.starts[index])}: ${number(totals[index])} ${totals[index] === 1 ? 'job' : 'jobs'}`,
      ...counted[index].toReversed().map(({ label, jobs }) => `${number(jobs)} ${label.toLowerCase()}`)].join(', ');
    if (bar.ariaLabel === said && bar.dataset.most === String(most)) return;
    Object.assign(bar, { ariaLabel: said }).dataset.most = most;
    bar.replaceChildren(...counted[index].map(({ tint, jobs }) => {
      const piece = el('span', { className: `piece ${tint}` });
      piece.style.height = `${(jobs / most) * 100}%`;
      return piece;
    }));
  });
}

const indexOf = (node) => bars().indexOf(node.closest('.column'));

/** The bar at a pointer, which may have left the strip. */
function indexAt(x) {
  const { left, width } = $('bars').getBoundingClientRect();
  return Math.min(Math.max(Math.floor(((x - left) / width) * bars().length), 0), bars().length - 1);
}

function setDrag(to) {
  drag = to;
  const [first, last] = (drag ?? [-1, -1]).toSorted((a, b) => a - b);
  bars().forEach((bar, index) => bar.classList.toggle('chosen', index >= first && index <= last));
  if (drag) setText($('strip-said'), `${[first, last].map((index) => moment(cut.starts[index])).join(' – ')}: ${number(totals.slice(first, last + 1).reduce((sum, jobs) => sum + jobs))} jobs`);
}

export function wireStrip(narrow, widen) {
  const node = $('bars');
  const choose = (pair) => {
    const [first, last] = pair.toSorted((a, b) => a - b);
    // The first and the last bucket may reach beyond the range.
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
    // A pointer has chosen already; this is the keyboard, or a screen reader.
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
  const tell = (event) => drag || setText($('strip-said'), event.target.closest('.column')?.ariaLabel ?? '');
  for (const name of ['pointerover', 'focusin', 'pointerleave']) on(node, name, tell);
  on($('strip-all'), 'click', widen);
}

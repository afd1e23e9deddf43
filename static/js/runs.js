/** The last runs of a collector as bars: as high as they were long, with a shape and a colour for each outcome. */
import { el } from './dom.js';
import { exact, span, statusLabel } from './format.js';
import { list } from './language.js';

/** The statuses whose shapes are explained; a run that waits is rare. */
const SHAPES = ['SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED', 'IN_PROGRESS'];

/**
 * Makes the bars, the newest at the right; each is a link to its job, and all are one stop of the keyboard.
 * @param {{job_id: string, status: string, created_at: string, duration: number?}[]} runs the newest first; durations in milliseconds
 * @param {{label: string, name: string, zone: string, link: (job: string) => string, current?: string, marks?: Map<string, Node>}}
 *   settings; the name is part of the ids of the bars, and marks are what stands before the bars of some jobs
 */
export function runBars(runs, { label, name, zone, link, current = '', marks = new Map() }) {
  const longest = Math.max(...runs.map(({ duration }) => duration ?? 0), 1);
  const bar = ({ job_id: job, status, created_at: at, duration }) => {
    const text = list([statusLabel(status), exact(at, zone), ...(duration === null ? [] : [span(duration)])]);
    const node = el('a', {
      id: `run-${name}-${job}`, className: `run ${status}`, href: link(job), ariaLabel: text, title: text, data: { job } });
    if (job === current) node.ariaCurrent = 'true';
    node.style.setProperty('--long', `${Math.max(((duration ?? 0) / longest) * 100, 0)}%`);
    return node;
  };
  const nodes = runs.map(bar).reverse();
  const marked = nodes.flatMap((node) => (marks.has(node.dataset.job) ? [marks.get(node.dataset.job), node] : [node]));
  const group = el('div', { className: 'runs', role: 'group', ariaLabel: label }, ...marked);
  oneStop(group, nodes, -1);
  return group;
}

/** Makes one stop of the keyboard of links, at first the one at an index; the arrow keys, Home and End move among them. */
export function oneStop(group, nodes, first) {
  const stopAt = (stop) => { for (const node of nodes) node.tabIndex = node === stop ? 0 : -1; };
  stopAt(nodes.at(first));
  group.onkeydown = (event) => {
    const at = nodes.indexOf(document.activeElement);
    const next = { ArrowLeft: nodes[at - 1], ArrowRight: nodes[at + 1], Home: nodes[0], End: nodes.at(-1) }[event.key];
    if (!next) return;
    event.preventDefault();
    stopAt(next);
    next.focus();
  };
}

/** Says what the shapes of bars mean. */
export const runKeys = () => SHAPES.map((status) => el('span', { className: 'key-of-run' },
  el('span', { className: `run ${status}` }), ` ${statusLabel(status)}`));

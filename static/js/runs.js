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
      id: `run-${name}-${job}`, className: `run ${status}`, href: link(job), ariaLabel: text, title: text, tabIndex: -1, data: { job } });
    if (job === current) node.ariaCurrent = 'true';
    node.style.setProperty('--long', `${Math.max(((duration ?? 0) / longest) * 100, 0)}%`);
    return node;
  };
  const nodes = runs.map(bar).reverse();
  if (nodes.length) nodes.at(-1).tabIndex = 0;
  const marked = nodes.flatMap((node) => (marks.has(node.dataset.job) ? [marks.get(node.dataset.job), node] : [node]));
  const group = el('div', { className: 'runs', role: 'group', ariaLabel: label }, ...marked);
  group.onkeydown = (event) => {
    const at = nodes.indexOf(document.activeElement);
    const to = { ArrowLeft: Math.max(at - 1, 0), ArrowRight: Math.min(at + 1, nodes.length - 1), Home: 0, End: -1 }[event.key];
    const next = nodes.at(to ?? at);
    if (at < 0 || next === nodes[at]) return;
    event.preventDefault();
    for (const node of nodes) node.tabIndex = node === next ? 0 : -1;
    next.focus();
  };
  return group;
}

/** Says what the shapes of bars mean. */
export const runKeys = () => SHAPES.map((status) => el('span', { className: 'key-of-run' },
  el('span', { className: `run ${status}` }), ` ${statusLabel(status)}`));

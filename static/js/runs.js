/** The last runs of a collector as bars, as high as they were long. */
import { el } from './dom.js';
import { exact, span, statusLabel } from './format.js';

/** The height of the longest run, in pixels. */
const HEIGHT = 24;

/**
 * Makes the bars, the newest at the right; each is a link to its job, and all are one stop of the keyboard.
 * @param {{job_id: string, status: string, created_at: string, duration: number?}[]} runs the newest first; durations in milliseconds
 * @param {{label: string, name: string, zone: string, link: (job: string) => string, current?: string}} settings; the name is part of
 *   the ids of the bars
 */
export function runBars(runs, { label, name, zone, link, current = '' }) {
  const longest = Math.max(...runs.map(({ duration }) => duration ?? 0), 1);
  const bar = ({ job_id: job, status, created_at: at, duration }) => {
    const text = [statusLabel(status), exact(at, zone), duration !== null && span(duration)].filter(Boolean).join(', ');
    const id = `run-${name}-${job}`;
    const node = el('a', { id, className: `run ${status}`, href: link(job), ariaLabel: text, title: text });
    if (job === current) node.ariaCurrent = 'true';
    node.style.height = `${Math.max(((duration ?? 0) / longest) * HEIGHT, 5)}px`;
    return node;
  };
  const nodes = runs.map(bar).reverse();
  const group = el('div', { className: 'runs', role: 'group', ariaLabel: label }, ...nodes);
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

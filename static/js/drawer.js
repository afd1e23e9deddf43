/** The open job, beside the list. */
import { $, copyButton, el, on, setText } from './dom.js';
import { duration, exact, number, percent, plugin, relative, statusLabel, tasks } from './format.js';
import { quote } from './terms.js';

const FOCUSABLE = 'a, button, summary, pre';
let shown = null;

/**
 * Shows a job, or that there is none of this id; what is shown already is left, to be read and selected from.
 * @param {(term: string) => string} link to the jobs of a term
 */
export function showDrawer(job, { job: id, zone }, now, link) {
  const [drawer, body] = [$('drawer'), $('drawer-body')];
  drawer.hidden = false;
  setText($('drawer-title'), id);
  shown = { job, zone };
  const text = JSON.stringify([id, job, zone]);
  if (body.dataset.text !== text) {
    const nodes = () => [...body.querySelectorAll('details')];
    const isSame = body.dataset.job === id;
    const open = nodes().map((node) => node.open);
    const scrolled = [drawer.scrollTop, $('raw')?.scrollTop];
    const focused = [...body.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    Object.assign(body.dataset, { text, job: id });
    body.replaceChildren(...(job ? content(job, link) : [el('p', {}, 'There is no such job in this domain.')]));
    if (isSame) {
      nodes().forEach((node, index) => { node.open = Boolean(open[index]); });
      if (scrolled[1]) $('raw').scrollTop = scrolled[1];
      if (focused >= 0) body.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
    }
    drawer.scrollTop = isSame ? scrolled[0] : 0;
  }
  tickDrawer(now);
}

export function hideDrawer() {
  $('drawer').hidden = true;
  shown = null;
}

export function tickDrawer(now) {
  if (!shown?.job) return;
  setText($('drawer-duration'), duration(shown.job, now));
  for (const node of $('drawer-body').querySelectorAll('time')) setText(node, `${exact(node.dateTime, shown.zone)} (${relative(node.dateTime, now)})`);
}

function content(job, link) {
  const collector = job.collector_info ?? {};
  const errors = job.errors ?? [];
  const done = percent(job);
  const moment = (dateTime) => (dateTime ? el('time', { dateTime }) : '–');
  const linked = (key, value, text = value) => (value ? el('a', { href: link(`${key}:${quote(value)}`), title: 'Its jobs' }, text) : '–');
  const facts = {
    Status: el('span', { className: `status ${job.status}` }, statusLabel(job.status)),
    Progress: done === null ? '–' : el('span', {}, el('progress', { max: 100, value: done, className: job.status, ariaLabel: 'Progress' }), ` ${done} %`),
    Tasks: `${tasks(job)} done`,
    Duration: el('span', { id: 'drawer-duration' }),
    Created: moment(job.created_at),
    Updated: moment(job.updated_at),
    Finished: moment(job.finished_at),
    Collector: linked('collector_id', collector.collector_id, [collector.name, collector.collector_id].filter(Boolean).join(' · ')),
    Plugin: plugin(job) || '–',
    Project: linked('project', job.project_id),
    Domain: job.domain_id,
  };
  return [
    el('dl', {}, ...Object.entries(facts).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
    el('h3', {}, errors.length ? `Errors (${number(errors.length)})` : 'No errors'),
    ...errors.map((error) => el('div', { className: 'fault' }, el('strong', {}, error.error_code ?? 'No code'), el('div', {}, error.message ?? ''),
      error.additional ? pretty(error.additional) : '')),
    ...(Object.keys(job.filter ?? {}).length ? [el('h3', {}, 'Filter'), pretty(job.filter)] : []),
    el('details', {}, el('summary', {}, 'Raw JSON'), Object.assign(pretty(job), { id: 'raw', tabIndex: 0 })),
    el('p', { className: 'bar' }, copyButton('Copy JSON', () => JSON.stringify(job, null, 2)), copyButton('Copy job id', () => job.job_id)),
  ];
}

export function wireDrawer(close, step) {
  on($('drawer-close'), 'click', close);
  on($('previous-job'), 'click', () => step(-1));
  on($('next-job'), 'click', () => step(1));
}

const pretty = (value) => el('pre', {}, JSON.stringify(value, null, 2));

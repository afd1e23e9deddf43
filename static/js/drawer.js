/** The open job, beside the list. */
import { $, copyButton, el, on, renew, setText } from './dom.js';
import { duration, exact, number, percent, plugin, relative, statusLabel, tasks } from './format.js';
import { quote } from './terms.js';

/** As style.css: where it lies over the page instead of beside the list. */
const COVERS = matchMedia('(max-width: 1200px)');
let shown = null;

/**
 * Shows a job, or that there is none of this id; what is shown already is left, to be read and selected from.
 * @param {(term: string) => string} link to the jobs of a term
 */
export function showDrawer(job, { job: id, zone }, now, link) {
  const [drawer, body] = [$('drawer'), $('drawer-body')];
  drawer.hidden = false;
  shield();
  setText($('drawer-title'), id);
  shown = { job, zone };
  const isSame = body.dataset.job === id;
  body.dataset.job = id;
  const sections = job ? content(job, link, isSame) : { none: [null, () => [el('p', {}, 'There is no such job in this domain.')]] };
  renew(body, [id, Object.keys(sections)], () => Object.keys(sections).map((name) => el('div', { id: `drawer-${name}` })));
  for (const [name, [source, make]] of Object.entries(sections)) {
    const node = $(`drawer-${name}`);
    const scrolled = $('raw')?.scrollTop;
    renew(node, [source, zone], make);
    if (isSame && scrolled) $('raw').scrollTop = scrolled;
  }
  if (!isSame) drawer.scrollTop = 0;
  tickDrawer(now);
}

export function hideDrawer() {
  $('drawer').hidden = true;
  shown = null;
  shield();
}

/** What the drawer covers can't be reached while it does, but for the name of the page, which its headings are under. */
function shield() {
  const isCovered = COVERS.matches && !$('drawer').hidden;
  for (const node of document.querySelectorAll('.top > :not(h1), .filters, .line, .strip, #list, #statistics, #journal')) node.inert = isCovered;
}

export function tickDrawer(now) {
  if (!shown?.job) return;
  setText($('drawer-duration'), duration(shown.job, now));
  for (const node of $('drawer-body').querySelectorAll('time')) setText(node, `${exact(node.dateTime, shown.zone)} (${relative(node.dateTime, now)})`);
}

function content(job, link, isSame) {
  const collector = job.collector_info ?? {};
  const errors = job.errors ?? [];
  const done = percent(job);
  const moment = (dateTime) => (dateTime ? el('time', { dateTime }) : '–');
  const linked = (key, value, text = value) => (value ? el('a', { id: `drawer-link-${key}`, href: link(`${key}:${quote(value)}`), title: 'Its jobs' }, text) : '–');
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
  const isOpen = isSame && Boolean($('raw')?.parentElement.open);
  // A part each, so that one is left to be read when another changes.
  return {
    facts: [{ ...job, errors: null, filter: null }, () => [el('dl', {}, ...Object.entries(facts).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))]],
    errors: [errors, () => [
      el('h3', {}, errors.length ? `Errors (${number(errors.length)})` : 'No errors'),
      ...errors.map((error) => el('div', { className: 'fault' }, el('strong', {}, error.error_code ?? 'No code'), el('div', {}, error.message ?? ''),
        error.additional ? pretty(error.additional) : '')),
    ]],
    filter: [job.filter, () => (Object.keys(job.filter ?? {}).length ? [el('h3', {}, 'Filter'), pretty(job.filter)] : [])],
    json: [job, () => [
      el('details', { open: isOpen }, el('summary', { id: 'raw-summary' }, 'Raw JSON'), Object.assign(pretty(job), { id: 'raw', tabIndex: 0 })),
      el('p', { className: 'bar' }, copyButton('Copy JSON', () => JSON.stringify(job, null, 2), 'copy-json'), copyButton('Copy job id', () => job.job_id, 'copy-id')),
    ]],
  };
}

export function wireDrawer(close, step) {
  COVERS.onchange = shield;
  on($('drawer-close'), 'click', close);
  on($('previous-job'), 'click', () => step(-1));
  on($('next-job'), 'click', () => step(1));
}

const pretty = (value) => el('pre', {}, JSON.stringify(value, null, 2));

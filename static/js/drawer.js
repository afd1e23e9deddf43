/** The drawer next to the list: shows all members of one job. */
import { $, copyButton, el, on, renew, setText } from './dom.js';
import { duration, exact, hasLines, percent, plugin, relative, statusLabel, tasks } from './format.js';
import { number } from './language.js';
import { before, describe } from './history.js';
import { jobButtons } from './job-editor.js';
import { runBars } from './runs.js';
import { quote } from './search-language.js';

/** Whether the drawer covers the list instead of being next to it; the same width as in style.css. */
const COVERS = matchMedia('(max-width: 1200px)');
let shown = null;

/**
 * Shows a job, or that there is none of this id. Parts that stay the same are left alone: somebody may read or select them.
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
  const none = { none: [null, () => [el('p', {}, 'There is no such job in this domain.')]] };
  const sections = job ? content(job, link, isSame) : none;
  // `showHistory` fills the first and the last of these.
  const names = job ? ['lead', 'errors', 'runs', 'facts', 'filter', 'json'] : Object.keys(sections);
  renew(body, [id, names], () => names.map((name) => el('div', { id: `drawer-${name}` })));
  for (const [name, [source, make]] of Object.entries(sections)) {
    const node = $(`drawer-${name}`);
    const scrolled = $('raw')?.scrollTop;
    renew(node, [source, zone], make);
    if (isSame && scrolled) $('raw').scrollTop = scrolled;
  }
  if (!isSame) drawer.scrollTop = 0;
  tickDrawer(now);
}

/**
 * Shows what the runs of its collector before it say of the job.
 * @param {object[]} earlier the newest first
 * @param {(job: string) => string} link from a job's id to its address
 */
export function showHistory(job, earlier, zone, now, link) {
  const [lead, runs] = [$('drawer-lead'), $('drawer-runs')];
  if (!lead || $('drawer-body').dataset.job !== job.job_id) return;
  const { text, lastSuccess } = describe(job, earlier, now);
  const success = () => [' ', el('a', { href: link(lastSuccess.job_id), id: 'last-success' }, 'The last success'),
    ` was ${before(job, lastSuccess)}.`];
  renew(lead, [text, lastSuccess], () => [el('p', { className: 'lead' }, text, ...(lastSuccess ? success() : []))]);
  const duration = ({ created_at: from, finished_at: to }) => (to ? Date.parse(to) - Date.parse(from) : null);
  const bars = earlier.map((run) => ({ ...run, duration: duration(run) }));
  renew(runs, [bars, zone], () => (bars.length > 1 ? [el('h3', {}, 'Its collector until then'),
    runBars(bars, { label: 'The last runs of its collector', name: 'drawer', zone, link, current: job.job_id })] : []));
}

export function hideDrawer() {
  $('drawer').hidden = true;
  shown = null;
  shield();
}

/** What the drawer can cover: all but the name of the page, under which its own headings are. */
const COVERED = '.top > :not(h1), .filters, .line, .histogram, #list, #overview, #statistics, #journal';

/** Makes what the drawer covers unreachable. */
function shield() {
  const isCovered = COVERS.matches && !$('drawer').hidden;
  for (const node of document.querySelectorAll(COVERED)) node.inert = isCovered;
}

/** Updates the durations and ages. */
export function tickDrawer(now) {
  if (!shown?.job) return;
  setText($('drawer-duration'), duration(shown.job, now));
  for (const node of $('drawer-body').querySelectorAll('time')) {
    setText(node, `${exact(node.dateTime, shown.zone)} (${relative(node.dateTime, now)})`);
  }
}

/**
 * The sections of a job, each with its source and what makes its nodes, so that one is left alone when another changes.
 * @returns {Record<string, [object, () => Node[]]>}
 */
function content(job, link, isSame) {
  const errors = job.errors ?? [];
  const isOpen = isSame && Boolean($('raw')?.parentElement.open);
  const factNodes = () => Object.entries(facts(job, link)).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]);
  return {
    facts: [{ ...job, errors: null, filter: null }, () => [el('dl', {}, ...factNodes())]],
    errors: [errors, () => (errors.length ? [el('h3', {}, `Errors (${number(errors.length)})`), ...errors.map(errorNode)] : [])],
    filter: [job.filter, () => (Object.keys(job.filter ?? {}).length ? [el('h3', {}, 'Filter'), pretty(job.filter)] : [])],
    json: [job, () => [
      el('details', { open: isOpen }, el('summary', { id: 'raw-summary' }, 'Raw JSON'),
        Object.assign(pretty(job), { id: 'raw', tabIndex: 0 })),
      el('p', { className: 'bar' }, copyButton('Copy JSON', () => JSON.stringify(job, null, 2), 'copy-json'),
        copyButton('Copy job id', () => job.job_id, 'copy-id'), ...jobButtons(job)),
    ]],
  };
}

/** The members of today's SpaceONE, which are shown where a job has them: numbers of tasks, and ids with links to their jobs. */
const COUNTS = { Succeeded: 'success_tasks', Failed: 'failure_tasks' };
const IDS = {
  Workspace: 'workspace_id', 'Resource group': 'resource_group', Secret: 'secret_id', 'Requested secret': 'request_secret_id',
  'Requested workspace': 'request_workspace_id',
};

function facts(job, link) {
  const collector = job.collector_info ?? {};
  const done = percent(job);
  const time = (dateTime) => (dateTime ? el('time', { dateTime }) : '–');
  const linked = (key, value, text = value) => {
    if (!value) return '–';
    return el('a', { id: `drawer-link-${key}`, href: link(`${key}:${quote(value)}`), title: 'Its jobs' }, text);
  };
  const given = (labels, show) => Object.fromEntries(Object.entries(labels)
    .filter(([, member]) => job[member] !== undefined).map(([label, member]) => [label, show(member, job[member])]));
  const progress = () => el('progress', { max: 100, value: done, className: job.status, ariaLabel: 'Progress' });
  return {
    Status: el('span', { className: `status ${job.status}` }, statusLabel(job.status)),
    Progress: done === null ? '–' : el('span', {}, progress(), ` ${done} %`),
    Tasks: `${tasks(job)} done`,
    ...given(COUNTS, (_, count) => number(count)),
    Duration: el('span', { id: 'drawer-duration' }),
    Created: time(job.created_at),
    Updated: time(job.updated_at),
    Finished: time(job.finished_at),
    Collector: linked('collector_id', collector.collector_id, [collector.name, collector.collector_id].filter(Boolean).join(' · ')),
    Plugin: plugin(job) || '–',
    Project: linked('project', job.project_id),
    ...given(IDS, linked),
    Domain: job.domain_id,
  };
}

function errorNode({ error_code: code, message, additional }) {
  const members = Object.entries(additional ?? {});
  const others = Object.fromEntries(members.filter(([, value]) => !hasLines(value)));
  const texts = members.filter(([, value]) => hasLines(value));
  return el('div', { className: 'job-error' }, el('strong', {}, code ?? 'No code'),
    el(hasLines(message) ? 'pre' : 'div', {}, message ?? ''),
    ...(additional && (Object.keys(others).length || !texts.length) ? [pretty(others)] : []),
    ...texts.flatMap(([name, text]) => [el('div', { className: 'quiet' }, name), el('pre', {}, text)]));
}

export function wireDrawer(close, step) {
  COVERS.onchange = shield;
  on($('drawer-close'), 'click', close);
  on($('previous-job'), 'click', () => step(-1));
  on($('next-job'), 'click', () => step(1));
}

const pretty = (value) => el('pre', {}, JSON.stringify(value, null, 2));

/** The drawer next to the list: shows all members of one job. */
import { $, copyButton, el, on, renew, setText, withCode } from './dom.js';
import { duration, exact, hasLines, percent, plugin, relative, span, statusLabel, tasks } from './format.js';
import { number, parts, t } from './language.js';
import { before, describe, differences } from './history.js';
import { jobButtons } from './job-editor.js';
import { runBars } from './runs.js';
import { quote } from './search-language.js';
import { remember, remembered } from './storage.js';

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
  const none = { none: [null, () => [el('p', {}, t('job.none'))]] };
  const sections = job ? content(job, link, isSame) : none;
  // `showHistory` fills the lead, the runs and the differences.
  const names = job ? ['about', 'lead', 'errors', 'runs', 'differences', 'facts', 'json'] : Object.keys(sections);
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
 * @param {object?} stuck the job as the overview has it, where it is stuck
 */
export function showHistory(job, earlier, { zone, now, link, stuck }) {
  const [lead, runs] = [$('drawer-lead'), $('drawer-runs')];
  if (!lead || $('drawer-body').dataset.job !== job.job_id) return;
  const { text, lastSuccess, median } = describe(job, earlier, now);
  const success = () => [' ', ...parts('history.lastSuccess', { span: before(job, lastSuccess),
    link: el('a', { href: link(lastSuccess.job_id), id: 'last-success' }, t('history.theLastSuccess')) })];
  const rule = stuck && t('history.stuck', { p95: span(stuck.usual.p95) });
  renew(lead, [text, lastSuccess, rule], () => [el('p', { className: 'lead' }, text, ...(lastSuccess ? success() : []),
    ...(stuck ? [' ', el('b', { className: 'bad' }, rule)] : []))]);
  const duration = ({ created_at: from, finished_at: to }) => (to ? Date.parse(to) - Date.parse(from) : null);
  const bars = earlier.map((run) => ({ ...run, duration: duration(run) }));
  const shownTo = job.finished_at ?? (job.status === 'IN_PROGRESS' ? new Date(now).toISOString() : null);
  renew(runs, [job, bars, zone, median, shownTo, stuck], () => [
    ...timeline(job, shownTo, median, zone, stuck), ...(bars.length > 1 ? [el('h3', {}, t('job.runs')),
    runBars(bars, { label: t('job.lastRuns'), name: 'drawer', zone, link, current: job.job_id })] : [])]);
  renew($('drawer-differences'), [job, lastSuccess], () => (lastSuccess ? differenceNodes(differences(lastSuccess, job)) : []));
}

/** How long a job took, or has run until now, as a bar beside what is usual of its collector; nothing where it has no end. */
function timeline({ created_at: from, finished_at: finished, status }, to, median, zone, stuck) {
  if (!to) return [];
  const millis = Date.parse(to) - Date.parse(from);
  const scale = Math.max(millis, median ?? 0, 1);
  const bar = el('span', { className: `done ${stuck ? 'ERROR' : status}` });
  bar.style.width = `${(millis / scale) * 100}%`;
  const usual = el('span', { className: 'usual' });
  usual.style.left = `${((median ?? 0) / scale) * 100}%`;
  const time = (at) => el('span', {}, exact(at, zone));
  return [el('div', { className: 'timeline', title: median === null ? '' : t('duration.usual', { span: span(median) }) },
    el('div', { className: 'track', ariaHidden: 'true' }, bar, ...(median === null ? [] : [usual])),
    el('div', { className: 'bar quiet' }, time(from), el('span', { className: 'grow' }), ...(finished ? [time(finished)] : [])))];
}

/** What a job has otherwise than the last success, as a table. */
function differenceNodes(found) {
  if (!found.length) return [];
  const cell = (value) => el('td', {}, value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value));
  const row = ({ path, then, here }) => el('tr', {}, el('th', { scope: 'row' }, el('code', {}, path)), cell(then), cell(here));
  const head = ['job.member', 'job.then', 'job.here'].map((key) => el('th', { scope: 'col' }, t(key)));
  return [el('h3', {}, t('job.differences')),
    el('table', { className: 'differences' }, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...found.map(row)))];
}

export function hideDrawer() {
  $('drawer').hidden = true;
  shown = null;
  shield();
}

/** What the drawer can cover: all but the name of the page, under which its own headings are. */
const COVERED = '.top > :not(h1), .filters, .line, .histogram, #list, #overview, #now, #collectors';

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
  // `remembered` is behind the part itself until the browser has sent `toggle`.
  const factsAreOpen = $('facts-summary')?.parentElement.open ?? remembered('facts') === 'open';
  const factNodes = () => Object.entries(facts(job, link)).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]);
  return {
    about: [job, () => [el('p', { className: 'bar about-job' }, el('span', { className: `status ${job.status}` }, statusLabel(job.status)),
      ...collectorNodes(job, link))]],
    facts: [{ ...job, errors: null }, () => [folded('facts', factsAreOpen, t('job.facts'), el('dl', {}, ...factNodes()),
      ...(Object.keys(job.filter ?? {}).length ? [el('h3', {}, t('job.filter')), pretty(job.filter)] : []))]],
    errors: [errors, () => (errors.length ? [el('h3', {}, t('job.errors', { count: errors.length })), ...errors.map(errorNode)] : [])],
    json: [job, () => [
      el('details', { open: isOpen }, el('summary', { id: 'raw-summary' }, t('job.json')),
        Object.assign(pretty(job), { id: 'raw', tabIndex: 0 })),
      el('p', { className: 'bar' }, copyButton(t('job.copyJson'), () => JSON.stringify(job, null, 2), 'copy-json'),
        copyButton(t('job.copyId'), () => job.job_id, 'copy-id'), ...jobButtons(job)),
    ]],
  };
}

/** A part that is folded until it is opened, which this browser remembers for the next visit. */
function folded(name, open, title, ...nodes) {
  const details = el('details', { open }, el('summary', { id: `${name}-summary` }, title), ...nodes);
  on(details, 'toggle', () => remember(name, details.open ? 'open' : 'closed'));
  return details;
}

/** The collector of a job, as a link to its jobs, and its plugin. */
function collectorNodes(job, link) {
  const { collector_id: id, name } = job.collector_info ?? {};
  const text = name ?? id;
  const href = () => link(`collector_id:${quote(id)}`);
  return [...(text ? [id ? el('a', { id: 'drawer-collector', href: href(), title: t('job.itsJobs') }, text) : el('span', {}, text)] : []),
    el('span', { className: 'quiet' }, plugin(job))];
}

/** The members of today's SpaceONE, which are shown where a job has them: numbers of tasks, and ids with links to their jobs. */
const COUNTS = ['success_tasks', 'failure_tasks'];
const IDS = ['workspace_id', 'resource_group', 'secret_id', 'request_secret_id', 'request_workspace_id'];

function facts(job, link) {
  const collector = job.collector_info ?? {};
  const done = percent(job);
  const time = (dateTime) => (dateTime ? el('time', { dateTime }) : '–');
  const linked = (key, value, text = value) => {
    if (!value) return '–';
    return el('a', { id: `drawer-link-${key}`, href: link(`${key}:${quote(value)}`), title: t('job.itsJobs') }, text);
  };
  const given = (members, show) => Object.fromEntries(members
    .filter((member) => job[member] !== undefined).map((member) => [t(`job.${member}`), show(member, job[member])]));
  const progress = () => el('progress', { max: 100, value: done, className: job.status, ariaLabel: t('column.progress') });
  return {
    [t('column.status')]: el('span', { className: `status ${job.status}` }, statusLabel(job.status)),
    [t('column.progress')]: done === null ? '–' : el('span', {}, progress(), ' ', t('percent', { share: done })),
    [t('column.tasks')]: t('job.tasksDone', { tasks: tasks(job) }),
    ...given(COUNTS, (_, count) => number(count)),
    [t('column.duration')]: el('span', { id: 'drawer-duration' }),
    [t('column.created')]: time(job.created_at),
    [t('job.updated')]: time(job.updated_at),
    [t('column.finished')]: time(job.finished_at),
    [t('column.collector')]: linked('collector_id', collector.collector_id,
      [collector.name, collector.collector_id].filter(Boolean).join(' · ')),
    [t('job.plugin')]: plugin(job) || '–',
    [t('column.project')]: linked('project', job.project_id),
    ...given(IDS, linked),
    [t('domain')]: job.domain_id,
  };
}

function errorNode({ error_code: code, message, additional }) {
  const members = Object.entries(additional ?? {});
  const others = Object.fromEntries(members.filter(([, value]) => !hasLines(value)));
  const texts = members.filter(([, value]) => hasLines(value));
  return el('div', { className: 'job-error' }, el('strong', {}, code ?? t('error.noCode')),
    el(hasLines(message) ? 'pre' : 'div', {}, ...withCode(message ?? '')),
    ...(additional && (Object.keys(others).length || !texts.length) ? [pretty(others)] : []),
    ...texts.flatMap(([name, text]) => [el('div', { className: 'quiet' }, name), el('pre', {}, text)]));
}

/**
 * @param {() => void} close
 * @param {(by: number) => void} step to the next job of the list (1) or the previous one (-1)
 * @param {(by: number) => void} stepFailed the same among the jobs that failed
 */
export function wireDrawer(close, step, stepFailed) {
  COVERS.onchange = shield;
  on($('drawer-close'), 'click', close);
  on($('previous-job'), 'click', () => step(-1));
  on($('next-job'), 'click', () => step(1));
  on($('previous-failed'), 'click', () => stepFailed(-1));
  on($('next-failed'), 'click', () => stepFailed(1));
}

const pretty = (value) => el('pre', {}, JSON.stringify(value, null, 2));

/** The table of jobs: head, rows, page buttons, and the reason where it is empty. `fillRow` writes the cell of each column. */
import { COLUMNS } from './columns.js';
import { $, button, copyButton, el, mark, renew, setText } from './dom.js';
import { duration, errorLine, errorSummary, exact, percent, plugin, relative, span, statusLabel, tasks, took } from './format.js';
import { number, t } from './language.js';
import { at } from './root.js';
import { pageNumbers } from './state.js';

/** The job in each row. */
const jobs = new WeakMap();
/** The source of each row, as text. */
const sources = new WeakMap();
/** A job is slow where it took more than so many times as long as is usual. */
const SLOW = 1.5;
const TIMES = { created: 'created_at', finished: 'finished_at' };

const rows = () => [...$('rows').children];
const rowOf = (id) => rows().find((row) => row.dataset.job === id);

/** The job with an id, as the list has it. */
export const shownJob = (id) => jobs.get(rowOf(id));

export const ids = () => rows().map((row) => row.dataset.job);

export function showHead(state, sort) {
  renew($('head'), [state.columns, state.sort, state.desc], () => COLUMNS.filter(({ id }) => state.columns.includes(id)).map((column) => {
    const isSorted = column.id === state.sort;
    const arrow = isSorted ? (state.desc ? ' ↓' : ' ↑') : '';
    const cell = el('th', { scope: 'col', className: column.number ? 'number' : '', data: { column: column.id } },
      button(t(column.label) + arrow, () => sort(column.id), { id: `sort-${column.id}`, title: column.about ? t(column.about) : '' }));
    if (isSorted) cell.ariaSort = state.desc ? 'descending' : 'ascending';
    return cell;
  }));
}

/**
 * Shows the rows; a job that is in the list already keeps its row, in which changed cells are highlighted.
 * @param {(id: string) => string} link from a job's id to its address
 * @param {boolean} marks whether changes are highlighted: not where it is another list
 */
export function showRows(page, state, link, now, marks) {
  const body = $('rows');
  const next = page.map((job) => {
    const present = rowOf(job.job_id);
    const row = present ?? $('row').content.firstElementChild.cloneNode(true);
    const source = JSON.stringify([job, state.columns, state.zone]);
    if (sources.get(row) !== source) {
      const before = [...row.children].map((cell) => cell.textContent);
      fillRow(row, job, state);
      sources.set(row, source);
      // A new row is highlighted as a whole; in one that was there, the changed cells are. Ages change by themselves.
      const isChanged = (cell, index) => !cell.querySelector('time') && cell.textContent !== before[index];
      mark(row, marks && !present);
      if (present) [...row.children].forEach((cell, index) => mark(cell, marks && isChanged(cell, index)));
    }
    row.querySelector('.id').href = link(job.job_id);
    return row;
  });
  // Rows that stay are left alone, so that they keep selection and focus.
  if (next.length !== body.children.length || next.some((row, index) => row !== body.children[index])) {
    const focused = document.activeElement.closest('#rows tr');
    const at = rows().indexOf(focused);
    for (const row of rows()) if (!next.includes(row)) row.remove();
    // Only rows in the wrong position are moved, since a moved row loses its selection, and the browser its scroll anchor.
    next.forEach((row, index) => { if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null); });
    // A job that has left the page leaves the focus to the job in its position.
    const focusable = focused?.isConnected ? focused : rows()[at] ?? rows().at(-1);
    if (focused) focusable?.querySelector('.id').focus({ preventScroll: true });
  }
  showOpen(state.job);
  tick(now);
}

/** Highlights the row of the open job. */
export function showOpen(id) {
  for (const row of rows()) row.ariaCurrent = row.dataset.job === id ? 'true' : null;
}

function fillRow(row, job, state) {
  const collector = job.collector_info ?? {};
  const put = (name, text, title) => Object.assign(row.querySelector(`.${name}`), { textContent: text, title: title ?? '' });
  jobs.set(row, job);
  row.dataset.job = job.job_id;
  put('id', job.job_id, job.job_id);
  put('collector', collector.name ?? collector.collector_id ?? '–', collector.collector_id);
  put('plugin', plugin(job), plugin(job));
  put('status', statusLabel(job.status)).className = `status ${job.status}`;
  put('tasks', tasks(job));
  const [first, ...others] = job.errors ?? [];
  const more = () => [' ', el('span', { className: 'quiet' }, t('errors.more', { count: others.length }))];
  put('errors', '', errorSummary(job.errors)).replaceChildren(...(first ? [
    ...(first.error_code ? [el('b', {}, first.error_code), ' '] : []), errorLine(first), ...(others.length ? more() : [])] : []));
  put('project', job.project_id ?? '–', job.project_id);
  const done = percent(job);
  put('percent', done === null ? '–' : t('percent', { share: done }));
  const progress = { className: job.status, hidden: done === null, value: done ?? 0, ariaLabel: t('column.progress') };
  Object.assign(row.querySelector('progress'), progress);
  for (const [name, member] of Object.entries(TIMES)) {
    put(name, '', exact(job[member], state.zone)).dateTime = job[member] ?? '';
  }
  for (const cell of row.children) cell.hidden = !state.columns.includes(cell.dataset.column);
}

/** Updates ages, and the durations of jobs that run. */
export function tick(now) {
  for (const row of rows()) {
    const job = jobs.get(row);
    for (const [name, member] of Object.entries(TIMES)) {
      setText(row.querySelector(`.${name}`), job[member] ? relative(job[member], now) : '–');
    }
    setText(row.querySelector('.duration'), duration(job, now));
    showAgainst(row.querySelector('.against'), job, now);
  }
}

/** How long the successes of each collector usually take, in milliseconds, by its id. */
let usual = new Map();

/** Shows how long the jobs took against what is usual of their collectors. @param {Map<string, number>} spans in milliseconds, by id */
export function showUsual(spans, now) {
  usual = spans;
  tick(now);
}

/** Shows a duration as a bar, half of which is what is usual. */
function showAgainst(node, job, now) {
  const normal = usual.get(job.collector_info?.collector_id);
  const millis = took(job, now);
  node.hidden = !normal || millis === null;
  if (node.hidden) return;
  node.title = t('duration.usual', { span: span(normal) });
  node.className = millis > SLOW * normal ? 'against slow' : 'against';
  node.firstElementChild.style.width = `${Math.min(millis / normal / 2, 1) * 100}%`;
}

/** Moves the focus by a row of the list or of the journal; from elsewhere, to the first row or the last. */
export function moveFocus(by) {
  const all = [...document.querySelectorAll('#rows .id, #entries summary')].filter((node) => node.checkVisibility());
  const at = all.findIndex((node) => node.closest('tr, li').contains(document.activeElement));
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[to]?.focus();
}

/** Puts the focus on a job; returns whether it is in the list. */
export function focusJob(id) {
  const link = rowOf(id)?.querySelector('.id');
  link?.focus({ preventScroll: true });
  return Boolean(link);
}

/** Shows the number of jobs, and the buttons of the pages. */
export function showPages(state, total, go) {
  const last = Math.max(1, Math.ceil(total / state.size));
  const first = (state.page - 1) * state.size + 1;
  const end = Math.min(total, first + state.size - 1);
  setText($('total'), t(total === 0 ? 'list.none' : first > total ? 'list.past' : 'list.range', { first, last: end, count: total }));
  const to = (page, id, properties, label = t(`list.${id}`)) => button(label, () => go(page), { id: `page-${id}`, ...properties });
  renew($('pages'), [state.page, last], () => [
    to(Math.min(state.page - 1, last), 'previous', { disabled: state.page <= 1, title: t('list.previousTitle') }),
    ...pageNumbers(state.page, last).map((page) => (page === 0 ? el('span', { className: 'gap' }, '…')
      : to(page, page, { ariaCurrent: page === state.page ? 'page' : null }, number(page)))),
    to(state.page + 1, 'next', { disabled: state.page >= last, title: t('list.nextTitle') }),
  ]);
}

/** Shows why there are no rows, and what to do; shows the table where `reason` is null. */
export function showEmpty(reason, { database = '', isMock = false, clear, firstPage, error, retry }) {
  $('empty').hidden = !reason;
  document.querySelector('#list footer').hidden = reason === 'no-answer';
  $('table').hidden = Boolean(reason);
  const command = isMock ? putCommand() : importCommand(database);
  const nodes = {
    'no-jobs': () => [el('code', {}, command), ' ', copyButton(t('copy'), () => command)],
    'no-match': () => [button(t('empty.clear'), clear)],
    'no-domain': () => [],
    'no-answer': () => [button(t('retry'), retry)],
    'past-the-end': () => [button(t('empty.firstPage'), firstPage)],
  };
  renew($('empty'), [reason, command, error], () => (reason
    ? [el('h2', {}, t(`empty.${reason}`)), el('p', {}, error ?? t(`empty.${reason}.about`)), ...nodes[reason]()] : []));
}

/** The command that puts a job into a mock, whose imported jobs would be gone with the next reset. */
function putCommand() {
  const address = at('jobdeck/jobs/job-1?domain_id=domain-1');
  return `curl -X PUT '${address}' -H 'content-type: application/json' -d '{}'`;
}

function importCommand(database) {
  const word = /^[\w./-]+$/.test(database) ? database : `'${database.replaceAll("'", "'\\''")}'`;
  return `jobdeck import --db ${word} jobs.ndjson`;
}

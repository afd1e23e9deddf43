/** The list: head, rows, pages, and why there are none. */
import { COLUMNS } from './columns.js';
import { $, button, copyButton, el, renew, setText } from './dom.js';
import { duration, exact, number, percent, plugin, relative, statusLabel, tasks } from './format.js';
import { pageNumbers } from './state.js';

/** The job that each row shows. */
const shown = new WeakMap();
/** What each row was made of. */
const texts = new WeakMap();
const TIMES = { created: 'created_at', finished: 'finished_at' };

const rows = () => [...$('rows').children];
const rowOf = (job) => rows().find((row) => row.dataset.job === job);

/** The job of an id, as the list shows it. */
export const shownJob = (job) => shown.get(rowOf(job));

export const ids = () => rows().map((row) => row.dataset.job);

export function showHead(state, sort) {
  renew($('head'), [state.columns, state.sort, state.desc], () => COLUMNS.filter(({ id }) => state.columns.includes(id)).map((column) => {
    const isSorted = column.id === state.sort;
    const arrow = isSorted ? (state.desc ? ' ↓' : ' ↑') : '';
    const cell = el('th', { scope: 'col', className: column.number ? 'number' : '', data: { column: column.id } },
      button(column.label + arrow, () => sort(column.id), { id: `sort-${column.id}`, title: column.about ?? '' }));
    if (isSorted) cell.ariaSort = state.desc ? 'descending' : 'ascending';
    return cell;
  }));
}

/**
 * The rows; one that shows the same job as before is kept, and marked where that has changed.
 * @param {(id: string) => string} link from a job's id to its address
 * @param {boolean} marks not where something else was asked for
 */
export function showRows(jobs, state, link, now, marks) {
  const body = $('rows');
  const next = jobs.map((job) => {
    const kept = rowOf(job.job_id);
    const row = kept ?? $('row').content.firstElementChild.cloneNode(true);
    const text = JSON.stringify([job, state.columns, state.zone]);
    if (texts.get(row) !== text) {
      const before = [...row.children].map((cell) => cell.textContent);
      fillRow(row, job, state);
      texts.set(row, text);
      // What is new is marked as a whole; of what was there, the cells that say something else.
      mark(row, marks && !kept);
      if (kept) [...row.children].forEach((cell, index) => mark(cell, marks && !cell.querySelector('time') && cell.textContent !== before[index]));
    }
    row.querySelector('.id').href = link(job.job_id);
    return row;
  });
  // Rows that stay are not touched, so that what is selected or focused in them stays so.
  if (next.length !== body.children.length || next.some((row, index) => row !== body.children[index])) {
    const focused = document.activeElement.closest('#rows tr');
    const at = rows().indexOf(focused);
    for (const row of rows()) if (!next.includes(row)) row.remove();
    // One that is moved loses what is selected in it, and the browser its hold on where it was.
    next.forEach((row, index) => { if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null); });
    // A job that has left the page leaves the focus to the one in its place.
    if (focused) (focused.isConnected ? focused : rows()[at] ?? rows().at(-1))?.querySelector('.id').focus({ preventScroll: true });
  }
  showOpen(state.job);
  tick(now);
}

/** Marks a row or a cell for a moment; one that is marked is marked again. */
export function mark(node, isChanged) {
  node.classList.remove('changed');
  if (!isChanged) return;
  node.getBoundingClientRect();
  node.classList.add('changed');
  node.onanimationend = () => node.classList.remove('changed');
}

export function showOpen(job) {
  for (const row of rows()) row.ariaCurrent = row.dataset.job === job ? 'true' : null;
}

function fillRow(row, job, state) {
  const collector = job.collector_info ?? {};
  const put = (name, text, title) => Object.assign(row.querySelector(`.${name}`), { textContent: text, title: title ?? '' });
  shown.set(row, job);
  row.dataset.job = job.job_id;
  put('id', job.job_id, job.job_id);
  put('collector', collector.name ?? collector.collector_id ?? '–', collector.collector_id);
  put('plugin', plugin(job), plugin(job));
  put('status', statusLabel(job.status)).className = `status ${job.status}`;
  put('tasks', tasks(job));
  put('errors', job.errors?.length ? number(job.errors.length) : '');
  put('project', job.project_id ?? '–', job.project_id);
  const done = percent(job);
  put('percent', done === null ? '–' : `${done} %`);
  Object.assign(row.querySelector('progress'), { className: job.status, hidden: done === null, value: done ?? 0, ariaLabel: `Progress of ${job.job_id}` });
  for (const [name, member] of Object.entries(TIMES)) Object.assign(put(name, '', exact(job[member], state.zone)), { dateTime: job[member] ?? '' });
  for (const cell of row.children) cell.hidden = !state.columns.includes(cell.dataset.column);
}

/** Ages, and the durations of jobs that run, go on by themselves. */
export function tick(now) {
  for (const row of rows()) {
    const job = shown.get(row);
    for (const [name, member] of Object.entries(TIMES)) setText(row.querySelector(`.${name}`), job[member] ? relative(job[member], now) : '–');
    setText(row.querySelector('.duration'), duration(job, now));
  }
}

/** Moves the focus by a row of the list, or of the journal, or to the first or last. */
export function moveFocus(by) {
  const all = [...document.querySelectorAll('#rows .id, #entries summary')].filter((node) => node.checkVisibility());
  const at = all.findIndex((node) => node.closest('tr, li').contains(document.activeElement));
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[to]?.focus();
}

/** Puts the focus on a job; returns whether it is in the list. */
export function focusJob(job) {
  const link = rowOf(job)?.querySelector('.id');
  link?.focus({ preventScroll: true });
  return Boolean(link);
}

/** How many there are, and the pages of them. */
export function showPages(state, total, go) {
  const last = Math.max(1, Math.ceil(total / state.size));
  const first = (state.page - 1) * state.size + 1;
  setText($('total'), total === 0 ? 'No jobs'
    : first > total ? `${number(total)} jobs, none on this page`
      : `${number(first)}–${number(Math.min(total, first + state.size - 1))} of ${number(total)} jobs`);
  const to = (page, label, properties) => button(label, () => go(page), { id: `page-${label}`, ...properties });
  renew($('pages'), [state.page, last], () => [
    to(Math.min(state.page - 1, last), 'Previous', { disabled: state.page <= 1, title: 'Previous page ([)' }),
    ...pageNumbers(state.page, last).map((page) => (page === 0 ? el('span', { className: 'gap' }, '…')
      : to(page, number(page), { ariaCurrent: page === state.page ? 'page' : null }))),
    to(state.page + 1, 'Next', { disabled: state.page >= last, title: 'Next page (])' }),
  ]);
}

/** Why there are no rows, and what to do; nothing where there are some. */
export function showEmpty(reason, { database = '', isMock = false, clear, firstPage, fault, retry }) {
  $('empty').hidden = !reason;
  $('table').hidden = Boolean(reason);
  const word = /^[\w./-]+$/.test(database) ? database : `'${database.replaceAll("'", "'\\''")}'`;
  // What is imported into a mock is gone with its next reset.
  const command = isMock ? `curl -X PUT '${location.origin}/jobdeck/jobs/job-1?domain_id=domain-1' -H 'content-type: application/json' -d '{}'`
    : `jobdeck import --db ${word} jobs.ndjson`;
  const [title, text, ...means] = {
    'no-jobs': ['No jobs yet', 'Load some, and they are shown here:', el('code', {}, command), ' ', copyButton('Copy', () => command)],
    'no-match': ['No job matches', 'There are jobs in this domain, but none that all the filters let through.', button('Clear filters', clear)],
    'no-domain': ['No jobs in this domain', 'Others may have some: choose one above.'],
    'no-answer': ['No answer', fault, button('Try again', retry)],
    'past-the-end': ['No jobs on this page', 'There are not so many any more.', button('To the first page', firstPage)],
  }[reason] ?? ['', ''];
  renew($('empty'), [reason, command, fault], () => [el('h2', {}, title), el('p', {}, text), ...means]);
}

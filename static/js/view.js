/**
 * From data to nodes. What comes from a job is only ever put in as text: nothing here reads it as HTML, so a job can't
 * do more than be shown.
 */
import { COLUMNS, TABS, pageNumbers } from './state.js';
import { duration, exact, number, percent, relative, statusLabel, tasks } from './format.js';

/** @param {string} id */
export const $ = (id) => document.getElementById(id);

/** Makes an element with properties and children; strings become text. */
export function el(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/** The picker; a domain that a link names is offered even where it has no jobs. */
export function showDomains(domains, chosen) {
  const names = domains.map((domain) => domain.domain_id);
  const options = domains.map(({ domain_id: id, jobs }) => el('option', { value: id }, `${id} (${number(jobs)})`));
  if (chosen && !names.includes(chosen)) options.push(el('option', { value: chosen }, `${chosen} (0)`));
  const picker = $('domain');
  if (document.activeElement !== picker) picker.replaceChildren(...options);
  picker.value = chosen;
}

/** The tabs with their counts; before new counts are known, with the old. */
export function showTabs(state, counts, choose) {
  const nav = $('tabs');
  TABS.forEach((tab, index) => {
    const button = nav.children[index] ?? nav.appendChild(el('button', { type: 'button', onclick: () => choose(tab.id) }));
    const total = counts && sum(counts.filter(({ status }) => !tab.statuses.length || tab.statuses.includes(status)));
    if (counts || !button.firstChild) button.replaceChildren(tab.label, el('span', { className: 'count' }, counts ? number(total) : ''));
    button.dataset.tab = tab.id;
    button.setAttribute('aria-current', String(tab.id === state.tab));
  });
}

const sum = (counts) => counts.reduce((total, { count }) => total + count, 0);

/** The head of the table; a column that sorts has a button. */
export function showHead(state, sort) {
  const cells = COLUMNS.map((column) => {
    const cell = el('th', { scope: 'col', className: column.number ? 'number' : '' });
    if (!column.sort) {
      cell.append(column.label);
      return cell;
    }
    const isSorted = column.sort === state.sort;
    const arrow = isSorted ? (state.desc ? ' ↓' : ' ↑') : '';
    if (isSorted) cell.setAttribute('aria-sort', state.desc ? 'descending' : 'ascending');
    cell.append(el('button', { type: 'button', id: `sort-${column.sort}`, onclick: () => sort(column.sort) }, column.label + arrow));
    return cell;
  });
  keepFocus(() => $('head').replaceChildren(...cells));
}

/**
 * The rows. A row that shows the same job as before is kept, and marked where it changed.
 * @param {object[]} jobs
 * @param {(id: string) => string} link from a job's id to its address
 */
export function showRows(jobs, link, now) {
  const body = $('rows');
  const before = new Map([...body.children].map((row) => [row.dataset.job, row]));
  const rows = jobs.map((job) => {
    const kept = before.get(job.job_id);
    const row = kept ?? $('row').content.firstElementChild.cloneNode(true);
    const text = JSON.stringify(job);
    if (row.dataset.text !== text) {
      fillRow(row, job);
      row.dataset.text = text;
      row.classList.toggle('changed', Boolean(kept));
    }
    row.querySelector('.id').href = link(job.job_id);
    return row;
  });
  // A row that stays where it is is not touched, so that what is selected or focused in it stays so.
  if (rows.length !== body.children.length || rows.some((row, index) => row !== body.children[index])) {
    keepFocus(() => body.replaceChildren(...rows));
  }
  tick(now);
}

function fillRow(row, job) {
  const collector = job.collector_info ?? {};
  const plugin = collector.plugin_info ?? {};
  const put = (name, text) => Object.assign(row.querySelector(`.${name}`), { textContent: text });
  const details = [[plugin.plugin_id, plugin.version].filter(Boolean).join(' '), collector.provider].filter(Boolean);
  row.dataset.job = job.job_id;
  Object.assign(put('id', job.job_id), { title: job.job_id });
  Object.assign(put('collector', collector.name ?? collector.collector_id ?? '–'), { title: collector.collector_id ?? '' });
  Object.assign(put('plugin', details.join(' · ')), { title: details.join(' · ') });
  put('status', statusLabel(job.status)).className = `status status-${job.status}`;
  showProgress(row, job);
  put('tasks', tasks(job));
  put('errors', job.errors?.length ? number(job.errors.length) : '');
  Object.assign(row.querySelector('.created'), { dateTime: job.created_at, title: exact(job.created_at) });
}

function showProgress(row, job) {
  const done = percent(job);
  const bar = row.querySelector('progress');
  bar.className = `bar-${job.status}`;
  bar.hidden = done === null;
  bar.value = done ?? 0;
  bar.setAttribute('aria-label', `Progress of ${job.job_id}`);
  row.querySelector('.percent').textContent = done === null ? '–' : `${done} %`;
}

/** What goes on by itself: ages, and the durations of jobs that run. */
export function tick(now) {
  for (const row of $('rows').children) {
    const job = JSON.parse(row.dataset.text);
    setText(row.querySelector('.created'), relative(job.created_at, now));
    setText(row.querySelector('.duration'), duration(job, now));
  }
}

/** Sets a text where it is another: a node that is not touched keeps what is selected in it. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Rebuilds nodes without losing the focus within them, by the id or the link of what had it. */
function keepFocus(rebuild) {
  const focused = document.activeElement;
  const { id } = focused ?? {};
  const job = focused?.closest?.('tr[data-job]')?.dataset.job;
  rebuild();
  if (document.activeElement === focused) return;
  const again = id ? $(id) : [...$('rows').children].find((row) => row.dataset.job === job)?.querySelector('.id');
  if (id || job) again?.focus({ preventScroll: true });
}

/** How many there are, and the pages of them. */
export function showPages(state, total, go) {
  const last = Math.max(1, Math.ceil(total / state.size));
  const first = (state.page - 1) * state.size + 1;
  $('total').textContent = total === 0 ? 'No jobs'
    : first > total ? `${number(total)} jobs, none on this page`
      : `${number(first)}–${number(Math.min(total, first + state.size - 1))} of ${number(total)} jobs`;
  const button = (page, label, properties = {}) => el('button', { type: 'button', id: `page-${label}`, onclick: () => go(page), ...properties }, label);
  const numbers = pageNumbers(state.page, last).map((page) => {
    if (page === 0) return el('span', { className: 'gap' }, '…');
    const node = button(page, number(page));
    if (page === state.page) node.setAttribute('aria-current', 'page');
    return node;
  });
  keepFocus(() => $('pages').replaceChildren(
    button(Math.min(state.page - 1, last), 'Previous', { disabled: state.page <= 1 }),
    ...numbers,
    button(state.page + 1, 'Next', { disabled: state.page >= last }),
  ));
}

/** Why there are no rows, and what to do; nothing where there are some. */
export function showEmpty(reason, clear) {
  const node = $('empty');
  if (node.dataset.reason === (reason ?? '')) return;
  node.dataset.reason = reason ?? '';
  node.hidden = !reason;
  if (reason === 'no-jobs') {
    node.replaceChildren(el('h2', {}, 'No jobs yet'), el('p', {}, 'Load some, and they are shown here:'),
      el('code', {}, 'jobdeck import jobs.ndjson'));
  } else if (reason === 'no-match') {
    node.replaceChildren(el('h2', {}, 'No job matches'), el('p', {}, 'There are jobs, but none with this status and any of these words in its id.'),
      el('button', { type: 'button', onclick: clear }, 'Clear filters'));
  } else if (reason === 'no-domain') {
    node.replaceChildren(el('h2', {}, 'No jobs in this domain'), el('p', {}, 'Others have jobs: choose one above.'));
  } else if (reason === 'past-the-end') {
    node.replaceChildren(el('h2', {}, 'No jobs on this page'), el('p', {}, 'There are not so many any more.'),
      el('button', { type: 'button', onclick: clear }, 'To the first page'));
  } else {
    node.replaceChildren();
  }
}

/** What went wrong, with the request's id and a way to try again; nothing where all is well. */
export function showTrouble(error, retry) {
  const node = $('trouble');
  node.hidden = !error;
  if (!error) {
    node.replaceChildren();
    return;
  }
  const id = error.requestId ? ` (request ${error.requestId})` : '';
  node.replaceChildren(`${error.message}${id}`, el('button', { type: 'button', onclick: retry }, 'Try again'));
}

/** The open job, whole; what is shown already is left as it is, so that it can be read and selected from. */
export function showDetail(job, id, now) {
  const text = JSON.stringify([id, job ?? null]);
  if ($('detail-body').dataset.text === text) {
    const shown = $('detail-body').querySelector('.duration');
    if (shown) setText(shown, duration(job, now));
    return;
  }
  const scrolled = $('detail-title').textContent === id ? $('raw')?.scrollTop ?? 0 : 0;
  $('detail-body').dataset.text = text;
  $('detail-title').textContent = id;
  if (!job) {
    $('detail-body').replaceChildren(el('p', {}, 'There is no such job in this domain.'));
    return;
  }
  const collector = job.collector_info ?? {};
  const plugin = collector.plugin_info ?? {};
  const moment = (time) => (time ? el('time', { dateTime: time, title: time }, `${exact(time)} (${relative(time, now)})`) : '–');
  const facts = [
    ['Status', el('span', { className: `status status-${job.status}` }, statusLabel(job.status))],
    ['Tasks', `${tasks(job)} done`],
    ['Created', moment(job.created_at)],
    ['Updated', moment(job.updated_at)],
    ['Finished', moment(job.finished_at)],
    ['Duration', el('span', { className: 'duration' }, duration(job, now))],
    ['Collector', [collector.name, collector.collector_id].filter(Boolean).join(' · ') || '–'],
    ['Plugin', [plugin.plugin_id, plugin.version, collector.provider].filter(Boolean).join(' · ') || '–'],
    ['Project', job.project_id ?? '–'],
    ['Domain', job.domain_id],
  ];
  const list = el('dl', {}, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
  const errors = (job.errors ?? []).map((error) => el('div', { className: 'fault' },
    el('strong', {}, error.error_code ?? 'no code'), el('div', {}, error.message ?? ''),
    ...(error.additional ? [el('pre', {}, JSON.stringify(error.additional, null, 2))] : [])));
  const isOpen = $('detail-body').querySelector('details')?.open ?? false;
  $('detail-body').replaceChildren(list,
    el('h3', {}, errors.length ? `Errors (${errors.length})` : 'No errors'), ...errors,
    el('details', { open: isOpen }, el('summary', {}, 'Raw JSON'), el('pre', { id: 'raw', tabIndex: 0 }, JSON.stringify(job, null, 2))));
  if ($('raw')) $('raw').scrollTop = scrolled;
}

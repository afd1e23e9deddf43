/** The journal view of a mock: the requests of its clients, the newest first; each can be opened in the list. */
import { act } from './api.js';
import { curl } from './curl.js';
import { $, button, copyButton, el, mark, on, pick, renew, setText } from './dom.js';
import { clock, exact, hasLines } from './format.js';
import { number } from './language.js';
import { scoped } from './queries.js';
import { relativePath } from './root.js';
import { DEFAULTS, ROUTES } from './state.js';

/** How long typing pauses before the server is asked, in milliseconds. */
const PAUSE = 150;
/** What the first digit of a status means. */
const OUTCOMES = { 2: 'OK', 3: 'Unchanged', 4: 'Refused', 5: 'Failed' };
const NO_FILTERS = Object.fromEntries(['contains', 'route', 'status', 'scope'].map((name) => [name, DEFAULTS[name]]));

/** The rows that are shown, by request. */
let rows = new Map();
/** The statuses of all requests that have been shown, for the picker. */
const statuses = new Set();

const labelOf = (status) => (status === 'null' ? 'No answer' : `${status} ${OUTCOMES[status[0]] ?? ''}`);

export function showFilters(state) {
  pick($('route'), ['', ...ROUTES].map((route) => [route, route || 'Any route']), state.route);
  const options = ['', ...[...statuses].sort()].map((status) => [status, status ? labelOf(status) : 'Any answer']);
  pick($('status'), options, state.status, labelOf);
  $('scope').value = state.scope;
  if (document.activeElement !== $('contains')) $('contains').value = state.contains;
}

/**
 * @param {{results: object[], total_count: number}} answer as the API gives it, the oldest first
 * @param {boolean} marks whether new rows are highlighted: not where the filters have changed
 */
export function showJournal(state, { results, total_count: total }, marks, clear) {
  const before = rows;
  rows = new Map();
  for (const entry of results.toReversed()) {
    statuses.add(String(entry.status));
    // A restarted server numbers its requests from the start again.
    const key = `${entry.id} ${entry.request_id}`;
    const row = before.get(key) ?? makeRow(entry, state);
    if (!before.has(key)) mark(row, marks);
    for (const time of row.querySelectorAll('time')) setText(time, clock(entry.at, state.zone).slice(11));
    row.querySelector('time').title = exact(entry.at, state.zone);
    rows.set(key, row);
  }
  // Rows that stay are left alone, so that they keep selection and focus.
  for (const [key, row] of before) if (!rows.has(key)) row.remove();
  const entries = $('entries');
  [...rows.values()].forEach((row, index) => {
    if (entries.children[index] !== row) entries.insertBefore(row, entries.children[index]);
  });
  showFilters(state);
  const all = `${number(total)} ${total === 1 ? 'request' : 'requests'}`;
  setText($('journal-total'), total > results.length ? `The newest ${number(results.length)} of ${all}` : all);
  showEmpty(state, total, clear);
}

function showEmpty(state, total, clear) {
  const isFiltered = Object.keys(NO_FILTERS).some((name) => state[name] !== NO_FILTERS[name]);
  const query = new URLSearchParams({ domain_id: state.domain || 'my-domain', 'query.page.limit': 3 });
  const line = curl({ method: 'GET', path: `inventory/v1/jobs?${query}` });
  $('journal-empty').hidden = total > 0;
  renew($('journal-empty'), [isFiltered, line], () => (isFiltered
    ? [el('h3', {}, 'No such request'), el('p', {}, 'There are requests, but none that matches all the filters.'),
      button('Clear filters', () => clear(NO_FILTERS))]
    : [el('h3', {}, 'No requests yet'), el('p', {}, 'Send one, and it is shown here:'),
      el('code', {}, line), ' ', copyButton('Copy', () => line)]));
}

function makeRow(entry) {
  const { method, status, answer } = entry;
  const path = entry.path + (entry.query && `?${entry.query}`);
  const faults = entry.faults.length > 0 && `on purpose: ${entry.faults.join(', ')}`;
  const about = [faults, answer?.detail?.code, entry.domain_id, entry.job_id].filter((text) => typeof text === 'string').join(' · ');
  const outcome = status === null ? 'CANCELED' : status < 400 ? 'SUCCESS' : 'ERROR';
  const parts = [
    el('time', { dateTime: entry.at }),
    el('strong', {}, method),
    el('span', { className: 'path', title: path }, path),
    el('span', { className: 'route' }, entry.route ?? 'no route'),
    el('span', { className: `status ${outcome}` }, labelOf(String(status))),
    el('span', { className: 'number' }, `${number(Math.round(entry.milliseconds * 10) / 10)} ms`),
    el('span', { className: 'quiet about', title: about }, about),
  ];
  const details = el('details', {}, el('summary', {}, ...parts.flatMap((part) => [part, ' '])));
  // The content is made when it is first opened.
  on(details, 'toggle', () => { if (details.children.length < 2) details.append(content(entry, path, answer)); });
  return el('li', {}, details);
}

function content(entry, path, answer) {
  const text = (value) => el('pre', { className: 'tall', tabIndex: 0 }, typeof value === 'string' ? value : JSON.stringify(value, null, 2));
  const section = (title, value, isCut) => {
    if (value === null && !isCut) return [];
    return [el('h3', {}, title + (isCut ? ', cut short' : '')), text(value ?? '')];
  };
  // The headers that the client's library added would say little.
  const line = curl({ method: entry.method, path: relativePath(path), body: entry.body });
  const message = answer?.detail?.message;
  const parameters = [...new URLSearchParams(entry.query)].map(([name, value]) => `${name} = ${value}`).join('\n');
  return el('div', { className: 'content' },
    el('p', { className: 'quiet' }, `Request ${entry.request_id}`),
    ...section('Parameters', parameters || null),
    ...section('Body', entry.body, entry.is_body_cut),
    ...section('Message', hasLines(message) ? message : null),
    ...section('Answer', answer, entry.is_answer_cut),
    el('h3', {}, 'As a curl line', ' ', entry.is_body_cut ? '' : copyButton('Copy curl', () => line)),
    entry.is_body_cut ? el('p', {}, 'The journal has only the beginning of the body, which was too long.') : text(line));
}

/** @param {(act: Promise) => void} run waits for an act, and shows its outcome */
export function wireJournal(state, go, run) {
  let timer = 0;
  on($('contains'), 'input', ({ target: { value: contains } }) => {
    clearTimeout(timer);
    // A text that is typed without a pause is one entry in the history.
    timer = setTimeout(() => go({ contains }, Boolean(state().contains)), PAUSE);
  });
  for (const name of ['route', 'status', 'scope']) on($(name), 'change', ({ target: { value } }) => go({ [name]: value }));
  for (const [id, method, path] of [['clear', 'DELETE', 'jobdeck/journal'], ['reset', 'POST', 'jobdeck/reset']]) {
    on($(id), 'click', () => run(act(method, scoped(state(), path))));
  }
}

/** Closes the open request that has the focus, if there is one. */
export function closeEntry() {
  const entry = document.activeElement.closest('#entries details');
  if (!entry) return;
  entry.open = false;
  entry.firstElementChild.focus();
}

/** The journal view of a mock: the requests of its clients, the newest first; each can be opened in the list. */
import { act, readIfChanged } from './api.js';
import { confirmed, note } from './confirm.js';
import { curl } from './curl.js';
import { $, button, copyButton, el, mark, on, pick, renew, setText } from './dom.js';
import { clock, exact, hasLines } from './format.js';
import { escapeDirections, rowsOf, words } from './journal-words.js';
import { t } from './language.js';
import { scoped } from './queries.js';
import { relativePath } from './root.js';
import { DEFAULTS, ROUTES } from './state.js';

/** How long typing pauses before a request is sent, in milliseconds. */
const PAUSE = 150;
const NO_FILTERS = Object.fromEntries(['contains', 'route', 'status', 'scope'].map((name) => [name, DEFAULTS[name]]));

/** The rows that are shown, by request. */
let rows = new Map();
/** The statuses of all requests that have been shown, for the picker. */
const statuses = new Set();

/** A status with what its first digit means. */
const labelOf = (status) => (status === 'null' ? t('journal.noAnswer')
  : /^[2-5]/.test(status) ? `${status} ${t(`journal.outcome.${status[0]}`)}` : status);

export function showFilters(state) {
  pick($('route'), ['', ...ROUTES].map((route) => [route, route || t('journal.anyRoute')]), state.route);
  const options = ['', ...[...statuses].sort()].map((status) => [status, status ? labelOf(status) : t('journal.anyAnswer')]);
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
  // A bar is as long as the time of its request among those that are shown.
  const slowest = Math.max(...results.map(({ milliseconds }) => milliseconds));
  results.toReversed().forEach(({ milliseconds }, index) => {
    entries.children[index].querySelector('.took').style.setProperty('--share', slowest ? milliseconds / slowest : 0);
  });
  const key = total > results.length ? 'journal.newest' : 'journal.total';
  setText($('journal-total'), t(key, { count: total, shown: results.length }));
  showEmpty(state, total, clear);
}

function showEmpty(state, total, clear) {
  const isFiltered = Object.keys(NO_FILTERS).some((name) => state[name] !== NO_FILTERS[name]);
  const query = new URLSearchParams({ domain_id: state.domain || 'my-domain', 'query.page.limit': 3 });
  const line = curl({ method: 'GET', path: `inventory/v1/jobs?${query}` });
  $('journal-empty').hidden = total > 0;
  renew($('journal-empty'), [isFiltered, line], () => (isFiltered
    ? [el('h3', {}, t('journal.noMatch')), el('p', {}, t('journal.noMatchText')),
      button(t('journal.clearFilters'), () => clear(NO_FILTERS))]
    : [el('h3', {}, t('journal.none')), el('p', {}, t('journal.send')),
      el('code', {}, line), ' ', copyButton(t('journal.copy'), () => line)]));
}

function makeRow(entry) {
  const { method, status, answer } = entry;
  const path = entry.path + (entry.query && `?${entry.query}`);
  const faults = entry.faults.length > 0 && t('journal.onPurpose', { faults: entry.faults.join(', ') });
  const about = [faults, answer?.detail?.code].filter((text) => typeof text === 'string').join(' · ');
  const outcome = status === null ? 'CANCELED' : status < 400 ? 'SUCCESS' : 'ERROR';
  const parts = [
    el('time', { dateTime: entry.at }),
    el('strong', {}, method),
    el('span', { className: 'in-words', title: path }, escapeDirections(words(entry)), ' ',
      el('span', { className: 'quiet' }, escapeDirections(entry.domain_id ?? ''))),
    el('span', { className: 'number rows-of' }, rowsOf(entry)),
    el('span', { className: 'route' }, entry.route ?? t('journal.noRoute')),
    el('span', { className: `status ${outcome}` }, labelOf(String(status))),
    el('span', { className: 'number took' }, t('journal.milliseconds', { count: Math.round(entry.milliseconds * 10) / 10 })),
    ...(about ? [el('span', { className: 'quiet about', title: about }, about)] : []),
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
    return [el('h3', {}, isCut ? t('journal.cut', { title: t(title) }) : t(title)), text(value ?? '')];
  };
  // The headers that the client's library added would say little.
  const line = curl({ method: entry.method, path: relativePath(path), body: entry.body });
  const message = answer?.detail?.message;
  const parameters = [...new URLSearchParams(entry.query)].map(([name, value]) => `${name} = ${value}`).join('\n');
  return el('div', { className: 'content' },
    el('p', {}, el('code', { className: 'path' }, path)),
    el('p', { className: 'quiet' }, t('journal.request', { id: entry.request_id })),
    ...section('journal.parameters', parameters || null),
    ...section('journal.body', entry.body, entry.is_body_cut),
    ...section('journal.message', hasLines(message) ? message : null),
    ...section('journal.reply', answer, entry.is_answer_cut),
    el('h3', {}, t('journal.curl'), ' ', entry.is_body_cut ? '' : copyButton(t('journal.copyCurl'), () => line)),
    entry.is_body_cut ? el('p', {}, t('journal.tooLong')) : text(line));
}

/** Empties the journal, of all domains or of that of the state, after a question that says how many requests are forgotten. */
async function clearJournal(state) {
  const { body: { total_count: count } } = await readIfChanged(scoped(state, 'jobdeck/journal', { limit: '0' }), '');
  const isOfDomain = state.scope === 'domain';
  const title = t(isOfDomain ? 'mock.clearDomain' : 'mock.clearAll', { count, domain: state.domain });
  if (!(await confirmed({ title, text: t('mock.clearText'), act: t('mock.clearAct') }))) return;
  const { deleted } = await act('DELETE', scoped(state, 'jobdeck/journal'));
  note(t('mock.cleared', { count: deleted }));
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
  on($('clear'), 'click', () => run(clearJournal(state())));
}

/** Closes the open request that has the focus, if there is one. */
export function closeEntry() {
  const entry = document.activeElement.closest('#entries details');
  if (!entry) return;
  entry.open = false;
  entry.firstElementChild.focus();
}

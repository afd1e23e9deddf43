/** The state of the page as data and as a query string, so that a view is a link. Fetches nothing. */
import { COLUMNS } from './columns.js';

/** The tabs: groups of statuses, each with the key of its name. */
export const TABS = [
  { id: 'all', label: 'tab.all', statuses: [] },
  { id: 'waiting', label: 'tab.waiting', statuses: ['CREATED'] },
  { id: 'running', label: 'tab.running', statuses: ['IN_PROGRESS'] },
  { id: 'succeeded', label: 'tab.succeeded', statuses: ['SUCCESS'] },
  { id: 'failed', label: 'tab.failed', statuses: ['ERROR', 'TIMEOUT'] },
  { id: 'canceled', label: 'tab.canceled', statuses: ['CANCELED'] },
];

/** What statistics group by; `term` is the key of the term that matches the jobs of a group. */
export const GROUPS = [
  { id: 'collector', label: 'Collector', key: 'collector_info.name', term: 'collector' },
  { id: 'provider', label: 'Provider', key: 'collector_info.provider', term: 'provider' },
  { id: 'plugin', label: 'Plugin', key: 'collector_info.plugin_info.plugin_id', term: 'plugin' },
  { id: 'project', label: 'Project', key: 'project_id', term: 'project' },
  { id: 'status', label: 'Status', key: 'status', term: 'status' },
  { id: 'error', label: 'Error code', key: 'errors.error_code', unwind: 'errors', term: 'error' },
  { id: 'day', label: 'Day (UTC)', key: 'created_at', format: '%Y-%m-%d' },
  { id: 'month', label: 'Month (UTC)', key: 'created_at', format: '%Y-%m' },
];

const counts = (value) => ({ operator: 'count', conditions: [{ key: 'status', operator: 'eq', value }] });

/** What statistics measure; `isSpan`: in milliseconds. */
export const MEASURES = [
  { id: 'count', label: 'Jobs', field: { operator: 'count' } },
  { id: 'succeeded', label: 'Succeeded', field: counts('SUCCESS') },
  { id: 'failed', label: 'Errors', field: counts('ERROR') },
  { id: 'timeouts', label: 'Timeouts', field: counts('TIMEOUT') },
  { id: 'average-tasks', label: 'Average tasks', field: { operator: 'average', key: 'total_tasks' } },
  { id: 'average-duration', label: 'Average duration', field: { operator: 'average', key: 'duration' }, isSpan: true },
  { id: 'longest', label: 'Longest', field: { operator: 'max', key: 'duration' }, isSpan: true },
];

/** The columns of collectors. */
export const COLLECTOR_COLUMNS = ['name', 'last', 'runs', 'rate', 'streak', 'flaky', 'success', 'usual', 'p95', 'change'];

/** The routes whose requests the journal can show alone. */
export const ROUTES = ['list', 'search', 'stat', 'export', 'domains', 'about', 'put', 'patch', 'delete', 'add'];

/** How many hours the view of what runs now can show. */
export const HOURS = [1, 3, 12, 24];

export const DEFAULTS = Object.freeze({
  domain: '', // until the domains are known
  view: 'jobs', // or overview, now, collectors, statistics, or journal
  hours: 3, // of HOURS, in the view of now
  tab: 'all', // of TABS
  keyword: '', // plain words, as search-language.js reads them
  terms: [], // as search-language.js writes them
  collector: '', // its id
  project: '', // its id
  range: 'all', // or a preset of range.js, or custom, with:
  from: '', // RFC 3339; empty: open
  to: '', // the same; not part of the range
  sort: 'created', // of COLUMNS
  desc: true,
  page: 1,
  size: 30, // rows a page
  columns: COLUMNS.filter((column) => !column.isOff).map(({ id }) => id),
  job: '', // the open one
  by: ['collector'], // one or two of GROUPS
  measures: ['count'], // of MEASURES; the first one sorts
  csort: '-rate', // of COLLECTOR_COLUMNS, after a minus the largest first
  stat: '', // a query of statistics as JSON, instead of those two
  contains: '', // a text in the requests of the journal
  route: '', // theirs, of ROUTES
  status: '', // of their answers; null: no answer
  scope: 'all', // or domain: only requests for the domain
  zone: 'local', // or utc
  refresh: 2, // seconds; 0: paused
});

/** @typedef {typeof DEFAULTS} State */

/** The range of the views that are of one, where none is chosen. */
export const RANGES = { overview: 'day', collectors: 'week' };

const FILTERS = ['tab', 'keyword', 'terms', 'collector', 'project', 'range', 'from', 'to'];
/** The members whose change leads back to the first page. */
const CHANGES_ROWS = ['domain', ...FILTERS, 'sort', 'desc', 'size'];
export const NO_FILTERS = Object.freeze(Object.fromEntries(FILTERS.map((name) => [name, DEFAULTS[name]])));

const ids = (list) => list.map(({ id }) => id);
/** The values of a member; members that are not here are any text. */
const CHOICES = {
  view: ['overview', 'now', 'collectors', 'jobs', 'statistics', 'journal'],
  tab: ids(TABS),
  range: ['all', 'hour', 'day', 'week', 'month', 'custom'],
  sort: ids(COLUMNS),
  csort: COLLECTOR_COLUMNS.flatMap((id) => [id, `-${id}`]),
  size: [15, 30, 100],
  hours: HOURS,
  zone: ['local', 'utc'],
  refresh: [0, 2, 10, 60],
  route: ['', ...ROUTES],
  scope: ['all', 'domain'],
};
/** The values in the members that are lists, separated by commas in a query string. */
const LISTS = { columns: ids(COLUMNS), by: ids(GROUPS), measures: ids(MEASURES) };

/**
 * Reads a query string; a member that is missing or wrong has its default.
 * @returns {State}
 */
export function parse(text) {
  const given = new URLSearchParams(text);
  const state = { ...DEFAULTS, terms: given.getAll('term') };
  for (const [name, value] of given) {
    const standard = DEFAULTS[name];
    if (name in CHOICES) state[name] = CHOICES[name].find((choice) => String(choice) === value) ?? standard;
    else if (name in LISTS) state[name] = known(value.split(','), LISTS[name]) ?? standard;
    else if (name === 'page') state.page = Number.isSafeInteger(Number(value)) && Number(value) >= 1 ? Number(value) : 1;
    else if (name === 'order') state.desc = value !== 'asc';
    else if (typeof standard === 'string') state[name] = value;
  }
  state.columns = LISTS.columns.filter((id) => id === 'job' || state.columns.includes(id));
  state.by = state.by.slice(0, 2);
  if (!/^([1-5]\d\d|null)$/.test(state.status)) state.status = '';
  for (const name of ['from', 'to']) state[name] = state.range === 'custom' ? instant(state[name]) : '';
  return state;
}

function known(values, allowed) {
  const good = [...new Set(values)].filter((value) => allowed.includes(value));
  return good.length ? good : null;
}

/** A time in UTC; empty where the text is no time. */
export function instant(text) {
  const time = Date.parse(text);
  return Number.isNaN(time) ? '' : new Date(time).toISOString();
}

/** Writes a query string without the defaults; empty where all members have theirs. */
export function format(state) {
  const parameters = new URLSearchParams();
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = String(state[name]);
    if (name === 'terms') state.terms.forEach((term) => parameters.append('term', term));
    else if (value !== String(standard)) parameters.set(...(name === 'desc' ? ['order', 'asc'] : [name, value]));
  }
  const text = parameters.toString();
  return text ? `?${text}` : '';
}

/**
 * The state after a change, with what follows from it.
 * @param {State} state
 * @param {Partial<State>} change
 */
export const change = (state, change) => ({
  ...state,
  ...(CHANGES_ROWS.some((name) => name in change) ? { page: 1 } : {}),
  // An overview is one of a range, and so are collectors, most of which run once a day.
  ...(state.range === 'all' && change.view in RANGES ? { range: RANGES[change.view] } : {}),
  // Jobs, collectors and projects belong to a domain.
  ...('domain' in change ? { job: '', collector: '', project: '' } : {}),
  ...change,
});

/** Whether filters narrow what is shown, apart from the domain. */
export const isFiltered = (state) => FILTERS.some((name) => String(state[name]) !== String(DEFAULTS[name]));

/** The page numbers to show, with 0 for a gap. */
export function pageNumbers(page, last) {
  const near = [1, page - 1, page, page + 1, last].filter((number) => number >= 1 && number <= last);
  const numbers = [...new Set(near)].sort((a, b) => a - b);
  return numbers.flatMap((number, index) => (index && number - numbers[index - 1] > 1 ? [0, number] : [number]));
}

/**
 * What the page shows, as data; and the same as a query string, so that a view is a link. Knows no document and fetches
 * nothing.
 *
 * @typedef {object} State
 * @property {string} domain   empty until the domains are known
 * @property {string} tab      one of the ids of TABS
 * @property {string} keyword
 * @property {string} sort     a path into a job
 * @property {boolean} desc
 * @property {number} page     from 1
 * @property {number} size     rows a page
 * @property {string} job      the open job, or empty
 * @property {number} refresh  seconds, 0: paused
 */

/** The tabs: groups of statuses. */
export const TABS = [
  { id: 'all', label: 'All', statuses: [] },
  { id: 'waiting', label: 'Waiting', statuses: ['CREATED'] },
  { id: 'running', label: 'In progress', statuses: ['IN_PROGRESS'] },
  { id: 'succeeded', label: 'Succeeded', statuses: ['SUCCESS'] },
  { id: 'failed', label: 'Failed', statuses: ['ERROR', 'TIMEOUT'] },
  { id: 'canceled', label: 'Canceled', statuses: ['CANCELED'] },
];

/** The columns; `sort` is the path by which the server sorts, where it can. */
export const COLUMNS = [
  { label: 'Job', sort: 'job_id' },
  { label: 'Collector', sort: 'collector_info.name' },
  { label: 'Status', sort: 'status' },
  { label: 'Progress' },
  { label: 'Tasks', sort: 'total_tasks', number: true },
  { label: 'Errors', number: true },
  { label: 'Created', sort: 'created_at' },
  { label: 'Duration', number: true },
];

const SIZES = [15, 30, 100];
const REFRESHES = [0, 2, 10, 60];

/** @type {Readonly<State>} */
export const DEFAULTS = Object.freeze({
  domain: '', tab: 'all', keyword: '', sort: 'created_at', desc: true, page: 1, size: 15, job: '', refresh: 2,
});

/**
 * Reads a query string; what it does not say, or says wrongly, is the default.
 * @param {string} text
 * @returns {State}
 */
export function parse(text) {
  const given = new URLSearchParams(text);
  const one = (name, allowed) => (allowed.includes(given.get(name)) ? given.get(name) : DEFAULTS[name]);
  const number = (name, allowed) => (allowed.includes(Number(given.get(name))) && given.has(name) ? Number(given.get(name)) : DEFAULTS[name]);
  const page = Number(given.get('page'));
  const sort = one('sort', COLUMNS.map((column) => column.sort).filter(Boolean));
  return {
    domain: given.get('domain') ?? DEFAULTS.domain,
    tab: one('tab', TABS.map((tab) => tab.id)),
    keyword: given.get('keyword') ?? DEFAULTS.keyword,
    sort,
    desc: given.has('order') ? given.get('order') !== 'asc' : DEFAULTS.desc,
    page: Number.isSafeInteger(page) && page >= 1 ? page : DEFAULTS.page,
    size: number('size', SIZES),
    job: given.get('job') ?? DEFAULTS.job,
    refresh: number('refresh', REFRESHES),
  };
}

/**
 * Writes a query string without the defaults; empty where all is default.
 * @param {State} state
 */
export function format(state) {
  const said = new URLSearchParams();
  for (const name of ['domain', 'tab', 'keyword', 'sort', 'page', 'size', 'job', 'refresh']) {
    if (state[name] !== DEFAULTS[name]) said.set(name, String(state[name]));
  }
  if (state.desc !== DEFAULTS.desc) said.set('order', state.desc ? 'desc' : 'asc');
  const text = said.toString();
  return text ? `?${text}` : '';
}

/**
 * The state after a change; what changes the rows goes back to the first page.
 * @param {State} state
 * @param {Partial<State>} change
 * @returns {State}
 */
export function change(state, change) {
  const changesRows = ['domain', 'tab', 'keyword', 'sort', 'desc', 'size'].some((name) => name in change);
  return { ...state, ...(changesRows ? { page: 1 } : {}), ...change };
}

/**
 * The body of the search that shows a state.
 * @param {State} state
 */
export function searchBody(state) {
  const query = {
    ...question(state),
    sort: { key: state.sort, desc: state.desc },
    page: { start: (state.page - 1) * state.size + 1, limit: state.size },
  };
  const { statuses } = TABS.find((tab) => tab.id === state.tab);
  if (statuses.length) query.filter = [{ k: 'status', v: statuses, o: 'in' }];
  return { domain_id: state.domain, query };
}

/**
 * The body of the statistics behind the tabs: how many jobs there are in each status.
 * @param {State} state
 */
export function countsBody(state) {
  const group = { keys: [{ key: 'status', name: 'status' }], fields: [{ name: 'count', operator: 'count' }] };
  return { domain_id: state.domain, query: { ...question(state), aggregate: [{ group }] } };
}

function question(state) {
  const keyword = state.keyword.trim();
  return keyword ? { keyword } : {};
}

/**
 * The numbers of the pages to offer, with 0 for a gap.
 * @param {number} page
 * @param {number} last
 */
export function pageNumbers(page, last) {
  const near = [1, page - 1, page, page + 1, last].filter((number) => number >= 1 && number <= last);
  const numbers = [...new Set(near)].sort((a, b) => a - b);
  return numbers.flatMap((number, index) => (index && number - numbers[index - 1] > 1 ? [0, number] : [number]));
}

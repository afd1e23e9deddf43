/** The router: keeps the state of the page in the address, and each change in the history of the browser. */
import { on } from './dom.js';
import { RANGES, change, format, parse } from './state.js';
import { remember, remembered } from './storage.js';

/** What an address without a query takes from the last visit. */
const REMEMBERED = ['domain', 'zone', 'columns', 'size', 'refresh'];

const lastVisit = () => String(new URLSearchParams(REMEMBERED.map((name) => [name, remembered(name) ?? ''])));

/** @type {import('./state.js').State} */
let state = parse(location.search || lastVisit());
// A visit begins with the overview; a link without a view is one to jobs.
if (!location.search) state = change(state, { view: 'overview' });
/** Whether the address has no query, so that the domain is the remembered one, which may be gone. */
let isBare = !location.search;
let changed = () => {};

/** What the page shows; other modules only read it. */
export const current = () => state;

export const addressOf = (other) => `./${format(other)}`;
export const linkTo = (job) => addressOf(change(state, { job }));
/** The address of jobs of the domain, given by a change of the state; without it they are of all time and of every status. */
export const linkToJobs = (to, from) => addressOf({
  ...change(from, { view: 'jobs', tab: 'all', range: 'all', from: '', to: '', job: '' }), ...to, page: 1 });
/** The address of the jobs that a term matches, among those that a state shows. */
export const linkToTerm = (term, from, other = {}) => addressOf(change(from, { terms: [...from.terms, term], ...other }));

/** Goes to another state: a new entry in the history, unless it replaces the last. */
export function go(to, replace = false) {
  const before = state;
  state = change(state, to);
  replace ||= addressOf(state) === addressOf(before);
  // Whether going back closes the open job, and changes nothing else.
  const opened = Boolean(replace ? to.job && history.state?.opened : to.job && !before.job);
  for (const name of REMEMBERED) if (name in to) remember(name, String(state[name]));
  history[replace ? 'replaceState' : 'pushState']({ opened }, '', addressOf(state));
  changed();
}

/** Goes to the state of an address of this page. */
export const goToAddress = (address) => go(parse(new URL(address, location).search));

/** Closes the open job: back to the state in which it was opened, or to its list. */
export function closeJob() {
  if (!state.job) return;
  if (history.state?.opened) history.back();
  else go({ job: '' }, true);
}

/** Corrects what can't be shown with these domains by this server, and chooses a domain; returns the state. */
export function settle(domains, about) {
  // There is no journal without a mock.
  if (state.view === 'journal' && !about.is_mock) state.view = 'jobs';
  // The list says how jobs are loaded.
  if ((state.view in RANGES || state.view === 'now') && !domains.length) state.view = 'jobs';
  if (isBare && !domains.some((one) => one.domain_id === state.domain)) state.domain = '';
  isBare = false;
  state.domain ||= domains.reduce((best, one) => (one.jobs > best.jobs ? one : best), { jobs: 0, domain_id: '' }).domain_id;
  return state;
}

/** Writes the state into the address, so that the view is a link from the first load on. */
export function writeAddress() {
  if (format(state) !== location.search) history.replaceState(history.state, '', addressOf(state));
}

/**
 * @param {() => void} show called after every change of the state
 * @param {() => void} wentBack called before that where the browser went through its history
 */
export function wireRouter(show, wentBack) {
  changed = show;
  on(window, 'popstate', () => {
    // Zone, refresh and columns are how the page is looked at: they don't go back.
    const { zone, refresh, columns } = state;
    state = { ...parse(location.search), zone, refresh, columns };
    history.replaceState(history.state, '', addressOf(state));
    wentBack();
    changed();
  });
}

/** The wiring: the address makes the state, the state asks the server, the answers are shown. */
// First, since it begins to ask.
import { createLoader } from './loader.js';
import { file } from './api.js';
import * as controls from './controls.js';
import { $, el, on, remember, remembered, say } from './dom.js';
import { hideDrawer, showDrawer, tickDrawer, wireDrawer } from './drawer.js';
import { statusLabel } from './format.js';
import * as journal from './journal.js';
import { wireKeyboard } from './keyboard.js';
import { exportAddress, statisticsQuery } from './questions.js';
import { bounds } from './range.js';
import { showRequests } from './requests.js';
import { showSearch, wireSearch } from './search.js';
import { NO_FILTERS, change, format, isFiltered, parse } from './state.js';
import * as statistics from './statistics.js';
import { showStrip, wireStrip } from './strip.js';
import * as table from './table.js';
import { askForToken, token, wireToken } from './token.js';

/** What a bare address takes from the last visit. */
const REMEMBERED = ['domain', 'zone', 'columns', 'size', 'refresh'];
/** The columns that are first sorted from A; others have their largest first. */
const FROM_A = ['job', 'collector', 'status', 'project'];
/** The next load waits for at least so many times as long as the last one took. */
const PAUSE_FACTOR = 4;

let state = parse(location.search || String(new URLSearchParams(REMEMBERED.map((name) => [name, remembered(name) ?? '']))));
let isBare = !location.search;
let timer = 0;
/** Which job of the page to come is to be opened: its first (0), its last (-1), or none. */
let openNext = null;
/** How many jobs the list has in all, as it was last told. */
let listTotal = 0;
/** Where in the list the open job was last seen. */
let lastSeen = { job: '', at: -1 };
/** How often in a row the server did not answer well. */
let faults = 0;
/** How long old rows stand under a new question before they are marked as old, in milliseconds. */
const BUSY_AFTER = 150;
/** The longest pause between tries while the server does not answer well, in milliseconds. */
const LONGEST_PAUSE = 60_000;

const addressOf = (to) => location.pathname + format(to);
const linkTo = (job) => addressOf(change(state, { job }));

/** Goes to another state; a new entry in the history, unless it replaces the last. */
function go(to, replace = false) {
  const before = state;
  state = change(state, to);
  replace ||= addressOf(state) === addressOf(before);
  openNext = null;
  // Whether going back closes the open job, and does no more.
  const opened = Boolean(replace ? to.job && history.state?.opened : to.job && !before.job);
  for (const name of REMEMBERED) if (name in to) remember(name, String(state[name]));
  history[replace ? 'replaceState' : 'pushState']({ opened }, '', addressOf(state));
  showState();
  load();
}
const goToTab = (tab) => go({ tab });
const sortBy = (sort) => go({ sort, desc: sort === state.sort ? !state.desc : !FROM_A.includes(sort) });

const loader = createLoader({
  state(domains, about) {
    // There is no journal without a mock.
    if (state.view === 'journal' && !about.is_mock) state.view = 'jobs';
    // One that is only remembered may be gone.
    if (isBare && !domains.some((one) => one.domain_id === state.domain)) state.domain = '';
    isBare = false;
    state.domain ||= domains.reduce((best, one) => (one.jobs > best.jobs ? one : best), { jobs: 0, domain_id: '' }).domain_id;
    return state;
  },
  domains(domains) {
    // The view is a link from the beginning.
    if (addressOf(state) !== location.pathname + location.search) history.replaceState(history.state, '', addressOf(state));
    controls.showDomains(domains, state.domain);
    showState();
  },
  about: controls.showAbout,
  journal: (asked, answer, marks) => journal.showJournal(asked, answer, marks, go),
  list(asked, jobs, total, isSameQuestion) {
    listTotal = total;
    table.showHead(asked, sortBy);
    table.showRows(jobs, asked, linkTo, loader.now(), isSameQuestion);
    table.showPages(asked, total, (page) => go({ page }));
    showEmpty(jobs.length > 0, total);
    const next = openNext === null ? null : jobs.at(openNext);
    if (next) go({ job: next.job_id }, true);
    showSteps();
  },
  job: (asked, job) => asked.job && showOpened(job),
  counts: (asked, counts) => controls.showTabs(asked, counts, goToTab),
  strip: showStrip,
  picks: controls.showPicks,
  statistics: (asked, answer) => statistics.showStatistics(asked, answer, (term) => addressOf(change(asked, { view: 'jobs', terms: [...asked.terms, term] }))),
  statisticsFault: (error) => statistics.showFault(error.message),
  nothing() {
    table.showRows([], state, linkTo, loader.now(), false);
    table.showPages(state, 0, () => {});
    controls.showTabs(state, [], goToTab);
    showEmpty(false, 0);
    if (state.view === 'statistics') statistics.showStatistics({ ...state, stat: '' }, { results: [] });
  },
});

/** Asks for all that the state shows, and again after a while, unless it is paused or nobody looks. */
async function load(isPatient = true) {
  clearTimeout(timer);
  const began = performance.now();
  const busy = setTimeout(() => { if (!loader.isListed(state)) $('list').ariaBusy = 'true'; }, BUSY_AFTER);
  try {
    if (!(await loader.load(isPatient))) return;
    faults = 0;
    controls.showTrouble(null);
  } catch (error) {
    faults += 1;
    const isOld = state.view !== 'jobs' || loader.isListed(state);
    // Somebody has to say who asks before it makes sense to ask again.
    const isStranger = error.status === 401;
    controls.showTrouble(error, isOld, state.refresh > 0 && !isStranger);
    if (!isOld) showNoAnswer(error);
    if (isStranger) return askForToken();
  } finally {
    clearTimeout(busy);
  }
  clearTimeout(timer);
  const pause = Math.max(Math.min(state.refresh * 1000 * 2 ** faults, Math.max(LONGEST_PAUSE, state.refresh * 1000)), PAUSE_FACTOR * (performance.now() - began));
  if (state.refresh && !document.hidden) timer = setTimeout(load, pause);
}

function showState() {
  const now = loader.now();
  controls.showControls(state, now, (form) => exportAddress(state, now, form));
  controls.showTabs(state, null, goToTab);
  table.showOpen(state.job);
  showSearch(state, go);
  // What the list knows of a job is shown before the server says more.
  const known = state.job && table.shownJob(state.job);
  if (known) showOpened(known);
  if (state.view === 'statistics') statistics.showChoices(state, statisticsQuery(state, now));
  if (state.view === 'journal') journal.showFilters(state);
  if (!state.job) hideOpened();
}

/** Closes the drawer; the focus goes back to its job, or to the list. */
function hideOpened() {
  const hadFocus = $('drawer').contains(document.activeElement);
  hideDrawer();
  if (hadFocus && !table.focusJob(lastSeen.job)) $('content').focus({ preventScroll: true });
}

/** Says in the place of the rows that there are none to show, since the server does not answer what is asked. */
function showNoAnswer(error) {
  table.showRows([], state, linkTo, loader.now(), false);
  table.showEmpty('no-answer', { fault: [error.message, error.requestId && `(request ${error.requestId})`].filter(Boolean).join(' '), retry: () => load(false) });
  $('list').ariaBusy = 'false';
}

function showOpened(job) {
  const wasHidden = $('drawer').hidden;
  showDrawer(job, state, loader.now(), (term) => addressOf(change(state, { terms: [...state.terms, term], job: '' })));
  if (wasHidden) $('drawer').focus({ preventScroll: true });
  if (lastSeen.job && lastSeen.job !== state.job && job) say(`${job.job_id}, ${statusLabel(job.status)}`);
  const at = table.ids().indexOf(state.job);
  if (at >= 0 || lastSeen.job !== state.job) lastSeen = { job: state.job, at };
  showSteps();
}

function showEmpty(hasRows, total) {
  const domains = loader.domains();
  const isKnown = domains.some((one) => one.domain_id === state.domain);
  const reason = hasRows ? null : total > 0 ? 'past-the-end' : isKnown && isFiltered(state) ? 'no-match' : domains.length ? 'no-domain' : 'no-jobs';
  table.showEmpty(reason, { database: loader.about().database, isMock: loader.about().is_mock, clear: () => {
    go(NO_FILTERS);
    $('content').focus({ preventScroll: true });
  }, firstPage: () => go({ page: 1 }) });
  $('list').ariaBusy = 'false';
}

/** Closes the open job: back to where it was opened, or to the list behind it. */
function closeJob() {
  if (!state.job) return;
  if (history.state?.opened) history.back();
  else go({ job: '' }, true);
}

/** The next job, or the previous one: its id, true where it is on another page, or nothing. */
function neighbour(by) {
  const ids = table.ids();
  // A job that has left the page is next to those that were its neighbours.
  const at = ids.includes(state.job) ? ids.indexOf(state.job) : lastSeen.job === state.job ? Math.min(lastSeen.at, ids.length) : -1;
  return at >= 0 && (ids[at + by] ?? canTurn(by));
}

function step(by) {
  if (openNext !== null) return;
  const job = neighbour(by);
  if (typeof job === 'string') go({ job }, true);
  else if (job && turn(by)) openNext = by > 0 ? 0 : -1;
}

function showSteps() {
  const focused = document.activeElement;
  for (const [id, by] of [['previous-job', -1], ['next-job', 1]]) {
    $(id).disabled = !neighbour(by);
    if ($(id) === focused && focused.disabled) $('drawer').focus({ preventScroll: true });
  }
}

const canTurn = (by) => state.view === 'jobs' && (by < 0 ? state.page > 1 : state.page * state.size < listTotal);

function turn(by) {
  const can = canTurn(by);
  if (can) go({ page: state.page + by });
  return can;
}

controls.wireTheme();
controls.wireMenus();
wireSearch(() => state, go, (...what) => loader.values(state, ...what));
wireStrip((from, to) => go({ range: 'custom', from, to }), () => go({ range: 'all', from: '', to: '' }));
wireDrawer(closeJob, step);
statistics.wireStatistics(go);
journal.wireJournal(() => state, go, (act) => act.then(() => load(false), (error) => controls.showTrouble(error, false, false)));
wireToken(() => {
  loader.forget();
  load(false);
});
wireKeyboard({
  search: () => $(state.view === 'journal' ? 'contains' : 'search').focus(),
  down: () => (state.job ? step(1) : table.moveFocus(1)),
  up: () => (state.job ? step(-1) : table.moveFocus(-1)),
  close: () => (state.job ? closeJob() : journal.closeEntry()),
  previousPage: () => turn(-1),
  nextPage: () => turn(1),
  refresh: () => load(false),
  help: () => $('help').showModal(),
});

for (const name of ['domain', 'collector', 'project']) on($(name), 'change', (event) => go({ [name]: event.target.value }));
for (const name of ['size', 'refresh']) on($(name), 'change', (event) => go({ [name]: Number(event.target.value) }, name === 'refresh'));
on($('views'), 'click', ({ target: { dataset: { view } } }) => view && go({ view }));
on($('range'), 'change', ({ target: { value: range } }) => {
  // One's own range begins as the one that was shown.
  const { from } = range === 'custom' ? bounds(state, loader.now()) : {};
  go({ range, from: from ? new Date(from).toISOString() : '', to: '' });
});
on($('custom'), 'submit', (event) => {
  event.preventDefault();
  const [from, to] = ['from', 'to'].map((id) => controls.fieldTime(id, state.zone));
  $('to').setCustomValidity(from && to && from >= to ? 'It ends before it begins.' : '');
  if ($('to').reportValidity()) go({ from, to });
});
on($('to'), 'input', () => $('to').setCustomValidity(''));
on($('columns'), 'change', () => go({ columns: [...$('columns').querySelectorAll(':checked')].map((input) => input.value) }, true));
on($('zone'), 'click', () => go({ zone: state.zone === 'utc' ? 'local' : 'utc' }, true));
for (const id of ['refresh-now', 'retry']) on($(id), 'click', () => load(false));
on($('request-open'), 'click', () => showRequests(loader.asked));
on($('help-open'), 'click', () => $('help').showModal());

on($('export'), 'click', (event) => {
  const link = event.target.closest('a');
  if (!link || !token()) return;
  event.preventDefault();
  file(link.href).then((content) => {
    const href = URL.createObjectURL(content);
    el('a', { href, download: `jobs.${link.textContent.toLowerCase()}` }).click();
    // The browser has begun to save it by then.
    setTimeout(() => URL.revokeObjectURL(href));
  }, (error) => controls.showTrouble(error));
});

/** A link that is to open elsewhere does so. */
const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey);
on($('rows'), 'click', (event) => {
  const { job } = event.target.closest('tr').dataset;
  // Text that is being selected is no click.
  if (!isPlain(event) || (event.detail > 0 && getSelection()?.type === 'Range')) return;
  event.preventDefault();
  if (job !== state.job) go({ job }, Boolean(state.job));
});
for (const id of ['stat-rows', 'drawer-body']) {
  on($(id), 'click', (event) => {
    const link = event.target.closest('a');
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    go(parse(new URL(link.href).search));
  });
}
on(window, 'popstate', () => {
  // How it is looked at does not go back.
  const { zone, refresh, columns } = state;
  state = { ...parse(location.search), zone, refresh, columns };
  history.replaceState(history.state, '', addressOf(state));
  openNext = null;
  $('search').value = state.keyword;
  $('contains').value = state.contains;
  showState();
  load();
});
on(document, 'visibilitychange', () => (document.hidden ? clearTimeout(timer) : state.refresh && load()));
setInterval(() => {
  // Where the server is gone nothing is known of what runs.
  if (document.hidden || !$('trouble').hidden) return;
  table.tick(loader.now());
  tickDrawer(loader.now());
}, 1000);

showState();
load();

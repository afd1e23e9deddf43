/** Wires the page: reads the state from the address, loads it from the server, shows the answers. */
import { file } from './api.js';
import * as calm from './calm.js';
import * as controls from './controls.js';
import { $, el, on } from './dom.js';
import { wireKeyboard } from './keyboard.js';
import { localise, t, wireLanguage } from './language.js';
import { createLoader } from './loader.js';
import { showOverview, toggleList } from './overview.js';
import { createPace } from './pace.js';
import { exportAddress, statisticsQuery } from './queries.js';
import { bounds } from './range.js';
import { addressOf, closeJob, current, go, goToAddress, linkTo, linkToJobs, settle, wireRouter, writeAddress } from './router.js';
import { showSavedViews, wireSavedViews } from './saved-views.js';
import { showSearch, wireSearch } from './search.js';
import { NO_FILTERS, change, isFiltered } from './state.js';
import * as table from './table.js';
import { showTimes, wireTimes } from './times.js';
import { showCounts, showIcon } from './title.js';
import { token } from './token.js';

/** The columns that are first sorted in ascending order; the others begin with the largest value. */
const ASCENDING_FIRST = ['job', 'collector', 'status', 'project'];
/** How long the rows of the last list are shown as they are while another list is loaded, in milliseconds. */
const BUSY_AFTER = 150;

const goToTab = (tab) => go({ tab });
function sortBy(sort) {
  const state = current();
  go({ sort, desc: sort === state.sort ? !state.desc : !ASCENDING_FIRST.includes(sort) });
}

/** The modules of the views that are loaded when they are first shown. */
const views = {};
const VIEW_MODULES = {
  now: () => import('./now.js'),
  collectors: () => import('./collectors.js'),
  statistics: () => import('./statistics.js'),
  journal: () => import('./mock.js').then(({ mock }) => mock),
};
const WIRES = {
  now: ({ wireNow }) => wireNow(),
  collectors() {},
  statistics: ({ wireStatistics }) => wireStatistics(go),
  journal({ wireJournal, wireMock }) {
    wireJournal(current, go, (act) => act.then(() => load(false), showFailure));
    wireMock(current, () => load(false));
  },
};

/** Loads the module of a view, and wires it once. */
async function prepare(view) {
  if (!(view in VIEW_MODULES) || views[view]) return;
  const module = await VIEW_MODULES[view]();
  if (views[view]) return;
  views[view] = module;
  WIRES[view](module);
  showState();
}

/** What the first paint does without: the modules of an open job and of dialogs, once they are loaded, and what waits for them. */
let later = null;
let loading = null;
const waiting = [];

/** Loads these modules and wires them, once. */
function loadLater() {
  loading ??= import('./later.js').then((module) => {
    later = module.later;
    wireLater();
    for (const act of waiting.splice(0)) act(later);
  }).catch((error) => {
    loading = null;
    showFailure(error);
  });
}

/** Has these modules act: immediately, or else in turn when they are loaded. */
function withLater(act) {
  if (later) act(later);
  else waiting.push(act);
}

/** The same for what somebody has done, so that the modules are loaded now. */
function needLater(act) {
  loadLater();
  withLater(act);
}

/** Shows the page, which preload.js hides until there is something to show. */
const reveal = () => document.documentElement.classList.remove('starting');

const loader = createLoader({
  state: settle,
  prepare,
  answered: reveal,
  domains(domains) {
    // The view is painted.
    showIcon();
    loadLater();
    writeAddress();
    controls.showDomains(domains, current().domain);
    showState();
  },
  about(about) {
    controls.showAbout(about, loader.now());
    withLater(({ showWritable }) => showWritable(about.is_writable));
  },
  overview(...given) {
    const { totals, running } = given[1];
    showCounts({ failed: totals.failed, running: running.count });
    showAnswer(...given);
  },
  collectors(...given) {
    const { totals, running } = given[1];
    showCounts({ failed: totals.failed, running: running.count });
    showCollectorsAnswer(...given);
  },
  now(shown, answers) {
    setAnswered('now');
    views.now.showNow(shown, answers, loader.now(), (to) => linkToJobs(to, shown), linkTo);
  },
  journal(shown, answer, marks) {
    showCounts({});
    views.journal.showJournal(shown, answer, marks, go);
    views.journal.showMock(shown);
  },
  missing: calm.missing,
  list(shown, jobs, total, isSameList, others) {
    table.showHead(shown, sortBy);
    calm.showCalmly(jobs, others, isSameList, (rows) => table.showRows(rows, shown, linkTo, loader.now(), isSameList));
    table.showPages(shown, total, (page) => go({ page }));
    showEmpty(jobs.length > 0, total);
    withLater(({ listArrived }) => listArrived(jobs, total));
  },
  job: (shown, job) => withLater(({ showOpened }) => shown.job && shown.job === current().job && showOpened(job, loader.now())),
  history: (shown, job, runs, stuck) => withLater(({ showHistory }) => (
    showHistory(job, runs, { zone: shown.zone, now: loader.now(), link: linkTo, stuck }))),
  counts(shown, counts) {
    const sum = (...statuses) => counts.reduce((total, one) => total + (statuses.includes(one.status) ? one.count : 0), 0);
    showCounts({ failed: sum('ERROR', 'TIMEOUT'), running: sum('IN_PROGRESS') });
    controls.showTabs(shown, counts, goToTab);
  },
  times: (shown, ...given) => showTimes(shown, loader.now(), ...given),
  picks: controls.showPicks,
  usual: (spans) => table.showUsual(spans, loader.now()),
  statistics: (shown, answers) => views.statistics.showStatistics(shown, answers, loader.now(),
    (to) => addressOf(change(shown, { view: 'jobs', ...to })), go),
  statisticsError: (error) => views.statistics.showError(error.message),
  nothing() {
    reveal();
    const state = current();
    table.showRows([], state, linkTo, loader.now(), false);
    table.showPages(state, 0, () => {});
    controls.showTabs(state, [], goToTab);
    showEmpty(false, 0);
    showCounts({});
    const nothing = { answer: { results: [] } };
    if (state.view === 'statistics') views.statistics.showStatistics({ ...state, stat: '' }, nothing, loader.now(), null, go);
  },
});

/** Whether what is shown becomes another by time alone: it is of a range up to now, by a clock that runs. */
function drifts() {
  const { view, range } = current();
  return !loader.about()?.is_frozen && (['overview', 'now', 'collectors'].includes(view) || !['all', 'custom'].includes(range));
}
const pace = createPace(load, current, loader.version, drifts, loader.expiry);

/** Loads all that the state shows; slow answers may be old, unless `allowsOld` is false, since somebody has requested new ones. */
async function load(allowsOld = true) {
  pace.begin();
  if (!allowsOld) calm.ask();
  const busy = setTimeout(() => { if (!loader.isShown(current())) setBusy(true); }, BUSY_AFTER);
  try {
    if (!(await loader.load(allowsOld))) return;
    pace.end(null);
    controls.showTrouble(null);
  } catch (error) {
    reveal();
    showIcon();
    const isOld = loader.isShown(current());
    controls.showTrouble(error, isOld, pace.end(error));
    if (!isOld) showNoAnswer(error);
    if (error.status === 401) needLater(({ askForToken }) => askForToken());
  } finally {
    clearTimeout(busy);
  }
}

function showState() {
  const state = current();
  const now = loader.now();
  controls.showControls(state, now, (form) => exportAddress(state, now, form));
  controls.showTabs(state, null, goToTab);
  table.showOpen(state.job);
  showSearch(state, go);
  showSavedViews(state);
  // The list has most of a job already, which is shown until the server has answered with all of it.
  const listed = state.job && table.shownJob(state.job);
  if (listed) withLater(({ showOpened }) => listed.job_id === current().job && showOpened(listed, now));
  if (state.view === 'statistics') views.statistics?.showChoices(state, statisticsQuery(state, now));
  if (state.view === 'collectors' && loader.isShown(state)) showCollectorsAnswer(state, ...collected.slice(1));
  if (state.view === 'journal') views.journal?.showFilters(state);
  if (state.job) loadLater();
  else withLater(({ hideOpened }) => current().job || hideOpened());
}

/** Narrows the range; its ends are in milliseconds. */
const narrow = (from, to) => go({ range: 'custom', from: new Date(from).toISOString(), to: new Date(to).toISOString() });

/** Marks what is shown as that of another state. */
const setBusy = (isBusy) => {
  for (const id of ['list', 'overview', 'now', 'collectors']) $(id).ariaBusy = String(isBusy);
};

/** Marks a view as one that shows the answer for its state. */
function setAnswered(id) {
  $(id).classList.remove('unanswered');
  $(id).ariaBusy = 'false';
}

/** What the overview shows: a state, and the answer for it. */
let overviewed = [];
let collected = [];

function showAnswer(...given) {
  overviewed = given;
  const [shown, answer] = given;
  setAnswered('overview');
  showOverview(shown, answer, loader.now(), (to) => linkToJobs(to, shown), narrow, loader.about().is_mock);
}

function showCollectorsAnswer(...given) {
  collected = given;
  setAnswered('collectors');
  views.collectors.showCollectors(...given, loader.now(), narrow, (csort) => go({ csort }));
}

/** Shows an error instead of the rows, since those of another list would be taken for the answer. */
function showNoAnswer(error) {
  const { view } = current();
  loader.forgetView(view);
  setBusy(false);
  if (view !== 'jobs') {
    $(view).classList.add('unanswered');
    return;
  }
  calm.withdraw();
  table.showRows([], current(), linkTo, loader.now(), false);
  const message = [error.message, error.requestId && `(${t('trouble.request', { id: error.requestId })})`].filter(Boolean).join(' ');
  table.showEmpty('no-answer', { error: message, retry: () => load(false) });
}

function showEmpty(hasRows, total) {
  table.showEmpty(hasRows ? null : emptyReason(total), {
    database: loader.about().database,
    isMock: loader.about().is_mock,
    clear: () => {
      go(NO_FILTERS);
      $('content').focus({ preventScroll: true });
    },
    firstPage: () => go({ page: 1 }),
  });
  $('list').ariaBusy = 'false';
}

/** Why a page of the list has no rows. */
function emptyReason(total) {
  const domains = loader.domains();
  if (total > 0) return 'past-the-end';
  if (isFiltered(current()) && domains.some((one) => one.domain_id === current().domain)) return 'no-match';
  return domains.length ? 'no-domain' : 'no-jobs';
}

localise();
wireLanguage($('language'));

/** Shows why an act has failed. */
const showFailure = (error) => controls.showTrouble(error, false, false);
/** Opens the failed job next to the open one. */
const stepFailed = (by) => needLater((modules) => modules.stepFailed(by, (...given) => loader.failedNear(current(), ...given))
  .catch(showFailure));
const step = (by) => needLater((modules) => modules.step(by));
const turn = (by) => needLater((modules) => modules.turn(by));

function wireLater() {
  later.wireDrawer(closeJob, step, stepFailed);
  later.wireEditor(loader.now, current, (to) => {
    if (to?.job) go({ ...to, view: 'jobs' });
    else if (to) go(to, true);
    return load(false);
  }, showFailure);
  later.wireToken(() => {
    loader.forget();
    load(false);
  });
}

controls.wireTheme();
controls.wireDensity();
controls.wireMenus();
calm.wireCalm();
wireSearch(current, go, {
  now: loader.now,
  values: (...given) => loader.values(current(), ...given),
  count: (...given) => loader.countAfter(current(), ...given),
});
wireSavedViews(loader.now);
wireTimes(narrow, () => go({ range: 'all', from: '', to: '' }));
wireKeyboard({
  search: () => $(current().view === 'journal' ? 'contains' : 'search').focus(),
  down: () => (current().job ? step(1) : table.moveFocus(1)),
  up: () => (current().job ? step(-1) : table.moveFocus(-1)),
  close: () => (current().job ? closeJob() : views.journal?.closeEntry()),
  nextFailed: () => current().job && stepFailed(1),
  previousFailed: () => current().job && stepFailed(-1),
  previousPage: () => turn(-1),
  nextPage: () => turn(1),
  news: calm.showNews,
  refresh: () => load(false),
  help: () => $('help').showModal(),
});

for (const name of ['domain', 'collector', 'project']) on($(name), 'change', (event) => go({ [name]: event.target.value }));
for (const name of ['size', 'refresh', 'hours']) {
  on($(name), 'change', (event) => go({ [name]: Number(event.target.value) }, name === 'refresh'));
}
on($('views'), 'click', ({ target: { dataset: { view } } }) => view && go({ view }));
on($('range'), 'change', ({ target: { value: range } }) => {
  // A custom range begins as the range that was shown.
  const { from } = range === 'custom' ? bounds(current(), loader.now()) : {};
  go({ range, from: from ? new Date(from).toISOString() : '', to: '' });
});
on($('custom'), 'submit', (event) => {
  event.preventDefault();
  const [from, to] = controls.customRange(current().zone);
  if (from && to && from >= to) $('to').setCustomValidity(t('range.wrong'));
  if ($('custom').reportValidity()) go({ from, to });
});
for (const id of ['from', 'to']) on($(id), 'input', () => $(id).setCustomValidity(''));
on($('columns'), 'change', () => go({ columns: [...$('columns').querySelectorAll(':checked')].map((input) => input.value) }, true));
on($('zone'), 'click', () => go({ zone: current().zone === 'utc' ? 'local' : 'utc' }, true));
for (const id of ['refresh-now', 'retry']) on($(id), 'click', () => load(false));
for (const open of document.querySelectorAll('.request-open')) {
  on(open, 'click', () => needLater(({ showRequests }) => showRequests(loader.requests)));
}
on($('notifications-open'), 'click', () => {
  needLater(({ showNotifications }) => showNotifications(current().zone).catch(showFailure));
});
on($('help-open'), 'click', () => $('help').showModal());

on($('export'), 'click', (event) => {
  const link = event.target.closest('a');
  if (!link || !token()) return;
  event.preventDefault();
  file(link.getAttribute('href')).then(({ content, name }) => {
    const href = URL.createObjectURL(content);
    el('a', { href, download: name }).click();
    // By the next turn of the event loop the browser has begun to save it.
    setTimeout(() => URL.revokeObjectURL(href));
  }, (error) => controls.showTrouble(error));
});

/** Whether a click on a link opens it here: not in another tab or window. */
const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey);
on($('rows'), 'click', (event) => {
  const { job } = event.target.closest('tr').dataset;
  // The end of a selection of text is a click to the browser.
  if (!isPlain(event) || (event.detail > 0 && getSelection()?.type === 'Range')) return;
  event.preventDefault();
  if (job !== current().job) go({ job }, Boolean(current().job));
});
on($('overview'), 'click', ({ target }) => toggleList(target) && showAnswer(...overviewed));
on($('collectors'), 'click', ({ target }) => toggleList(target) && showCollectorsAnswer(...collected));
for (const id of ['stat-rows', 'drawer-body', 'overview', 'now', 'collectors', 'views-menu']) {
  on($(id), 'click', (event) => {
    const link = event.target.closest('a');
    // Others lead out of the page.
    const isHere = link?.getAttribute('href').startsWith('./');
    if (!isHere || !isPlain(event)) return;
    event.preventDefault();
    // A run is opened beside the others; what it is beside stays as it is sorted.
    const { job } = link.dataset;
    if (job) go({ job }, Boolean(current().job));
    else goToAddress(link.getAttribute('href'));
  });
}
wireRouter(() => {
  withLater(({ forgetStep }) => forgetStep());
  showState();
  load();
}, () => {
  $('search').value = current().keyword;
  $('contains').value = current().contains;
});
setInterval(() => {
  // While the server does not answer, it is not known which jobs still run.
  if (document.hidden || !$('trouble').hidden) return;
  table.tick(loader.now());
  later?.tickDrawer(loader.now());
  views.now?.tickNow(loader.now());
  views.journal?.tickMock();
  calm.tickCalm();
}, 1000);

showState();
load();

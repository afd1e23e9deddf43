/** Wires the page: reads the state from the address, loads it from the server, shows the answers. */
import { file } from './api.js';
import * as controls from './controls.js';
import { $, el, on } from './dom.js';
import { showHistory, tickDrawer, wireDrawer } from './drawer.js';
import { showHistogram, wireHistogram } from './histogram.js';
import { showWritable, wireEditor } from './job-editor.js';
import * as journal from './journal.js';
import { wireKeyboard } from './keyboard.js';
import { localise } from './language.js';
import { createLoader } from './loader.js';
import { showMock, tickMock, wireMock } from './mock-controls.js';
import * as openJob from './open-job.js';
import { showOverview, toggleList } from './overview.js';
import { exportAddress, statisticsQuery } from './queries.js';
import { bounds } from './range.js';
import { showRequests } from './request-dialog.js';
import { closeJob, go, goToAddress, linkTo, linkToJobs, linkToTerm, settle, state, wireRouter, writeAddress } from './router.js';
import { showSearch, wireSearch } from './search.js';
import { NO_FILTERS, isFiltered } from './state.js';
import * as statistics from './statistics.js';
import * as table from './table.js';
import { token } from './token.js';
import { askForToken, wireToken } from './token-dialog.js';

/** The columns that are first sorted in ascending order; the others begin with the largest value. */
const ASCENDING_FIRST = ['job', 'collector', 'status', 'project'];
/** The next load waits for at least this many times the duration of the last one. */
const PAUSE_FACTOR = 4;
/** How long the rows of the last list are shown as they are while another list is loaded, in milliseconds. */
const BUSY_AFTER = 150;
/** The longest pause between attempts while loads fail, in milliseconds. */
const MAX_PAUSE = 60_000;

let timer = 0;
/** How many loads in a row have failed. */
let failures = 0;

const goToTab = (tab) => go({ tab });
const sortBy = (sort) => go({ sort, desc: sort === state.sort ? !state.desc : !ASCENDING_FIRST.includes(sort) });

const loader = createLoader({
  state: settle,
  domains(domains) {
    writeAddress();
    controls.showDomains(domains, state.domain);
    showState();
  },
  about(about) {
    controls.showAbout(about);
    showWritable(about.is_writable);
  },
  overview: showAnswer,
  journal(shown, answer, marks) {
    journal.showJournal(shown, answer, marks, go);
    showMock(shown);
  },
  list(shown, jobs, total, isSameList) {
    table.showHead(shown, sortBy);
    table.showRows(jobs, shown, linkTo, loader.now(), isSameList);
    table.showPages(shown, total, (page) => go({ page }));
    showEmpty(jobs.length > 0, total);
    openJob.listArrived(jobs, total);
  },
  job: (shown, job) => shown.job && openJob.showOpened(job, loader.now()),
  history: (shown, job, runs) => showHistory(job, runs, shown.zone, loader.now(), linkTo),
  counts: (shown, counts) => controls.showTabs(shown, counts, goToTab),
  histogram: showHistogram,
  picks: controls.showPicks,
  statistics: (shown, answer) => statistics.showStatistics(shown, answer, (term) => linkToTerm(term, shown, { view: 'jobs' })),
  statisticsError: (error) => statistics.showError(error.message),
  nothing() {
    table.showRows([], state, linkTo, loader.now(), false);
    table.showPages(state, 0, () => {});
    controls.showTabs(state, [], goToTab);
    showEmpty(false, 0);
    if (state.view === 'statistics') statistics.showStatistics({ ...state, stat: '' }, { results: [] });
  },
});

/** Loads all that the state shows, and again after a pause, unless the page is paused or hidden. */
async function load(allowsOld = true) {
  clearTimeout(timer);
  const began = performance.now();
  const busy = setTimeout(() => { if (!loader.isShown(state)) setBusy(true); }, BUSY_AFTER);
  try {
    if (!(await loader.load(allowsOld))) return;
    failures = 0;
    controls.showTrouble(null);
  } catch (error) {
    failures += 1;
    const isOld = loader.isShown(state);
    // Without a token that the server accepts, another attempt would fail as well.
    const needsToken = error.status === 401;
    controls.showTrouble(error, isOld, state.refresh > 0 && !needsToken);
    if (!isOld) showNoAnswer(error);
    if (needsToken) return askForToken();
  } finally {
    clearTimeout(busy);
  }
  clearTimeout(timer);
  const refresh = state.refresh * 1000;
  const afterFailures = Math.min(refresh * 2 ** failures, Math.max(MAX_PAUSE, refresh));
  const pause = Math.max(afterFailures, PAUSE_FACTOR * (performance.now() - began));
  if (state.refresh && !document.hidden) timer = setTimeout(load, pause);
}

function showState() {
  const now = loader.now();
  controls.showControls(state, now, (form) => exportAddress(state, now, form));
  controls.showTabs(state, null, goToTab);
  table.showOpen(state.job);
  showSearch(state, go);
  // The list has most of a job already, which is shown until the server has answered with all of it.
  const listed = state.job && table.shownJob(state.job);
  if (listed) openJob.showOpened(listed, now);
  if (state.view === 'statistics') statistics.showChoices(state, statisticsQuery(state, now));
  if (state.view === 'journal') journal.showFilters(state);
  if (!state.job) openJob.hideOpened();
}

/** Marks what is shown as that of another state. */
const setBusy = (isBusy) => {
  for (const id of ['list', 'overview']) $(id).ariaBusy = String(isBusy);
};

/** What the overview shows: a state, and the answer for it. */
let overviewed = [];

function showAnswer(...given) {
  overviewed = given;
  const [shown, answer] = given;
  $('overview').classList.remove('unanswered');
  $('overview').ariaBusy = 'false';
  const narrow = (from, to) => go({ range: 'custom', from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  showOverview(shown, answer, loader.now(), (to) => linkToJobs(to, shown), narrow);
}

/** Shows an error instead of the rows, since those of another list would be taken for the answer. */
function showNoAnswer(error) {
  table.showRows([], state, linkTo, loader.now(), false);
  $('overview').classList.add('unanswered');
  const message = [error.message, error.requestId && `(request ${error.requestId})`].filter(Boolean).join(' ');
  table.showEmpty('no-answer', { error: message, retry: () => load(false) });
  setBusy(false);
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
  if (isFiltered(state) && domains.some((one) => one.domain_id === state.domain)) return 'no-match';
  return domains.length ? 'no-domain' : 'no-jobs';
}

/** Shows why an act has failed. */
const showFailure = (error) => controls.showTrouble(error, false, false);

localise();
controls.wireTheme();
controls.wireDensity();
controls.wireMenus();
wireSearch(() => state, go, (...given) => loader.values(state, ...given));
wireHistogram((from, to) => go({ range: 'custom', from, to }), () => go({ range: 'all', from: '', to: '' }));
wireDrawer(closeJob, openJob.step);
statistics.wireStatistics(go);
journal.wireJournal(() => state, go, (act) => act.then(() => load(false), showFailure));
wireMock(() => state, () => load(false));
wireEditor(loader.now, () => state, (to) => {
  if (to?.job) go({ ...to, view: 'jobs' });
  else if (to) go(to, true);
  return load(false);
}, showFailure);
wireToken(() => {
  loader.forget();
  load(false);
});
wireKeyboard({
  search: () => $(state.view === 'journal' ? 'contains' : 'search').focus(),
  down: () => (state.job ? openJob.step(1) : table.moveFocus(1)),
  up: () => (state.job ? openJob.step(-1) : table.moveFocus(-1)),
  close: () => (state.job ? closeJob() : journal.closeEntry()),
  previousPage: () => openJob.turn(-1),
  nextPage: () => openJob.turn(1),
  refresh: () => load(false),
  help: () => $('help').showModal(),
});

for (const name of ['domain', 'collector', 'project']) on($(name), 'change', (event) => go({ [name]: event.target.value }));
for (const name of ['size', 'refresh']) on($(name), 'change', (event) => go({ [name]: Number(event.target.value) }, name === 'refresh'));
on($('views'), 'click', ({ target: { dataset: { view } } }) => view && go({ view }));
on($('range'), 'change', ({ target: { value: range } }) => {
  // A custom range begins as the range that was shown.
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
for (const open of document.querySelectorAll('.request-open')) on(open, 'click', () => showRequests(loader.requests));
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
  if (job !== state.job) go({ job }, Boolean(state.job));
});
on($('overview'), 'click', ({ target }) => toggleList(target) && showAnswer(...overviewed));
for (const id of ['stat-rows', 'drawer-body', 'overview']) {
  on($(id), 'click', (event) => {
    const link = event.target.closest('a');
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    goToAddress(link.href);
  });
}
wireRouter(() => {
  openJob.forgetStep();
  showState();
  load();
}, () => {
  $('search').value = state.keyword;
  $('contains').value = state.contains;
});
on(document, 'visibilitychange', () => (document.hidden ? clearTimeout(timer) : state.refresh && load()));
setInterval(() => {
  // While the server does not answer, it is not known which jobs still run.
  if (document.hidden || !$('trouble').hidden) return;
  table.tick(loader.now());
  tickDrawer(loader.now());
  tickMock();
}, 1000);

showState();
load();

/** The open job: shows it in the drawer, and steps to its neighbours in the list, over the ends of a page too. */
import { $, announce } from './dom.js';
import { hideDrawer, showDrawer } from './drawer.js';
import { statusLabel } from './format.js';
import { list, t } from './language.js';
import { current, go, linkToTerm } from './router.js';
import * as table from './table.js';

/** Which job of the next page is to be opened when it arrives: its first (0), its last (-1), or none. */
let openNext = null;
/** The number of jobs in the list, over all pages. */
let listTotal = 0;
/** The id of the last shown job, its position in the list, and the job. */
let lastShown = { job: '', index: -1, shown: null };

export function showOpened(job, now) {
  const state = current();
  const wasHidden = $('drawer').hidden;
  showDrawer(job, state, now, (term) => linkToTerm(term, state, { job: '' }));
  if (wasHidden) $('drawer').focus({ preventScroll: true });
  if (lastShown.job && lastShown.job !== state.job && job) announce(list([job.job_id, statusLabel(job.status)]));
  const index = table.ids().indexOf(state.job);
  if (lastShown.job !== state.job) for (const id of ['previous-failed', 'next-failed']) $(id).disabled = false;
  if (index >= 0 || lastShown.job !== state.job) lastShown = { job: state.job, index };
  lastShown.shown = job;
  showSteps();
}

/** Closes the drawer; the focus returns to its job, in the list or in a lane. */
export function hideOpened() {
  const state = current();
  const hadFocus = $('drawer').contains(document.activeElement);
  hideDrawer();
  if (!hadFocus) return;
  const run = state.view === 'collectors' && document.querySelector(`#collectors [data-job="${CSS.escape(lastShown.job)}"]`);
  const bar = run || (state.view === 'now' && $(`bar-${lastShown.job}`));
  if (bar || !table.focusJob(lastShown.job)) (bar || $('content')).focus({ preventScroll: true });
}

/** Takes over a page of the list that has just been shown; opens the job that was stepped to on it. */
export function listArrived(jobs, total) {
  listTotal = total;
  const next = openNext === null ? null : jobs.at(openNext);
  if (next) go({ job: next.job_id }, true);
  showSteps();
}

/** Forgets a step to another page, since the page goes elsewhere. */
export function forgetStep() {
  openNext = null;
}

/** Opens the next job of the list (1) or the previous one (-1). */
export function step(by) {
  if (openNext !== null) return;
  const job = neighbour(by);
  if (typeof job === 'string') go({ job }, true);
  else if (job && turn(by)) openNext = by > 0 ? 0 : -1;
}

/** Turns to the next page of the list (1) or the previous one (-1); returns whether there is one. */
export function turn(by) {
  const can = canTurn(by);
  if (can) go({ page: current().page + by });
  return can;
}

/** The id of the next or previous job, true where it is on another page, or a falsy value where there is none. */
function neighbour(by) {
  const state = current();
  const ids = table.ids();
  const lastIndex = lastShown.job === state.job ? Math.min(lastShown.index, ids.length) : -1;
  // A job that has left the page keeps the neighbours it had there.
  const index = ids.includes(state.job) ? ids.indexOf(state.job) : lastIndex;
  return index >= 0 && (ids[index + by] ?? canTurn(by));
}

/**
 * Opens the failed job next to the open one, by the time of their creation: the next one (1) in the order of the list, or the
 * previous one (-1).
 * @param {(job: object, isBefore: boolean) => Promise<{job_id: string}[]>} near the failed jobs from a job on, itself among them
 */
export async function stepFailed(by, near) {
  const { shown } = lastShown;
  if (!shown) return;
  const { sort, desc } = current();
  const isOldestFirst = sort === 'created' && !desc;
  const ids = (await near(shown, isOldestFirst === by < 0)).map(({ job_id: id }) => id);
  const next = ids[ids.indexOf(shown.job_id) + 1];
  if (shown.job_id !== current().job) return;
  if (next) go({ job: next }, true);
  else announce(t('job.noFailed'));
  $(by > 0 ? 'next-failed' : 'previous-failed').disabled = !next;
}

function canTurn(by) {
  const { view, page, size } = current();
  return view === 'jobs' && (by < 0 ? page > 1 : page * size < listTotal);
}

function showSteps() {
  const focused = document.activeElement;
  for (const [id, by] of [['previous-job', -1], ['next-job', 1]]) {
    $(id).disabled = !neighbour(by);
    if ($(id) === focused && focused.disabled) $('drawer').focus({ preventScroll: true });
  }
}

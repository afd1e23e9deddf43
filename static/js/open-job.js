/** The open job: shows it in the drawer, and steps to its neighbours in the list, over the ends of a page too. */
import { $, announce } from './dom.js';
import { hideDrawer, showDrawer } from './drawer.js';
import { statusLabel } from './format.js';
import { go, linkToTerm, state } from './router.js';
import * as table from './table.js';

/** Which job of the next page is to be opened when it arrives: its first (0), its last (-1), or none. */
let openNext = null;
/** The number of jobs in the list, over all pages. */
let listTotal = 0;
/** The last shown job and its position in the list. */
let lastShown = { job: '', index: -1 };

export function showOpened(job, now) {
  const wasHidden = $('drawer').hidden;
  showDrawer(job, state, now, (term) => linkToTerm(term, state, { job: '' }));
  if (wasHidden) $('drawer').focus({ preventScroll: true });
  if (lastShown.job && lastShown.job !== state.job && job) announce(`${job.job_id}, ${statusLabel(job.status)}`);
  const index = table.ids().indexOf(state.job);
  if (index >= 0 || lastShown.job !== state.job) lastShown = { job: state.job, index };
  showSteps();
}

/** Closes the drawer; the focus returns to its job, or to the list. */
export function hideOpened() {
  const hadFocus = $('drawer').contains(document.activeElement);
  hideDrawer();
  if (!hadFocus) return;
  const run = state.view === 'collectors' && document.querySelector(`#collectors [data-job="${CSS.escape(lastShown.job)}"]`);
  if (run) run.focus({ preventScroll: true });
  else if (!table.focusJob(lastShown.job)) $('content').focus({ preventScroll: true });
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
  if (can) go({ page: state.page + by });
  return can;
}

/** The id of the next or previous job, true where it is on another page, or a falsy value where there is none. */
function neighbour(by) {
  const ids = table.ids();
  const lastIndex = lastShown.job === state.job ? Math.min(lastShown.index, ids.length) : -1;
  // A job that has left the page keeps the neighbours it had there.
  const index = ids.includes(state.job) ? ids.indexOf(state.job) : lastIndex;
  return index >= 0 && (ids[index + by] ?? canTurn(by));
}

const canTurn = (by) => state.view === 'jobs' && (by < 0 ? state.page > 1 : state.page * state.size < listTotal);

function showSteps() {
  const focused = document.activeElement;
  for (const [id, by] of [['previous-job', -1], ['next-job', 1]]) {
    $(id).disabled = !neighbour(by);
    if ($(id) === focused && focused.disabled) $('drawer').focus({ preventScroll: true });
  }
}

/** Rows that stay in position while somebody points at them or reads them: a button over the list shows what waits. */
import { $, announce, on, setText } from './dom.js';
import { t } from './language.js';
import * as table from './table.js';

/** After how many seconds without a reader the rows are shown that wait. */
const PATIENCE = 3;

/** Shows the rows that wait. */
let waiting = null;
let unread = 0;
/** Whether the next rows are shown in any case, since somebody has requested them. */
let isRequested = false;

const isScrolled = () => $('rows').getBoundingClientRect().top < 0;

function isRead() {
  const rows = $('rows');
  const selection = getSelection();
  return rows.matches(':hover') || rows.contains(document.activeElement) || !$('drawer').hidden || isScrolled()
    || (selection.type === 'Range' && rows.contains(selection.anchorNode));
}

/** Whether the rows stay although a page of the same list has come. */
function stay(jobs) {
  const ids = table.ids();
  const isMoved = jobs.map((job) => job.job_id).join() !== ids.join();
  return isMoved && jobs.length > 0 && ids.length > 0 && !isRequested && isRead();
}

/** The ids of the rows that stay and are not on the page that has come. */
export const missing = (jobs) => (stay(jobs) ? table.ids().filter((id) => jobs.every((job) => job.job_id !== id)) : []);

/**
 * Shows the page of a list that has come, or only what has changed in the rows that are there.
 * @param {object[]} jobs
 * @param {object[]} others the jobs that were missing
 * @param {boolean} isSameList
 * @param {(jobs: object[]) => void} show
 */
export function showCalmly(jobs, others, isSameList, show) {
  const stays = isSameList && stay(jobs);
  isRequested = false;
  if (!stays) {
    withdraw();
    return show(jobs);
  }
  const wasOffered = waiting;
  waiting = () => show(jobs);
  const ids = table.ids();
  const count = jobs.filter((job) => !ids.includes(job.job_id)).length;
  show(ids.map((id) => [...jobs, ...others].find((job) => job.job_id === id) ?? table.shownJob(id)));
  setText($('news'), !count ? t('calm.moved') : t(count < jobs.length ? 'calm.new' : 'calm.more', { count }));
  $('news').hidden = false;
  if (!wasOffered) announce($('news').textContent);
}

/** Forgets the rows that wait. */
export function withdraw() {
  waiting = null;
  unread = 0;
  // A button that is gone leaves the focus where the list is.
  if (document.activeElement === $('news')) $('content').focus({ preventScroll: true });
  $('news').hidden = true;
}

/** Has the next page be shown in any case. */
export const ask = () => { isRequested = true; };

/** Shows the rows that wait, from the top of the list. */
export function showNews() {
  if (!$('news').checkVisibility()) return;
  const show = waiting;
  withdraw();
  show();
  if (isScrolled()) $('list').scrollIntoView();
}

/** To be called each second: shows the rows that wait when nobody reads any more. */
export function tickCalm() {
  unread = waiting && !isRead() ? unread + 1 : 0;
  if (unread >= PATIENCE) showNews();
}

export const wireCalm = () => on($('news'), 'click', showNews);

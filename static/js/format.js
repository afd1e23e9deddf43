/** Values as people read them. Knows no document; `now` is always an argument, in milliseconds. */

const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const numberFormat = new Intl.NumberFormat('en');

/**
 * "5 minutes ago".
 * @param {string} time
 * @param {number} now
 */
export function relative(time, now) {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  if (!Number.isFinite(seconds)) return '';
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relativeFormat.format(Math.trunc(seconds / size), unit);
}

/**
 * A moment in local time, with the zone.
 * @param {string} time
 */
export function exact(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'long' });
}

const RUNNING = ['CREATED', 'IN_PROGRESS'];

/**
 * How long a job took, or has taken so far; of one that ended at an unknown time nothing is known.
 * @param {object} job
 * @param {number} now
 */
export function duration(job, now) {
  if (!job.finished_at && !RUNNING.includes(job.status)) return '–';
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  const seconds = Math.max(0, Math.floor((end - Date.parse(job.created_at)) / 1000));
  if (!Number.isFinite(seconds)) return '';
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/**
 * How many of a job's tasks are done, in percent; nothing where that is not known: SpaceONE writes -1 remained tasks into
 * a job that was canceled.
 * @param {object} job
 */
export function percent(job) {
  const total = job.total_tasks ?? 0;
  const remained = job.remained_tasks ?? 0;
  if (total <= 0 || remained < 0) return null;
  return Math.round((Math.max(total - remained, 0) / total) * 100);
}

/**
 * "2 / 3": done and in all.
 * @param {object} job
 */
export function tasks(job) {
  const total = job.total_tasks ?? 0;
  const remained = job.remained_tasks ?? 0;
  return `${remained < 0 ? '–' : number(Math.max(total - remained, 0))} / ${number(total)}`;
}

/** @param {number} value */
export const number = (value) => numberFormat.format(value);

/** @param {string} status */
export const statusLabel = (status) => status.charAt(0) + status.slice(1).toLowerCase().replaceAll('_', ' ');

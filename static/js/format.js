/** Formats times, durations and progress for people; `now` is always an argument, in milliseconds. */
import { age, amount, number, t } from './language.js';

/** The units of ages, in seconds. */
const UNITS = [['year', 31_536_000], ['month', 2_592_000], ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];
const RUNNING = ['CREATED', 'IN_PROGRESS'];

/** "5 min. ago" */
export function relative(time, now) {
  // Whole seconds, as a span has, so that the two agree.
  const seconds = Math.trunc((Date.parse(time) - now) / 1000);
  if (!Number.isFinite(seconds)) return '';
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  // Without a sign, 0 would be a time to come.
  return age(Math.trunc(seconds / size) || -0, unit);
}

/** @typedef {'local'|'utc'} Zone */

/** The minutes that a zone is ahead of UTC at a time. */
const ahead = (time, zone) => (zone === 'utc' ? 0 : -new Date(time).getTimezoneOffset());

/** "+09:00": the offset of a zone at a time, as RFC 3339 writes it. */
export function offset(time, zone) {
  const minutes = ahead(time, zone);
  return (minutes < 0 ? '-' : '+') + new Date(Math.abs(minutes) * 60_000).toISOString().slice(11, 16);
}

/** "UTC+9": the name of a zone at a time. */
export function zoneName(time, zone) {
  return `UTC${offset(time, zone).replace(/^.00:00$/, '').replace(/([+-])0?/, '$1').replace(':00', '')}`;
}

/** "2026-01-01T08:00:00.123": a time on the clocks of a zone. */
export const clock = (time, zone) => new Date(new Date(time).getTime() + ahead(time, zone) * 60_000).toISOString().slice(0, -1);

/** "2026-01-01 08:00:00.123 UTC+9" */
export function exact(time, zone) {
  if (Number.isNaN(Date.parse(time))) return '';
  return `${clock(time, zone).replace('T', ' ').replace('.000', '')} ${zoneName(time, zone)}`;
}

/** How long a job took, or has taken so far, in milliseconds; null where it ended at an unknown time. */
export function took(job, now) {
  if (!job.finished_at && !RUNNING.includes(job.status)) return null;
  return (job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.created_at);
}

/** The same for people. */
export function duration(job, now) {
  const millis = took(job, now);
  return millis === null ? '–' : span(millis);
}

/** "1 hr 5 min", from milliseconds */
export function span(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (!Number.isFinite(seconds)) return '';
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return `${amount(days, 'day')} ${amount(hours, 'hour')}`;
  if (hours) return `${amount(hours, 'hour')} ${amount(minutes, 'minute')}`;
  return [...(minutes ? [amount(minutes, 'minute')] : []), amount(seconds % 60, 'second')].join(' ');
}

export const STATUSES = ['CREATED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED'];

/** The share of tasks that are done, in percent; null where it is unknown: canceled jobs have -1 remained tasks. */
export function percent({ total_tasks: total = 0, remained_tasks: remained = 0 }) {
  return total <= 0 || remained < 0 ? null : Math.round((Math.max(total - remained, 0) / total) * 100);
}

/** "97.2 %", of a share */
export const rate = (share) => t('percent', { share: Math.round(share * 1000) / 10 });

/** The same of a change: "+5.6 %" or "−10.9 %", and "0 %" for what is rounded to that. */
export function signedRate(share) {
  const sign = Math.round(share * 1000) === 0 ? '' : share > 0 ? '+' : '−';
  return sign + rate(Math.abs(share));
}

/** "2 / 3": the tasks that are done, and all of them */
export function tasks({ total_tasks: total = 0, remained_tasks: remained = 0 }) {
  return `${remained < 0 ? '–' : number(Math.max(total - remained, 0))} / ${number(total)}`;
}

/** Whether a text has several lines: these are shown as they are, with their indents, which JSON would hide. */
export const hasLines = (text) => typeof text === 'string' && text.includes('\n');

/** The most errors of a job that a summary has. */
const MAX_ERRORS = 3;

/** The line of a text that says most: the last one of a traceback of Python, else the first one that is not empty. */
function tellingLine(text) {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);
  return (lines[0]?.startsWith('Traceback (') ? lines.at(-1) : lines[0]) ?? '';
}

/** What the message of an error says in a line; where it has neither a message nor a code, that it has none. */
export const errorLine = ({ error_code: code, message }) => tellingLine(message ?? '') || (code ? '' : t('error.noCode'));

/** A line for each of the first errors of a job: its code, and what its message says in a line. */
export function errorSummary(errors = []) {
  const lines = errors.slice(0, MAX_ERRORS).map((error) => [error.error_code, errorLine(error)].filter(Boolean).join(': '));
  return [...lines, ...(errors.length > MAX_ERRORS ? ['…'] : [])].join('\n');
}

/** The name of a status; one that the page does not know is its own name. */
export const statusLabel = (status) => (STATUSES.includes(status) ? t(`status.${status}`) : status);

/** The plugin of a collector, with its version and provider. */
export function plugin({ collector_info: collector = {} }) {
  const { plugin_id: id, version } = collector.plugin_info ?? {};
  return [[id, version].filter(Boolean).join(' '), collector.provider].filter(Boolean).join(' · ');
}

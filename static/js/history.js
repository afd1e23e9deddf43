/** What the earlier runs of a collector say of a job. Fetches nothing. */
import { span } from './format.js';
import { t } from './language.js';

/** The fewest successes that say what is usual. */
const MIN_USUAL = 5;
const FAILURES = ['ERROR', 'TIMEOUT'];

const took = ({ created_at: from, finished_at: to }) => (to ? Date.parse(to) - Date.parse(from) : null);
const isFailure = ({ status }) => FAILURES.includes(status);
const plugin = ({ collector_info: collector = {} }) => collector.plugin_info?.version;

/** The median of how long successes took, in milliseconds; null of too few. */
function usual(runs) {
  const spans = runs.filter(({ status }) => status === 'SUCCESS').map(took).filter((millis) => millis !== null).sort((a, b) => a - b);
  return spans.length < MIN_USUAL ? null : spans[Math.ceil(spans.length / 2) - 1];
}

/** How many of the first runs are failures. */
function streakOf(runs) {
  const end = runs.findIndex((run) => !isFailure(run));
  return end < 0 ? runs.length : end;
}

/**
 * Says what became of a job, compared with the runs before it: "Failed after 28 s, usually 11 min 2 s; 3 failures in a row. The
 * plugin has changed since the last success, from 1.6.2 to 1.7.0."
 * @param {object[]} earlier the runs of its collector before it, the newest first
 * @param {number} now in milliseconds
 * @returns {{text: string, median: number?, lastSuccess: object?}} what is usual in milliseconds, and where it failed the last success
 */
export function describe(job, earlier, now) {
  const runs = earlier.filter(({ job_id: id }) => id !== job.job_id);
  const isOpen = ['CREATED', 'IN_PROGRESS'].includes(job.status);
  const millis = isOpen ? now - Date.parse(job.created_at) : took(job);
  const median = usual(runs);
  const outcome = millis === null ? t(`history.${job.status}`) : t(`history.${job.status}.span`, { span: span(millis) });
  const compared = median === null ? outcome : t('history.compared', { outcome, usual: span(median) });
  const streak = streakOf(runs);
  const lastSuccess = isFailure(job) ? runs.find(({ status }) => status === 'SUCCESS') ?? null : null;
  const facts = [];
  if (isFailure(job) && streak) facts.push(t('history.streak', { count: streak + 1 }));
  if (isFailure(job) && !streak && runs[0]?.status === 'SUCCESS') facts.push(t('history.succeededBefore'));
  if (job.status === 'SUCCESS' && streak) facts.push(t('history.afterStreak', { count: streak }));
  if (isFailure(job) && runs.length && !lastSuccess) facts.push(t('history.noSuccess', { count: runs.length }));
  const [then, here] = [lastSuccess && plugin(lastSuccess), plugin(job)];
  const sentences = [t('history.sentence', { text: [compared, ...facts].join(t('history.and')) })];
  if (then && here && then !== here) sentences.push(t('history.plugin', { then, here }));
  return { text: sentences.join(' '), median, lastSuccess };
}

/** The most differences that are shown. */
const MAX_DIFFERENCES = 12;

/** The values in an object by their paths, such as `plugin_info.options.region`. */
function leaves(value, path = '') {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, member]) => leaves(member, path ? `${path}.${name}` : name));
}

/**
 * What a job was run with otherwise than another one: members of its collector and its filter.
 * @returns {{path: string, then?: any, here?: any}[]} in the order of their paths
 */
export function differences(other, job) {
  const members = ({ collector_info: collector, filter }) => new Map(leaves({ collector_info: collector ?? {}, filter: filter ?? {} }));
  const [then, here] = [members(other), members(job)];
  const paths = [...new Set([...then.keys(), ...here.keys()])].sort();
  return paths.filter((path) => JSON.stringify(then.get(path)) !== JSON.stringify(here.get(path))).slice(0, MAX_DIFFERENCES)
    .map((path) => ({ path, then: then.get(path), here: here.get(path) }));
}

/** "3 hr 5 min": how long a run began before a job. */
export const before = (job, run) => span(Date.parse(job.created_at) - Date.parse(run.created_at));

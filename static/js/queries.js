/**
 * The queries of the page: each function makes a {@link import('./api.js').Request} of a
 * {@link import('./state.js').State} and the current time. Fetches nothing.
 */
import { columnOf } from './columns.js';
import { bounds, sinceHours } from './range.js';
import { GROUPS, MEASURES, TABS, isTime, measured, statOrder } from './state.js';
import { conditions, parseTerm, wordConditions } from './search-language.js';

/** The pickers have the collectors and projects of this many of the newest jobs. */
const PICKED_JOBS = 10_000;
/** The most values that are suggested for a term. */
const MAX_SUGGESTIONS = 12;
/** In milliseconds. */
const DAY = 86_400_000;
const MONTH = 30 * DAY;
/** The most groups that statistics show, the most lines that they draw, and the most points of all lines. */
const MAX_GROUPS = 500;
export const MAX_LINES = 5;
const MAX_POINTS = 5000;

const search = (state, query) => ({ path: 'inventory/v1/jobs/search', body: { domain_id: state.domain, query } });
const stat = (state, query) => ({ path: 'inventory/v1/jobs/stat', body: { domain_id: state.domain, query } });

/** The filters of a state, as members of a query. */
function filtered(state, now, withTab = true) {
  const filter = [];
  const where = (k, v, o = 'eq') => filter.push({ k, v, o });
  const time = (millis, o) => millis !== null && where('created_at', new Date(millis).toISOString(), o);
  const { statuses } = TABS.find((tab) => tab.id === state.tab);
  if (withTab && statuses.length) where('status', ...(statuses.length > 1 ? [statuses, 'in'] : statuses));
  if (state.collector) where('collector_id', state.collector);
  if (state.project) where('project_id', state.project);
  filter.push(...state.terms.flatMap((term) => termConditions(term, state.zone)));
  const { from, to } = bounds(state, now);
  time(from, 'datetime_gte');
  time(to, 'datetime_lt');
  const anyOf = wordConditions(state.keyword);
  return { ...(filter.length && { filter }), ...(anyOf.length && { filter_or: anyOf }) };
}

function termConditions(text, zone) {
  try {
    return conditions(parseTerm(text), zone);
  } catch {
    // A link may contain a text that is no term; its chip is marked as wrong.
    return [];
  }
}

const pageOf = ({ page, size }) => ({ start: (page - 1) * size + 1, limit: size });
const NEWEST_FIRST = { key: 'created_at', desc: true };

/** Whether the list is sorted by a column without a path, so that statistics compute the order. */
export const isComputed = (state) => !columnOf(state.sort).key;

/** The sort keys of the list; the newest first where its column has no path. */
function sortKeys(state) {
  const { key } = columnOf(state.sort);
  if (key === 'created_at') return [{ key, desc: state.desc }];
  return [...(key ? [{ key, desc: state.desc }] : []), NEWEST_FIRST];
}

export function list(state, now) {
  return search(state, { ...filtered(state, now), sort: { keys: sortKeys(state) }, page: pageOf(state) });
}

/** The ids of a page of the list in order, where statistics compute it. */
export function order(state, now) {
  const value = { name: 'value', ...columnOf(state.sort).value };
  const fields = [{ name: 'job_id', key: 'job_id' }, { name: 'created_at', key: 'created_at' }, value];
  const keys = [{ key: 'value', desc: state.desc }, NEWEST_FIRST, { key: 'job_id' }];
  return stat(state, { ...filtered(state, now), aggregate: [{ project: { fields } }, { sort: { keys } }], page: pageOf(state) });
}

export const jobs = (state, ids) => search(state, { filter: [{ k: 'job_id', v: ids, o: 'in' }], page: { limit: ids.length } });

export const job = (state) => jobs(state, [state.job]);

/** How many runs say what is usual of a job. */
const RUNS = 21;

/** How long the successes of collectors usually took in the last month, for those of a page of jobs. */
export function usual(state, now, collectors) {
  const since = new Date(Math.floor((now - MONTH) / DAY) * DAY).toISOString();
  const filter = [{ k: 'collector_id', v: collectors, o: 'in' }, { k: 'status', v: 'SUCCESS', o: 'eq' },
    { k: 'created_at', v: since, o: 'datetime_gte' }];
  const fields = [{ name: 'id', key: 'collector_id' }, { name: 'duration', ...columnOf('duration').value }];
  const group = { keys: [{ key: 'id', name: 'id' }], fields: [{ name: 'median', operator: 'median', key: 'duration' }] };
  return statistic(state, { filter, aggregate: [{ project: { fields } }, { group }] });
}

/** A job and the runs of its collector before it, the newest first. */
export function history(state, { collector_info: { collector_id: id }, created_at: until }) {
  return search(state, {
    filter: [{ k: 'collector_id', v: id, o: 'eq' }, { k: 'created_at', v: until, o: 'datetime_lte' }],
    sort: { keys: [NEWEST_FIRST] }, page: { limit: RUNS },
    only: ['job_id', 'status', 'created_at', 'finished_at', 'collector_info', 'filter'],
  });
}

/** How many failed jobs are read to find the one next to a job, since several may have been created at one time. */
const NEAR = 50;

/** The failed jobs that were created at the time of a job and before, the newest first, or at its time and after, the oldest first. */
export function failedNear(state, now, { created_at: at }, isBefore) {
  const { filter = [], ...query } = filtered({ ...state, tab: 'failed' }, now);
  filter.push({ k: 'created_at', v: at, o: isBefore ? 'datetime_lte' : 'datetime_gte' });
  const sort = { keys: [{ key: 'created_at', desc: isBefore }] };
  return search(state, { ...query, filter, sort, only: ['job_id'], page: { limit: NEAR } });
}

/** The oldest job of the list, or the newest. */
export function outermost(state, now, desc) {
  const sort = { keys: [{ key: 'created_at', desc }] };
  return search(state, { ...filtered(state, now), sort, only: ['created_at'], page: { limit: 1 } });
}

const countBy = (...keys) => ({ group: { keys, fields: [{ name: 'count', operator: 'count' }] } });

const BY_STATUS = { key: 'status', name: 'status' };

/** The number of jobs in each status, whatever the tab. */
export function counts(state, now) {
  return stat(state, { ...filtered(state, now, false), aggregate: [countBy(BY_STATUS)] });
}

/** The number of jobs that the views show after a change of the filters. */
export function countAfter(state, change, now) {
  return search(state, { ...filtered({ ...state, ...change }, now, state.view !== 'overview'), count_only: true });
}

/** The number of jobs in each status and each bucket of a date format. */
export function times(state, now, format) {
  const byTime = { key: 'created_at', name: 'at', date_format: format };
  return stat(state, { ...filtered(state, now), aggregate: [countBy(byTime, BY_STATUS)] });
}

/** The collectors or projects of the newest jobs. */
export function picks(state, keys) {
  const byName = { sort: { keys: keys.map(({ name }) => ({ key: name })) } };
  return stat(state, { aggregate: [{ sort: NEWEST_FIRST }, { limit: PICKED_JOBS }, countBy(...keys), byName] });
}
export const COLLECTOR_KEYS = [{ key: 'collector_info.name', name: 'name' }, { key: 'collector_id', name: 'id' }];
export const PROJECT_KEYS = [{ key: 'project_id', name: 'id' }];

/** The values at a path that contain the typed text. */
export const values = (state, { path, kind }, typed) => stat(state, {
  ...(typed && kind !== 'number' && { filter: [{ k: path, v: typed, o: 'contain' }] }), distinct: path, page: { limit: MAX_SUGGESTIONS },
});

const groupOf = (id) => GROUPS.find((group) => group.id === id);
const measureOf = (id) => MEASURES.find((measure) => measure.id === id);

/** The array that groups need unwound. */
const unwoundBy = (by) => by.map(groupOf).find((group) => group.unwind)?.unwind;

/**
 * The stages that make a row for each group by `by`, with its measures; without groups, a row for all jobs. Errors are unwound,
 * and durations computed, before the group. A job may have an error code twice, so unwound errors are first grouped by job: what
 * is measured are jobs, not errors.
 */
function groupStages(by, ids, unwind = unwoundBy(by)) {
  const groups = by.map(groupOf);
  const chosen = ids.map(measureOf);
  const computed = chosen.filter((measure) => measure.computed);
  const counted = new Set(chosen.flatMap(({ id, computed, needs }) => (computed ? needs : [id])));
  const measures = MEASURES.filter(({ id }) => counted.has(id)).toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
  const hasDuration = measures.some(({ field }) => field.key === 'duration');
  const members = [...(unwind ? ['job_id'] : []), 'status', 'total_tasks'].map((name) => [name, name]);
  const projected = new Map([...groups.map(({ id, key }) => [id, key]), ...members]);
  const fields = [...[...projected].map(([name, key]) => ({ name, key })), { name: 'duration', ...columnOf('duration').value }];
  const keys = groups.map(({ id, key, format }) => ({ key: hasDuration ? id : key, name: id, ...(format && { date_format: format }) }));
  const first = ['status', 'total_tasks', ...(hasDuration ? ['duration'] : [])].filter((name) => !by.includes(name));
  const byJob = {
    keys: [...keys, { key: 'job_id', name: 'job_id' }], fields: first.map((name) => ({ name, operator: 'first', key: name })),
  };
  const byGroup = unwind ? groups.map(({ id }) => ({ key: id, name: id })) : keys;
  return [
    ...(unwind ? [{ unwind: { path: unwind } }] : []),
    ...(hasDuration ? [{ project: { fields } }] : []),
    ...(unwind ? [{ group: byJob }] : []),
    { group: { ...(by.length && { keys: byGroup }), fields: measures.map(({ id, field }) => ({ name: id, ...field })) } },
    ...(computed.length ? [{ project: { fields: [
      ...measures.map(({ id }) => ({ name: id, key: id })), ...computed.map(({ id, computed }) => ({ name: id, ...computed }))] } }] : []),
  ];
}

/** The query of the chosen groups and measures. */
export function statisticsQuery(state, now) {
  const { id, desc } = statOrder(state);
  const times = state.by.filter(isTime);
  const order = [[id, desc], ...times.map((time) => [time, true]), [state.measures[0], true], ...state.by.map((one) => [one, false])];
  const keys = order.filter(([key], index) => order.findIndex(([other]) => other === key) === index).map(([key, desc]) => ({ key, desc }));
  return {
    ...filtered(state, now),
    aggregate: [...groupStages(state.by, state.measures), { sort: { keys } }],
    page: { start: 1, limit: MAX_GROUPS },
  };
}

/** To the route of SpaceONE, unless a query has operators of jobdeck's own. */
function statistic(state, query) {
  const isOwn = /"(median|percentile)"/.test(JSON.stringify(query));
  return { ...stat(state, query), ...(isOwn && { path: 'jobdeck/stat' }) };
}

/**
 * The statistics of the choices, or of the user's own query.
 * @throws {SyntaxError} where that is not JSON
 */
export const statistics = (state, now) => statistic(state, state.stat ? JSON.parse(state.stat) : statisticsQuery(state, now));

/** The measures of all jobs that are in the groups. */
export const totals = (state, now) => statistic(state, {
  ...filtered(state, now), aggregate: groupStages([], state.measures, unwoundBy(state.by)) });

/** The groups with the largest measure, of which lines are drawn. */
export function leaders(state, now) {
  const [, by] = state.by;
  const keys = [{ key: measured(state), desc: true }, { key: by }];
  const aggregate = [...groupStages([by], [measured(state)]), { sort: { keys } }, { limit: MAX_LINES + 1 }];
  return statistic(state, { ...filtered(state, now), aggregate });
}

/** A measure in time, the newest first: of all jobs, or of each of some groups. */
export function series(state, now, values) {
  const query = filtered(state, now);
  if (values) query.filter = [...query.filter ?? [], { k: groupOf(state.by[1]).key, v: values, o: 'in' }];
  const by = values ? state.by : [state.by[0]];
  return statistic(state, {
    ...query,
    aggregate: [...groupStages(by, [measured(state)]), { sort: { keys: by.map((key, index) => ({ key, desc: !index })) } }],
    page: { start: 1, limit: MAX_POINTS },
  });
}

export function exportAddress(state, now, format) {
  const query = { ...filtered(state, now), sort: { keys: sortKeys(state) } };
  return `jobdeck/export?${new URLSearchParams({ format, domain_id: state.domain, query: JSON.stringify(query) })}`;
}

/** The length of a bar in the overview of each preset range; for another range the server chooses it. */
const BUCKETS = { hour: '1m', day: '1h', week: '6h', month: '12h' };

/** The most collectors that the server answers. */
const MAX_COLLECTORS = 500;
/** Of how many runs of a collector the versions are compared. */
const MAX_RUNS = 1000;

/** The overview of a state with all its collectors. */
export const collectors = (state, now) => overview(state, now, MAX_COLLECTORS);

/** The newest runs of the chosen collector in the range, whatever the tab. */
export function runs(state, now) {
  const only = ['job_id', 'status', 'created_at', 'finished_at', 'collector_info.name', 'collector_info.plugin_info.version'];
  return search(state, { ...filtered(state, now, false), sort: { keys: [NEWEST_FIRST] }, only, page: { limit: MAX_RUNS } });
}

/** The path of the overview of a state, whatever the tab. */
export function overview(state, now, count = '') {
  const { from, to } = bounds(state, now);
  const at = (time) => (time === null ? '' : new Date(time).toISOString());
  const query = filtered({ ...state, range: 'all' }, now, false);
  return withParameters('jobdeck/overview', {
    domain_id: state.domain, from: at(from), to: at(to), bucket: BUCKETS[state.range] ?? '', collectors: count,
    query: Object.keys(query).length ? JSON.stringify(query) : '',
  });
}

/** The path of an overview of the collector of a job: what runs, and how long its jobs took in the last two days. */
export function runningWith(state, { collector_info: { collector_id: id } }) {
  return withParameters('jobdeck/overview', { domain_id: state.domain, collector_id: id, collectors: 1 });
}

/** The most jobs of the last hours that are loaded: of those that have not ended, and of those that have. */
const MAX_OPEN = 200;
const MAX_ENDED = 500;
/** A job that has ended is not found if it began this many hours before the last hours. */
const MAX_HOURS = 168;

/** The last hours: the oldest jobs that have not ended, the newest that have ended since, and how many of each status began since. */
export function lastHours(state, now) {
  const since = (k, hours = state.hours) => ({ k, v: new Date(sinceHours({ hours }, now)).toISOString(), o: 'datetime_gte' });
  const all = { ...state, tab: 'all', range: 'all' };
  const { filter = [], ...given } = filtered(all, now);
  const jobs = (o, limit, conditions, more) => search(state, {
    ...given, filter: [...filter, { k: 'status', v: ['CREATED', 'IN_PROGRESS'], o }, ...conditions], ...more,
    sort: { keys: [{ key: 'created_at', desc: o === 'not_in' }] }, page: { limit },
    only: ['job_id', 'status', 'created_at', 'finished_at', 'collector_info.collector_id', 'collector_info.name'],
  });
  const from = since().v;
  return {
    from,
    open: jobs('in', MAX_OPEN, []),
    ended: jobs('not_in', MAX_ENDED, [since('created_at', state.hours + MAX_HOURS)],
      { filter_or: [since('created_at'), since('finished_at')] }),
    last: counts({ ...all, range: 'custom', from, to: '' }, now),
  };
}

const scope = (state) => (state.scope === 'domain' ? { domain_id: state.domain } : {});
const withParameters = (path, given) => `${path}?${new URLSearchParams(Object.entries(given).filter(([, value]) => value))}`;

/** The most requests that the journal shows, the newest. */
const MAX_ENTRIES = 100;
export const journal = (state) => withParameters('jobdeck/journal', {
  ...scope(state), contains: state.contains, route: state.route, status: state.status, limit: MAX_ENTRIES,
});
/** The path of a control request, for all domains or for the one of the state. */
export const scoped = (state, path, more = {}) => withParameters(path, { ...scope(state), ...more });

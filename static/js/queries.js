/**
 * The queries of the page: each function makes a {@link import('./api.js').Request} of a
 * {@link import('./state.js').State} and the current time. Fetches nothing.
 */
import { columnOf } from './columns.js';
import { bounds } from './range.js';
import { GROUPS, MEASURES, TABS } from './state.js';
import { conditions, parseTerm } from './search-language.js';

/** The pickers have the collectors and projects of this many of the newest jobs. */
const PICKED_JOBS = 10_000;
/** The most values that are suggested for a term. */
const MAX_SUGGESTIONS = 12;
/** The most groups that statistics show. */
const MAX_GROUPS = 500;

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
  const keyword = state.keyword.trim();
  return { ...(filter.length && { filter }), ...(keyword && { keyword }) };
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

/** A job and the runs of its collector before it, the newest first. */
export function history(state, { collector_info: { collector_id: id }, created_at: until }) {
  return search(state, {
    filter: [{ k: 'collector_id', v: id, o: 'eq' }, { k: 'created_at', v: until, o: 'datetime_lte' }],
    sort: { keys: [NEWEST_FIRST] }, only: ['job_id', 'status', 'created_at', 'finished_at', 'collector_info'], page: { limit: RUNS },
  });
}

/** The oldest job of the domain, or the newest. */
export function outermost(state, desc) {
  return search(state, { sort: { keys: [{ key: 'created_at', desc }] }, only: ['created_at'], page: { limit: 1 } });
}

const countBy = (...keys) => ({ group: { keys, fields: [{ name: 'count', operator: 'count' }] } });

const BY_STATUS = { key: 'status', name: 'status' };

/** The number of jobs in each status, whatever the tab. */
export function counts(state, now) {
  return stat(state, { ...filtered(state, now, false), aggregate: [countBy(BY_STATUS)] });
}

/** The number of jobs in each status and each bucket of a date format, whatever the tab. */
export function histogram(state, now, format) {
  const byTime = { key: 'created_at', name: 'at', date_format: format };
  return stat(state, { ...filtered(state, now, false), aggregate: [countBy(byTime, BY_STATUS)] });
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

/**
 * The query of the chosen groups and measures: errors are unwound, and durations computed, before the group. A job may have an
 * error code twice, so unwound errors are first grouped by job: what is measured are jobs, not errors.
 */
export function statisticsQuery(state, now) {
  const groups = state.by.map((id) => GROUPS.find((group) => group.id === id));
  const measures = state.measures.map((id) => MEASURES.find((measure) => measure.id === id));
  const unwind = groups.find((group) => group.unwind)?.unwind;
  const hasDuration = measures.some(({ field }) => field.key === 'duration');
  const members = [...(unwind ? ['job_id'] : []), 'status', 'total_tasks'].map((name) => [name, name]);
  const projected = new Map([...groups.map(({ id, key }) => [id, key]), ...members]);
  const fields = [...[...projected].map(([name, key]) => ({ name, key })), { name: 'duration', ...columnOf('duration').value }];
  const keys = groups.map(({ id, key, format }) => ({ key: hasDuration ? id : key, name: id, ...(format && { date_format: format }) }));
  const first = ['status', 'total_tasks', ...(hasDuration ? ['duration'] : [])].filter((name) => !state.by.includes(name));
  const byJob = {
    keys: [...keys, { key: 'job_id', name: 'job_id' }], fields: first.map((name) => ({ name, operator: 'first', key: name })),
  };
  const byGroup = unwind ? groups.map(({ id }) => ({ key: id, name: id })) : keys;
  const sortsByTime = groups.filter(({ format }) => format).map(({ id }) => ({ key: id, desc: true }));
  const otherSorts = groups.filter(({ format }) => !format).map(({ id }) => ({ key: id, desc: false }));
  return {
    ...filtered(state, now),
    aggregate: [
      ...(unwind ? [{ unwind: { path: unwind } }] : []),
      ...(hasDuration ? [{ project: { fields } }] : []),
      ...(unwind ? [{ group: byJob }] : []),
      { group: { keys: byGroup, fields: measures.map(({ id, field }) => ({ name: id, ...field })) } },
      { sort: { keys: [...sortsByTime, { key: measures[0].id, desc: true }, ...otherSorts] } },
    ],
    page: { start: 1, limit: MAX_GROUPS },
  };
}

/**
 * The statistics of the choices, or of the user's own query.
 * @throws {SyntaxError} where that is not JSON
 */
export const statistics = (state, now) => stat(state, state.stat ? JSON.parse(state.stat) : statisticsQuery(state, now));

export function exportAddress(state, now, format) {
  const query = { ...filtered(state, now), sort: { keys: sortKeys(state) } };
  return `jobdeck/export?${new URLSearchParams({ format, domain_id: state.domain, query: JSON.stringify(query) })}`;
}

/** The length of a bar in the overview of each preset range; for another range the server chooses it. */
const BUCKETS = { hour: '1m', day: '1h', week: '6h', month: '12h' };

/** The path of the overview of a state, whatever the tab. */
export function overview(state, now) {
  const { from, to } = bounds(state, now);
  const at = (time) => (time === null ? '' : new Date(time).toISOString());
  const { filter, keyword = '' } = filtered({ ...state, range: 'all' }, now, false);
  return withParameters('jobdeck/overview', {
    domain_id: state.domain, from: at(from), to: at(to), bucket: BUCKETS[state.range] ?? '',
    query: filter || keyword ? JSON.stringify({ ...(filter && { filter }), ...(keyword && { keyword }) }) : '',
  });
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

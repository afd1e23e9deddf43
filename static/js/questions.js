/**
 * What the page asks the API for what it shows: a {@link import('./state.js').State} and the moment of now in, a
 * {@link import('./api.js').Request} out. Fetches nothing.
 */
import { columnOf } from './columns.js';
import { bounds } from './range.js';
import { GROUPS, MEASURES, TABS } from './state.js';
import { conditions, parseTerm } from './terms.js';
import { token } from './token.js';

/** How many of the newest jobs the pickers look at. */
const PICKED_FROM = 10_000;
/** How many values are offered for a term. */
const SUGGESTED = 12;
/** How many groups statistics show. */
const MOST_GROUPS = 500;

const search = (state, query) => ({ path: '/inventory/v1/jobs/search', body: { domain_id: state.domain, query } });
const stat = (state, query) => ({ path: '/inventory/v1/jobs/stat', body: { domain_id: state.domain, query } });

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
    // A link may hold what is no term: its chip is shown as faulty.
    return [];
  }
}

const pageOf = ({ page, size }) => ({ start: (page - 1) * size + 1, limit: size });
const NEWEST_FIRST = { key: 'created_at', desc: true };

/** Whether the column that sorts is no path, so that a statistic works out the order. */
export const isComputed = (state) => !columnOf(state.sort).key;

/** The order of the list, as far as paths can say it: else the newest first. */
function sortKeys(state) {
  const { key } = columnOf(state.sort);
  return key === 'created_at' ? [{ key, desc: state.desc }] : [...(key ? [{ key, desc: state.desc }] : []), NEWEST_FIRST];
}

export const list = (state, now) => search(state, { ...filtered(state, now), sort: { keys: sortKeys(state) }, page: pageOf(state) });

/** The ids of the page in order, where that is worked out. */
export function order(state, now) {
  const fields = [{ name: 'job_id', key: 'job_id' }, { name: 'created_at', key: 'created_at' }, { name: 'value', ...columnOf(state.sort).value }];
  const keys = [{ key: 'value', desc: state.desc }, NEWEST_FIRST, { key: 'job_id' }];
  return stat(state, { ...filtered(state, now), aggregate: [{ project: { fields } }, { sort: { keys } }], page: pageOf(state) });
}

export const jobs = (state, ids) => search(state, { filter: [{ k: 'job_id', v: ids, o: 'in' }], page: { limit: ids.length } });

export const job = (state) => jobs(state, [state.job]);

/** The oldest job of the domain, or the newest. */
export const outermost = (state, desc) => search(state, { sort: { keys: [{ key: 'created_at', desc }] }, only: ['created_at'], page: { limit: 1 } });

const countBy = (...keys) => ({ group: { keys, fields: [{ name: 'count', operator: 'count' }] } });

/** How many jobs there are in each status, whatever the tab. */
export const counts = (state, now) => stat(state, { ...filtered(state, now, false), aggregate: [countBy({ key: 'status', name: 'status' })] });

/** The same in each bucket of a format. */
export const strip = (state, now, format) => stat(state, {
  ...filtered(state, now, false), aggregate: [countBy({ key: 'created_at', name: 'at', date_format: format }, { key: 'status', name: 'status' })],
});

/** The collectors, or projects, of the newest jobs. */
export function picks(state, keys) {
  const aggregate = [{ sort: NEWEST_FIRST }, { limit: PICKED_FROM }, countBy(...keys), { sort: { keys: keys.map(({ name }) => ({ key: name })) } }];
  return stat(state, { aggregate });
}
export const COLLECTOR_KEYS = [{ key: 'collector_info.name', name: 'name' }, { key: 'collector_id', name: 'id' }];
export const PROJECT_KEYS = [{ key: 'project_id', name: 'id' }];

/** The values at a path that contain what is typed. */
export const values = (state, { path, kind }, typed) => stat(state, {
  ...(typed && kind !== 'number' && { filter: [{ k: path, v: typed, o: 'contain' }] }), distinct: path, page: { limit: SUGGESTED },
});

/** The query of the choices: an error has a row of its own, a duration is worked out before the group. */
export function statisticsQuery(state, now) {
  const groups = state.by.map((id) => GROUPS.find((group) => group.id === id));
  const measures = state.measures.map((id) => MEASURES.find((measure) => measure.id === id));
  const unwind = groups.find((group) => group.unwind)?.unwind;
  const hasDuration = measures.some(({ field }) => field.key === 'duration');
  const passed = new Map([...groups.map(({ id, key }) => [id, key]), ['status', 'status'], ['total_tasks', 'total_tasks']]);
  const fields = [...[...passed].map(([name, key]) => ({ name, key })), { name: 'duration', ...columnOf('duration').value }];
  const keys = groups.map(({ id, key, format }) => ({ key: hasDuration ? id : key, name: id, ...(format && { date_format: format }) }));
  const [inTime, others] = [true, false].map((isTime) => groups.filter(({ format }) => Boolean(format) === isTime).map(({ id }) => ({ key: id, desc: isTime })));
  return {
    ...filtered(state, now),
    aggregate: [
      ...(unwind ? [{ unwind: { path: unwind } }] : []),
      ...(hasDuration ? [{ project: { fields } }] : []),
      { group: { keys, fields: measures.map(({ id, field }) => ({ name: id, ...field })) } },
      { sort: { keys: [...inTime, { key: measures[0].id, desc: true }, ...others] } },
    ],
    page: { start: 1, limit: MOST_GROUPS },
  };
}

/** The statistics of the choices, or of the query that was written, which throws where it is not JSON. */
export const statistics = (state, now) => stat(state, state.stat ? JSON.parse(state.stat) : statisticsQuery(state, now));

export function exportAddress(state, now, format) {
  const query = { ...filtered(state, now), sort: { keys: sortKeys(state) } };
  return `/jobdeck/export?${new URLSearchParams({ format, domain_id: state.domain, query: JSON.stringify(query) })}`;
}

const scope = (state) => (state.scope === 'domain' ? { domain_id: state.domain } : {});
const withParameters = (path, given) => `${path}?${new URLSearchParams(Object.entries(given).filter(([, value]) => value))}`;

/** How many of the newest requests the journal shows. */
const MOST_ENTRIES = 100;
export const journal = (state) => withParameters('/jobdeck/journal', {
  ...scope(state), contains: state.contains, route: state.route, status: state.status, limit: MOST_ENTRIES,
});
export const ofScope = (state, path) => withParameters(path, scope(state));

/** A request as a line for a shell: within single quotes only a single quote is special. */
export function curl(origin, { path, body = null, method = 'POST' }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const how = method === 'HEAD' ? ' -I' : method === (body === null ? 'GET' : 'POST') ? '' : ` -X ${quoted(method)}`;
  // Neither brackets in the address nor an @ that begins the body are anything else than they are.
  const sent = body === null ? '' : ` -H 'content-type: application/json' --data-raw ${quoted(textOf(body))}`;
  // The token itself is not shown; whoever sends the line has it in a variable.
  const who = token() && ' -H "authorization: Bearer $JOBDECK_TOKEN"';
  return `curl -sg${how} ${quoted(origin + path)}${who}${sent}`;
}

/** A body as it can be sent: JSON, or the text that it is. */
const textOf = (body) => (typeof body === 'string' ? body : JSON.stringify(body));

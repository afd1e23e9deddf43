/** A request of the journal in words, and the number of rows of its answer. Fetches nothing. */
import { amount, t } from './language.js';

/** The signs of operators, without the `datetime_` and `timediff_` before them; others are written by their names. */
const SIGNS = {
  __proto__: null, eq: '=', in: '=', not: '≠', not_in: '≠', lt: '<', lte: '≤', gt: '>', gte: '≥',
  contain: '~', contain_in: '~', not_contain: '!~', not_contain_in: '!~',
};
const UNITS = { s: 'second', m: 'minute', h: 'hour', d: 'day' };
/** A time in the past of a clock, with an amount and a unit. */
const AGO = /^ ?now ?- ?(\d+)([smhd])$/;
/** The most characters of a value, and of what is shown as JSON. */
const MAX_VALUE = 60;
const MAX_JSON = 200;

/** Marks that change the direction of a text; within a row they would rearrange what is next to them. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** A text with such marks as escapes. */
export const escapeDirections = (text) => text.replace(DIRECTIONS, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);

const cut = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);
const compact = (value) => cut(JSON.stringify(value) ?? '', MAX_JSON);
/** A path without what each path of its kind has. */
const short = (path) => path.replace(/^(created|updated|finished)_at$/, '$1').replace(/^collector_info\./, 'collector.');
const isTrue = (value) => /^(true|t|1)$/i.test(value);
const isEmpty = (value) => [undefined, null, '', 0, false].includes(value) || (Array.isArray(value) && !value.length);

function shown(value) {
  if (Array.isArray(value)) return value.length ? value.map(shown).join(', ') : '[]';
  if (typeof value !== 'string') return compact(value);
  return /^[^\s",](?:[^",]*[^\s",])?$/.test(value) ? cut(value, MAX_VALUE) : cut(JSON.stringify(value), MAX_VALUE);
}

function condition(given) {
  const { k, key = k, v, value = v, o, operator = o, ...others } = given;
  if (typeof key !== 'string' || typeof operator !== 'string' || Object.keys(others).length) return compact(given);
  const path = short(key);
  const [, count, unit] = /^timediff_gte?$/.test(operator) ? AGO.exec(value) ?? [] : [];
  if (count) return t('words.last', { key: path, span: amount(Number(count), UNITS[unit]) });
  if (operator === 'exists') return t(isTrue(value) ? 'words.exists' : 'words.missing', { key: path });
  return `${path} ${SIGNS[operator.replace(/^(datetime|timediff)_/, '')] ?? operator} ${shown(value ?? null)}`;
}

const sortKeys = (sort) => (Array.isArray(sort) ? sort : sort.keys ?? [sort])
  .map(({ key, desc }) => `${short(key)} ${isTrue(desc) ? '↓' : '↑'}`).join(', ');

function page({ start = 1, limit, ...others }) {
  const [first, count] = [Number(start) || 1, Number(limit)];
  if (!Number.isInteger(first) || !Number.isInteger(count) || Object.keys(others).length) throw new TypeError('no page');
  if (!count) return [];
  const pages = (first - 1) / count;
  return Number.isInteger(pages) ? t('words.page', { page: pages + 1, count }) : t('words.from', { start: first, count });
}

/** A field of a group, or of an analysis, as a call: "count(status = ERROR)". */
function field({ k, key = k, o, operator = o, conditions, fields }) {
  const paths = [key, ...(fields ?? []).map((one) => one.key ?? one.k)].filter(Boolean);
  const inside = [...paths.map(short), ...(conditions ?? []).map(condition)];
  return String(operator ?? 'value') + (inside.length ? `(${inside.join(', ')})` : '');
}

const groupKey = (key) => (typeof key === 'string' ? short(key) : short(key.key ?? key.k) + (key.date_format ? ` ${key.date_format}` : ''));

function group({ keys = [], fields = [] }) {
  const what = fields.map(field).join(', ');
  return [...(what ? [what] : []), ...(keys.length ? [t('words.by', { keys: keys.map(groupKey).join(', ') })] : [])];
}

/** The stages of statistics. */
const STAGES = {
  __proto__: null,
  unwind: ({ path }) => t('words.each', { key: short(path) }),
  group,
  project: ({ fields }) => t('words.computed', { members: fields.map(({ n, name = n }) => name).join(', ') }),
  sort: (sort) => t('words.sort', { keys: sortKeys(sort) }),
  limit: (count) => t('words.first', { count }),
};

/** What the members of a query mean, in the order in which they are written; each takes a value that is not empty. */
const MEMBERS = {
  __proto__: null,
  filter: (all) => all.map(condition),
  filter_or: (all) => t('words.any', { conditions: all.map(condition).join(' | ') }),
  keyword: (text) => t('words.keyword', { text: shown(text) }),
  distinct: (path) => t('words.distinct', { key: short(path) }),
  aggregate: (stages) => stages.flatMap((stage) => described(stage, STAGES)),
  unwind: STAGES.unwind,
  fields: (fields) => Object.values(fields).map(field).join(', '),
  group_by: (keys) => t('words.by', { keys: keys.map(groupKey).join(', ') }),
  sort: STAGES.sort,
  page,
  only: (paths) => t('words.only', { members: [paths].flat().map(short).join(', ') }),
  minimal: (is) => (isTrue(is) ? t('words.minimal') : []),
  count_only: (is) => (isTrue(is) ? t('words.count') : []),
};

/** Words for each member of an object; one of an unknown name or shape is JSON. */
function described(given, meanings) {
  const known = Object.keys(meanings).filter((name) => name in given);
  const others = Object.keys(given).filter((name) => !(name in meanings));
  return [...known, ...others].filter((name) => !isEmpty(given[name])).flatMap((name) => {
    try {
      return meanings[name](given[name]);
    } catch {
      return compact({ [name]: given[name] });
    }
  });
}

/** An object whose members have the names of the API, which may be written in lowerCamelCase. */
const named = (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]));

/** The members of a query string, nested by dots and brackets; the same name twice is a list. */
function nested(text) {
  const all = { __proto__: null };
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.split(/[.[\]]+/).filter(Boolean);
    let node = all;
    for (const one of path.slice(0, -1)) {
      if (typeof node[one] !== 'object') node[one] = { __proto__: null };
      node = node[one];
    }
    const last = path.at(-1) ?? name;
    node[last] = last in node ? [node[last], value].flat() : value;
  }
  return withLists(all);
}

/** Lists in place of the objects whose members are numbers. */
function withLists(node) {
  if (typeof node !== 'object' || Array.isArray(node)) return node;
  const entries = Object.entries(node).map(([name, value]) => [name, withLists(value)]);
  return entries.length && entries.every(([name]) => /^\d+$/.test(name)) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Members with their values: "status = ERROR". */
const assigned = (members) => members.map(([name, value]) => `${short(name)} = ${shown(value)}`);

/** The words of a request for jobs, by its query string and its body. */
function wordsOf({ query: text, body }) {
  const { domain_id: _, query, ...direct } = named({ ...nested(text), ...(isObject(body) ? body : {}) });
  let wanted = query ?? {};
  try {
    if (typeof wanted === 'string') wanted = JSON.parse(wanted);
  } catch {
    // What is no JSON is shown as it is.
  }
  const rest = isObject(wanted) ? described(named(wanted), MEMBERS) : [`query = ${shown(wanted)}`];
  const other = body === null || isObject(body) ? [] : [typeof body === 'string' ? cut(body, MAX_JSON) : compact(body)];
  return [...assigned(Object.entries(direct).filter(([, value]) => !isEmpty(value))), ...rest, ...other];
}

/** The routes that ask for jobs. */
const READS = ['list', 'search', 'stat', 'analyze', 'get', 'export', 'overview'];
/** What the routes that write do; `body` has the members of a job. */
const WRITES = {
  __proto__: null,
  put: ({ job_id: job }, { status }) => [t('words.put', { job }), ...(status ? assigned([['status', status]]) : [])],
  patch: ({ job_id: job }, body) => [t('words.patch', { job }), ...assigned(Object.entries(body))],
  delete: ({ job_id: job, domain_id: domain }) => [job ? t('words.delete', { job }) : t('words.deleteAll', { domain: domain ?? '?' })],
  add: () => [t('words.add')],
};

/**
 * Returns a request in words: "status = ERROR · created in the last 7 days · sort created ↓ · page 1, 15 rows".
 * @param {object} entry of the journal
 */
export function words(entry) {
  const { route, path, query, body } = entry;
  if (route in WRITES) return WRITES[route](entry, isObject(body) ? body : {}).join(' · ');
  // A path of another server, which a client of jobs asks for, has the shape of a query all the same.
  if (!READS.includes(route) && !isObject(body?.query)) return path + (query && `?${query}`);
  return wordsOf(entry).join(' · ') || t('words.all');
}

/** Says how many rows an answer has, and of how many; empty where it has none. */
export function rowsOf({ answer, is_answer_cut: isCut }) {
  if (isCut) return t('journal.long');
  const { results, total_count: total, added, deleted } = answer ?? {};
  if (Number.isInteger(added)) return t('journal.added', { count: added });
  if (Number.isInteger(deleted)) return t('journal.deleted', { count: deleted });
  if (!Array.isArray(results)) return '';
  return Number.isInteger(total) ? t('journal.rowsOf', { count: results.length, total }) : t('journal.rows', { count: results.length });
}

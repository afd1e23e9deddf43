/**
 * The language of the search box: reads terms, translates them into conditions of the API, and completes what is typed.
 * Fetches nothing.
 *
 * @typedef {{key: string, path: string, kind: string, sign: string, values: {text: string, quoted: boolean}[]}} Term
 */
import { clock, offset } from './format.js';
import { list, t } from './language.js';
import { TABS } from './state.js';

const STATUSES = ['CREATED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT', 'CANCELED'];

/** The fewest letters of a plain word that may begin the name of a tab; a Korean or Japanese name has fewer. */
const minLetters = (word) => (/[a-z]/i.test(word) ? 4 : 2);
/** The tabs that a text may mean, by their ids and their names, such as “failed”: people know these, and the API only knows statuses. */
const tabsOf = (text) => TABS.filter(({ id, label, statuses }) => (
  statuses.length && [id, t(label).toLowerCase()].some((name) => name.startsWith(text.toLowerCase()))));

const key = (key, path, kind = 'text') => ({ key, path, kind });
/** The short keys; every path of a job is a key, too, of the kind `any`. */
const KEYS = [
  key('status', 'status', 'status'),
  key('collector', 'collector_info.name'),
  key('provider', 'collector_info.provider'),
  key('plugin', 'collector_info.plugin_info.plugin_id'),
  key('version', 'collector_info.plugin_info.version'),
  key('project', 'project_id'),
  key('error', 'errors.error_code'),
  key('message', 'errors.message'),
  key('tasks', 'total_tasks', 'number'),
  key('remained', 'remained_tasks', 'number'),
  key('id', 'job_id'),
  key('collector_id', 'collector_id'),
  key('created', 'created_at', 'time'),
  key('updated', 'updated_at', 'time'),
  key('finished', 'finished_at', 'time'),
];
/** Keys under the names of their members. A word that begins one, such as “fail”, is a word all the same. */
const MEMBERS = [
  ...['workspace_id', 'resource_group', 'secret_id', 'request_secret_id', 'request_workspace_id'].map((name) => key(name, name)),
  ...['success_tasks', 'failure_tasks'].map((name) => key(name, name, 'number')),
  // All the members that plain words are looked for in.
  key('anywhere', '', 'anywhere'),
];
/** The first members of paths. */
const ROOTS = ['filter', 'errors', 'collector_info', 'collector', ...[...KEYS, ...MEMBERS].map(({ path }) => path).filter(Boolean)];

const ORDERED = ['number', 'time', 'any'];
const TEXTS = ['text', 'any'];
/** The operators: sign, the kinds of keys that take it, and the condition of the API for an order. */
const OPERATORS = [
  { sign: ':', kinds: ['text', 'number', 'status', 'time', 'any'] },
  { sign: '!=', kinds: ['text', 'number', 'status', 'any'] },
  { sign: '~', kinds: TEXTS },
  { sign: '!~', kinds: [...TEXTS, 'anywhere'] },
  { sign: '>', kinds: ORDERED, order: 'gt' },
  { sign: '>=', kinds: ORDERED, order: 'gte' },
  { sign: '<', kinds: ORDERED, order: 'lt' },
  { sign: '<=', kinds: ORDERED, order: 'lte' },
];
const ZONED = /(Z|[+-]\d\d:\d\d)$/i;
/** One of the values of a term. */
const VALUE = /(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|$))+/g;
const TERM = /^([A-Za-z_][\w.-]*?)(!=|!~|>=|<=|[:=><~])(.*)$/s;

const MESSAGE = 'errors.message';
/** What an overview writes for the parts of messages that differ within a group of errors, and a pattern for each. */
const PLACEHOLDERS = {
  '<n>': '[+-]?(?:\\w{8}(?:-\\w{4}){3}-\\w{12}|\\w*\\d[\\w.,:]*?|[A-Fa-f]{4,}?)',
  '<value>': '["\'`“‘«].*?["\'`”’»]',
  '<address>': '\\S+?',
  '<time>': '\\d[\\w :.,+/-]*?',
};
const PLACEHOLDER = /<(?:n|value|address|time)>/g;
/** Whether a message is that of a group of errors: with placeholders, or cut. */
export const hasPlaceholders = (text) => /<(?:n|value|address|time)>|…$/.test(text);

/** A pattern of the messages of a group. White space is collapsed in its text. */
function groupPattern(text) {
  const isCut = text.endsWith('…');
  const literal = (part) => part.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&').replace(/\s+/g, '\\s+');
  const bare = isCut ? text.slice(0, -1) : text;
  const literals = bare.split(PLACEHOLDER).map(literal);
  const between = bare.match(PLACEHOLDER) ?? [];
  const pattern = literals.map((part, index) => part + (PLACEHOLDERS[between[index]] ?? '')).join('');
  return `^\\s*${pattern}${isCut ? '' : '\\s*$'}`;
}

/** Whether a text is a term, finished or not. */
export const isTerm = (text) => TERM.test(text);
/** Splits a text at spaces, but not within quotes. */
export const tokens = (text) => text.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*(?:"|$))+/g) ?? [];

const keyOf = (name) => [...KEYS, ...MEMBERS].find(({ key, path }) => key === name.toLowerCase() || path === name)
  ?? (ROOTS.includes(name.split('.')[0]) ? { key: name, path: name, kind: 'any' } : null);
export const isKey = (text) => KEYS.some(({ key }) => key === text);
/** The beginning of a term with a key and the first of its operators. */
export const termStart = (key) => key + operatorsOf(keyOf(key).kind)[0].sign;
/** Whether a text may become a key when more of it is typed. */
export const isKeyStart = (text) => KEYS.some(({ key }) => key.startsWith(text));
const pathOf = (name) => KEYS.find(({ key }) => key === name).path;
/** The keys of the members that plain words are looked for in. */
export const WORD_KEYS = ['collector', 'plugin', 'provider', 'project', 'error', 'message', 'id'];
const WORD_PATHS = WORD_KEYS.map(pathOf);
const ALTERNATIVE = /^(?:OR|\|\|?)$/;
/** A word that is a job id, or as hexadecimal as a part of one. */
const ID = /^(?:job-[\w-]+|(?=.*\d)[\da-f]{3,})$/i;

/** The texts of plain words, one of which must be in a job: several words are one text, unless there is an OR between them. */
export function alternatives(words) {
  const texts = [[]];
  for (const token of tokens(words)) {
    if (ALTERNATIVE.test(token)) texts.push([]);
    else texts.at(-1).push(token.replaceAll('"', ''));
  }
  const good = texts.map((text) => text.join(' ').trim()).filter(Boolean);
  return good.length || !words.trim() ? good : [words.trim()];
}

/** The texts of plain words that a member has; of several ids, one is enough. */
const textsIn = (path, words) => alternatives(words).flatMap((text) => (
  path === 'job_id' && text.split(' ').every((word) => ID.test(word)) ? text.split(' ') : [text]));

/** The conditions of plain words, one of which must hold. */
export const wordConditions = (words) => WORD_PATHS.map((k) => [k, textsIn(k, words)]).filter(([, texts]) => texts.length)
  .map(([k, v]) => (v.length > 1 ? { k, v, o: 'contain_in' } : { k, v: v[0], o: 'contain' }));

/** The term that finds plain words in the member of a key alone. */
export const wordTerm = (key, words) => `${key}~${textsIn(pathOf(key), words).map(quote).join(',')}`;

/** How many letters must be changed, left out or put in to make a text of another. */
function distance(from, to) {
  const rows = [Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let y = 1; y <= from.length; y += 1) {
    rows.push([y]);
    for (let x = 1; x <= to.length; x += 1) {
      rows[y].push(Math.min(rows[y - 1][x] + 1, rows[y][x - 1] + 1, rows[y - 1][x - 1] + Number(from[y - 1] !== to[x - 1])));
    }
  }
  return rows.at(-1).at(-1);
}

/** The known key that is most like an unknown one; null where none is. */
export function nearestKey(name) {
  const near = [...KEYS, ...MEMBERS].map(({ key }) => [key, distance(name.toLowerCase(), key)]).sort((a, b) => a[1] - b[1]);
  return near[0][1] <= (name.length < 5 ? 1 : 2) ? near[0][0] : null;
}

/**
 * Whether a text that has the form of a term is a part of a text that somebody looks for, such as “exceeded:” in an error's message
 * or an address: no value follows where more words do, or the key is none and not like one.
 * @param {boolean} isLast whether no more words follow
 * @param {boolean} isAmongWords whether it is one of several words
 */
export function isPlainText(text, isLast, isAmongWords) {
  const [, name, , value] = TERM.exec(text);
  if (!value && !isLast) return true;
  const isNoKey = !keyOf(name) && !isDuration(name) && !nearestKey(name);
  return isNoKey && (!value || isAmongWords || /^\/|:/.test(value));
}

const operatorsOf = (kind) => OPERATORS.filter(({ kinds }) => kinds.includes(kind));

/**
 * Reads a term.
 * @returns {?Term} null for a plain word
 * @throws {Error} that says what is wrong, and what is allowed
 */
export function parseTerm(text) {
  const [, name, given, rest] = TERM.exec(text) ?? [];
  if (!name) return null;
  const sign = given === '=' ? ':' : given;
  const known = /\.(\.|$)/.test(name) ? null : keyOf(name);
  if (!known) throw new Error(noKey(name));
  const { key, path, kind } = known;
  const operator = operatorsOf(kind).find((one) => one.sign === sign);
  if (!operator && kind === 'anywhere') throw new Error(t('search.plainIsAnywhere', { words: rest }));
  if (!operator) throw new Error(t('search.noOperator', { key, signs: operatorsOf(kind).map((one) => one.sign).join(' '), sign }));
  const values = parseValues(rest);
  if (!values.length) throw new Error(t('search.noValue', { term: text }));
  if (values.length > 1 && (operator.order || kind === 'time')) throw new Error(t('search.oneValue', { term: key + sign }));
  for (const value of values) checkValue(key, kind, value);
  if (sign === '!=' && path === MESSAGE && values.some(({ text }) => hasPlaceholders(text))) {
    throw new Error(t('search.noGroup', { key }));
  }
  return { key, path, kind, sign, values };
}

/** What is wrong with an unknown key, and what would be right. */
function noKey(name) {
  if (isDuration(name)) return t('search.noDuration');
  const near = nearestKey(name);
  return near ? t('search.nearKey', { key: name, near }) : t('search.noKey', { key: name, keys: list(KEYS.map(({ key }) => key)) });
}
/** Whether a name is that of the duration, which is no member of a job, so that the API has no condition for it. */
export const isDuration = (name) => name.toLowerCase() === 'duration';

function checkValue(key, kind, value) {
  const { text } = value;
  if (isAny(value)) return;
  if (kind === 'number' && !isNumber(text)) throw new Error(t('search.noNumber', { key, value: text }));
  if (kind === 'status' && !STATUSES.includes(text.toUpperCase())) {
    const [tab] = tabsOf(text);
    if (tab) throw new Error(t('search.nearStatus', { value: text, near: tab.statuses.join() }));
    throw new Error(t('search.noStatus', { value: text, statuses: list(STATUSES) }));
  }
  if (kind === 'time' && !period(text, 'utc')) {
    throw new Error(t('search.noTime', { key, value: text }));
  }
}

/** Kinds of members that have one value in a job; an error is one of several. */
const hasOneValue = ({ path, kind }) => ['text', 'number', 'status'].includes(kind) && !path.startsWith('errors.');

/**
 * Two terms that no job passes, since a member has one value, and the term that either value passes.
 * @param {string[]} terms of which none is wrong
 * @returns {?{one: string, other: string, either: string}}
 */
export function excludingTerms(terms) {
  const equal = terms.map(parseTerm).filter((term) => term.sign === ':' && hasOneValue(term) && !term.values.some(isAny));
  for (const [index, one] of equal.entries()) {
    const texts = one.values.map(({ text }) => text.toLowerCase());
    const other = equal.slice(index + 1).find(({ path, values }) => (
      path === one.path && !values.some(({ text }) => texts.includes(text.toLowerCase()))));
    if (other) {
      return { one: writeTerm(one), other: writeTerm(other), either: writeTerm({ ...one, values: [...one.values, ...other.values] }) };
    }
  }
  return null;
}

/** The operator of each that holds for the other jobs. */
const OPPOSITES = { ':': '!=', '!=': ':', '~': '!~', '!~': '~', '>': '<=', '<=': '>', '<': '>=', '>=': '<' };
/** The keys of members that every job has, so that one of two opposite comparisons holds. */
const ALWAYS_THERE = ['tasks', 'remained', 'created', 'updated'];

/**
 * Makes the term that holds for the jobs for which another one does not.
 * @throws {Error} where there is none
 */
export function negated(term) {
  const { key, sign } = term;
  const other = writeTerm({ ...term, sign: OPPOSITES[sign] });
  const isCertain = !OPERATORS.find((one) => one.sign === sign).order || ALWAYS_THERE.includes(key);
  if (!isCertain) throw new Error(t('search.noOpposite', { term: writeTerm(term), key, other }));
  return parseTerm(other);
}

/** Reads the values of a term, which are separated by commas; within quotes a comma is part of the text. */
function parseValues(text) {
  const unquoted = (part) => part.replace(/^"|"$/g, '').replace(/\\(.)/g, (_, letter) => ESCAPES[letter] ?? letter);
  const parts = text.match(VALUE) ?? [];
  return parts.map((part) => {
    const quoted = part.startsWith('"');
    return { quoted, text: quoted ? unquoted(part) : part };
  });
}

const isNumber = (text) => /^-?\d+(\.\d+)?$/.test(text);
const isAny = ({ text, quoted }) => text === '*' && !quoted;
/** What a backslash makes of these letters within quotes: a text may have several lines, the search box has one. */
const ESCAPES = { n: '\n', r: '\r', t: '\t' };
const escape = (letter) => `\\${Object.keys(ESCAPES).find((name) => ESCAPES[name] === letter) ?? letter}`;
const inQuotes = (text) => `"${text.replace(/["\\\n\r\t]/g, escape)}"`;

/** Writes a value as a term has it. */
export const quote = (text) => (/^(?!(-?[\d.]+|true|false|null)$)[^\s",*]+$/.test(text) ? text : inQuotes(text));

export function writeTerm({ key, sign, values }) {
  return `${key}${sign}${values.map(({ text, quoted }) => (quoted ? inQuotes(text) : text)).join(',')}`;
}

/**
 * Gives the time of a term the zone of its author, so that it means the same to readers elsewhere. A day becomes its two
 * ends, since the offset of the zone may differ between them.
 * @returns {Term[]} terms, all of which must hold
 */
export function withZone(term, zone) {
  const [{ text }] = term.values;
  if (term.kind !== 'time' || text === '*' || ZONED.test(text)) return [term];
  const [from, to] = period(text, zone);
  const at = (time) => clock(time, zone).replace(/(:00)?\.000$/, '') + offset(time, zone);
  const ends = (text.length === 10 && { ':': [['>=', from], ['<', to]], '>': [['>=', to]], '<=': [['<', to]] }[term.sign]) || null;
  const texts = ends?.map(([sign, time]) => [sign, at(time)]) ?? [[term.sign, text + offset(from, zone)]];
  return texts.map(([sign, one]) => ({ ...term, sign, values: [{ quoted: false, text: one }] }));
}

/**
 * Translates a term into conditions of the API, all of which must hold.
 * @param {Term} term
 * @param {string} zone of a time that names none
 */
export function conditions({ path: k, kind, sign, values }, zone) {
  const isNot = sign.startsWith('!');
  const texts = values.map(({ text }) => text);
  if (values.some(isAny)) return [{ k, v: !isNot, o: 'exists' }];
  if (kind === 'anywhere') return texts.flatMap((v) => WORD_PATHS.map((path) => ({ k: path, v, o: 'not_contain' })));
  if (sign === '~') return [texts.length > 1 ? { k, v: texts, o: 'contain_in' } : { k, v: texts[0], o: 'contain' }];
  if (sign === '!~') return texts.map((v) => ({ k, v, o: 'not_contain' }));
  if (k === MESSAGE && sign === ':' && texts.some(hasPlaceholders)) {
    return [{ k, v: texts.map(groupPattern).join('|'), o: 'regex' }];
  }
  if (kind === 'time') return timeConditions(k, sign, texts[0], zone);
  const all = values.map((value) => typed(value, kind));
  if (all.length > 1) return [{ k, v: all, o: isNot ? 'not_in' : 'in' }];
  const { order } = OPERATORS.find((one) => one.sign === sign);
  return [{ k, v: all[0], o: order ?? (isNot ? 'not' : 'eq') }];
}

/** Gives a value its type, since the server compares by type; quotes make it a text. */
function typed({ text, quoted }, kind) {
  if (kind === 'status') return text.toUpperCase();
  if (kind === 'number' || (kind === 'any' && !quoted && isNumber(text))) return Number(text);
  if (quoted) return text;
  if (kind === 'any' && ['true', 'false'].includes(text)) return text === 'true';
  return text === 'null' ? null : text;
}

function timeConditions(k, sign, text, zone) {
  const [from, to] = period(text, zone).map((time) => new Date(time).toISOString());
  const since = (v) => ({ k, v, o: 'datetime_gte' });
  const before = (v) => ({ k, v, o: 'datetime_lt' });
  return { '>': [since(to)], '>=': [since(from)], '<': [before(from)], '<=': [before(to)], ':': [since(from), before(to)] }[sign];
}

/** The start and end of what a text names: a day, an hour, a minute, a second; null where it is no time. */
export function period(text, zone) {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/i.exec(text);
  if (!parts) return null;
  const [, day, hour, minute, second, fraction, offset] = parts;
  const suffix = offset?.toUpperCase() ?? (zone === 'utc' ? 'Z' : '');
  const from = Date.parse(`${day}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}${fraction ?? ''}${suffix}`);
  if (Number.isNaN(from)) return null;
  if (hour) return [from, from + (fraction ? 1 : second ? 1_000 : minute ? 60_000 : 3_600_000)];
  // A day on which clocks are changed has 23 or 25 hours.
  const date = new Date(from);
  return [from, suffix ? from + 86_400_000 : date.setDate(date.getDate() + 1)];
}

/**
 * Completes a token. Where a value comes next, `start` is what precedes it, `had` the values in that, `typed` its beginning, and
 * `term` its key, for which the server knows the values.
 */
export function complete(token) {
  const [, name, sign, rest] = TERM.exec(token) ?? [];
  if (!name) {
    const bare = token.replace(/!$/, '');
    const key = bare && !bare.endsWith('.') ? keyOf(bare) : null;
    const signs = key ? operatorsOf(key.kind).map(({ sign }) => ({ text: bare + sign, about: t(`search.sign.${sign}`) })) : [];
    const keys = [...KEYS, ...MEMBERS].filter(({ key }) => key !== bare)
      .map(({ key, path }) => ({ text: termStart(key), about: path || t('search.anywhere') }));
    const tabs = token.length < minLetters(token) ? [] : tabsOf(token);
    return { options: [...[...signs, ...keys].filter(({ text }) => text.startsWith(token) && text !== token),
      ...tabs.map(({ label, statuses }) => ({ text: `status:${statuses}`, about: t(label) }))] };
  }
  const last = rest.match(VALUE)?.at(-1) ?? '';
  const part = rest.endsWith(',') && !/^"(?:[^"\\]|\\.)*$/.test(last) ? '' : last;
  const typed = part.replace(/^"/, '');
  const start = token.slice(0, token.length - part.length);
  const had = parseValues(rest.slice(0, rest.length - part.length)).map(({ text }) => text);
  const term = keyOf(name) ?? { path: name, kind: 'none' };
  const near = term.kind === 'none' && !isDuration(name) ? nearestKey(name) : null;
  if (near) return { options: [{ text: near + sign + rest, about: t('search.didYouMean', { near }) }], term, start, typed, had };
  return { options: term.kind === 'status' ? statusOptions(start, typed, had) : [], term, start, typed, had };
}

/** The statuses and the tabs that a text begins, without the statuses that the term has. */
function statusOptions(start, typed, had) {
  const others = (statuses) => statuses.filter((status) => !had.some((one) => one.toUpperCase() === status));
  const statuses = others(STATUSES).filter((status) => status.startsWith(typed.toUpperCase()));
  const tabs = typed ? tabsOf(typed).map(({ label, statuses }) => ({ text: others(statuses).join(), about: t(label) })) : [];
  const isNew = ({ text }) => text && !statuses.includes(text);
  return [...statuses.map((text) => ({ text, about: '' })), ...tabs.filter(isNew)].map((one) => ({ ...one, text: start + one.text }));
}

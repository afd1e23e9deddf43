/**
 * AND, OR, NOT, a minus and parentheses in the search box. All chips must hold, and a chip has a list of values: what means the same
 * becomes that, and anything else is an error that says how it is written. Fetches nothing.
 *
 * @typedef {import('./search-language.js').Term} Term
 * @typedef {{kind: 'term'|'word'|'and'|'or'|'not'|'open'|'close', text: string}} Item
 * @typedef {Term|{words: string[]}} Leaf a term, or texts of plain words, one of which must be in the job
 */
import { t } from './language.js';
import { isDuration, isKey, isPlainText, isTerm, negated, parseTerm, quote, tokens, writeTerm } from './search-language.js';

const OPERATORS = { AND: 'and', '&&': 'and', OR: 'or', '||': 'or', '|': 'or', NOT: 'not', '!': 'not' };
/** In lower case they are words, unless they are between terms. */
const LOWER = { and: 'and', or: 'or', not: 'not' };
const SIGNS = { '(': 'open', '-': 'not', '!': 'not' };
const QUOTED = /"(?:[^"\\]|\\.)*("|$)/g;
/** A key, its operator and its value with spaces between them: `status = ERROR`. */
const SPACED = /(?<=^|[\s(!-])([A-Za-z_][\w.-]*?)\s*(!=|!~|>=|<=|==|[:=><~])(\s*)(?=\S|$)/g;
/** A list with spaces: `status:ERROR, TIMEOUT`, but not before another term. */
const LISTED = /(?<=(?:^|[\s(!-])[A-Za-z_][\w.-]*(?:!=|!~|[:=~])\S*,)\s+(?=\S|$)(?![-!(]*[A-Za-z_][\w.-]*[:=><~!])/;
/** A list in parentheses: `status:(ERROR OR TIMEOUT)`. */
const GROUPED = /(?<=(?:^|[\s(!-])[A-Za-z_][\w.-]*(?:!=|!~|[:=~]))\(([^()]*)\)/g;

/** How many parentheses are open at the end of a text. */
function depth(text) {
  const bare = text.replace(QUOTED, '');
  return bare.split('(').length - bare.split(')').length;
}

/** What a token has before its term: a minus, an exclamation mark, parentheses. */
export const prefixOf = (token) => /^[-!(]*(?=[^-!(])/.exec(token)?.[0] ?? '';

/** Writes terms as the box has them: without spaces, and with commas in a list. What is in quotes stays as it is. */
function tidy(text) {
  const quotes = [];
  const masked = text.replace(QUOTED, (quoted) => `\uE000${quotes.push(quoted) - 1}\uE001`);
  const isSpaced = (whole, name) => /\s/.test(whole) && (isKey(name) || isDuration(name));
  const spaced = masked.replace(SPACED, (whole, name, sign) => (isSpaced(whole, name) ? name + sign.replace('==', ':') : whole));
  let listed = spaced;
  for (let before = ''; before !== listed;) [before, listed] = [listed, listed.replace(LISTED, '')];
  const grouped = listed.replace(GROUPED, (whole, inner) => {
    const parts = tokens(inner);
    const isList = parts.length % 2 === 1 && parts.every((part, index) => index % 2 === 0 || (OPERATORS[part] ?? LOWER[part]) === 'or');
    return isList ? parts.filter((_, index) => index % 2 === 0).join(',') : whole;
  });
  return grouped.replace(/\uE000(\d+)\uE001/g, (whole, index) => quotes[index] ?? whole);
}

/** Divides a text into items. @returns {Item[]} */
function lex(text, peelsWords = false) {
  const items = [];
  const push = (kind, of) => items.push({ kind, text: of });
  const all = tokens(tidy(text));
  const isWord = (token) => /[\p{L}\d]/u.test(token) && !isTerm(token.slice(prefixOf(token).length)) && !OPERATORS[token] && !LOWER[token];
  const isAmongWords = all.some(isWord);
  for (const [index, token] of all.entries()) {
    const prefix = prefixOf(token);
    let rest = token.slice(prefix.length);
    const kind = isTerm(rest) && !isPlainText(rest, index === all.length - 1, isAmongWords) ? 'term' : 'word';
    if (OPERATORS[token] ?? LOWER[token]) push('word', token);
    else if (/^[()]+$/.test(token)) for (const sign of token) push(sign === '(' ? 'open' : 'close', sign);
    else if (kind === 'word' && !(peelsWords && /^\(|\)$/.test(token))) push('word', token);
    else {
      if (kind === 'word') rest = token.replace(/^\(+/, '');
      const before = kind === 'term' ? prefix : token.slice(0, token.length - rest.length);
      for (const sign of before) push(SIGNS[sign], sign);
      let closes = 0;
      while (rest.endsWith(')') && depth(rest) < 0) {
        rest = rest.slice(0, -1);
        closes += 1;
      }
      push(kind, rest);
      for (; closes; closes -= 1) push('close', ')');
    }
  }
  return items.map((item, index) => {
    const lower = item.kind === 'word' && LOWER[item.text];
    const [previous, next] = [items[index - 1], items[index + 1]];
    const precedesTerm = ['term', 'open', 'not'].includes(next?.kind) || LOWER[next?.text] === 'not';
    const isOperator = lower && next && (precedesTerm || (lower !== 'not' && ['term', 'close'].includes(previous?.kind)));
    const kind = (item.kind === 'word' && OPERATORS[item.text]) || (isOperator && lower) || item.kind;
    return { ...item, kind };
  });
}

const isOperator = ({ kind }) => ['and', 'or', 'not'].includes(kind);

/** The items of a text. Where it has neither operators nor terms in parentheses, what is left are terms and words. */
function itemsOf(text, before) {
  const items = lex(text);
  const others = items.filter(({ kind }) => kind !== 'word');
  const isLoneOperator = items.length === 1 && !before.length && isOperator(items[0]);
  // Among words, parentheses are part of them.
  if (isLoneOperator || others.every(({ kind }) => ['open', 'close'].includes(kind))) {
    return tokens(text).map((token) => ({ kind: 'word', text: token }));
  }
  return others.some(({ kind }) => kind !== 'term') ? lex(text, true) : items;
}

const isPlain = (items) => items.every(({ kind }) => kind === 'term' || kind === 'word');
const written = (leaf) => (leaf.words ? leaf.words.join(' OR ') : writeTerm(leaf));
const wordsIn = (leaves) => leaves.filter(({ words }) => words).map(written).join(' ');

/** One leaf that holds where one of several does. */
function either(nodes) {
  const text = nodes.map((leaves) => leaves.map(written).join(' AND ')).join(' OR ');
  const isSingle = nodes.every((leaves) => leaves.length === 1);
  if (isSingle && nodes.every(([leaf]) => leaf.words)) return { words: nodes.flatMap(([leaf]) => leaf.words) };
  const [first, ...others] = isSingle ? nodes.flat() : [{}];
  const isSame = first.path !== undefined && others.every(({ path, sign }) => path === first.path && sign === first.sign);
  if (isSame && first.sign.startsWith('!')) {
    const none = writeTerm({ ...first, values: [first, ...others].flatMap(({ values }) => values) });
    throw new Error(t('search.allJobs', { text, none }));
  }
  if (!isSame || ![':', '~'].includes(first.sign) || first.kind === 'time') throw new Error(t('search.noOr', { text }));
  const values = [first, ...others].flatMap((term) => term.values);
  return { ...first, values: values.filter((value, index) => values.findIndex(({ text: one }) => one === value.text) === index) };
}

function opposite(leaves) {
  if (leaves.length > 1) throw new Error(t('search.notOne', { text: leaves.map(written).join(' ') }));
  const [{ words }] = leaves;
  return words ? parseTerm(`anywhere!~${words.map((text) => quote(text.replaceAll('"', ''))).join(',')}`) : negated(leaves[0]);
}

/**
 * Reads items by descent; a space between them is a looser AND than the word, so that a list by OR may be among other terms.
 * @param {?Term} before the term that an OR at the start continues
 * @returns {Leaf[]} all of which must hold
 */
function read(items, before) {
  let at = 0;
  const peek = () => items[at]?.kind;
  const operand = () => {
    const { kind, text } = items[at] ?? {};
    at += 1;
    if (kind === 'term') return [parseTerm(text)];
    if (kind === 'word') {
      // Several words are one text.
      let words = text;
      for (; peek() === 'word'; at += 1) words += ` ${items[at].text}`;
      return [{ words: [words] }];
    }
    if (kind === 'not') return [opposite(operand())];
    if (kind !== 'open') throw new Error(t(at > 1 ? 'search.termAfter' : 'search.termBefore', { text: items[at - 2]?.text ?? text }));
    const leaves = sequence();
    if (peek() !== 'close') throw new Error(t('search.notClosed'));
    at += 1;
    return leaves;
  };
  const chain = (first) => {
    const nodes = [first];
    const kind = peek();
    while (peek() === 'and' || peek() === 'or') {
      if (peek() !== kind) throw new Error(t('search.andOr'));
      at += 1;
      nodes.push(operand());
    }
    if (kind === 'or' && nodes.length > 1) return [either(nodes)];
    return nodes.flat();
  };
  function sequence() {
    const leaves = [];
    while (peek() && peek() !== 'close') leaves.push(...chain(operand()));
    return leaves;
  }
  const leaves = before ? chain([before]) : [];
  leaves.push(...sequence());
  if (peek()) throw new Error(t('search.notOpened'));
  // The API takes one list of alternatives, which the members of one text need.
  const texts = leaves.filter(({ words }) => words);
  const hasAnd = items.some(({ kind }) => kind === 'and');
  if (texts.length > 1 && (hasAnd || texts.some(({ words }) => words.length > 1))) {
    throw new Error(t('search.oneText', { text: texts.map(written).join(' AND ') }));
  }
  return leaves;
}

/**
 * Reads what the box has.
 * @param {string[]} before the terms that are chips already; an OR at the start continues the last one
 * @returns {{keyword: string, terms: Term[], isJoined: boolean}} words, terms, and whether the first of these replaces the last chip
 * @throws {Error} that says what is wrong, and how it is written
 */
export function parseSearch(text, before = []) {
  const items = itemsOf(text, before);
  const starts = before.length && items[0]?.kind;
  const isJoined = starts === 'or';
  const leaves = read(starts === 'and' ? items.slice(1) : items, isJoined ? parseTerm(before.at(-1)) : null);
  return { keyword: wordsIn(leaves), terms: leaves.filter(({ words }) => !words), isJoined };
}

/** The words of a text that is being typed, whose terms may be unfinished; null where they are not certain yet. */
export function wordsOf(text, before = []) {
  const items = itemsOf(text, before);
  if (isPlain(items)) return items.filter(({ kind }) => kind === 'word').map((item) => item.text).join(' ');
  try {
    return parseSearch(text, before).keyword;
  } catch {
    return null;
  }
}

/** A text with what may be meant as an operator written as one: “-nova” and “or”; null where nothing may. */
export function withOperators(text) {
  const all = tokens(text);
  const isWord = (token) => /^[-!][\p{L}\d]/u.test(token) && !isTerm(token.slice(1));
  const rewritten = all.map((token) => (LOWER[token] ? token.toUpperCase() : isWord(token) ? `NOT ${token.slice(1)}` : token)).join(' ');
  return rewritten === all.join(' ') ? null : rewritten;
}

/** Whether a text ends with a space that turns its terms into chips. */
export function isEnded(text) {
  const items = lex(text);
  const last = items.at(-1);
  const isOpen = (text.match(/"/g) ?? []).length % 2 === 1
    || (depth(text) > 0 && (items.some(({ kind }) => kind === 'open') || /[:=~]\(/.test(text.replace(QUOTED, ''))));
  const goesOn = isOpen || !last || isOperator(last) || (last.kind === 'term' && /[:=~<>,]$/.test(last.text));
  return /\s$/.test(text) && !goesOn && items.some(({ kind }) => kind === 'term');
}

/** The search box: searches for words as they are typed, turns terms into chips, and suggests completions. */
import { $, announce, button, el, follow, on, renew, setText } from './dom.js';
import { t } from './language.js';
import { isEnded, parseSearch, prefixOf, withOperators, wordsOf } from './search-expression.js';
import {
  WORD_KEYS, alternatives, complete, excludingTerms, isDuration, isKey, isKeyStart, isTerm, parseTerm, quote, termStart, tokens, withZone,
  wordTerm, writeTerm,
} from './search-language.js';
import { isTimeStart, readTime, suggestTimes } from './search-times.js';

/** How long typing pauses before a request is sent, in milliseconds; counts for suggestions leave the answer its turn. */
const PAUSE = 150;
const COUNT_PAUSE = 400;
/** The most words that are looked for one by one, the members that are tried for each, and the suggestions of them. */
const MAX_WORDS = 3;
const MAX_TRIED = 2;
const MAX_TOGETHER = 3;

const pause = (millis) => new Promise((passed) => { setTimeout(passed, millis); });

/** @param {object} ask the clock of the server, `values` of a term, and `count`, the number of jobs after a change of the state */
export function wireSearch(state, go, ask) {
  const [box, list] = [$('search'), $('suggestions')];
  let typing = false;
  let timer = 0;
  let suggesting = null;
  let active = -1;
  /** The suggestions that the list has. */
  let offered = [];

  const setError = (text) => {
    showError(text);
    box.ariaInvalid = String(Boolean(text));
  };
  /** The words that are searched for; while it is not certain which these are, those of the state. */
  const words = () => wordsOf(box.value, state().terms) ?? state().keyword;
  const lastToken = () => (/\s$/.test(box.value) ? '' : tokens(box.value).at(-1) ?? '');

  /** The change of the state that a text makes: its words, and its terms as chips. @throws {Error} that says what is wrong */
  function changeOf(text) {
    const { keyword, terms, isJoined } = parseSearch(text, state().terms);
    const written = terms.flatMap((term) => withZone(term, state().zone).map(writeTerm));
    return { keyword, terms: [...new Set([...state().terms.slice(0, isJoined ? -1 : undefined), ...written])] };
  }

  /** Turns the terms into chips; where one is wrong, shows its error and leaves the box as it is. */
  function commit() {
    clearTimeout(timer);
    offer([]);
    // A single key is the beginning of a term.
    if (isKey(box.value.trim())) {
      box.value = termStart(box.value.trim());
      suggest();
      return;
    }
    const time = readTime(box.value, ask.now(), state().zone);
    if (time) {
      apply(time.change);
      return;
    }
    try {
      const change = changeOf(box.value);
      box.value = change.keyword;
      typing = false;
      go(change);
    } catch (error) {
      setError(error.message);
    }
  }

  /** Changes the state by a suggestion, which leaves some words in the box. */
  function apply(change, rest = '') {
    clearTimeout(timer);
    offer([]);
    setError('');
    box.value = rest;
    go({ ...change, keyword: wordsOf(rest, state().terms) ?? rest }, typing);
    typing = false;
  }

  /** Searches for the words when the typing pauses; they are one entry in the history. */
  function searchLater() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const token = lastToken();
      // What may become a key or a time is searched for when the box loses the focus, or at Enter.
      const isStart = isKeyStart(token.slice(prefixOf(token).length)) || isTimeStart(box.value);
      if (words() === state().keyword || (box.value && isStart)) return;
      go({ keyword: words() }, typing);
      typing = true;
    }, PAUSE);
  }

  /** Suggests what can come next: keys, operators and times immediately, values and counts when the server has answered. */
  async function suggest() {
    const token = lastToken();
    const prefix = prefixOf(token);
    const { options: bare, term, start, typed, had } = complete(token.slice(prefix.length));
    const options = bare.map((option) => ({ ...option, text: prefix + option.text }));
    const typedWords = wordsOf(box.value, state().terms) ?? '';
    const times = term ? [] : suggestTimes(typedWords, ask.now(), state().zone);
    offer([...options, ...sortsByDuration(token), ...asOperators(), ...times]);
    const isOfWords = !term && typedWords && !isKeyStart(typedWords.replace(/^[-!(]+/, '')) && !isDuration(token);
    if (!isOfWords && (!term || options.length || ['time', 'none', 'anywhere'].includes(term.kind))) return;
    const mine = new AbortController();
    suggesting = mine;
    const { value } = box;
    await pause(isOfWords ? COUNT_PAUSE : PAUSE);
    if (mine.signal.aborted) return;
    try {
      const found = isOfWords ? await members(typedWords, mine.signal) : await values(term, typed, had, mine.signal);
      if (mine.signal.aborted || box.value !== value || document.activeElement !== box) return;
      add(isOfWords ? found : found.map((one) => ({ text: prefix + start + one, about: '' })));
    } catch {
      // The box works without suggestions.
    }
  }

  async function values(term, typed, had, signal) {
    // Where one element of an array matches, the server answers with all of them.
    const matches = (value) => (term.kind === 'number'
      ? String(value).startsWith(typed)
      : String(value).toLowerCase().includes(typed.toLowerCase()));
    const found = await ask.values(term, typed, signal);
    return found.filter((value) => value !== null && typeof value !== 'object' && matches(value) && !had.includes(String(value)))
      .map((value) => (typeof value === 'string' ? quote(value) : value));
  }

  /** The search that the text may mean, with its operators as they are written. */
  function asOperators() {
    const text = withOperators(box.value);
    if (!text) return [];
    try {
      const { keyword: rest, ...change } = changeOf(text);
      return [{ text, about: t('search.asOperators'), change, rest }];
    } catch {
      // It means nothing, or needs more.
      return [];
    }
  }

  /** The order that answers a question for a duration, which no filter does. */
  function sortsByDuration(token) {
    const [, name, sign] = /^[-!(]*(\w+)(<?)/.exec(token) ?? [];
    if (!name || !isDuration(name)) return [];
    return [{
      text: t(sign ? 'search.shortestFirst' : 'search.longestFirst'), about: t('search.sortsList'),
      change: { view: 'jobs', sort: 'duration', desc: !sign },
    }];
  }

  /** The members that have the words, with the number of jobs that each term leaves. */
  async function members(typed, signal) {
    const texts = alternatives(typed);
    const count = (terms, keyword = '') => ask.count({ terms: [...state().terms, ...terms], keyword }, signal);
    const counted = async (terms, text) => ({ text, value: terms.join(' '), isAll: true, count: await count(terms) });
    const inMembers = (words, name) => Promise.all(
      WORD_KEYS.map((key) => counted([wordTerm(key, words)], t(`search.in.${key}`, { words: name }))));
    const together = async (parts) => {
      const best = await Promise.all(parts.map(async (part) => {
        const found = await inMembers(quote(part), part);
        return found.filter((one) => one.count).sort((a, b) => b.count - a.count).slice(0, MAX_TRIED);
      }));
      const combined = best.reduce((all, terms) => all.flatMap((some) => terms.map(({ value }) => [...some, value])), [[]]);
      const all = await Promise.all(combined.map((terms) => counted(terms, t('search.together', { terms: terms.join(' ') }))));
      return all.sort((a, b) => b.count - a.count).slice(0, MAX_TOGETHER);
    };
    const parts = texts.length === 1 ? [...new Set(texts[0].split(' '))] : [];
    const [inOne, inAny] = await Promise.all([inMembers(typed, texts.join(' OR ')), parts.length > 1 ? count([], typed) : null]);
    const isNowhere = inAny !== null && inOne.every((one) => !one.count) && parts.length <= MAX_WORDS;
    const found = isNowhere ? await together(parts) : inOne;
    const asOne = { text: t('search.asOneText', { words: texts.join(' OR ') }), count: inAny, change: {}, rest: typed };
    return [...(inAny === null ? [] : [asOne]), ...found.filter((one) => one.count)]
      .map((one) => ({ ...one, about: t('search.jobs', { count: one.count }) }));
  }

  function offer(options) {
    suggesting?.abort();
    active = -1;
    offered = [];
    box.removeAttribute('aria-activedescendant');
    list.replaceChildren();
    add(options);
  }

  /** Adds suggestions below those that the list has, so that the chosen one stays. */
  function add(options) {
    list.append(...options.map(({ text, about }, index) => el(
      'div', { id: `suggestion-${offered.length + index}`, role: 'option', ariaSelected: 'false' },
      el('span', {}, text), el('span', { className: 'quiet' }, about))));
    offered.push(...options);
    list.hidden = !offered.length || document.activeElement !== box;
    box.ariaExpanded = String(!list.hidden);
    if (!list.hidden) announce(t('search.suggestions', { count: offered.length }));
  }

  function move(by) {
    const { children } = list;
    if (list.hidden) {
      suggest();
      return;
    }
    if (active >= 0) children[active].ariaSelected = 'false';
    active = active < 0 && by < 0 ? children.length - 1 : (active + by + children.length) % children.length;
    children[active].ariaSelected = 'true';
    children[active].scrollIntoView({ block: 'nearest' });
    box.setAttribute('aria-activedescendant', children[active].id);
  }

  /** Takes a suggestion: a change of the state is made, a whole term becomes a chip, a part of one is put into the box. */
  function take({ text, value = text, isAll, change, rest }) {
    if (change) {
      apply(change, rest);
      return;
    }
    box.value = (isAll ? '' : box.value.slice(0, box.value.length - lastToken().length)) + value;
    const bare = value.slice(prefixOf(value).length);
    if (isTerm(bare) && complete(bare).typed && isEnded(`${box.value} `)) commit();
    else suggest();
  }

  const typed = () => {
    setError('');
    if (isEnded(box.value)) {
      commit();
    } else {
      searchLater();
      suggest();
    }
  };
  // While characters are composed, as those of Korean are, the box has a text that is not typed yet.
  on(box, 'input', (event) => event.isComposing || typed());
  on(box, 'compositionstart', () => {
    clearTimeout(timer);
    offer([]);
  });
  on(box, 'compositionend', typed);
  on(box, 'keydown', (event) => {
    // Safari ends a composition before the key that ends it, which has this code.
    if (event.isComposing || event.keyCode === 229) return;
    const acts = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => (active < 0 ? commit() : take(offered[active])),
      ...(active >= 0 && { Tab: () => take(offered[active]) }),
      Escape: () => (list.hidden ? box.blur() : offer([])),
      ...(!box.value && state().terms.length && { Backspace: () => {
        box.value = state().terms.at(-1);
        go({ terms: state().terms.slice(0, -1) });
        suggest();
      } }),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  });
  // At pointerdown, since by the click the box would have lost the focus, which closes the list.
  on(list, 'pointerdown', (event) => {
    event.preventDefault();
    const option = event.target.closest('[role=option]');
    if (option) take(offered[[...list.children].indexOf(option)]);
  });
  on(box, 'focus', () => box.value || suggest());
  on(box, 'blur', () => {
    offer([]);
    clearTimeout(timer);
    const time = readTime(box.value, ask.now(), state().zone);
    if (time) apply(time.change);
    else if (words() !== state().keyword) go({ keyword: words() }, typing);
    typing = false;
  });
}

export function showSearch(state, go) {
  const box = $('search');
  follow(box, state.keyword);
  renew($('chips'), state.terms, () => {
    const wrong = state.terms.find(errorOf);
    const excluding = wrong ? null : excludingTerms(state.terms);
    showError(wrong ? t('search.leftOut', { term: wrong, error: errorOf(wrong) }) : excluding ? t('search.excluding', excluding) : '');
    return state.terms.map((term, index) => chip(term, index, state, go));
  });
}

function chip(term, index, state, go) {
  const box = $('search');
  const error = errorOf(term);
  const remove = () => {
    go({ terms: state.terms.toSpliced(index, 1) });
    box.focus();
  };
  const edit = () => {
    box.value = term;
    remove();
  };
  return el('li', { className: error ? 'chip wrong' : 'chip' },
    button(term, edit, { title: error || t('search.changeIt'), ariaLabel: t('search.change', { term, error }).trim() }),
    button('×', remove, { ariaLabel: t('search.remove', { term }) }));
}

function showError(text) {
  $('search-error').hidden = !text;
  setText($('search-error'), text);
}

/** What is wrong with a term; empty where nothing is. */
function errorOf(term) {
  try {
    return parseTerm(term) ? '' : t('search.noTerm');
  } catch (error) {
    return error.message;
  }
}

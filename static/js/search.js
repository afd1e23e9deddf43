/** The search box: searches for words as they are typed, turns terms into chips, and suggests completions. */
import { $, announce, button, el, follow, on, renew, setText } from './dom.js';
import { isEnded, parseSearch, prefixOf, wordsOf } from './search-expression.js';
import { complete, isKey, isKeyStart, isTerm, parseTerm, quote, textTerms, tokens, withZone, writeTerm } from './search-language.js';

/** How long typing pauses before the server is asked, in milliseconds. */
const PAUSE = 150;

/** @param {(term: object, typed: string, signal: AbortSignal) => Promise<any[]>} values loads the values of a term */
export function wireSearch(state, go, values) {
  const [box, list] = [$('search'), $('suggestions')];
  let typing = false;
  let timer = 0;
  let suggesting = null;
  let active = -1;

  const setError = (text) => {
    showError(text);
    box.ariaInvalid = String(Boolean(text));
  };
  /** The words that are searched for; while it is not certain which these are, those of the state. */
  const words = () => wordsOf(box.value, state().terms) ?? state().keyword;
  const lastToken = () => (/\s$/.test(box.value) ? '' : tokens(box.value).at(-1) ?? '');

  /** Turns the terms into chips; where one is wrong, shows its error and leaves the box as it is. */
  function commit() {
    clearTimeout(timer);
    offer([]);
    // A single key is the beginning of a term.
    if (isKey(box.value.trim())) {
      box.value = `${box.value.trim()}:`;
      suggest();
      return;
    }
    try {
      const { keyword, terms, isJoined } = parseSearch(box.value, state().terms);
      const written = terms.flatMap((term) => withZone(term, state().zone).map(writeTerm));
      box.value = keyword;
      typing = false;
      go({ keyword, terms: [...new Set([...state().terms.slice(0, isJoined ? -1 : undefined), ...written])] });
    } catch (error) {
      setError(error.message);
    }
  }

  /** Searches for the words when the typing pauses; they are one entry in the history. */
  function searchLater() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const token = lastToken();
      // A word that may become a key is searched for when the box loses the focus, or at Enter.
      if (words() === state().keyword || (box.value && isKeyStart(token.slice(prefixOf(token).length)))) return;
      go({ keyword: words() }, typing);
      typing = true;
    }, PAUSE);
  }

  /** Suggests what can come next: keys and operators immediately, values when the server has answered. */
  async function suggest() {
    const token = lastToken();
    const prefix = prefixOf(token);
    const { options: bare, term, start, typed } = complete(token.slice(prefix.length));
    const options = bare.map((option) => ({ ...option, text: prefix + option.text }));
    offer([...options, ...textTerms(wordsOf(box.value, state().terms) ?? '')]);
    if (!term || options.length || ['time', 'none'].includes(term.kind)) return;
    const mine = new AbortController();
    suggesting = mine;
    await new Promise((passed) => { setTimeout(passed, PAUSE); });
    if (mine.signal.aborted) return;
    try {
      const found = await values(term, typed, mine.signal);
      // Where one element of an array matches, the server answers with all of them.
      const matches = (value) => (term.kind === 'number'
        ? String(value).startsWith(typed)
        : String(value).toLowerCase().includes(typed.toLowerCase()));
      const matching = found.filter((value) => value !== null && typeof value !== 'object' && matches(value));
      if (lastToken() !== token || document.activeElement !== box) return;
      offer(matching.map((value) => ({ text: prefix + start + (typeof value === 'string' ? quote(value) : value), about: '' })));
    } catch {
      // The box works without suggestions.
    }
  }

  function offer(options) {
    suggesting?.abort();
    active = -1;
    box.removeAttribute('aria-activedescendant');
    list.hidden = !options.length || document.activeElement !== box;
    box.ariaExpanded = String(!list.hidden);
    list.replaceChildren(...options.map(({ text, about, isAll }, index) => el(
      'div', { id: `suggestion-${index}`, role: 'option', ariaSelected: 'false', data: { text, isAll: isAll ?? '' } },
      el('span', {}, text), el('span', { className: 'quiet' }, about))));
    if (!list.hidden) announce(`${options.length} suggestions`);
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

  /** Takes a suggestion: a whole term becomes a chip, a part of one is put into the box. */
  function take({ dataset: { text, isAll } }) {
    box.value = (isAll ? '' : box.value.slice(0, box.value.length - lastToken().length)) + text;
    const bare = text.slice(prefixOf(text).length);
    if (isTerm(bare) && complete(bare).typed && isEnded(`${box.value} `)) commit();
    else suggest();
  }

  on(box, 'input', () => {
    setError('');
    if (isEnded(box.value)) {
      commit();
    } else {
      searchLater();
      suggest();
    }
  });
  on(box, 'keydown', (event) => {
    const acts = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => (active < 0 ? commit() : take(list.children[active])),
      ...(active >= 0 && { Tab: () => take(list.children[active]) }),
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
    if (option) take(option);
  });
  on(box, 'focus', () => box.value || suggest());
  on(box, 'blur', () => {
    offer([]);
    clearTimeout(timer);
    if (words() !== state().keyword) go({ keyword: words() }, typing);
    typing = false;
  });
}

export function showSearch(state, go) {
  const box = $('search');
  follow(box, state.keyword);
  renew($('chips'), state.terms, () => {
    const wrong = state.terms.find(errorOf);
    showError(wrong ? `${wrong} is left out: ${errorOf(wrong)}` : '');
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
    button(term, edit, { title: error || 'Change it', ariaLabel: `Change ${term} ${error}` }),
    button('×', remove, { ariaLabel: `Remove ${term}` }));
}

function showError(text) {
  $('search-error').hidden = !text;
  setText($('search-error'), text);
}

/** What is wrong with a term; empty where nothing is. */
function errorOf(term) {
  try {
    return parseTerm(term) ? '' : 'This is no term.';
  } catch (error) {
    return error.message;
  }
}

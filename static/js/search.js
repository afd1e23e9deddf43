/** The search box: words are looked for as they are typed, terms become chips, what may follow is offered. */
import { $, button, el, follow, on, renew, say, setText } from './dom.js';
import { complete, isKey, isKeyStart, isTerm, parseTerm, quote, textTerms, tokens, withZone, writeTerm } from './terms.js';

/** How long typing pauses before the server is asked, in milliseconds. */
const PAUSE = 150;

/** @param {(term: object, typed: string, signal: AbortSignal) => Promise<any[]>} values */
export function wireSearch(state, go, values) {
  const [box, list] = [$('search'), $('suggestions')];
  let typing = false;
  let timer = 0;
  let asking = null;
  let active = -1;

  const fault = (text) => {
    showFault(text);
    box.ariaInvalid = String(Boolean(text));
  };
  const plain = () => tokens(box.value).filter((token) => !isTerm(token));
  const words = () => plain().join(' ').replaceAll('"', '');
  const lastToken = () => (/\s$/.test(box.value) ? '' : tokens(box.value).at(-1) ?? '');

  /** Makes chips of the terms; where one is wrong, says so and leaves all as it is. */
  function commit() {
    clearTimeout(timer);
    offer([]);
    // A key alone is the beginning of a term.
    if (plain().length === 1 && isKey(box.value.trim())) {
      box.value = `${box.value.trim()}:`;
      suggest();
      return;
    }
    try {
      const typed = tokens(box.value).filter(isTerm).flatMap((token) => withZone(parseTerm(token), state().zone).map(writeTerm));
      const keyword = words();
      box.value = keyword;
      typing = false;
      go({ keyword, terms: [...new Set([...state().terms, ...typed])] });
    } catch (error) {
      fault(error.message);
    }
  }

  /** Looks for the words when the typing pauses; a word is one entry in the history. */
  function look() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // What may become a key is looked for when the box is left, or with Enter.
      if (words() === state().keyword || (box.value && isKeyStart(lastToken()))) return;
      go({ keyword: words() }, typing);
      typing = true;
    }, PAUSE);
  }

  /** Offers what may come next, the server's values when they come. */
  async function suggest() {
    const token = lastToken();
    const { options, term, start, typed } = complete(token);
    offer([...options, ...textTerms(words())]);
    if (!term || options.length || ['time', 'none'].includes(term.kind)) return;
    const mine = new AbortController();
    asking = mine;
    await new Promise((passed) => { setTimeout(passed, PAUSE); });
    if (mine.signal.aborted) return;
    try {
      const found = await values(term, typed, mine.signal);
      // Of an array the server offers every element, also beside the one that matches.
      const isMeant = (value) => (term.kind === 'number' ? String(value).startsWith(typed) : String(value).toLowerCase().includes(typed.toLowerCase()));
      const flat = found.filter((value) => value !== null && typeof value !== 'object' && isMeant(value));
      if (lastToken() === token && document.activeElement === box) offer(flat.map((value) => ({ text: start + (typeof value === 'string' ? quote(value) : value), about: '' })));
    } catch {
      // The box works without.
    }
  }

  function offer(options) {
    asking?.abort();
    active = -1;
    box.removeAttribute('aria-activedescendant');
    list.hidden = !options.length || document.activeElement !== box;
    box.ariaExpanded = String(!list.hidden);
    list.replaceChildren(...options.map(({ text, about, isAll }, index) => el('div', { id: `suggestion-${index}`, role: 'option', ariaSelected: 'false', data: { text, isAll: isAll ?? '' } },
      el('span', {}, text), el('span', { className: 'quiet' }, about))));
    if (!list.hidden) say(`${options.length} suggestions`);
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

  /** Takes a suggestion: a whole term becomes a chip, a part of one is typed. */
  function take({ dataset: { text, isAll } }) {
    box.value = (isAll ? '' : box.value.slice(0, box.value.length - lastToken().length)) + text;
    if (isTerm(text) && complete(text).typed) commit();
    else suggest();
  }

  on(box, 'input', () => {
    fault('');
    const isEnded = /\s$/.test(box.value) && tokens(box.value).some(isTerm) && (box.value.match(/"/g) ?? []).length % 2 === 0;
    if (isEnded) {
      commit();
    } else {
      look();
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
  // Before the box loses the focus, and the list with it.
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
    const faulty = state.terms.find(faultOf);
    showFault(faulty ? `${faulty} is left out: ${faultOf(faulty)}` : '');
    return state.terms.map((term, index) => chip(term, index, state, go));
  });
}

function chip(term, index, state, go) {
  const box = $('search');

  const fault = faultOf(term);
  const remove = () => {
    go({ terms: state.terms.toSpliced(index, 1) });
    box.focus();
  };
  const edit = () => {
    box.value = term;
    remove();
  };
  return el('li', { className: fault ? 'chip faulty' : 'chip' }, button(term, edit, { title: fault || 'Change it', ariaLabel: `Change ${term} ${fault}` }),
    button('×', remove, { ariaLabel: `Remove ${term}` }));
}

function showFault(text) {
  $('search-fault').hidden = !text;
  setText($('search-fault'), text);
}

function faultOf(term) {
  try {
    return parseTerm(term) ? '' : 'This is no term.';
  } catch (error) {
    return error.message;
  }
}

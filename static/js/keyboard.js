/** Keyboard shortcuts; they do nothing while somebody types into a field. */
import { $, el, on } from './dom.js';
import { t } from './language.js';

/** The keys, each with the text of its description in the help and the name of its act. */
const KEYS = [
  ['/', 'keys.search', 'search'],
  ['Ctrl+K', 'keys.searchAnywhere', 'search'],
  ['j', 'keys.next', 'down'],
  ['k', 'keys.previous', 'up'],
  ['J', 'keys.nextFailed', 'nextFailed'],
  ['K', 'keys.previousFailed', 'previousFailed'],
  ['Enter', 'keys.open', ''],
  ['Escape', 'keys.close', 'close'],
  ['[', 'keys.previousPage', 'previousPage'],
  [']', 'keys.nextPage', 'nextPage'],
  ['n', 'keys.news', 'news'],
  ['r', 'keys.refresh', 'refresh'],
  ['?', 'keys.help', 'help'],
];
/** The keys that have other characters on some keyboards, by their code: alone, and with Shift. */
const BY_CODE = { Slash: ['/', '?'], BracketLeft: ['['], BracketRight: [']'] };
/** What a Cyrillic keyboard has on the key of the slash: all others of its letters are not of ASCII. */
const ON_SLASH = ['.', ','];

/** The key that is meant: by its place on the keyboard where it types no Latin character. */
function meant({ key, code, shiftKey }) {
  const isLatin = /^[\x20-\x7e]$/.test(key) || (key.length > 1 && key !== 'Process' && key !== 'Unidentified');
  if (isLatin && !(code === 'Slash' && ON_SLASH.includes(key))) return key;
  if (code in BY_CODE) return BY_CODE[code][Number(shiftKey)] ?? key;
  const [, letter] = /^Key([A-Z])$/.exec(code) ?? [];
  return letter ? letter[shiftKey ? 'toUpperCase' : 'toLowerCase']() : key;
}

export function wireKeyboard(acts) {
  const name = (key) => (key === 'Ctrl+K' && /Mac|iP/.test(navigator.platform) ? '⌘K' : key);
  $('keys').replaceChildren(...KEYS.flatMap(([key, text]) => [el('dt', {}, el('kbd', {}, name(key))), el('dd', {}, t(text))]));
  on(window, 'keydown', (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const key = meant(event);
    // Also from a field, and from the help, which shows it.
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key.toLowerCase() === 'k') {
      const dialog = document.querySelector('dialog[open]');
      if (dialog && dialog !== $('help')) return;
      event.preventDefault();
      dialog?.close();
      acts.search();
      return;
    }
    // Brackets are typed with AltGr on many keyboards, which is Ctrl and Alt to some systems.
    const isShortcut = event.metaKey || (event.ctrlKey && !event.altKey) || (event.altKey && /^[a-z]$/i.test(key));
    if (isShortcut || document.querySelector('dialog[open]')) return;
    if (key !== 'Escape' && event.target.closest?.('input, select, textarea')) return;
    const act = KEYS.find(([one]) => one === key)?.[2];
    if (!act) return;
    // Otherwise the key would be typed into the field that gets the focus.
    event.preventDefault();
    acts[act]();
  });
}

/** Keyboard shortcuts; they do nothing while somebody types into a field. */
import { $, el, on } from './dom.js';
import { t } from './language.js';

/** The keys, each with the name of its act, which its description in the help has, too. */
const KEYS = Object.entries({
  '/': 'search', j: 'down', k: 'up', Enter: 'open', Escape: 'close', '[': 'previousPage', ']': 'nextPage', n: 'news', r: 'refresh',
  '?': 'help',
});

/** The act of a key; a letter of another script is the Latin one in its position. */
function actOf({ key, code }) {
  const latin = /^\P{ASCII}/u.test(key) ? code.replace(/^Key/, '').toLowerCase() : key;
  return KEYS.find(([known]) => known === latin)?.[1];
}

export function wireKeyboard(acts) {
  $('keys').replaceChildren(...KEYS.flatMap(([key, act]) => [el('dt', {}, el('kbd', {}, key)), el('dd', {}, t(`key.${act}`))]));
  on(window, 'keydown', (event) => {
    // Brackets are typed with AltGr on many keyboards, which is Ctrl and Alt to some systems.
    const isShortcut = event.metaKey || (event.ctrlKey && !event.altKey) || (event.altKey && /^[a-z]$/i.test(event.key));
    if (isShortcut || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.key !== 'Escape' && event.target.closest?.('input, select, textarea')) return;
    const act = acts[actOf(event)];
    if (!act) return;
    // Otherwise the key would be typed into the field that gets the focus.
    event.preventDefault();
    act();
  });
}

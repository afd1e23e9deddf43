/** Keyboard shortcuts; they do nothing while somebody types into a field. */
import { $, el, on } from './dom.js';

/** The keys, each with its description in the help and the name of its act. */
const KEYS = [
  ['/', 'Search', 'search'],
  ['j', 'Next row, or next job', 'down'],
  ['k', 'Previous row, or previous job', 'up'],
  ['J', 'Next failed job', 'nextFailed'],
  ['K', 'Previous failed job', 'previousFailed'],
  ['Enter', 'Open the job', ''],
  ['Escape', 'Close', 'close'],
  ['[', 'Previous page', 'previousPage'],
  [']', 'Next page', 'nextPage'],
  ['r', 'Refresh', 'refresh'],
  ['?', 'This map', 'help'],
];

export function wireKeyboard(acts) {
  $('keys').replaceChildren(...KEYS.flatMap(([key, label]) => [el('dt', {}, el('kbd', {}, key)), el('dd', {}, label)]));
  on(window, 'keydown', (event) => {
    // Brackets are typed with AltGr on many keyboards, which is Ctrl and Alt to some systems.
    const isShortcut = event.metaKey || (event.ctrlKey && !event.altKey) || (event.altKey && /^[a-z]$/i.test(event.key));
    if (isShortcut || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.key !== 'Escape' && event.target.closest?.('input, select, textarea')) return;
    const act = KEYS.find(([key]) => key === event.key)?.[2];
    if (!act) return;
    // Otherwise the key would be typed into the field that gets the focus.
    event.preventDefault();
    acts[act]();
  });
}

/** The keys of the page; none of them works while something is typed. */
import { $, el, on } from './dom.js';

/** Key, what it does for who reads the map, and the name of the act. */
const KEYS = [
  ['/', 'Search', 'search'],
  ['j', 'Next row, or next job', 'down'],
  ['k', 'Previous row, or previous job', 'up'],
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
    // Or the key would be typed into the box that it leads to.
    event.preventDefault();
    acts[act]();
  });
}

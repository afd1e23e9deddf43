/** The dialog that asks before something is destroyed, and the note that says what was done. */
import { $, el, setText } from './dom.js';

/** How long a note is shown, in milliseconds. */
const NOTE_MILLIS = 6000;
let timer = 0;

/**
 * Asks whether to destroy something; the focus is on Cancel.
 * @param {{title: string, text: string, act: string}} texts what is destroyed, how much of it, and the label of the button
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, act }) {
  const dialog = $('confirm');
  setText($('confirm-title'), title);
  setText($('confirm-text'), text);
  setText($('confirm-act'), act);
  dialog.returnValue = '';
  dialog.showModal();
  $('confirm-cancel').focus();
  return new Promise((answer) => {
    dialog.addEventListener('close', () => answer(dialog.returnValue === 'yes'), { once: true });
  });
}

/** Shows what was done for a short time, and has a screen reader read it. */
export function note(text) {
  clearTimeout(timer);
  $('note').replaceChildren(el('span', {}, text));
  timer = setTimeout(() => $('note').replaceChildren(), NOTE_MILLIS);
}

/** Who asks: the token that a server may want. It is kept for this tab alone, and goes nowhere but into a header. */
import { $, on, setText, withStorage } from './dom.js';

const NAME = 'jobdeck.token';
/** Where the browser keeps nothing, the token lasts as long as the page. */
let mine = '';

export const token = () => withStorage((kept) => kept.getItem(NAME), 'sessionStorage') ?? mine;

function keep(given) {
  mine = given;
  withStorage((kept) => kept.setItem(NAME, given), 'sessionStorage');
  $('token-forget').hidden = !given;
}

/** The headers by which the server knows who asks. */
export const credentials = () => token() && { authorization: `Bearer ${token()}` };

/** Asks for a token, since the server does not answer without one, or not to the one that it got. */
export function askForToken() {
  setText($('token-fault'), token() && 'The server does not know this token.');
  if (!$('token-dialog').open) $('token-dialog').showModal();
}

/** @param {() => void} enter asks again for all that is shown; nothing of before may be taken for an answer */
export function wireToken(enter) {
  $('token-forget').hidden = !token();
  on($('token-form'), 'submit', (event) => {
    event.preventDefault();
    keep($('token').value);
    event.target.reset();
    $('token-dialog').close();
    enter();
  });
  on($('token-forget'), 'click', () => {
    keep('');
    // Nothing of what it let see stays, in the address neither.
    location.assign(location.pathname);
  });
}

/** The token for a server with `--tokens`: stored for this tab alone, and sent only in a header. */
import { $, on, setText } from './dom.js';
import { withStorage } from './storage.js';

const NAME = 'jobdeck.token';
/** The token where the browser stores nothing; it is forgotten with the page. */
let unstored = '';

export const token = () => withStorage((storage) => storage.getItem(NAME), 'sessionStorage') ?? unstored;

function store(given) {
  unstored = given;
  withStorage((storage) => storage.setItem(NAME, given), 'sessionStorage');
  $('token-forget').hidden = !given;
}

/** The header that authenticates a request; empty without a token. */
export const credentials = () => token() && { authorization: `Bearer ${token()}` };

/** Asks the user for a token, since the server requires one, or does not accept the present one. */
export function askForToken() {
  setText($('token-error'), token() && 'The server does not know this token.');
  if (!$('token-dialog').open) $('token-dialog').showModal();
}

/** @param {() => void} enter forgets what was loaded with another token, and loads again */
export function wireToken(enter) {
  $('token-forget').hidden = !token();
  on($('token-form'), 'submit', (event) => {
    event.preventDefault();
    store($('token').value);
    event.target.reset();
    $('token-dialog').close();
    enter();
  });
  on($('token-forget'), 'click', () => {
    store('');
    // Nothing that the token gave access to stays: not on the page, and not in the address.
    location.assign(location.pathname);
  });
}

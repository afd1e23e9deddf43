/** The dialog that asks for the token of a server that requires one. */
import { $, el, on, setText } from './dom.js';
import { parts, t } from './language.js';
import { storeToken, token } from './token.js';

function store(given) {
  storeToken(given);
  $('token-forget').hidden = !given;
}

/** Asks the user for a token, since the server requires one, or does not accept the present one. */
export function askForToken() {
  setText($('token-error'), token() && t('token.unknown'));
  if (!$('token-dialog').open) $('token-dialog').showModal();
}

/** @param {() => void} enter forgets what was loaded with another token, and loads again */
export function wireToken(enter) {
  $('token-forget').hidden = !token();
  $('token-stored').replaceChildren(...parts('token.stored', { command: el('code', {}, 'jobdeck token new') }));
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

/** The field for the token of a server that wants one; the token is the same as that of the page of the jobs. */
import { $ } from './docs.js';
import { storeToken, token } from './js/token.js';

/** Shows the field; `problem` is what is wrong with the present token. */
export function showTokenForm(problem = '') {
  $('token-form').hidden = false;
  $('token-forget').hidden = !token();
  $('token-state').textContent = problem || (token() ? 'A token is sent with every request.' : '');
}

/** @param {() => void} enter reads the description again */
export function wireTokenForm(enter) {
  $('token-form').onsubmit = (event) => {
    event.preventDefault();
    storeToken($('token').value);
    event.target.reset();
    enter();
  };
  $('token-forget').onclick = () => {
    storeToken('');
    enter();
  };
}

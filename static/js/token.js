/** The token for a server with `--tokens`: stored for this tab alone, and sent only in a header. */
import { STORED_AS } from './root.js';
import { withStorage } from './storage.js';

const NAME = `${STORED_AS}.token`;
/** The token where the browser stores nothing; it is forgotten with the page. */
let unstored = '';

export const token = () => withStorage((storage) => storage.getItem(NAME), 'sessionStorage') ?? unstored;

/** Stores a token, or with an empty text forgets it. */
export function storeToken(given) {
  unstored = given;
  withStorage((storage) => storage.setItem(NAME, given), 'sessionStorage');
}

/** The header that authenticates a request; empty without a token. */
export const credentials = () => token() && { authorization: `Bearer ${token()}` };

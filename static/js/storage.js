/** Browser storage: remembers settings of the page; where the browser stores nothing, the defaults apply. */
import { STORED_AS } from './root.js';

/** Runs an act on a storage of the browser; null where the browser refuses it. */
export function withStorage(act, storage = 'localStorage') {
  try {
    return act(globalThis[storage]);
  } catch {
    return null;
  }
}
export const remembered = (name) => withStorage((storage) => storage.getItem(`${STORED_AS}.${name}`));
export const remember = (name, value) => withStorage((storage) => storage.setItem(`${STORED_AS}.${name}`, value));

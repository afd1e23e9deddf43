/** Sends a request, and reads its answer up to a bound. */
import { at } from './js/root.js';

/** The bytes of an answer that are shown. */
const MAX_BYTES = 100_000;

/** The headers of an answer that are worth a look. */
const HEADERS = ['content-type', 'content-disposition', 'etag', 'cache-control', 'x-request-id', 'preference-applied', 'retry-after',
  'allow', 'location', 'www-authenticate'];

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} phrase such as "OK"
 * @property {number} millis until all that is shown was there
 * @property {[string, string][]} headers
 * @property {string} text the body, or its beginning
 * @property {'whole'|'cut'|'broken'} state of the body: whether it is whole, longer than what is shown, or ended too early
 */

/** @returns {Promise<Answer>} rejects where no answer comes */
export async function send({ method, path, headers, body }, signal) {
  const start = performance.now();
  const response = await fetch(at(path), { method, headers, body, signal, cache: 'no-store' });
  const { text, state } = await beginning(response, signal);
  return {
    status: response.status,
    phrase: response.statusText,
    millis: performance.now() - start,
    headers: HEADERS.flatMap((name) => (response.headers.has(name) ? [[name, response.headers.get(name)]] : [])),
    text,
    state,
  };
}

async function beginning(response, signal) {
  const reader = response.body?.getReader();
  const chunks = [];
  let size = 0;
  let state = 'whole';
  try {
    // A stream of events has no end: what comes first is shown.
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    while (reader && size <= MAX_BYTES && !(isStream && size)) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.length;
    }
    if (size > MAX_BYTES || isStream) {
      state = 'cut';
      await reader.cancel();
    }
  } catch (error) {
    if (signal.aborted) throw error;
    state = 'broken';
  }
  const bytes = await new Blob(chunks).slice(0, MAX_BYTES).arrayBuffer();
  return { text: new TextDecoder().decode(bytes), state };
}

/** The one place that fetches. */
import { credentials } from './token.js';

/** What came instead of data; `requestId` is empty where no answer came, and `status` is missing. */
export class ApiError extends Error {
  constructor(message, requestId, status) {
    super(message);
    Object.assign(this, { requestId, status });
  }
}

/** What every visit begins with; it was asked for before the rest of the page was there, by early.js. */
const early = globalThis.early ?? {};

function send(path, options) {
  const begun = early[path];
  delete early[path];
  // The journal of a mock is of what its clients send, not of this.
  return begun ?? fetch(path, { ...options, headers: { ...options.headers, ...credentials(), 'x-jobdeck-page': '1' } });
}

/** Keeps an integer that no number holds as the text that it was, where the browser can. */
function keepLarge(key, value, context) {
  const isLost = Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source;
  return isLost && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

async function request(path, options = {}, isFile = false) {
  let response;
  let text;
  try {
    response = await send(path, options);
    if (isFile && response.ok) return { response, body: await response.blob() };
    text = await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('The server does not answer.', '');
  }
  const requestId = response.headers.get('x-request-id') ?? '';
  if (response.status === 304) return { response };
  let body;
  try {
    body = JSON.parse(text, keepLarge);
  } catch {
    throw new ApiError(`The answer is not JSON (HTTP ${response.status}).`, requestId);
  }
  if (!response.ok) throw new ApiError(body?.detail?.message ?? `HTTP ${response.status}`, requestId, response.status);
  return { response, body };
}

/**
 * @typedef {{path: string, body: object}} Request as it can be shown and sent again
 * @param {Request} request
 * @returns {Promise<{results: any[], total_count?: number}>}
 */
export async function ask({ path, body }, signal) {
  const headers = { 'content-type': 'application/json' };
  return (await request(path, { method: 'POST', signal, body: JSON.stringify(body), headers })).body;
}

/**
 * The server, with the clock of a domain, or its own.
 * @returns {Promise<{database: string, now: string, is_frozen: boolean, is_mock: boolean, fixtures_problem: string?}>}
 */
export const about = async (domain, signal) => (await request(`/jobdeck/about${domain && `?domain_id=${encodeURIComponent(domain)}`}`, { signal })).body;

/**
 * The version of what is at a path, and the answer where that version is not the one known already.
 * @returns {Promise<{version: string, body?: {results: any[], total_count?: number}}>}
 */
export async function look(path, known, signal) {
  const { response, body } = await request(path, { signal, cache: 'no-store', headers: known ? { 'if-none-match': known } : {} });
  return { version: response.headers.get('etag') ?? '', body };
}

/** Has a mock do something. */
export const act = (method, path) => request(path, { method });

/** The content of a file, since a link can't send a token. */
export const file = async (path) => (await request(path, {}, true)).body;

/** The requests to the server; no other module fetches. */
import { t } from './language.js';
import { at } from './root.js';
import { credentials } from './token.js';

/** An error instead of data. Where no answer came, `requestId` is empty and `status` is missing. */
export class ApiError extends Error {
  constructor(message, requestId, status) {
    super(message);
    Object.assign(this, { requestId, status });
  }
}

/** The answers to come to the requests that preload.js has sent, by path. */
const preloaded = globalThis.preloaded ?? {};

/** Takes the answer to come to a request that preload.js has sent, once. */
function preloadedAnswer(path) {
  const answer = preloaded[path];
  delete preloaded[path];
  return answer;
}

// A mock leaves requests with this header out of its journal, which is for those of its clients.
const send = (path, options) => fetch(at(path), { ...options, headers: { ...options.headers, ...credentials(), 'x-jobdeck-page': '1' } });

/** Sends a request and reads its answer: as a blob, if that is a file, else as a text. */
async function read(path, options, isFile) {
  const response = await send(path, options);
  return isFile && response.ok ? { response, file: await response.blob() } : { response, text: await response.text() };
}

/** Reads an integer that no number of JavaScript holds as its own text, where the browser supports that. */
function keepLarge(key, value, context) {
  const isLost = Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source;
  return isLost && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}

/** Sends a request; returns the response with its body: parsed JSON, a blob for a file, or none after 204 and 304. */
async function request(path, options = {}, isFile = false) {
  let answer;
  try {
    answer = await (preloadedAnswer(path) ?? read(path, options, isFile));
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(t('error.noAnswer'), '');
  }
  const { response, text, file: content } = answer;
  if (content) return { response, body: content };
  const requestId = response.headers.get('x-request-id') ?? '';
  if ([204, 304].includes(response.status)) return { response };
  let body;
  try {
    body = JSON.parse(text, keepLarge);
  } catch {
    throw new ApiError(t('error.notJson', { status: `${response.status}` }), requestId);
  }
  if (!response.ok) throw new ApiError(body?.detail?.message ?? `HTTP ${response.status}`, requestId, response.status);
  return { response, body };
}

/**
 * @typedef {{path: string, method?: string, body?: object}} Request as it can be shown and sent again; the path is relative, as
 *   root.js has it
 * @param {Request} request
 * @returns {Promise<{results: any[], total_count?: number}>}
 */
export async function ask({ path, body }, signal) {
  const headers = { 'content-type': 'application/json' };
  return (await request(path, { method: 'POST', signal, body: JSON.stringify(body), headers })).body;
}

/**
 * Describes the server, with the clock of a domain, or with its own.
 * @returns {Promise<{database: string, now: string, is_frozen: boolean, speed: number, is_mock: boolean, data_changed_at: string?,
 *   sends_notifications: boolean, fixtures_problem: string?}>}
 */
export async function about(domain, signal) {
  const query = domain && `?domain_id=${encodeURIComponent(domain)}`;
  return (await request(`jobdeck/about${query}`, { signal })).body;
}

/**
 * Reads a path, unless its version is the known one; then there is no body.
 * @returns {Promise<{version: string, body?: {results: any[], total_count?: number}}>}
 */
export async function readIfChanged(path, known, signal) {
  const headers = known ? { 'if-none-match': known } : {};
  const { response, body } = await request(path, { signal, cache: 'no-store', headers });
  return { version: response.headers.get('etag') ?? '', body };
}

/**
 * Reads the stream of events: yields the version of each, and an empty text for bytes that only show that the stream is alive.
 * @param {string} known the version that the page has
 */
export async function* events(known, signal) {
  const response = await send('jobdeck/events', { signal, cache: 'no-store', headers: known && { 'last-event-id': known } });
  if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    throw new ApiError('', '', response.status);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (text + value).split('\n');
    text = lines.pop();
    yield lines.findLast((line) => line.startsWith('id: '))?.slice(4) ?? '';
  }
}

/** Sends a request that changes something; returns the body of its answer. A body that is a text is sent as it is. */
export async function act(method, path, body) {
  const content = { body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  return (await request(path, { method, ...(body === undefined ? {} : content) })).body;
}

/** Reads a file, since a link can't send a token; returns its content and its name. */
export async function file(path) {
  const { response, body } = await request(path, {}, true);
  const [, whole, ascii] = /filename\*=UTF-8''([^;]*)|filename="([^"]*)"$/.exec(response.headers.get('content-disposition')) ?? [];
  return { content: body, name: whole ? decodeURIComponent(whole) : ascii };
}

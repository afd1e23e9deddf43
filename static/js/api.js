/** The one place that fetches. */

/** What the server, or the way to it, answered instead of data. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {string} requestId empty where there was no answer
   */
  constructor(message, requestId) {
    super(message);
    this.requestId = requestId;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { accept: 'application/json', ...options?.headers } });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('The server does not answer.', '');
  }
  const requestId = response.headers.get('x-request-id') ?? '';
  const text = await response.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(`The answer is not JSON (HTTP ${response.status}).`, requestId);
  }
  if (!response.ok) throw new ApiError(body?.detail?.message ?? `HTTP ${response.status}`, requestId);
  return body;
}

const post = (path, body, signal) => request(path, {
  method: 'POST', signal, body: JSON.stringify(body), headers: { 'content-type': 'application/json' },
});

/** @returns {Promise<{results: {domain_id: string, jobs: number}[]}>} */
export const domains = (signal) => request('/jobdeck/domains', { signal });

/** @returns {Promise<{results: object[], total_count: number}>} */
export const search = (body, signal) => post('/inventory/v1/jobs/search', body, signal);

/** @returns {Promise<{results: object[]}>} */
export const stat = (body, signal) => post('/inventory/v1/jobs/stat', body, signal);

/** Writes a request as a curl command. */
import { at } from './root.js';
import { token } from './token.js';

/** The curl command of a request, whose path is relative. Within single quotes only a single quote is special to a shell. */
export function curl({ path, body = null, method = 'POST', headers = {} }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const option = method === 'HEAD' ? ' -I' : method === (body === null ? 'GET' : 'POST') ? '' : ` -X ${quoted(method)}`;
  // -g and --data-raw take brackets in the address and an @ at the start of the body literally.
  const data = body === null ? '' : ` --data-raw ${quoted(textOf(body))}`;
  const all = { ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers };
  const lines = Object.entries(all).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`).join('');
  // The command names a variable instead of the token, so that it can be shown to others.
  const authorization = token() && ' -H "authorization: Bearer $JOBDECK_TOKEN"';
  return `curl -sg${option} ${quoted(at(path))}${authorization}${lines}${data}`;
}

/** A body as it is sent: JSON, or the text that it is. */
const textOf = (body) => (typeof body === 'string' ? body : JSON.stringify(body));

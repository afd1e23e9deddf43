/** Makes the request of an operation from what its form holds. */
import { relativePath } from './js/root.js';

/** What the documentation's own domain is in examples; a domain of this server takes its place, so that examples find jobs. */
const DOMAIN_MEMBER = /("domain_id":\s*)"[^"]*"/g;

/** Puts a domain of this server into an example, which is the text of a body. */
export const ofDomain = (text, domain) => (domain ? text.replace(DOMAIN_MEMBER, (_, name) => name + JSON.stringify(domain)) : text);

/** Whether a field begins with the example: one that is required, and those that keep an answer small and of one domain. */
const isFilled = ({ name, place, required }) => place === 'path' || required || ['domain_id', 'limit', 'query.page.limit'].includes(name);

/** The text that the field of a parameter begins with. */
export function firstText(parameter, domain) {
  if (!isFilled(parameter)) return '';
  return parameter.name === 'domain_id' && domain ? domain : exampleText(parameter);
}

/** The example of a parameter as its field has it. */
export function exampleText({ example, schema }) {
  if (Array.isArray(example)) return example.join(', ');
  if (example === undefined) return schema.enum?.[0] ?? '';
  return typeof example === 'object' ? JSON.stringify(example) : String(example);
}

/**
 * @param {string} method
 * @param {string} path with `{name}` for each parameter of the path
 * @param {{parameter: object, text: string}[]} given
 * @param {{mediaType: string, text: string}?} body
 * @returns {{method: string, path: string, headers: Record<string, string>, body: string?}}
 */
export function requestOf(method, path, given, body) {
  const sent = given.filter(({ text }) => text !== '');
  const at = (place) => sent.filter(({ parameter }) => parameter.place === place);
  const fill = (filled, { parameter, text }) => filled.replace(`{${parameter.name}}`, encodeURIComponent(text));
  const pairs = ({ parameter, text }) => textsOf(parameter, text).map((value) => `${parameter.name}=${encoded(value)}`);
  const query = at('query').flatMap(pairs);
  const headers = Object.fromEntries(at('header').map(({ parameter, text }) => [parameter.name.toLowerCase(), text]));
  return {
    method,
    path: relativePath(at('path').reduce(fill, path)) + (query.length ? `?${query.join('&')}` : ''),
    headers: body ? { 'content-type': body.mediaType, ...headers } : headers,
    body: body ? body.text : null,
  };
}

/** The values of a parameter; one that may be repeated has them between commas. */
function textsOf({ schema }, text) {
  return schema.type === 'array' ? text.split(',').map((part) => part.trim()).filter(Boolean) : [text];
}

/** A value within a query string; what needs no escape there stays readable. */
const encoded = (text) => encodeURIComponent(text).replace(/%(3A|2C|2F)/g, decodeURIComponent);

/** The field of a parameter in a form that sends a request. */
import { exampleText, firstText } from './api-request.js';
import { el } from './docs.js';

/** The values that a parameter may have; some take others, too, as a status takes its number. */
function valuesOf(schema, resolve) {
  const { enum: values, type, oneOf = [] } = resolve(schema);
  if (values) return { values, areAll: true };
  if (type === 'boolean') return { values: ['true', 'false'], areAll: true };
  return { values: oneOf.flatMap((one) => resolve(one).enum ?? []).filter(Boolean), areAll: false };
}

/**
 * @param {string} id of the operation
 * @param {object} parameter
 * @param {{resolve: Function, domains: string[]}} context
 * @returns {{label: HTMLElement, text: () => string}} the labelled field, and its text
 */
export function field(id, parameter, { resolve, domains }) {
  const { name, place, required, isJson, schema } = parameter;
  const { values, areAll } = valuesOf(schema, resolve);
  const first = firstText({ ...parameter, schema: { ...schema, enum: values } }, domains[0]);
  const control = areAll ? choice(values, first, required) : input(parameter, first);
  control.required = required;
  const listId = `${id}-${name}-values`;
  if (name === 'domain_id') control.setAttribute('list', 'domains');
  else if (!areAll && values.length) control.setAttribute('list', listId);
  const isList = schema.type === 'array';
  const where = [place, required && 'required', isJson && 'JSON', isList && 'several with commas'].filter(Boolean).join(', ');
  const parts = [el('span', {}, el('code', {}, name), ' ', el('span', { className: 'quiet' }, where)), control];
  if (control.getAttribute('list') === listId) parts.push(options(listId, values));
  return { parameter, label: el('label', { className: isJson ? 'wide' : '' }, ...parts), text: () => control.value };
}

function choice(values, first, required) {
  const select = el('select', {}, ...(required ? [] : ['']).concat(values).map((value) => el('option', { value }, value || 'not sent')));
  select.value = first;
  return select;
}

function input(parameter, first) {
  const { isJson } = parameter;
  const example = exampleText(parameter);
  const placeholder = example && `for example ${example}`;
  return el(isJson ? 'textarea' : 'input', { value: first, placeholder, spellcheck: false, autocomplete: 'off' });
}

const options = (id, values) => el('datalist', { id }, ...values.map((value) => el('option', { value })));

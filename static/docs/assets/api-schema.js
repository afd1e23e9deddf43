/** Shows a schema: its type and limits in words, and what is inside it as a tree that is opened step by step. */
import { fold } from './api-blocks.js';
import { inline } from './api-prose.js';
import { el } from './docs.js';

const nameOf = (schema) => schema.$ref?.split('/').at(-1);
/** The letters of a pattern that is shown; of a longer one the description says more. */
const MAX_PATTERN = 60;

const unique = (items) => [...new Set(items)];

/** The schemas of which a value has one, without null; empty where there is no choice. */
const choicesOf = (schema, resolve) => (schema.oneOf ?? schema.anyOf ?? []).filter((one) => resolve(one).type !== 'null');

/** A schema, or its only choice besides null, with references followed. */
function plain(given, resolve) {
  const schema = resolve(given);
  const choices = choicesOf(schema, resolve);
  const { oneOf, anyOf, ...own } = schema;
  return choices.length === 1 ? { ...plain(choices[0], resolve), ...own } : schema;
}

/** "array of Condition", "string or null" */
export function typeText(given, resolve) {
  const schema = resolve(given);
  if ('const' in schema) return JSON.stringify(schema.const);
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return unique(choices.map((one) => typeText(one, resolve))).join(' or ');
  const words = [schema.type ?? []].flat().map((type) => {
    if (type === 'array') return `array of ${typeText(schema.items ?? {}, resolve)}`;
    return type === 'object' ? nameOf(given) ?? 'object' : type;
  });
  if (words.length) return words.join(' or ');
  return schema.properties || schema.allOf ? nameOf(given) ?? 'object' : 'any value';
}

/** "1 to 256 characters"; false where any number is allowed */
function range(least = 0, most = Infinity, unit = '') {
  if (most < Infinity) return least > 0 ? `${least} to ${most} ${unit}` : `at most ${most} ${unit}`;
  if (least === 1) return 'not empty';
  return least > 1 && `at least ${least} ${unit}`;
}

/** What a value must be besides its type, such as "at least 1". */
export function limits(given, resolve) {
  const schema = plain(given, resolve);
  const choices = choicesOf(schema, resolve);
  if (choices.length > 1) {
    return choices.flatMap((one) => {
      const text = limits(one, resolve).join(', ');
      return text ? [`${typeText(one, resolve)}: ${text}`] : [];
    });
  }
  return [
    schema.enum && `one of ${schema.enum.map((value) => `\`${value === '' ? '""' : value}\``).join(', ')}`,
    schema.format === 'date-time' && 'a time as in RFC 3339',
    schema.minimum !== undefined && `at least ${schema.minimum}`,
    schema.maximum !== undefined && `at most ${schema.maximum}`,
    range(schema.minLength, schema.maxLength, 'characters'),
    range(schema.minItems, schema.maxItems, 'items'),
    schema.pattern?.length <= MAX_PATTERN && `matches \`${schema.pattern}\``,
    schema.default !== undefined && `\`${schema.default}\` if left out`,
  ].filter(Boolean);
}

/** Type and limits of a value, after the words that say where it is and whether it is required; then its description. */
export function facts(schema, words, resolve, description = plain(schema, resolve).description ?? '') {
  const kind = [[...words, typeText(schema, resolve)].join(', '), ...limits(schema, resolve)].join('; ');
  return [el('span', { className: 'quiet' }, ...inline(kind)), el('div', {}, ...inline(description))];
}

/** The nodes of a schema. */
export function schemaTree(schema, resolve) {
  return [el('div', { className: 'whole' }, ...facts(schema, [], resolve)), ...show(inside(schema, resolve, []), resolve)];
}

/**
 * Finds what is inside a value: the members of an object or of the items of an array, or the choices, if any of them has members.
 * @param {string[]} around the names of the schemas that this one is inside of; what is inside them is not shown again
 */
function inside(given, resolve, around) {
  const name = nameOf(given);
  if (name && around.includes(name)) return { again: name };
  const within = name ? [...around, name] : around;
  const schema = resolve(given);
  const choices = choicesOf(schema, resolve);
  if (choices.length === 1) return inside(choices[0], resolve, within);
  if (choices.length) return choices.some((one) => inside(one, resolve, within)) ? { choices, within } : null;
  if (schema.items) return inside(schema.items, resolve, within);
  const members = membersOf(schema, resolve);
  return members.length ? { members, within } : null;
}

/** The members of an object: its own, and those of the schemas that it adds up. */
function membersOf(schema, resolve) {
  const parts = (schema.allOf ?? []).map((part) => resolve(part));
  // Of several spellings of which one is required, such as `key` and `k`, the first is the usual one.
  const required = [schema, ...parts, ...parts.map(({ oneOf }) => oneOf?.[0] ?? {})].flatMap((part) => part.required ?? []);
  const all = Object.assign({}, ...parts.map(({ properties }) => properties), schema.properties);
  return Object.entries(all).map(([name, of]) => ({ name, of, isRequired: required.includes(name) }));
}

function show(found, resolve) {
  if (!found) return [];
  const { again, choices, members, within } = found;
  if (again) return [el('p', { className: 'quiet' }, ...inline(`\`${again}\`, as above`))];
  const items = choices
    ? choices.map((one) => [...facts(one, [], resolve), ...further(one, resolve, within)])
    : members.map(({ name, of, isRequired }) => [
      el('code', {}, name), ' ', ...facts(of, isRequired ? ['required'] : [], resolve), ...further(of, resolve, within),
    ]);
  return [el('ul', { className: 'members' }, ...items.map((nodes) => el('li', {}, ...nodes)))];
}

/** What is inside a member, in a fold. */
function further(schema, resolve, around) {
  const found = inside(schema, resolve, around);
  if (!found || found.again) return show(found, resolve);
  return [fold([found.choices ? 'Choices' : 'Members'], () => show(found, resolve))];
}

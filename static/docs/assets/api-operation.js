/** Shows an operation: what it does, its parameters, body and answers. */
import { exampleBlock, fold } from './api-blocks.js';
import { inline, prose } from './api-prose.js';
import { facts, schemaTree } from './api-schema.js';
import { tryForm } from './api-try.js';
import { el } from './docs.js';

/** The methods of an operation, each as a small label. */
export const methodLabels = (methods) => methods.flatMap((method) => [el('span', { className: `method ${method}` }, method), ' ']);

/** A path, which may break into lines before each slash. */
export const pathNodes = (path) => path.split(/(?=\/)/).flatMap((step) => [el('wbr'), step]);

/** A heading, with a link to it. */
export function heading(level, id, name, ...nodes) {
  const anchor = el('a', { className: 'anchor', href: `#${id}`, ariaLabel: `Link to: ${name}` }, '#');
  return el('div', { className: 'heading' }, el(level, { id }, ...nodes), anchor);
}

/**
 * @param {import('./api-document.js').Operation} operation
 * @param {{resolve: Function, domains: string[]}} context
 */
export function operationSection(operation, context) {
  const { id, otherIds, methods, path, summary, description, parameters, body, answers } = operation;
  const notes = [
    operation.writes && (methods[0] === 'DELETE' ? 'Deletes jobs or settings of this server.' : 'Changes jobs or settings of this server.'),
    operation.isOpen && 'Needs no token.',
  ].filter(Boolean);
  return el('section', { className: 'operation' },
    ...otherIds.map((other) => el('span', { id: other })),
    heading('h3', id, `${methods[0]} ${path}`, ...methodLabels(methods), el('code', {}, ...pathNodes(path))),
    el('p', { className: 'summary' }, ...inline(summary)),
    ...prose(description),
    ...(notes.length ? [el('p', { className: operation.writes ? 'writes' : 'quiet' }, notes.join(' '))] : []),
    ...parameterLists(parameters, context),
    ...(body ? bodyParts(body, context) : []),
    ...answerParts(answers, context),
    fold(['Try it'], () => [tryForm(operation, context)], { className: 'try' }));
}

function parameterLists(parameters, { resolve }) {
  const list = (some) => el('ul', { className: 'members' }, ...some.map(({ name, place, required, schema, description, example }) => {
    const words = [`in the ${place}`, ...(required ? ['required'] : [])];
    const shown = example === undefined ? '' : el('span', { className: 'quiet' }, '; for example ', el('code', {}, lineOf(example)));
    const [kind, about] = facts(schema, words, resolve, description);
    return el('li', {}, el('code', {}, name), ' ', kind, shown, about);
  }));
  const headers = parameters.filter(({ place }) => place === 'header');
  const others = parameters.filter(({ place }) => place !== 'header');
  return [
    ...(others.length ? [el('h4', {}, 'Parameters'), list(others)] : []),
    ...(headers.length ? [fold(['Headers of the request'], () => [list(headers)])] : []),
  ];
}

/** An example in a line. */
const lineOf = (example) => (typeof example === 'string' ? example : JSON.stringify(example));

function bodyParts({ description, isRequired, contents }, { resolve }) {
  return [
    el('h4', {}, 'Body'),
    el('p', {}, isRequired ? 'Required. ' : '', ...inline(description)),
    ...contents.flatMap((content) => contentParts(content, resolve)),
  ];
}

/** A body in one media type: its examples, and its schema in a fold. */
function contentParts({ mediaType, schema, examples }, resolve) {
  return [
    el('p', { className: 'quiet' }, el('code', {}, mediaType)),
    ...(examples.length ? exampleBlock(examples) : []),
    fold(['Schema'], () => schemaTree(schema, resolve)),
  ];
}

function answerParts(answers, { resolve }) {
  const isError = ({ status }) => !/^[23]/.test(status);
  const errors = answers.filter(isError);
  const item = (answer) => fold([el('code', {}, answer.status), ' ', ...inline(answer.description)], () => answerContent(answer, resolve));
  const statuses = errors.map(({ status }) => status).join(', ');
  return [
    el('h4', {}, 'Answers'),
    ...answers.filter((answer) => !isError(answer)).map(item),
    ...(errors.length ? [fold([`Errors: ${statuses}`], () => errors.map(item))] : []),
  ];
}

function answerContent({ headers, contents }, resolve) {
  const list = headers.map(({ name, schema = {}, description }) => (
    el('li', {}, el('code', {}, name), ' ', ...facts(schema, [], resolve, description))
  ));
  return [
    ...(contents.length ? contents.flatMap((content) => contentParts(content, resolve)) : [el('p', { className: 'quiet' }, 'No body.')]),
    ...(list.length ? [el('p', { className: 'quiet' }, 'Headers'), el('ul', { className: 'members' }, ...list)] : []),
  ];
}

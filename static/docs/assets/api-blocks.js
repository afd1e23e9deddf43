/** The blocks that the page is made of: folds that are filled when they are first opened, and code with a button that copies it. */
import { el, prepare } from './docs.js';

/** What fills each fold that has not been opened yet. */
const fills = new WeakMap();

/**
 * @param {(string|Node)[]} title
 * @param {() => (string|Node)[]} fill makes the content
 */
export function fold(title, fill, properties = {}) {
  const details = el('details', properties, el('summary', {}, ...title));
  fills.set(details, fill);
  details.ontoggle = () => fillFold(details);
  return details;
}

function fillFold(details) {
  const fill = fills.get(details);
  fills.delete(details);
  if (fill) details.append(...fill());
}

/** Fills the folds below a node, and those within them, so that a search finds what is in them. */
export function fillFolds(root) {
  for (const details of root.querySelectorAll('details:not(.try)')) {
    if (fills.has(details)) {
      fillFold(details);
      fillFolds(details);
    }
  }
}

/** A block of code, which can be copied. */
export function codeBlock(text) {
  const block = el('div', { className: 'code' }, el('pre', {}, el('code', {}, text)));
  prepare(block);
  return block;
}

/** Shows another text in a block of code. */
export const setCode = (block, text) => { block.querySelector('code').textContent = text; };

/** Examples: a block of code, with a choice where there are several. */
export function exampleBlock(examples) {
  const block = codeBlock(textOf(examples[0].value));
  if (examples.length === 1) return [block];
  const show = ({ target }) => setCode(block, textOf(examples[target.selectedIndex].value));
  const options = examples.map(({ name }) => el('option', {}, name));
  return [el('label', { className: 'choice' }, 'Example ', el('select', { onchange: show }, ...options)), block];
}

/** A value as it is sent: JSON, or a text of another media type. */
export const textOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

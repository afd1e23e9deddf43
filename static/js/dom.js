/** DOM helpers: make and change nodes. Text from data becomes text, never markup. */
import { t } from './language.js';

export const $ = (id) => document.getElementById(id);

/** Makes an element of properties, data attributes in `data`, and children; strings become text. */
export function el(name, { data, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
}

/** Makes an element of SVG of attributes and children; strings become text. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [attribute, value] of Object.entries(attributes)) node.setAttribute(attribute, value);
  node.append(...children);
  return node;
}

export const button = (label, onclick, properties) => el('button', { type: 'button', onclick, ...properties }, label);

export const on = (node, name, act) => node.addEventListener(name, act);

/** Sets a text where it differs, since a node that is left alone keeps its selection. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The parts of a message; what it has between backticks is shown as code. */
export const withCode = (text) => text.split(/`([^\x60\n]+)`/).map((part, index) => (index % 2 ? el('code', {}, part) : part));

/** Shows a message where it differs from what the node has. */
export const showMessage = (node, text) => renew(node, text, () => withCode(text));

/** Gives a field the text of the state when that has changed, unless the field is marked as being edited. */
export function follow(field, text) {
  const { text: last, editing } = field.dataset;
  const isEdited = last !== undefined && field.value !== last && editing === 'true';
  if (field.dataset.text === text || isEdited) return;
  field.dataset.text = text;
  if (document.activeElement !== field) field.value = text;
}

/** Makes the children of a node again where their source has changed; the focus stays on the node with its id. */
export function renew(node, source, make) {
  const key = JSON.stringify(source);
  if (node.dataset.source === key) return;
  node.dataset.source = key;
  const focused = document.activeElement;
  node.replaceChildren(...make());
  if (!focused?.id || document.activeElement === focused) return;
  const again = $(focused.id);
  // A node that can't be focused any more leaves the focus to one next to it.
  (again && !again.disabled ? again : node.querySelector('button:not(:disabled), a') ?? $('content')).focus({ preventScroll: true });
}

/** Has a screen reader read a text aloud. */
export const announce = (text) => setText($('announcement'), text);

/** Fills a picker, but not while somebody chooses from it; the chosen option is always offered. */
export function pick(node, options, chosen, label = (id) => id) {
  if (!options.some(([id]) => id === chosen)) options.push([chosen, label(chosen)]);
  if (document.activeElement !== node) renew(node, options, () => options.map(([value, text]) => el('option', { value }, text)));
  node.value = chosen;
}

/** Highlights a row or a cell for a short time; one that is highlighted already begins again. */
export function mark(node, isChanged) {
  node.classList.remove('changed');
  if (!isChanged) return;
  node.getBoundingClientRect();
  node.classList.add('changed');
  node.onanimationend = () => node.classList.remove('changed');
}

/** Waits until the browser has painted what has changed. */
export const painted = () => new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve)); });

/** Copies a text; over plain HTTP browsers have no clipboard, so there it is copied from a field. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const field = el('textarea', { value: text, className: 'sr' });
  // Within an open dialog, since nothing outside of it can be focused.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  focused?.focus({ preventScroll: true });
  if (!done) throw new Error('not copied');
}

export const copyButton = (label, text, id = '') => button(label, async ({ target }) => {
  const done = await copy(text()).then(() => t('copied'), () => t('notCopied'));
  announce(done);
  target.textContent = done;
  setTimeout(() => { target.textContent = label; }, 1500);
}, { id });

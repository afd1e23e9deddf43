/** What every part of the page needs to make nodes. Text from data is only ever put in as text. */

export const $ = (id) => document.getElementById(id);

/** Makes an element of properties, data attributes in `data`, and children; strings become text. */
export function el(name, { data, ...properties } = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
}

export const button = (label, onclick, properties) => el('button', { type: 'button', onclick, ...properties }, label);

export const on = (node, name, act) => node.addEventListener(name, act);

/** Sets a text where it is another: a node that is not touched keeps what is selected in it. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Gives a field the text of the state when that has changed; what was typed since is left alone until it is used. */
export function follow(field, text) {
  const isEdited = field.dataset.text !== undefined && field.value !== field.dataset.text && field.dataset.kept === 'true';
  if (field.dataset.text === text || isEdited) return;
  field.dataset.text = text;
  if (document.activeElement !== field) field.value = text;
}

/** Makes the children of a node anew where what they are made of has changed; the focus stays, by its id. */
export function renew(node, source, make) {
  const key = JSON.stringify(source);
  if (node.dataset.source === key) return;
  node.dataset.source = key;
  const focused = document.activeElement;
  node.replaceChildren(...make());
  if (!focused?.id || document.activeElement === focused) return;
  const again = $(focused.id);
  // What can't be focused any more leaves the focus to what is next to it.
  (again && !again.disabled ? again : node.querySelector('button:not(:disabled), a') ?? $('content')).focus({ preventScroll: true });
}

export const say = (text) => setText($('said'), text);

/** Copies a text; over plain HTTP browsers have no clipboard, so there it is copied from a field. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const field = el('textarea', { value: text, className: 'sr' });
  // Within an open dialog, since nothing else can be focused then.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  focused?.focus({ preventScroll: true });
  if (!done) throw new Error('not copied');
}

export const copyButton = (label, text, id = '') => button(label, async ({ target }) => {
  const done = await copy(text()).then(() => 'Copied', () => 'Not copied');
  say(done);
  target.textContent = done;
  setTimeout(() => { target.textContent = label; }, 1500);
}, { id });

/** What this browser was asked to remember; one that keeps nothing has the defaults. */
export function withStorage(act, storage = 'localStorage') {
  try {
    return act(globalThis[storage]);
  } catch {
    return null;
  }
}
export const remembered = (name) => withStorage((kept) => kept.getItem(`jobdeck.${name}`));
export const remember = (name, value) => withStorage((kept) => kept.setItem(`jobdeck.${name}`, value));

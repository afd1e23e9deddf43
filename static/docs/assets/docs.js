/** What every page of the documentation does: theme, copying, search, and the list of contents. */
import { remember } from './js/storage.js';

export const $ = (id) => document.getElementById(id);

/** Makes an element of properties and children; strings become text. */
export function el(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/** Has a screen reader read a text aloud. */
export const announce = (text) => { $('liveText').textContent = text; };

/** Copies a text; over plain HTTP browsers have no clipboard, so there it is copied from a field. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const focused = document.activeElement;
  const field = el('textarea', { value: text, className: 'sr' });
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  focused?.focus({ preventScroll: true });
  if (!done) throw new Error('not copied');
}

/** Makes a button that copies what `text` returns. */
export const copyButton = (text) => el('button', {
  type: 'button',
  className: 'copy',
  async onclick({ target }) {
    const done = await copy(text()).then(() => 'Copied', () => 'Not copied');
    announce(done);
    target.textContent = done;
    setTimeout(() => { target.textContent = 'Copy'; }, 1500);
  },
}, 'Copy');

/** The keyboard reaches what can be scrolled, and nothing else. */
const scrollers = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
    target.toggleAttribute('tabindex', scrolls);
    if (scrolls) Object.assign(target, { tabIndex: 0, role: 'group', ariaLabel: target.localName === 'pre' ? 'Code' : 'Table' });
    else for (const name of ['role', 'aria-label']) target.removeAttribute(name);
  }
});

const isShell = (node) => node?.matches('.code') && node.querySelector('.language-sh') !== null;

/** Whether a block shows what the commands before it print. Nobody wants to paste that. */
function isOutput(block) {
  let before = block.previousElementSibling;
  if (before?.localName === 'p' && before.textContent.endsWith(':')) before = before.previousElementSibling;
  return isShell(before) && !isShell(block) && block.localName !== 'figure';
}

/** Gives each block of code below a node its button, and lets the keyboard scroll code and tables. */
export function prepare(root) {
  for (const code of root.querySelectorAll('.code > pre > code')) {
    if (isOutput(code.closest('.code'))) continue;
    const holder = code.closest('.code').querySelector('figcaption') ?? code.parentNode;
    if (holder.querySelector('.copy')) continue;
    const button = copyButton(() => code.textContent);
    // In front, so that the code flows around it.
    if (holder === code.parentNode) holder.prepend(button);
    else holder.append(button);
  }
  for (const node of root.querySelectorAll('.code > pre, .scroll')) scrollers.observe(node);
}

function wireTheme() {
  const themes = { system: ['◐', 'system'], light: ['☀', 'light'], dark: ['☾', 'dark'] };
  const names = Object.keys(themes);
  const { dataset } = document.documentElement;
  const show = (theme) => {
    dataset.theme = theme in themes ? theme : names[0];
    const [sign, label] = themes[dataset.theme];
    $('themeButton').textContent = sign;
    $('themeButton').ariaLabel = $('themeButton').title = `Theme: ${label}`;
  };
  show(dataset.theme);
  $('themeButton').hidden = false;
  $('themeButton').onclick = () => {
    show(names[(names.indexOf(dataset.theme) + 1) % names.length]);
    remember('theme', dataset.theme);
  };
}

/** The sections of the page: each heading with an id, and the texts up to the next one. */
function sections() {
  const found = [];
  const walker = document.createTreeWalker($('pageText'), NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => {
    if (node.nodeType === Node.ELEMENT_NODE && node.matches('.anchor, button, [hidden]')) return NodeFilter.FILTER_REJECT;
    return NodeFilter.FILTER_ACCEPT;
  });
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) found.at(-1)?.texts.push(node);
    else if (node.matches(':is(h1, h2, h3, h4)[id]')) found.push({ heading: node, texts: [] });
  }
  return found.map((section) => ({ ...section, text: section.texts.map((text) => text.data).join('').toLowerCase() }));
}

/** The places of a word in texts. */
function* places(texts, word) {
  for (const text of texts) {
    const data = text.data.toLowerCase();
    // A letter that has more than one in lower case would move the places behind it.
    if (data.length !== text.data.length) continue;
    for (let at = data.indexOf(word); at >= 0; at = data.indexOf(word, at + word.length)) {
      const range = new Range();
      range.setStart(text, at);
      range.setEnd(text, at + word.length);
      yield range;
    }
  }
}

/** Lists the sections that have every word of the field, those first whose heading has them, and marks the words. */
function search() {
  const words = $('searchField').value.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text) => words.every((word) => text.includes(word));
  const matches = words.length ? sections().filter(({ text }) => has(text)) : [];
  const isNamed = ({ heading }) => has(heading.textContent.toLowerCase());
  const ordered = [...matches.filter(isNamed), ...matches.filter((section) => !isNamed(section))];
  const links = ordered.map(({ heading }) => el('a', { href: `#${heading.id}` }, heading.textContent));
  $('searchResults').replaceChildren(...links.map((link) => el('li', {}, link)));
  const count = matches.length === 1 ? '1 section' : `${matches.length} sections`;
  $('searchCount').textContent = words.length ? (matches.length && count) || 'Nothing on this page' : '';
  $('searchResults').hidden = !matches.length;
  $('pageContents').hidden = words.length > 0;
  // Browsers that can't highlight show the list alone.
  const ranges = matches.flatMap(({ texts }) => words.flatMap((word) => [...places(texts, word)]));
  globalThis.CSS.highlights?.set('found', new Highlight(...ranges));
}

function wireSearch() {
  $('searchBox').hidden = !$('pageContents').querySelector('li');
  $('searchField').oninput = search;
  // Without braces it would return false, which keeps every other key out of the field.
  $('searchField').onkeydown = ({ key }) => { if (key === 'Enter') $('searchResults').querySelector('a')?.click(); };
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && $('searchField').value) {
      $('searchField').value = '';
      search();
      event.preventDefault();
    }
    const isTyped = event.target.closest?.('input, select, textarea');
    if (event.key !== '/' || isTyped || event.ctrlKey || event.metaKey || event.altKey || $('searchBox').hidden) return;
    // Otherwise the key would be typed into the field.
    event.preventDefault();
    $('searchField').focus();
  });
}

/** Marks the section that is read in the list of contents. */
function wireContents() {
  const narrow = matchMedia('(max-width: 859px)');
  const fold = () => {
    for (const details of document.querySelectorAll('nav details')) details.open = !narrow.matches;
  };
  narrow.onchange = fold;
  fold();
  let current = null;
  const follow = () => {
    const links = [...$('pageContents').querySelectorAll('a')];
    const isAbove = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)))?.getBoundingClientRect().top < 120;
    const link = links.findLast(isAbove);
    if (link === current) return;
    current?.removeAttribute('aria-current');
    current = link;
    link?.setAttribute('aria-current', 'location');
    if (!narrow.matches) link?.scrollIntoView({ block: 'nearest' });
  };
  addEventListener('scroll', follow, { passive: true });
  follow();
}

wireTheme();
prepare($('pageText'));
wireSearch();
wireContents();

/**
 * The language of the page: its texts, its numbers and its times. The texts are in one table per language, `texts/LANGUAGE.js`; only
 * the one in use is loaded, and before the modules that need it. A text has its values in braces; where its form depends on a number,
 * it is a record of the forms, which `count` chooses by the plural rules of the language.
 */
import { remember } from './storage.js';

/** The languages by their codes, each with its own name. */
export const LANGUAGES = { en: 'English', ko: '한국어', ja: '日本語' };

/** The code of the language, which preload.js has chosen before the first paint. Without a page it is English. */
export const language = globalThis.document?.documentElement.lang || 'en';

/** Makes a formatter when it is first needed: each takes milliseconds, and a first paint needs few of them. */
function lazily(make) {
  let made = null;
  return () => (made ??= make());
}

const plurals = lazily(() => new Intl.PluralRules(language));
const numbers = lazily(() => new Intl.NumberFormat(language, { maximumFractionDigits: 3 }));
const ages = lazily(() => new Intl.RelativeTimeFormat(language, { style: 'short' }));
const days = lazily(() => new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric', timeZone: 'UTC' }));
const times = lazily(() => new Intl.DateTimeFormat(language, { timeStyle: 'short' }));
const spans = Object.fromEntries(['second', 'minute', 'hour', 'day'].map((unit) => [unit,
  lazily(() => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }))]));

/** Has the browser load its data of formats, once. It takes tens of milliseconds for that: a time to do it is while a server answers. */
export const loadFormats = () => { numbers(); };

/** "1,234.5" */
export const number = (value) => numbers().format(value);

/** "5 min. ago" or "in 5 min.", by a unit of `Intl`; negative amounts are in the past. */
export const age = (amount, unit) => ages().format(amount, unit);

/** "Jan 31": the day of a time in milliseconds, read in UTC. */
export const day = (time) => days().format(time);

/** "2:05 PM" */
export const time = (date) => times().format(date);

/** "5 min": an amount of seconds, minutes, hours or days */
export const amount = (value, unit) => spans[unit]().format(value);

/** "a, b, c" */
export const list = (items) => items.join(t('separator'));

/**
 * The parts of a text with its values: texts, and nodes where a value is one.
 * @param {string} key of the tables
 * @param {Record<string, string|number|Node>} values by the names in the braces; numbers are formatted, `count` as well
 * @returns {(string|Node)[]}
 */
export function parts(key, values = {}) {
  const entry = globalThis.texts[key];
  const text = typeof entry === 'object' ? entry[plurals().select(values.count)] ?? entry.other : entry;
  if (text === undefined) throw new Error(`no text “${key}” in “${language}”`);
  return text.split(/\{(\w+)\}/).flatMap((part, index) => {
    const value = index % 2 ? values[part] : part;
    return value === '' ? [] : [typeof value === 'number' ? number(value) : value];
  });
}

/** A text with its values, which are no nodes. */
export const t = (key, values) => parts(key, values).join('');

/** The attributes by which index.html names texts, as the data set has them, and the properties that these become. */
const PROPERTIES = { t: 'textContent', tTitle: 'title', tLabel: 'ariaLabel', tPlaceholder: 'placeholder' };

/** Gives the nodes of the page their texts: those with `data-t`, `data-t-title`, `data-t-label` or `data-t-placeholder`. */
export function localise(root = document) {
  for (const node of root.querySelectorAll('[data-t], [data-t-title], [data-t-label], [data-t-placeholder]')) {
    for (const [name, property] of Object.entries(PROPERTIES)) if (name in node.dataset) node[property] = t(node.dataset[name]);
  }
}

/** Fills the picker of languages; another one is remembered in this browser, and the page is loaded again. */
export function wireLanguage(picker) {
  picker.replaceChildren(...Object.entries(LANGUAGES).map(([value, name]) => new Option(name, value, false, value === language)));
  picker.addEventListener('change', () => {
    remember('language', picker.value);
    location.reload();
  });
}

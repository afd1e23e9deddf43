/** The menu of views: those of the page, and those that are saved in this browser, each a name and a query string. */
import { $, announce, button, el, on, renew, setText } from './dom.js';
import { t } from './language.js';
import { addressOf } from './router.js';
import { lastNight } from './search-times.js';
import { NO_FILTERS, format, parse } from './state.js';
import { remember, remembered } from './storage.js';

const MAX_VIEWS = 50;
const STORED = 'views';

/** The views of the page, each with its changes of a list without filters. */
const BUILT_IN = [
  ['views.failedLastNight', (state, now) => ({ tab: 'failed', ...lastNight(now, state.zone) })],
  ['views.failedLastHour', () => ({ tab: 'failed', range: 'hour' })],
  ['views.running', () => ({ tab: 'running' })],
  ['views.slowest', () => ({ range: 'day', sort: 'duration' })],
];

/** The saved views; what is stored and is none is left out. */
function read() {
  try {
    const views = JSON.parse(remembered(STORED));
    const isView = (one) => typeof one?.name === 'string' && one.name && typeof one.query === 'string';
    return Array.isArray(views) ? views.filter(isView).slice(0, MAX_VIEWS) : [];
  } catch {
    return [];
  }
}

/** The query string of what a state shows, without the open job. */
const queryOf = (state) => format({ ...state, job: '', page: 1 });

let present = null;
let now = Date.now;

function show() {
  const query = queryOf(present);
  const link = (id, label, other) => el('a', {
    id, href: addressOf(other), className: 'view', title: label, ...(queryOf(other) === query && { ariaCurrent: 'page' }) }, label);
  const base = { ...present, ...NO_FILTERS, view: 'jobs', sort: 'created', desc: true, page: 1, job: '', stat: '' };
  const builtIn = BUILT_IN.map(([text, change]) => [t(text), { ...base, ...change(present, now()) }]);
  renew($('built-in-views'), [query, builtIn.map(([, other]) => format(other))],
    () => builtIn.map(([label, other], index) => el('li', {}, link(`view-${index}`, label, other))));
  const views = read();
  renew($('saved-views'), [query, views], () => views.map(({ name, query: saved }, index) => el('li', {},
    link(`saved-view-${index}`, name, parse(saved)),
    button('×', (event) => remove(event, name), { id: `delete-view-${index}`, ariaLabel: t('views.delete', { name }) }))));
  $('saved-views').hidden = !views.length;
  showButton();
}

/** Asks on the button whether a view of this name is replaced. */
function showButton() {
  const name = $('view-name').value.trim();
  setText($('view-save'), t(read().some((one) => one.name === name) ? 'views.replace' : 'views.save'));
}

function remove(event, name) {
  // The menu would take a click on what it does not have any more for one elsewhere.
  event.stopPropagation();
  const index = read().findIndex((one) => one.name === name);
  remember(STORED, JSON.stringify(read().filter((one) => one.name !== name)));
  announce(t('views.deleted', { name }));
  show();
  ($(`delete-view-${index}`) ?? $(`delete-view-${index - 1}`) ?? $('view-name')).focus();
}

function save(event) {
  event.preventDefault();
  const name = $('view-name').value.trim();
  const others = read().filter((one) => one.name !== name);
  const isFull = others.length >= MAX_VIEWS;
  if (isFull) showProblem(t('views.full', { count: MAX_VIEWS }));
  if (!name || isFull) return;
  remember(STORED, JSON.stringify([...others, { name, query: queryOf(present) }]));
  const isStored = read().some((one) => one.name === name);
  showProblem(isStored ? '' : t('views.notStored'));
  if (!isStored) return;
  announce(t('views.saved', { name }));
  $('view-name').value = '';
  show();
}

function showProblem(text) {
  $('view-problem').hidden = !text;
  setText($('view-problem'), text);
}

/** @param {() => number} clock the one of the server */
export function wireSavedViews(clock) {
  now = clock;
  on($('views-menu'), 'toggle', () => $('views-menu').open && show());
  on($('view-form'), 'submit', save);
  on($('view-name'), 'input', () => {
    showProblem('');
    showButton();
  });
}

export function showSavedViews(state) {
  present = state;
  if ($('views-menu').open) show();
}

/** What stands around the list: domain, view, pickers, range, tabs, columns, export, zone, theme. */
import { COLUMNS } from './columns.js';
import { $, button, el, follow, on, remember, remembered, renew, setText } from './dom.js';
import { clock, number, zoneName } from './format.js';
import { isComputed } from './questions.js';
import { TABS, instant } from './state.js';

const THEMES = { system: ['◐', 'system'], light: ['☀', 'light'], dark: ['☾', 'dark'] };

/** Fills a picker, but not while somebody chooses from it; what is chosen is always offered. */
export function pick(node, options, chosen, label = (id) => id) {
  if (!options.some(([id]) => id === chosen)) options.push([chosen, label(chosen)]);
  if (document.activeElement !== node) renew(node, options, () => options.map(([value, text]) => el('option', { value }, text)));
  node.value = chosen;
}

export const showDomains = (domains, chosen) => pick($('domain'),
  domains.map(({ domain_id: id, jobs }) => [id, `${id} (${number(jobs)})`]), chosen, (id) => (id ? `${id} (0)` : '–'));

export function showPicks(state, collectors, projects) {
  // A collector that was given another name is one still.
  const names = new Map(collectors.filter(({ id }) => id).map(({ id, name }) => [id, [name, id].filter(Boolean).join(' · ')]));
  pick($('collector'), [['', 'Any collector'], ...names], state.collector);
  pick($('project'), [['', 'Any project'], ...projects.filter(({ id }) => id).map(({ id }) => [id, id])], state.project);
}

/** The tabs with their counts; before new counts are known, with the old. */
export function showTabs(state, counts, choose) {
  const nav = $('tabs');
  TABS.forEach(({ id, label, statuses }, index) => {
    const tab = nav.children[index] ?? nav.appendChild(button(label, () => choose(id), { data: { tab: id }, title: statuses.join(', '), ...(statuses.length && { className: statuses[0] }) }));
    const count = tab.children[0] ?? tab.appendChild(el('span', { className: 'count' }));
    const counted = counts?.filter(({ status }) => id === 'all' || statuses.includes(status));
    if (counts) setText(count, number(counted.reduce((sum, one) => sum + one.count, 0)));
    const isCurrent = id === state.tab;
    if (isCurrent && tab.ariaCurrent !== 'true') bringInto(nav, tab);
    tab.ariaCurrent = String(isCurrent);
  });
}

/** Scrolls a row of controls to one of them; scrollIntoView would make it the place from which Tab goes on. */
function bringInto(row, { offsetLeft, offsetWidth }) {
  const start = offsetLeft - row.offsetLeft;
  row.scrollLeft = Math.min(Math.max(row.scrollLeft, start + offsetWidth - row.clientWidth), start);
}

export function showControls(state, now, exportAddress) {
  const isList = state.view === 'jobs';
  const isJournal = state.view === 'journal';
  for (const tab of $('views').children) tab.ariaCurrent = String(tab.dataset.view === state.view);
  $('list').hidden = !isList;
  $('columns-menu').hidden = !isList;
  $('statistics').hidden = isList || isJournal;
  $('journal').hidden = !isJournal;
  for (const node of document.querySelectorAll('.filters, .line, .strip')) node.hidden = isJournal;
  for (const id of ['size', 'refresh', 'range']) $(id).value = state[id];
  $('list').style.setProperty('--rows', state.size);
  $('custom').hidden = state.range !== 'custom';
  for (const id of ['from', 'to']) {
    // It takes its time to be made, so only where it is shown.
    if (state.range === 'custom') $(id).type = 'datetime-local';
    follow($(id), state[id] && clock(state[id], state.zone).slice(0, 19));
  }
  setText($('zone'), zoneName(now, state.zone));
  $('zone').title = state.zone === 'utc' ? 'Times are in UTC; change to local time' : 'Times are local; change to UTC';
  renew($('columns'), state.columns, () => COLUMNS.map(({ id, label }) => el('label', {},
    el('input', { type: 'checkbox', id: `column-${id}`, value: id, checked: state.columns.includes(id), disabled: id === 'job' }), ` ${label}`)));
  const files = ['CSV', 'NDJSON', 'JSON'].map((label) => [label, exportAddress(label.toLowerCase())]);
  renew($('export'), files, () => [...files.map(([label, href]) => el('a', { href, download: '' }, label)),
    ...(isComputed(state) ? [el('span', { className: 'quiet' }, 'The newest first')] : [])]);
  document.title = [state.job || (isList ? TABS.find(({ id }) => id === state.tab).label : isJournal ? 'Journal' : 'Statistics'), state.domain, 'jobdeck'].filter(Boolean).join(' · ');
}

/** The moment that a field of the range holds; empty where it holds none. */
export const fieldTime = (id, zone) => instant($(id).value + (zone === 'utc' ? 'Z' : ''));

/**
 * What went wrong, with a way to try again; nothing where all is well.
 * @param {boolean} isOld whether something of before is shown
 * @param {boolean} isRetried whether it is tried again by itself
 */
export function showTrouble(error, isOld, isRetried) {
  $('trouble').hidden = !error;
  document.querySelector('.deck').classList.toggle('stale', Boolean(error) && isOld);
  const parts = error ? [error.message, isOld && 'What is shown is of before.', isRetried && 'It is tried again by itself.'] : [];
  setText($('trouble-text'), parts.filter(Boolean).join(' '));
  // Not to be spoken: it is another each time.
  setText($('trouble-id'), error?.requestId ? `request ${error.requestId}` : '');
}

/** What is there only in a mock, and what is wrong with its fixtures. */
export function showAbout({ is_mock: isMock, fixtures_problem: problem }) {
  $('journal-view').hidden = !isMock;
  $('fixtures').hidden = !problem;
  setText($('fixtures'), problem ? `The fixtures have changed, but can't be loaded; what was before still holds: ${problem}` : '');
}

export function wireTheme() {
  const names = Object.keys(THEMES);
  const show = (theme) => {
    const [sign, label] = THEMES[theme] ?? THEMES.system;
    document.documentElement.dataset.theme = theme;
    setText($('theme'), sign);
    $('theme').ariaLabel = $('theme').title = `Theme: ${label}`;
  };
  show(remembered('theme') ?? names[0]);
  on($('theme'), 'click', () => {
    const theme = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    remember('theme', theme);
    show(theme);
  });
}

/** Menus close as menus do: at a click elsewhere or on one of their links, or Escape; dialogs at a click beside them. */
export function wireMenus() {
  for (const dialog of document.querySelectorAll('dialog')) on(dialog, 'click', ({ target }) => target === dialog && dialog.close());
  for (const menu of document.querySelectorAll('.menu')) {
    on(window, 'click', ({ target }) => { menu.open &&= menu.contains(target) && !target.closest('a'); });
    on(menu, 'focusout', ({ relatedTarget }) => { menu.open &&= !relatedTarget || menu.contains(relatedTarget); });
    on(menu, 'keydown', (event) => {
      if (event.key !== 'Escape' || !menu.open) return;
      event.preventDefault();
      menu.open = false;
      menu.firstElementChild.focus();
    });
  }
}

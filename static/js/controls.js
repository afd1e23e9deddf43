/** The controls around the views (domain, view, pickers, range, tabs, columns, export, zone, theme), and the banners. */
import { COLUMNS } from './columns.js';
import { $, button, el, follow, on, pick, renew, setText, showMessage } from './dom.js';
import { clock, relative, zoneName } from './format.js';
import { list, number, t } from './language.js';
import { isComputed } from './queries.js';
import { period } from './search-language.js';
import { RANGES, TABS } from './state.js';
import { remember, remembered } from './storage.js';
import { showTitle } from './title.js';

const THEMES = ['system', 'light', 'dark'];

export const showDomains = (domains, chosen) => pick($('domain'),
  domains.map(({ domain_id: id, jobs }) => [id, `${id} (${number(jobs)})`]), chosen, (id) => (id ? `${id} (0)` : '–'));

export function showPicks(state, collectors, projects) {
  // By id, since a collector may have had several names.
  const names = new Map(collectors.filter(({ id }) => id).map(({ id, name }) => [id, [name, id].filter(Boolean).join(' · ')]));
  pick($('collector'), [['', t('collector.any')], ...names], state.collector);
  pick($('project'), [['', t('project.any')], ...projects.filter(({ id }) => id).map(({ id }) => [id, id])], state.project);
}

/** Shows the tabs with their counts; `counts` is null while new ones are not known, and the old ones stay. */
export function showTabs(state, counts, choose) {
  const nav = $('tabs');
  TABS.forEach(({ id, label, statuses }, index) => {
    const properties = { data: { tab: id }, title: list(statuses), ...(statuses.length && { className: statuses[0] }) };
    const tab = nav.children[index] ?? nav.appendChild(button(t(label), () => choose(id), properties));
    const count = tab.children[0] ?? tab.appendChild(el('span', { className: 'count' }));
    const ofTab = counts?.filter(({ status }) => id === 'all' || statuses.includes(status));
    const grows = counts && !count.textContent;
    if (counts) setText(count, number(ofTab.reduce((sum, one) => sum + one.count, 0)));
    const isCurrent = id === state.tab;
    // With the next frame: the layout is computed then in any case. The tabs move when they get their counts.
    if (isCurrent && (grows || tab.ariaCurrent !== 'true')) requestAnimationFrame(() => scrollTo(nav, tab));
    tab.ariaCurrent = String(isCurrent);
  });
}

/** Scrolls a row of controls to one of them; after scrollIntoView the Tab key would continue from there. */
function scrollTo(row, { offsetLeft, offsetWidth }) {
  const start = offsetLeft - row.offsetLeft;
  row.scrollLeft = Math.min(Math.max(row.scrollLeft, start + offsetWidth - row.clientWidth), start);
}

export function showControls(state, now, exportAddress) {
  const isList = state.view === 'jobs';
  const isJournal = state.view === 'journal';
  for (const tab of $('views').children) tab.ariaCurrent = String(tab.dataset.view === state.view);
  const hasRange = state.view in RANGES;
  const isNow = state.view === 'now';
  $('list').hidden = !isList;
  for (const node of document.querySelectorAll('.of-list')) node.hidden = !isList;
  for (const view of ['overview', 'now', 'collectors', 'statistics', 'journal']) $(view).hidden = state.view !== view;
  for (const node of document.querySelectorAll('.filters')) node.hidden = isJournal;
  $('times').hidden = !isList && state.view !== 'statistics';
  $('times').classList.toggle('tabs-only', !isList);
  $('range').hidden = isNow;
  // An overview is one of a range.
  $('range').querySelector('[value=all]').disabled = hasRange;
  for (const id of ['size', 'refresh', 'range', 'hours']) $(id).value = state[id];
  $('list').style.setProperty('--rows', state.size);
  $('custom').hidden = isNow || state.range !== 'custom';
  for (const id of ['from', 'to']) follow($(id), state[id] && fieldText(state[id], state.zone));
  setText($('zone'), zoneName(now, state.zone));
  $('zone').title = t(state.zone === 'utc' ? 'zone.utc' : 'zone.local');
  renew($('columns'), state.columns, () => [el('b', {}, t('columns')), ...COLUMNS.map(({ id, label }) => {
    const properties = { id: `column-${id}`, value: id, checked: state.columns.includes(id), disabled: id === 'job' };
    return el('label', {}, el('input', { type: 'checkbox', ...properties }), ` ${t(label)}`);
  })]);
  const files = ['CSV', 'NDJSON', 'JSON'].map((label) => [label, exportAddress(label.toLowerCase())]);
  renew($('export'), files, () => [el('b', {}, t('export')), ...files.map(([label, href]) => el('a', { href, download: '' }, label)),
    ...(isComputed(state) ? [el('span', { className: 'quiet' }, t('export.newestFirst'))] : [])]);
  const view = t(isList ? TABS.find(({ id }) => id === state.tab).label : `view.${state.view}`);
  showTitle([state.job || view, state.domain, 'jobdeck'].filter(Boolean).join(' · '));
}

/** A time as a field has it: "2026-01-31 08:00:00" */
export const fieldText = (time, zone) => clock(time, zone).slice(0, 19).replace('T', ' ');

/**
 * Reads the time that somebody has written into a field: a time as the page writes it, or a part of one, such as a day.
 * @param {string} label the name of the field, for the error that the field has where it is no time
 * @returns {[number, number]?} the start and the end of what is written, in milliseconds; null where the field is empty or wrong
 */
export function fieldTime(field, zone, label) {
  const text = field.value.trim();
  const time = period(text, zone);
  field.setCustomValidity(field.value && !time ? t('search.noTime', { key: label, value: text }) : '');
  return time;
}

/** Reads the fields of the range, in UTC; empty where they have no time. A day is included by both. */
export function customRange(zone) {
  const [from] = fieldTime($('from'), zone, t('range.from')) ?? [];
  const [start, end] = fieldTime($('to'), zone, t('range.to')) ?? [];
  const to = /[:T]/i.test($('to').value) ? start : end;
  return [from, to].map((time) => (time === undefined ? '' : new Date(time).toISOString()));
}

/**
 * Shows what went wrong, with a button to try again; hides that where `error` is null.
 * @param {boolean} isOld whether the page still shows older data
 * @param {boolean} isRetried whether the page tries again by itself
 */
export function showTrouble(error, isOld, isRetried) {
  $('trouble').hidden = !error;
  // A list without an answer has a button of its own.
  $('retry').hidden = Boolean(error) && !isOld && !$('list').hidden;
  document.querySelector('.deck').classList.toggle('stale', Boolean(error) && isOld);
  const parts = error ? [error.message, isOld && t('trouble.old'), isRetried && t('trouble.retried')] : [];
  showMessage($('trouble-text'), parts.filter(Boolean).join(' '));
  // Apart from the text that is read aloud, since it is another each time.
  setText($('trouble-id'), error?.requestId ? t('trouble.request', { id: error.requestId }) : '');
}

/** Shows the parts of the page that only some servers have, the problem of the fixtures, and how old the data of a replica are. */
export function showAbout({ is_mock: isMock, sends_notifications: sends, data_changed_at: changedAt, fixtures_problem: problem }, now) {
  $('data-age').hidden = !changedAt;
  setText($('data-age'), changedAt ? t('data.age', { age: relative(changedAt, now) }) : '');
  $('notifications-open').hidden = !sends;
  $('journal-view').hidden = !isMock;
  $('fixtures').hidden = !problem;
  setText($('fixtures'), problem ? t('trouble.fixtures', { problem }) : '');
}

export function wireTheme() {
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    setText($('theme'), t(`theme.${theme}`));
  };
  show(THEMES.find((theme) => theme === remembered('theme')) ?? THEMES[0]);
  on($('theme'), 'click', () => {
    const theme = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
    remember('theme', theme);
    show(theme);
  });
}

/** Chooses how high the rows of the list are. */
export function wireDensity() {
  const show = (density) => {
    $('list').dataset.density = density;
    $('density').checked = density === 'comfortable';
  };
  show(remembered('density') === 'comfortable' ? 'comfortable' : 'compact');
  on($('density'), 'change', ({ target: { checked } }) => {
    const density = checked ? 'comfortable' : 'compact';
    remember('density', density);
    show(density);
  });
}

/**
 * Closes a menu at Escape, and at a click elsewhere or on one of its links or acts; a dialog at a click outside of it, unless
 * somebody writes there.
 */
export function wireMenus() {
  for (const dialog of document.querySelectorAll('dialog:not(:has(textarea))')) {
    on(dialog, 'click', ({ target }) => target === dialog && dialog.close());
  }
  for (const menu of document.querySelectorAll('.menu')) {
    on(window, 'click', ({ target }) => { menu.open &&= menu.contains(target) && !target.closest('a, #more button'); });
    // A press on text of the menu gives the focus to the nearest part around it that can have it, which is the whole view.
    on(menu, 'focusout', ({ relatedTarget: to }) => { menu.open &&= !to || menu.contains(to) || to.contains(menu); });
    on(menu, 'keydown', (event) => {
      if (event.key !== 'Escape' || !menu.open) return;
      event.preventDefault();
      menu.open = false;
      menu.firstElementChild.focus();
    });
  }
}

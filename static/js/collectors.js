/** The collectors of a period in a table, each with its last runs, or one of them with its history. */
import { ENDED, showCollector } from './collector.js';
import { $, button, el, renew, setText } from './dom.js';
import { relative, span } from './format.js';
import { number, t } from './language.js';
import { periodName, rate as percent } from './overview.js';
import { addressOf, linkToJobs } from './router.js';
import { runBars, runKeys } from './runs.js';
import { COLLECTOR_COLUMNS, DEFAULTS, change } from './state.js';

/** What each column is sorted by; what is not known comes last. */
const VALUES = {
  name: ({ name, collector_id: id }) => (name ?? id).toLowerCase(),
  last: ({ last_runs: [newest] }) => newest && Date.parse(newest.created_at),
  runs: ({ runs }) => runs,
  rate: ({ rate }) => rate,
  streak: ({ streak }) => streak,
  flaky: ({ is_flaky: isFlaky }) => Number(isFlaky),
  success: ({ last_success: success }) => success && Date.parse(success.created_at),
  usual: ({ successes }) => successes.median,
  p95: ({ successes }) => successes.p95,
  change: ({ successes: { median }, previous }) => (median && previous.successes.median ? median / previous.successes.median - 1 : null),
};
const TEXTS = ['name', 'last', 'flaky', 'success'];

/** The rows that are shown, by collector. */
let rows = new Map();

/**
 * Shows the collectors, or the one that the state has chosen.
 * @param {import('./state.js').State} state
 * @param {object} answer of the overview of the API
 * @param {object[]} runs the newest runs of the chosen collector, the newest first
 * @param {number} now in milliseconds
 * @param {(from: number, to: number) => void} narrow to a range
 * @param {(csort: string) => void} sort
 */
export function showCollectors(state, answer, runs, now, narrow, sort) {
  const isOne = Boolean(state.collector);
  const iso = (time) => new Date(time).toISOString();
  const shown = { ...state, csort: DEFAULTS.csort };
  const context = {
    state, answer, runs, now, narrow,
    // To the jobs of the period, or of a part of it, after a change of the state.
    jobs: (to, { from, to: until } = answer) => linkToJobs({ range: 'custom', from: iso(from), to: iso(until), ...to }, shown),
    // To another state of the page; a job is opened beside what is shown.
    view: (to) => addressOf(change(shown, to)),
    open: (job) => addressOf(change(shown, { job })),
  };
  $('collector-table').hidden = isOne;
  $('collector-view').hidden = !isOne;
  renew($('collector-keys'), [], runKeys);
  if (isOne) return showCollector(context);
  const { results, more } = answer.collectors;
  const count = results.length + more;
  const flaky = results.filter((one) => one.is_flaky).length;
  setText($('collectors-title'), t(count ? 'collectors.count' : 'collectors.none', { count, flaky, when: periodName(state) }));
  setText($('collectors-more'), more ? t('collectors.more', { count: more }) : '');
  showHead(state.csort, sort);
  showRows(sorted(results, state.csort), context);
}

/** Sorts collectors; those that are alike keep the order of the answer, which has the worst first. */
function sorted(results, csort) {
  const column = csort.replace('-', '');
  const sign = csort === column ? 1 : -1;
  const value = VALUES[column];
  return results.map((one) => [value(one) ?? null, one]).sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return sign * (typeof one === 'string' ? one.localeCompare(other) : one - other);
  }).map(([, one]) => one);
}

function showHead(csort, sort) {
  renew($('collector-head'), csort, () => COLLECTOR_COLUMNS.map((id) => {
    const order = { [id]: ['ascending', ' ↑'], [`-${id}`]: ['descending', ' ↓'] }[csort];
    // Names begin with the first, numbers with the largest.
    const next = csort === `-${id}` || (id === 'name' && !order) ? id : `-${id}`;
    const cell = el('th', { scope: 'col', className: TEXTS.includes(id) ? '' : 'number' },
      button(t(`collectors.by.${id}`) + (order?.[1] ?? ''), () => sort(next), { id: `csort-${id}`, title: t(`collectors.about.${id}`) }));
    if (order) cell.ariaSort = order[0];
    return cell;
  }));
}

/** Shows the rows; a collector keeps its row, and a cell is made again only where it says something else. */
function showRows(results, context) {
  const next = new Map(results.map((one) => {
    const id = one.collector_id;
    const row = rows.get(id) ?? el('tr', {}, ...COLLECTOR_COLUMNS.map((column) => el(column === 'name' ? 'th' : 'td', {
      ...(column === 'name' && { scope: 'row' }), className: TEXTS.includes(column) ? column : 'number',
      data: { column, label: t(`collectors.by.${column}`) } })));
    Object.values(cellsOf(one, context)).forEach(([source, make], index) => renew(row.children[index], source, make));
    return [id, row];
  }));
  rows = next;
  renew($('collector-rows'), [...next.keys()], () => [...next.values()]);
}

/** The cells of a collector in the order of the columns, each with its source and what makes its nodes. */
function cellsOf(one, { state, answer, now, jobs, view, open }) {
  const { collector_id: id, name, runs, failed, rate, streak, last_success: success, successes, previous } = one;
  const link = (column, text, href, title = '') => [[text, href, title], () => [
    href ? el('a', { href, title, id: `${column}-of-${id}` }, text) : title ? el('span', { title }, text) : text]];
  const time = (millis) => [millis, () => [millis === null ? '–' : span(millis)]];
  const moved = VALUES.change(one);
  // Failures since the last success, which may be of the period before.
  const since = success ? Date.parse(success.created_at) + 1 : answer.previous.from;
  const failures = { collector: id, tab: 'failed' };
  const label = t('collectors.lastRuns', { name: name ?? id });
  const bars = () => [runBars(one.last_runs, { label, name: id, zone: state.zone, link: open })];
  return {
    name: link('name', name ?? id, view({ collector: id }), id),
    last: [[one.last_runs, state.zone, open('')], bars],
    runs: link('runs', number(runs), jobs({ collector: id, terms: [...state.terms, ENDED] })),
    rate: link('rate', percent(rate), failed && jobs(failures), t('collectors.share', { part: failed, count: runs })),
    streak: link('streak', number(streak), streak && jobs(failures, { from: since, to: answer.to })),
    flaky: link('flaky', one.is_flaky ? t('collectors.flaky') : ''),
    success: link('success', success ? relative(success.created_at, now) : t('collectors.noSuccess'), success && open(success.job_id)),
    usual: time(successes.median),
    p95: time(successes.p95),
    change: link('change', moved === null ? '–' : `${moved > 0 ? '+' : ''}${percent(moved).replace('-', '−')}`, '',
      moved === null ? '' : t('collectors.before', { median: span(previous.successes.median) })),
  };
}

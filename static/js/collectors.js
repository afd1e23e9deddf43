/**
 * The collectors of a period in a table, each with its last runs; or one of them: what it does in a sentence, its runs with the versions
 * of its plugin, how long they take, and its errors.
 */
import { createChart } from './chart.js';
import { $, button, el, on, renew, setText, svg } from './dom.js';
import { clock, exact, rate as percent, relative, signedRate, span } from './format.js';
import { amount, number, parts, t } from './language.js';
import { errorGroups, periodName } from './overview.js';
import { addressOf, linkToJobs } from './router.js';
import { runBars, runKeys } from './runs.js';
import { COLLECTOR_COLUMNS, DEFAULTS, change } from './state.js';
import { SPAN_STEPS } from './value-axis.js';

/** The term of the jobs that have ended, which are the runs that are counted. */
const ENDED = 'status:SUCCESS,ERROR,TIMEOUT,CANCELED';
const FAILURES = ['ERROR', 'TIMEOUT'];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How many runs are bars. */
const MAX_BARS = 100;
const MAX_BINS = 16;
/** The height of the bins, in pixels. */
const HEIGHT = 110;
/** Between two versions that are written above the bars there is this share of them at the least. */
const ROOM = 0.2;

/** How many successes a median needs to be compared, as one needs that says what is usual. */
const MIN_SUCCESSES = 5;

/** By which share the median of a collector has changed; null where it has too few successes to tell. */
function changeOf({ successes, previous: { successes: before } }) {
  const areEnough = Math.min(successes.count, before.count) >= MIN_SUCCESSES;
  return areEnough && before.median ? successes.median / before.median - 1 : null;
}

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
  change: changeOf,
};
const TEXTS = ['name', 'last', 'flaky', 'success'];

/** The rows that are shown, by collector, and what all their cells depend on. */
let rows = new Map();
let rowsOf = [];

/** What makes the bars of a cell. They are made where the cell comes near the screen, since there are thousands of them. */
const bars = new WeakMap();
const near = new Set();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    near[isIntersecting ? 'add' : 'delete'](target);
    if (isIntersecting) renew(target, ...bars.get(target));
  }
}, { rootMargin: '400px' });
on(window, 'beforeprint', () => {
  for (const cell of document.querySelectorAll('#collector-rows .last')) renew(cell, ...bars.get(cell));
});

let chart = null;
let narrowTo = () => {};
/** The last answer, and how often it has changed. */
let last = [];
let changes = 0;

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
    state, shown, answer, runs, now, narrow,
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
      button(t(`collectors.by.${id}`) + (order?.[1] ?? ''), () => sort(next), { id: `csort-${id}` }));
    if (order) cell.ariaSort = order[0];
    return cell;
  }));
}

/** Shows the rows; a collector keeps its row, and a cell is made again only where it says something else. */
function showRows(results, context) {
  const { answer, now, shown } = context;
  const about = [answer, JSON.stringify({ ...shown, job: '' }), Math.floor(now / MINUTE)];
  const isSame = about.every((one, index) => one === rowsOf[index]);
  rowsOf = about;
  const next = new Map(results.map((one) => {
    const id = one.collector_id;
    if (isSame) return [id, rows.get(id)];
    const row = rows.get(id) ?? el('tr', {}, ...COLLECTOR_COLUMNS.map((column) => el(column === 'name' ? 'th' : 'td', {
      ...(column === 'name' && { scope: 'row' }), className: TEXTS.includes(column) ? column : 'number',
      data: { column, label: t(`collectors.by.${column}`) } })));
    Object.values(cellsOf(one, context)).forEach((cell, index) => {
      const node = row.children[index];
      if (COLLECTOR_COLUMNS[index] !== 'last') return renew(node, ...cell);
      bars.set(node, cell);
      if (near.has(node)) renew(node, ...cell);
      else if (!rows.has(id)) observer.observe(node);
    });
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
  const moved = changeOf(one);
  const failures = { collector: id, tab: 'failed' };
  const label = t('collector.lastRuns', { name: name ?? id });
  const makeBars = () => [runBars(one.last_runs, { label, name: id, zone: state.zone, link: open })];
  return {
    name: link('name', name ?? id, view({ collector: id }), id),
    last: [[one.last_runs, state.zone, open('')], makeBars],
    runs: link('runs', number(runs), jobs({ collector: id, terms: [...state.terms, ENDED] })),
    rate: link('rate', percent(rate), failed && jobs(failures), t('collectors.share', { part: failed, count: runs })),
    streak: link('streak', number(streak), streak && jobs(failures, { from: one.streak_since, to: answer.to })),
    flaky: link('flaky', one.is_flaky ? t('collector.flaky') : ''),
    success: link('success', success ? relative(success.created_at, now) : t('collector.noSuccess'), success && open(success.job_id)),
    usual: time(successes.median),
    p95: time(successes.p95),
    change: link('change', moved === null ? '–' : signedRate(moved), '',
      moved === null ? '' : t('collectors.before', { median: span(previous.successes.median) })),
  };
}


const linked = (href, text, properties) => el('a', { href, ...properties }, text);
const tookOf = ({ created_at: from, finished_at: to }) => (to ? Date.parse(to) - Date.parse(from) : null);
const isFailure = ({ status }) => FAILURES.includes(status);
const hasEnded = ({ status }) => ENDED.includes(status);

/** "2026-01-31 08:00" */
const minute = (time, zone) => clock(time, zone).slice(0, 16).replace('T', ' ');

/** Shows the chosen collector; `collectors.js` makes the context. */
function showCollector(context) {
  const { state, answer, runs, now, narrow } = context;
  const newest = { ...context, runs: runs.slice(0, MAX_BARS) };
  chart ??= createChart($('collector-chart'), (...range) => narrowTo(...range));
  narrowTo = narrow;
  const about = JSON.stringify(state);
  if (last[0] !== answer || last[1] !== runs || last[2] !== about) changes += 1;
  last = [answer, runs, about];
  // Ages are in minutes at the least.
  const source = [changes, Math.floor(now / MINUTE)];
  renew($('collectors-title'), source, () => headline(context));
  renew($('collector-links'), changes, () => links(context));
  renew($('collector-history'), changes, () => timeline(newest));
  renew($('collector-versions'), changes, () => versions(context));
  renew($('collector-durations'), changes, () => histogram(newest));
  renew($('collector-errors'), source, () => errorGroups({ ...context, inPeriod: context.jobs, prefix: 'collector-' }));
  chart.setBucket(answer.bucket);
  const newVersions = segmentsOf(context.runs).slice(1).map(({ version, runs: [first] }) => (
    { time: Date.parse(first.created_at), label: version ?? '–' }));
  chart.show(answer.buckets, Date.parse(answer.from), Date.parse(answer.to), state.zone, newVersions);
}

const nameOf = ({ state, answer, runs }) => answer.collectors.results[0]?.name ?? runs[0]?.collector_info.name ?? state.collector;

/** A number of runs and the share of failures among them, each a link; the terms are those of the state. */
function shares(id, ended, failed, { state, jobs }, range) {
  const count = t('collector.runs', { count: ended });
  return {
    rate: ended ? linked(jobs({ tab: 'failed' }, range), percent(failed / ended), {
      id: `${id}-failed`, className: failed ? 'bad' : '', title: t('collectors.share', { part: failed, count: ended }) }) : '–',
    runs: ended ? linked(jobs({ terms: [...state.terms, ENDED] }, range), count, { id: `${id}-runs` }) : count,
  };
}

/** "AWS EC2: fails 12 % of 340 runs in the last 7 days, flaky; usually 11 min, 2 min more than in the period before; last success …" */
function headline(context) {
  const { state, answer, now, open } = context;
  const [one] = answer.collectors.results;
  const name = el('b', {}, nameOf(context));
  const when = periodName(state);
  if (!one) return parts('collector.noRuns', { name, when });
  const { median } = one.successes;
  const by = one.previous.successes.median === null ? null : median - one.previous.successes.median;
  const moved = by === null ? 'usually' : by > 0 ? 'longer' : by < 0 ? 'shorter' : 'same';
  const { last_success: success } = one;
  const clauses = [
    parts(one.is_flaky ? 'collector.failsFlaky' : 'collector.fails', { name, when, ...shares('headline', one.runs, one.failed, context) }),
    ...(median === null ? [] : [parts(`collector.${moved}`, { median: span(median), change: span(Math.abs(by)) })]),
    success ? parts('collector.lastSuccess', { age: linked(open(success.job_id), relative(success.created_at, now), { id: 'last-one' }) })
      : [t('collector.noSuccess')],
  ];
  return clauses.flatMap((clause, index) => (index ? [t('collector.and'), ...clause] : clause));
}

function links({ state: { range, from, to, collector }, view, jobs }) {
  const link = (id, href) => linked(href, t(`collector.link.${id}`), { id: `collector-${id}` });
  return [link('all', view({ collector: '' })), link('jobs', jobs({})), link('failed', jobs({ tab: 'failed' })),
    link('statistics', view({ view: 'statistics', tab: 'all', by: ['day', 'status'], range, from, to, collector }))];
}

/** The runs, the oldest first, cut where the version of the plugin changes; a run without one belongs to those before it. */
function segmentsOf(runs) {
  const segments = [];
  for (const run of runs.toReversed()) {
    const version = run.collector_info.plugin_info?.version ?? null;
    const segment = segments.at(-1);
    if (segment && (version ?? segment.version) === (segment.version ?? version)) {
      segment.version ??= version;
      segment.runs.push(run);
    } else segments.push({ version, runs: [run] });
  }
  return segments;
}

/** The runs as bars, with a mark where the version changed, and the times of some below them. */
function timeline(context) {
  const { state, runs, open } = context;
  if (!runs.length) return [el('p', { className: 'quiet' }, t('collector.nothing'))];
  let index = 0;
  let labelled = -1;
  const marks = new Map(segmentsOf(runs).map(({ version, runs: [first, ...others] }, number) => {
    const share = index / runs.length;
    index += 1 + others.length;
    const mark = el('span', { className: `version${share > 0.5 ? ' ends' : ''}`, title: version ?? '' });
    if (share - labelled >= ROOM) {
      mark.append(el('span', {}, version ?? ''));
      labelled = share;
    }
    return [first.job_id, number ? mark : null];
  }).filter(([, mark]) => mark));
  const bars = runs.map((run) => ({ ...run, duration: tookOf(run) }));
  const longest = Math.max(...bars.map(({ duration }) => duration ?? 0));
  const oldest = runs.length - 1;
  const ticks = [...new Set(oldest > MAX_BINS ? [oldest, Math.floor(oldest / 2), 0] : [oldest, 0])];
  const line = el('div', {},
    runBars(bars, { label: t('collector.lastRuns', { name: nameOf(context) }), name: 'collector', zone: state.zone, link: open, marks }),
    el('div', { className: 'ticks quiet' }, ...ticks.map((at) => el('span', {}, minute(runs[at].created_at, state.zone)))));
  line.style.maxWidth = `max(300px, ${runs.length * 13}px)`;
  return [el('p', { className: 'quiet' }, t('collector.bars', { count: runs.length, longest: span(longest) })), line];
}

/** When the version of the plugin changed, and how many of the runs before and after that failed. */
function versions(context) {
  const segments = segmentsOf(context.runs);
  const { zone } = context.state;
  if (segments.length < 2) {
    const version = segments[0]?.version;
    return [el('p', { className: 'quiet' }, version ? t('collector.oneVersion', { version }) : t('collector.noVersion'))];
  }
  const sums = segments.map(({ version, runs }, index) => {
    const ended = runs.filter(hasEnded);
    const range = { from: runs[0].created_at, to: segments[index + 1]?.runs[0].created_at ?? context.answer.to };
    return { version, since: range.from, range, ended: ended.length, failed: ended.filter(isFailure).length };
  });
  const item = ({ since, ...after }, index) => {
    const before = sums[index];
    const [old, young] = [['before', before], ['after', after]].map(([side, { ended, failed, range }]) => (
      shares(`version-${index}-${side}`, ended, failed, context, range)));
    return el('li', {}, ...parts('collector.changed', {
      time: el('time', { dateTime: since, title: exact(since, zone) }, minute(since, zone)),
      from: el('b', {}, before.version ?? '–'), to: el('b', {}, after.version ?? '–'),
      before: old.rate, runsBefore: old.runs, after: young.rate, runsAfter: young.runs,
    }));
  };
  return [el('ol', {}, ...sums.slice(1).map(item).reverse())];
}

/** "11 min", or with all its units where it is not of whole minutes */
const round = (millis) => (millis % HOUR === 0 && millis ? amount(millis / HOUR, 'hour')
  : millis % MINUTE === 0 && millis ? amount(millis / MINUTE, 'minute') : span(millis));

/** How long the successes among the runs took: the jobs of each bin are a link, and the median and the 95th percentile are marked. */
function histogram({ runs, jobs }) {
  const took = runs.filter(({ status, finished_at: end }) => status === 'SUCCESS' && end)
    .map((run) => [Math.max(tookOf(run), 0), run.job_id]).sort(([one], [other]) => one - other);
  if (!took.length) return [el('p', { className: 'quiet' }, t('collector.noSuccesses'))];
  const at = (share) => took[Math.max(Math.ceil(share * took.length), 1) - 1][0];
  const [least, most, median, p95] = [took[0][0], took.at(-1)[0], at(0.5), at(0.95)];
  const width = SPAN_STEPS.find((one) => Math.floor(most / one) - Math.floor(least / one) < MAX_BINS) ?? Math.ceil((most + 1) / MAX_BINS);
  const start = Math.floor(least / width) * width;
  const bins = Array.from({ length: Math.floor((most - start) / width) + 1 }, () => []);
  for (const [millis, id] of took) bins[Math.floor((millis - start) / width)].push(id);
  const highest = Math.max(...bins.map(({ length }) => length));
  const x = (millis) => `${((millis - start) / (bins.length * width)) * 100}%`;
  const label = (attributes, text) => svg('text', attributes, text);
  const line = (y, name) => svg('line', { x1: 0, x2: '100%', y1: y, y2: y, class: name });
  const shown = bins.map((ids, index) => {
    const from = start + index * width;
    const text = t('collector.bin', { from: round(from), to: round(from + width), count: ids.length });
    const height = (ids.length / highest) * HEIGHT;
    const place = { x: x(from), width: `${100 / bins.length}%`, y: HEIGHT - height, height };
    const bar = svg('rect', { ...place, class: 'bin' }, svg('title', {}, text));
    // Durations are no members of jobs, so that the jobs are found by their ids.
    const href = jobs({ terms: [`id:${ids.map((id) => JSON.stringify(id)).join(',')}`] });
    return ids.length ? svg('a', { href, id: `bin-${index}`, 'aria-label': text }, bar) : bar;
  });
  const edges = bins.flatMap((_, index) => (index % Math.ceil(bins.length / 5) ? [] : [start + index * width]));
  // Left of its line, unless there is no room.
  const marks = [['median', median, -6], ['p95', p95, -22]].flatMap(([name, millis, y]) => {
    const isLeft = (millis - start) / (bins.length * width) > 0.35;
    return [svg('line', { x1: x(millis), x2: x(millis), y1: y, y2: HEIGHT, class: `curve ${name}` }),
      label({ x: x(millis), y, dx: isLeft ? -5 : 5, class: `tick-label${isLeft ? ' end' : ''}` },
        t(`collector.${name}`, { duration: span(millis) }))];
  });
  return [
    el('p', { className: 'quiet' }, t('collector.successes', { count: took.length })),
    svg('svg', { class: 'durations', role: 'group', 'aria-labelledby': 'durations-title', height: HEIGHT },
      line(0, 'grid'), ...[[4, highest], [HEIGHT, 0]].map(([y, jobs]) => label({ x: -6, y, class: 'tick-label end' }, number(jobs))),
      ...shown, line(HEIGHT, 'axis'), ...marks,
      ...edges.map((edge) => label({ x: x(edge), y: HEIGHT + 16, class: 'tick-label middle' }, round(edge)))),
  ];
}

/** The overview: what failed and why, which collectors fail, how long jobs take, and what runs, of a period and the one before. */
import { createChart } from './chart.js';
import { $, button, el, painted, renew, setText, svg } from './dom.js';
import { rate, relative, span } from './format.js';
import { number, parts, t } from './language.js';
import { runBars } from './runs.js';
import { hasPlaceholders, quote } from './search-language.js';
import { remember, remembered } from './storage.js';

/** How many error groups and collectors are shown before *More* is pressed. */
const FEW = 6;

let chart = null;
/** Narrows the range of the overview that is shown. */
let narrowTo = () => {};
/** The lists that are shown whole. */
const whole = new Set();
/** What is shown, and how often that has changed. */
let last = { answer: null, about: '' };
let changes = 0;

/** The name of the period that an overview shows. */
export const periodName = ({ range }) => t(`period.${range === 'all' ? 'custom' : range}`);

/** "up from 5", in parts; `show` makes a text or a node of a value. */
function changed(now, before, show) {
  if (now === null || before === null) return ['–'];
  if (now === before) return [t('change.none')];
  return parts(now > before ? 'change.up' : 'change.down', { before: show(before) });
}

/**
 * Shows an overview.
 * @param {import('./state.js').State} state
 * @param {object} answer of the overview of the API
 * @param {number} now in milliseconds
 * @param {(change: object) => string} link to the jobs of the domain after a change of the state, without a range unless it has one
 * @param {(from: number, to: number) => void} narrow to a range
 * @param {boolean} isMock whether the server is a mock, which may be a demo
 */
export function showOverview(state, answer, now, link, narrow, isMock) {
  const isFirst = !chart;
  chart ??= createChart($('chart'), (...range) => narrowTo(...range));
  narrowTo = narrow;
  const about = JSON.stringify([state, [...whole]]);
  if (last.answer !== answer || last.about !== about) changes += 1;
  last = { answer, about };
  const shown = changes;
  // Ages are in minutes at the least.
  const ticked = Math.floor(now / 60_000);
  const inPeriod = (change, { from, to } = answer) => link({ range: 'custom', from: iso(from), to: iso(to), ...change });
  const context = { state, answer, now, link, inPeriod };
  // First, since a chart reads its width: after other changes the browser would have to compute the layout for that.
  chart.show(answer.buckets, Date.parse(answer.from), Date.parse(answer.to), state.zone);
  chart.setBucket(answer.bucket);
  renew($('overview-state'), [shown], () => sentence(context));
  renew($('hints'), [shown], () => (isMock ? hints(context) : []));
  renew($('figures'), [shown], () => figures(context));
  const showLists = () => {
    renew($('error-groups'), [shown, ticked], () => errorGroups(context));
    renew($('worst-collectors'), [shown, ticked], () => collectors(context));
    renew($('running-now'), [shown, ticked], () => running(context));
  };
  // They are a third of the work, and below the rest: the first paint does without.
  if (isFirst) painted().then(() => changes === shown && showLists());
  else showLists();
}

/** Shows more of a list, or less; returns whether a click was one on its button. */
export function toggleList({ dataset: { list } }) {
  if (list && !whole.delete(list)) whole.add(list);
  return Boolean(list);
}

const iso = (time) => new Date(time).toISOString();
const linked = (href, text, properties) => el('a', { href, ...properties }, text);

/** The terms that list the jobs which are stuck: by their ids, since being stuck depends on the collector. */
export const idTerm = (jobs) => `id:${jobs.map(({ job_id: id }) => JSON.stringify(id)).join(',')}`;

/** "12 failed of 420 in the last 24 hours, up from 5; 3 running, 1 stuck" */
function sentence({ state, answer, inPeriod, link }) {
  const { totals, previous, running, stuck } = answer;
  const when = periodName(state);
  const before = previous.totals.failed;
  const toBefore = () => linked(inPeriod({ tab: 'failed' }, previous), number(before), { id: 'all-failed-before' });
  const of = totals.jobs
    ? parts(`overview.failed.${totals.failed === before ? 'same' : totals.failed > before ? 'up' : 'down'}`, { when, before: toBefore(),
      failed: linked(inPeriod({ tab: 'failed' }), t('count.failed', { count: totals.failed }),
        { className: totals.failed ? 'bad' : '', id: 'all-failed' }),
      jobs: linked(inPeriod({}), t('count.jobs', { count: totals.jobs }), { id: 'all-jobs' }) })
    : parts('overview.noJobs', { when });
  const now = linked(link({ tab: 'running' }), t('count.running', { count: running.count }), { id: 'all-running' });
  if (!stuck.count) return textNodes([...of, ...parts('overview.runs', { running: now })]);
  const areAllKnown = stuck.count === stuck.jobs.length;
  const toStuck = link(areAllKnown ? { terms: [...state.terms, idTerm(stuck.jobs)] } : { view: 'now' });
  const hangs = linked(toStuck, t('count.stuck', { count: stuck.count }), { className: 'bad', id: 'all-stuck' });
  return textNodes([...of, ...parts('overview.runsStuck', { running: now, stuck: hangs })]);
}

const textNodes = (parts) => parts.map((part) => (part instanceof Node ? part : document.createTextNode(part)));

/**
 * Questions to begin with, each a link to its answer. They are for a demo; the server does not say that it is one, so that every mock
 * has them in which a job is stuck, as one of a demo is.
 */
function hints({ answer, link }) {
  if (!answer.stuck.count || remembered('hints') === 'dismissed') return [];
  const answers = {
    // Its row is the first one, since rows are sorted by the failure rate.
    flaky: { view: 'collectors', range: 'month' },
    day: { view: 'statistics', by: ['day', 'error'], measures: ['failures'], range: 'month' },
    stuck: { view: 'now' },
  };
  const links = Object.entries(answers).map(([name, to]) => [name, linked(link(to), t(`hints.${name}`), { id: `hint-${name}` })]);
  const dismiss = button('✕', () => {
    remember('hints', 'dismissed');
    $('hints').replaceChildren();
    $('content').focus({ preventScroll: true });
  }, { id: 'hints-dismiss', ariaLabel: t('hints.dismiss'), title: t('hints.dismiss') });
  return [el('span', {}, ...parts('hints.text', Object.fromEntries(links))), dismiss];
}

/** The success rate, the failures and the durations, each against the period before. */
function figures({ state, answer: { totals, previous }, link, inPeriod }) {
  const before = previous.totals;
  const succeeded = totals.statuses.SUCCESS;
  const figure = (name, value, about, href, title = '') => el('li', { className: 'panel' },
    el('div', { className: 'quiet' }, t(`figure.${name}`)),
    el('div', { className: 'value' }, href ? linked(href, value, { id: `figure-${name}`, title }) : value),
    el('div', { className: 'quiet' }, ...about));
  const slower = { view: 'collectors', csort: '-change' };
  // In less than a week most collectors have too few runs to be compared.
  const toSlower = ['hour', 'day'].includes(state.range) ? link({ ...slower, range: 'week' }) : inPeriod(slower);
  const duration = (name) => {
    const [now, before] = [totals, previous.totals].map(({ durations }) => durations[name]);
    return figure(name, now === null ? '–' : span(now), changed(now, before, span), now !== null && toSlower, t('figure.slower'));
  };
  const points = totals.success_rate !== null && before.success_rate !== null
    ? Math.round((totals.success_rate - before.success_rate) * 1000) / 10 : null;
  const moved = points === null ? '–' : points === 0 ? t('change.none')
    : t(points > 0 ? 'change.morePoints' : 'change.fewerPoints', { count: Math.abs(points) });
  const counted = (tab, count, countBefore) => figure(tab, number(count), changed(count, countBefore, (value) => (
    linked(inPeriod({ tab }, previous), number(value), { id: `before-${tab}` }))), inPeriod({ tab }));
  return [
    figure('rate', totals.success_rate === null ? '–' : rate(totals.success_rate), [moved]),
    counted('succeeded', succeeded, before.statuses.SUCCESS),
    counted('failed', totals.failed, before.failed),
    duration('median'),
    duration('p95'),
  ];
}

/** A list of which only the first items are shown, unless it is to be shown whole. */
function listed(id, items, more, make, none) {
  if (!items.length) return [el('p', { className: 'quiet' }, none)];
  const some = whole.has(id) ? items : items.slice(0, FEW);
  const rest = items.length - some.length;
  return [
    el('ol', {}, ...some.map(make)),
    ...(items.length > FEW
      ? [button(t(rest ? 'list.more' : 'list.fewer', { count: rest }), null, { id: `more-${id}`, data: { list: id } })] : []),
    ...(more && !rest ? [el('p', { className: 'quiet' }, t('list.notShown', { count: more }))] : []),
  ];
}

/** The terms that list the jobs of a group of errors; null where the errors have neither a code nor a message. */
function errorTerms({ error_code: code, message, example }) {
  // White space is collapsed in the message of a group.
  const text = message !== null && !hasPlaceholders(message) ? example.message : message;
  const terms = [code !== null && `error:${quote(code)}`, text !== null && `message:${quote(text)}`].filter(Boolean);
  return terms.length ? terms : null;
}

/** Errors by code and message, the most frequent first. */
export function errorGroups({ state, answer, now, inPeriod, prefix = '' }) {
  const group = (one, index) => {
    const { error_code: code, message, jobs, collectors, first_seen: first, last_seen: last, counts, example } = one;
    const terms = errorTerms(one);
    const seen = first === last ? relative(last, now) : t('group.seen', { first: relative(first, now), last: relative(last, now) });
    const count = t('count.jobs', { count: jobs });
    const about = [t('count.collectors', { count: collectors }), seen].join(' · ');
    return el('li', {},
      el('div', { className: 'group' },
        el('b', {}, code ?? t('error.noCode')), ' ',
        el('span', { className: 'message', title: example.message ?? '' }, message ?? t('error.noMessage'))),
      el('div', { className: 'group-count' },
        terms ? linked(inPeriod({ terms: [...state.terms, ...terms] }), count, { id: `${prefix}group-${index}` }) : count),
      spark(counts),
      el('div', { className: 'quiet' }, about));
  };
  return listed(`${prefix}errors`, answer.errors.results, answer.errors.more, group, t('overview.noErrors'));
}

/** A line of bars, the highest as high as the line. */
function spark(counts) {
  const [width, height, max] = [120, 20, Math.max(...counts, 1)];
  const step = width / counts.length;
  const bars = counts.flatMap((count, index) => {
    const size = Math.max((count / max) * height, 1.5);
    return count ? [svg('rect', { x: index * step, width: Math.max(step - 0.5, 1), y: height - size, height: size })] : [];
  });
  return svg('svg', { class: 'spark ERROR', width, height, 'aria-hidden': 'true' }, ...bars);
}

/** The collectors that fail, the worst first: their last runs as bars, as high as they were long. */
function collectors({ state, answer, now, inPeriod, link }) {
  const toView = (id) => link({ view: 'collectors', collector: id, range: state.range, from: state.from, to: state.to });
  const failing = answer.collectors.results.filter(({ failed }) => failed);
  const collector = (one, index) => {
    const { collector_id: id, name, runs, failed, rate: share, streak, last_success: success, usual } = one;
    const facts = [
      streak > 1 && t('collector.streak', { count: streak }),
      one.is_flaky && t('collector.flaky'),
      success ? t('collector.lastSuccess', { age: relative(success.created_at, now) }) : t('collector.noSuccess'),
      usual && t('collector.usual', { span: span(usual.median) }),
    ];
    const failures = { id: `failures-${index}`, title: t('collector.failedRuns', { failed, count: runs }) };
    return el('li', {},
      el('div', { className: 'group' }, linked(toView(id), name ?? id, { id: `collector-${index}` })),
      el('div', { className: 'group-count' },
        linked(inPeriod({ collector: id, tab: 'failed' }), t('collector.rate', { rate: rate(share) }), failures)),
      runBars(one.last_runs,
        { label: t('collector.lastRuns', { name: name ?? id }), name: id, zone: state.zone, link: (job) => link({ job }) }),
      el('div', { className: 'quiet' }, facts.filter(Boolean).join(' · ')));
  };
  const all = linked(toView(''), t('collector.link.all'), { id: 'all-collectors' });
  return [...listed('collectors', failing, 0, collector, t('overview.noneFails')), el('p', {}, all)];
}

/** The jobs that run: how long, and how long such jobs usually take; those that are stuck first, with the rule. */
function running({ answer, now, link }) {
  const stuckIds = new Set(answer.stuck.jobs.map(({ job_id: id }) => id));
  const oldestFirst = (one, other) => Date.parse(one.since) - Date.parse(other.since);
  const others = answer.running.jobs.filter(({ job_id: id }) => !stuckIds.has(id)).sort(oldestFirst);
  const lane = (job, index) => {
    const { job_id: id, name, collector_id: collector, since, usual } = job;
    const age = Math.max(now - Date.parse(since), 0);
    const isStuck = stuckIds.has(id);
    const scale = Math.max(age, usual?.p95 ?? 0, 1);
    const share = (millis) => `${Math.min((millis / scale) * 100, 100)}%`;
    const words = isStuck ? t('running.stuck', { age: span(age), p95: span(usual.p95) })
      : usual ? t('running.usual', { age: span(age), usual: span(usual.median) }) : span(age);
    const done = el('span', { className: 'done' });
    done.style.width = share(age);
    const mark = usual ? [el('span', { className: 'usual' })] : [];
    for (const node of mark) node.style.left = share(usual.median);
    return el('li', { className: isStuck ? 'lane stuck' : usual && age > usual.median ? 'lane late' : 'lane' },
      linked(link({ job: id }), name ?? collector ?? id, { className: 'name', id: `lane-${index}` }),
      el('span', { className: 'track', ariaHidden: 'true' }, done, ...mark),
      el('span', { className: 'quiet' }, words));
  };
  const nodes = [...answer.stuck.jobs, ...others].map(lane);
  const hidden = answer.running.count - nodes.length;
  setText($('running-title'), t(answer.running.count ? 'overview.runningCount' : 'overview.running', { count: answer.running.count }));
  if (!nodes.length) return [el('p', { className: 'quiet' }, t('overview.noneRuns'))];
  const rest = () => [el('p', {}, linked(link({ tab: 'running' }), t('list.more', { count: hidden })))];
  return [el('ol', {}, ...nodes), ...(hidden > 0 ? rest() : [])];
}

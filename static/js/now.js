/** The jobs of the last hours as bars in lanes of their collectors: what runs, how long that usually takes, and what is stuck. */
import { $, el, on, renew, setText } from './dom.js';
import { STATUSES, exact, span, statusLabel } from './format.js';
import { parts, t } from './language.js';
import { idTerm } from './overview.js';
import { HOUR, sinceHours } from './range.js';
import { oneStop } from './runs.js';
import { HOURS } from './state.js';
import { tickLabel, timeTicks } from './time-axis.js';

const MAX_LANES = 40;
const MAX_ROWS = 12;
/** The height of a row of a lane, in pixels. */
const ROW = 17;
/** The most ticks of the axis: a phone has room for their labels. */
const MAX_TICKS = 7;

/** What is shown; `link` makes the address of jobs, and `open` that of a job beside the view. */
let state, answers, link, open;
/** The present, and both ends of the axis, in milliseconds. */
let now, from, to;
/** The job that a bar, or the words of a lane, is about. */
const jobs = new WeakMap();
/** The nodes of the lanes by collector. */
let lanes = new Map();
/** The id of the bar that has the tip. */
let tipped = '';

const share = (time) => ((time - from) / (to - from)) * 100;
const isLate = ({ began, usual }) => now - began > usual?.p95;

/** Shows a state with the answers of `lastHours` in queries.js and the overview that says what is usual. */
export function showNow(...given) {
  [state, answers, now, link, open] = given;
  draw();
}

/** Lets the bars of jobs that run grow. */
export function tickNow(time) {
  if (!state || $('now').hidden) return;
  now = time;
  if (sinceHours(state, now) === from) tick();
  else draw();
}

/** How long a job has waited or run, and how long is usual. */
function words(job) {
  const { began, status, usual } = job;
  const key = status === 'CREATED' ? 'waits' : isLate(job) ? 'rule' : usual ? 'usual' : 'runs';
  return t(`now.${key}`, { age: span(now - began), median: span(usual?.median), p95: span(usual?.p95) });
}

/** The outcome of a job, when it began and ended, and how long it took. */
function facts(job) {
  const time = (text) => text && exact(text, state.zone);
  return [job.isStuck ? t('now.isStuck') : statusLabel(job.status), time(job.created_at), time(job.finished_at),
    job.isOpen ? words(job) : job.finished_at && span(job.ended - job.began)];
}

/** The lanes: those with stuck jobs first, then those with running ones by age, then the most recent. */
function sorted({ overview: { stuck, running }, open, ended }) {
  const stuckIds = stuck.jobs.map((job) => job.job_id);
  const usual = new Map([...running.jobs, ...stuck.jobs].map((job) => [job.collector_id, job.usual]));
  const all = [...open.results, ...ended.results].map((job) => {
    const { collector_id: lane = null, name } = job.collector_info ?? {};
    const isOpen = open.results.includes(job);
    return { ...job, lane, name: name ?? lane ?? '–', isOpen, isStuck: stuckIds.includes(job.job_id),
      usual: isOpen && lane && usual.get(lane), began: Date.parse(job.created_at), ended: Date.parse(job.finished_at ?? job.created_at) };
  }).filter((job) => job.began < to && (job.isOpen || Math.max(job.began, job.ended) >= from));
  all.sort((one, other) => one.began - other.began);
  return [...Map.groupBy(all, (job) => job.lane)].map(([id, group]) => {
    const first = group.find((job) => job.isStuck) ?? group.find((job) => job.status === 'IN_PROGRESS');
    const { name, began } = group.at(-1);
    const rank = first ? Number(!first.isStuck) : 2;
    return { id, group: inRows(group), size: group.length, first, name, rank, at: first?.began ?? -began };
  }).sort((one, other) => one.rank - other.rank || one.at - other.at);
}

/** The jobs of a lane that are drawn, each in the first row where it overlaps with no other one. */
function inRows(group) {
  const ends = [];
  return group.flatMap((job) => {
    const row = [...ends.keys(), ends.length].find((index) => !(ends[index] > job.began));
    // A bar has a width, however short its job was.
    ends[row] = job.isOpen ? Infinity : Math.max(job.ended, Math.max(job.began, from) + (to - from) / 150);
    return row < MAX_ROWS ? [{ ...job, row }] : [];
  });
}

function draw() {
  from = sinceHours(state, now);
  to = from + state.hours * HOUR * 1.125;
  const all = sorted(answers);
  const top = all.slice(0, MAX_LANES);
  const tip = tipped;
  sentence();
  renew($('ticks'), [from, to, state.zone], () => [...timeTicks(from, to, state.zone, MAX_TICKS), null].map((time) => {
    const tick = el('span', {}, time && share(time) < 90 ? tickLabel(time, state.zone) : '');
    tick.style.left = `${share(time)}%`;
    return tick;
  }));
  lanes = new Map(top.map(({ id }) => [id, lanes.get(id) ?? el('div', { className: 'lane-of-time', role: 'group' })]));
  renew($('lane-list'), [...lanes.keys(), state.hours], () => (top.length ? [...lanes.values()] : [el('p', {}, t('now.none'))]));
  let hidden = 0;
  for (const { results, total_count: total } of [answers.open, answers.ended]) hidden += total - results.length;
  for (const lane of top) {
    hidden += lane.size - lane.group.length;
    renew(lanes.get(lane.id), [state, from, answers.from, lane], () => laneNodes(lane));
  }
  setText($('now-rest'), Object.entries({ lanes: all.length - top.length, hidden })
    .map(([key, count]) => (count ? t(`now.${key}`, { count }) : '')).join(' '));
  if ($('now-data').open) renew($('now-rows'), [from, state.zone, top], () => table(top));
  tick();
  showTip(tip && $(tip));
}

/** "3 running, 1 stuck; 412 jobs in the last 3 hours, 12 failed": each number is a link to the jobs that it counts. */
function sentence() {
  const { overview: { running, stuck }, counts, from: since } = answers;
  const sum = (statuses) => counts.reduce((total, { status, count }) => total + (statuses.includes(status) ? count : 0), 0);
  const range = { range: 'custom', from: since };
  const numbers = {
    running: [running.count, { tab: 'running' }],
    // By their ids, where the answer has all of them.
    stuck: [stuck.count, stuck.count && stuck.count === stuck.jobs.length && { terms: [...state.terms, idTerm(stuck.jobs)] }, 'bad'],
    jobs: [sum(STATUSES), range],
    failed: [sum(['ERROR', 'TIMEOUT']), { ...range, tab: 'failed' }, 'bad'],
  };
  const nodes = Object.entries(numbers).map(([name, [count, change, tint = '']]) => [name, el(change ? 'a' : 'span', {
    id: `now-${name}`, className: count ? tint : '', ...(change && { href: link(change) }) }, t(`now.${name}`, { count }))]);
  renew($('now-state'), [state, numbers], () => parts('now.state', { count: state.hours, ...Object.fromEntries(nodes) }));
}

/** The name of a lane, its bars, and the words about its oldest job that runs. */
function laneNodes({ id, name, first, group }) {
  const bar = (tag, job, end, properties) => {
    const node = el(tag, properties);
    const left = Math.max(share(job.began), 0);
    Object.assign(node.style, { left: `${left}%`, width: `${share(end) - left}%`, top: `${job.row * ROW}px` });
    jobs.set(node, job);
    return node;
  };
  const bars = group.map((job) => bar('a', job, job.ended, { id: `bar-${job.job_id}`, href: open(job.job_id),
    className: `long ${job.status}${job.began < from ? ' earlier' : ''}${job.isStuck ? ' isStuck' : ''}`,
    ariaLabel: [job.name, ...facts(job)].filter(Boolean).join(', ') }));
  const rests = group.filter((job) => job.usual && job.status !== 'CREATED')
    .map((job) => bar('span', job, job.began + job.usual.median, { className: 'rest' }));
  const track = el('div', { className: 'times' }, ...rests, ...bars);
  track.style.height = `${Math.max(...group.map(({ row }) => row + 1)) * ROW}px`;
  const label = el('a', { className: 'name', title: name, id: `lane-${id}` }, name);
  if (id) label.href = link({ collector: id, range: 'custom', from: answers.from });
  const node = lanes.get(id);
  node.ariaLabel = name;
  oneStop(node, id ? [label, ...bars] : bars, 0);
  if (!first) return [label, track];
  const about = el('div', { className: `words ${first.isStuck ? 'bad' : 'quiet'}` });
  jobs.set(about, first);
  return [label, track, about];
}

/** Moves what moves with the time. */
function tick() {
  $('ticks').lastChild.style.left = `${share(now)}%`;
  for (const bar of $('lane-list').querySelectorAll('.CREATED, .IN_PROGRESS')) {
    const job = jobs.get(bar);
    bar.style.width = `${share(now) - Math.max(share(job.began), 0)}%`;
    bar.classList.toggle('isLate', !job.isStuck && isLate(job));
  }
  for (const node of $('lane-list').querySelectorAll('.words')) setText(node, words(jobs.get(node)));
}

/** The bars as rows. */
function table(top) {
  const row = (cells, scope) => el('tr', {}, ...cells.map((text, index) => (
    scope === 'col' || !index ? el('th', { scope }, text) : el('td', {}, text || '–'))));
  return [el('thead', {}, row(['collector', 'status', 'began', 'ended', 'took'].map((name) => t(`now.${name}`)), 'col')),
    el('tbody', {}, ...top.flatMap(({ group }) => group.map((job) => row([job.name, ...facts(job)], 'row'))))];
}

/** Shows the tip of a bar, or none. */
function showTip(bar) {
  const job = jobs.get(bar);
  const tip = $('now-tip');
  tipped = job ? bar.id : '';
  tip.hidden = !job;
  if (!job) return;
  tip.replaceChildren(el('b', {}, job.name), ...facts(job).filter(Boolean).map((text) => el('div', {}, text)));
  const [box, at] = [$('lanes'), bar].map((node) => node.getBoundingClientRect());
  tip.style.left = `${Math.max(Math.min(at.left - box.left, box.width - tip.offsetWidth), 0)}px`;
  tip.style.top = `${at.bottom - box.top + 6}px`;
}

/** Fills in what does not change, and shows tips at the pointer, at the focus, and after a tap. */
export function wireNow() {
  $('hours').append(...HOURS.map((count) => new Option(t('now.hours', { count }), count)));
  const key = (className, text) => el('span', {}, el('i', { className: `long ${className}` }), ` ${text}`);
  $('now-legend').append(...STATUSES.map((status) => key(status, statusLabel(status))),
    ...['isLate', 'isStuck', 'rest', 'earlier'].map((name) => key(`IN_PROGRESS ${name}`, t(`now.${name}`))));
  const box = $('lanes');
  for (const name of ['pointerover', 'pointerleave']) {
    on(box, name, ({ target, pointerType }) => pointerType === 'touch' || showTip(target.closest('.long')));
  }
  on(window, 'pointerdown', ({ target }) => target.closest('.long') || showTip());
  on(box, 'focusin', ({ target }) => target.matches(':focus-visible') && showTip(target));
  on(box, 'focusout', () => showTip());
  on(box, 'click', (event) => {
    const { target, pointerType } = event;
    // The first tap says what a bar is, and the second one opens its job.
    if (pointerType !== 'touch' || !jobs.has(target) || tipped === target.id) return;
    event.preventDefault();
    event.stopPropagation();
    showTip(target);
  });
  on(box, 'keydown', (event) => {
    if (event.key !== 'Escape' || !tipped) return;
    event.preventDefault();
    showTip();
  });
  on($('now-data'), 'toggle', () => state && draw());
}

/** The statistics view: a form for groups and measures, or for the query itself; the answer as lines in time and a table with bars. */
import { $, button, el, follow, on, renew, setText } from './dom.js';
import { span } from './format.js';
import { number, t } from './language.js';
import { createLines } from './lines.js';
import { YEAR, bounds, step } from './range.js';
import { GROUPS, MEASURES, isTime, measured, statOrder } from './state.js';
import { quote } from './search-language.js';

/** The most rows that the table shows. */
const MAX_ROWS = 500;
/** The most points of a line. */
const MAX_TIMES = 1000;
const BY_ID = Object.fromEntries([...GROUPS, ...MEASURES].map((one) => [one.id, one]));

/** Shows the choices, and the query that they make. */
export function showChoices(state, query) {
  ['by-1', 'by-2'].forEach((id, index) => {
    const none = index ? [el('option', { value: '' }, '–')] : [];
    renew($(id), GROUPS, () => [...none, ...GROUPS.map(({ id: value, label }) => el('option', { value }, t(label)))]);
    $(id).value = state.by[index] ?? '';
  });
  renew($('measures'), state.measures, () => MEASURES.map(({ id, label }) => el('label', {},
    el('input', { type: 'checkbox', id: `measure-${id}`, value: id, checked: state.measures.includes(id) }), ` ${t(label)}`)));
  setText($('measures-chosen'), t('stat.chosen', { count: state.measures.length }));
  $('top').value = state.top;
  for (const control of $('choices').querySelectorAll('select, input')) control.disabled = Boolean(state.stat);
  follow($('stat-json'), state.stat || JSON.stringify(query, null, 2));
  $('stat-edit').open ||= Boolean(state.stat);
  $('stat-reset').disabled = !state.stat;
}

export function showError(text) {
  $('stat-error').hidden = !text;
  setText($('stat-error'), text);
}

/** The start of a group of time, in milliseconds. */
const startOf = (text) => Date.parse(text.length === 13 ? `${text}:00Z` : text);

/** The start of the group of time that a time is in, or of one `by` further on. */
const unitOf = (id, time, by = 0) => step(id, time, 'utc', by);

/** The group of a time as a text: "2026-01-31 08:00" */
const timeLabel = (id, time) => new Date(time).toISOString().slice(0, { month: 7, day: 10, hour: 16 }[id]).replace('T', ' ');

/** The change of a state that leads to the jobs of a group of time, within the range that is shown. */
function rangeOf(id, time, state, now) {
  const { from, to } = bounds(state, now);
  const [start, end] = [Math.max(time, from ?? time), Math.min(unitOf(id, time, 1), to ?? Infinity)];
  return { range: 'custom', from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}

/** The change of a state that leads to the jobs of a row; null where its groups have no term. */
function jobsOf(row, state, now) {
  let change = { terms: state.terms };
  for (const id of state.by) {
    const value = row[id];
    if (value === null || value === undefined || typeof value === 'object') return null;
    if (isTime(id)) change = { ...change, ...rangeOf(id, startOf(value), { ...state, ...change }, now) };
    else change = { ...change, terms: [...change.terms, `${BY_ID[id].term}:${quote(String(value))}`] };
  }
  return change;
}

/** The share of failed jobs among those that have ended; null without any. */
function rateOf({ succeeded, failed, timeouts, canceled }) {
  const ended = succeeded + failed + timeouts + canceled;
  return ended ? (failed + timeouts) / ended : null;
}

/** The value of a measure in a row of the choices. */
const valueOf = (row, id) => (id === 'rate' ? rateOf(row) : row[id] ?? null);

function measureText(id, value) {
  if (value === null) return '–';
  if (id === 'rate') return t('percent', { share: Math.round(value * 1000) / 10 });
  return BY_ID[id].isSpan ? span(value) : number(value);
}

/** Compares two values of a user's own query: numbers by size, others as texts; what is missing comes first. */
function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [one, other] = [a, b].map((value) => (typeof value === 'string' ? value : JSON.stringify(value ?? '')));
  return one < other ? -1 : Number(one > other);
}

/** The columns and rows of a user's own query, which may have any members, and any number of rows. */
function ownTable({ results }, state) {
  let rows = results.map((row) => (row?.constructor === Object ? row : { value: row }));
  const names = [...new Set(rows.slice(0, MAX_ROWS).flatMap(Object.keys))];
  const order = names.includes(state.ssort) ? { id: state.ssort, desc: state.sdesc } : { id: null };
  const sign = order.desc ? -1 : 1;
  if (order.id !== null) rows = rows.toSorted((a, b) => sign * compare(a[order.id], b[order.id]));
  rows = rows.slice(0, MAX_ROWS);
  const isNumber = (name) => rows.some((row) => typeof row[name] === 'number');
  const text = (value) => {
    if (value === undefined || value === null) return '–';
    if (typeof value === 'object') return el('div', { className: 'nested' }, JSON.stringify(value));
    return typeof value === 'number' ? number(value) : String(value);
  };
  return {
    rows, order, foot: [],
    columns: names.map((id) => ({ id, label: id, isNumber: isNumber(id), value: (row) => row[id], cell: (row) => text(row[id]) })),
    drawn: order.id !== null && isNumber(order.id) ? order.id : names.findLast(isNumber),
  };
}

/** The columns and rows of the choices: the first groups, the others summed up, and all. */
function chosenTable({ results, total_count: total }, all, state, now, link) {
  const rows = results.slice(0, state.top === 'all' ? MAX_ROWS : state.top);
  const { by, measures } = state;
  const label = (id, row) => {
    const value = row[id];
    if (value === null || value === undefined) return '–';
    const text = isTime(id) ? timeLabel(id, startOf(value)) : typeof value === 'object' ? JSON.stringify(value) : String(value);
    const change = jobsOf(row, state, now);
    const key = by.map((one) => row[one]).join(' ');
    return change ? el('a', { id: `stat-link-${id}-${key}`, href: link(change) }, text) : text;
  };
  const columns = [
    ...by.map((id) => ({ id, label: t(BY_ID[id].label), isNumber: false, cell: (row) => label(id, row) })),
    ...measures.map((id) => ({
      id, label: t(BY_ID[id].label), isNumber: true, value: (row) => valueOf(row, id), cell: (row) => measureText(id, valueOf(row, id)),
    })),
  ];
  const foot = [];
  const others = total - rows.length;
  if (all && rows.length) {
    // A job counts in each of its error codes, so these don't add up.
    const isAdditive = !by.includes('error');
    const counted = Object.keys(all).filter((id) => BY_ID[id]?.isSum);
    const rest = Object.fromEntries(isAdditive
      ? counted.map((id) => [id, all[id] - rows.reduce((sum, row) => sum + row[id], 0)]) : []);
    if (others > 0) foot.push([t('stat.others', { count: others }), rest, (id) => isAdditive && (BY_ID[id].isSum || id === 'rate')]);
    foot.push([t('stat.all'), all, () => true]);
  }
  return { rows, columns, order: statOrder(state), drawn: measured(state), foot: foot.map(([name, row, has]) => [
    name, measures.map((id) => (has(id) ? measureText(id, valueOf(row, id)) : '–'))]) };
}

let lines = null;
let openPoint = () => {};

/** Shows lines in time, where that is what is grouped by. */
function showLines(state, drawn, now, go) {
  lines ??= createLines($('stat-lines'), (index) => openPoint(index));
  const [unit, other] = state.by;
  const measure = measured(state);
  const { isSum, isSpan, label } = BY_ID[measure];
  let rows = (drawn?.rows ?? []).filter((row) => typeof row[unit] === 'string').map((row) => ({ ...row, at: startOf(row[unit]) }));
  const oldest = Math.min(...rows.map(({ at }) => at));
  // Of the oldest time that fits, some lines may lack their point.
  if (drawn?.isCut) rows = rows.filter(({ at }) => at !== oldest);
  if (!rows.length) return lines.show(null);
  const range = bounds(state, now);
  const ends = rows.map(({ at }) => at);
  if (range.from !== null && !drawn.isCut) ends.push(unitOf(unit, range.from));
  if (range.to !== null) ends.push(unitOf(unit, range.to - 1));
  else if (range.from !== null && state.range !== 'custom') ends.push(unitOf(unit, now));
  // A job dated far ahead is no reason to show years without jobs.
  const end = Math.min(Math.max(...ends), now + YEAR);
  const first = Math.min(...ends);
  const times = [];
  for (let time = unitOf(unit, end); time >= first && times.length < MAX_TIMES; time = unitOf(unit, time, -1)) times.unshift(time);
  if (times.length < 2) return lines.show(null);
  const lineOf = (name, isMine) => {
    const found = new Map(rows.filter(isMine).map((row) => [row.at, valueOf(row, measure)]));
    return { name, values: times.map((time) => found.get(time) ?? (isSum ? 0 : null)) };
  };
  const series = drawn.values ? drawn.values.map((value) => lineOf(value, (row) => row[other] === value)) : [lineOf('', () => true)];
  openPoint = (index) => go({ view: 'jobs', ...rangeOf(unit, times[index], state, now) });
  lines.show({ labels: times.map((time) => timeLabel(unit, time)), series, isSpan, format: (value) => measureText(measure, value) },
    t('stat.chart', { measure: t(label), group: t(BY_ID[unit].label) }));
}

/**
 * Shows the answers: a row a group, with a bar of the measure that sorts.
 * @param {object} given the `answer`; for the choices also the row of `all` jobs, and what is `drawn` as lines
 * @param {(change: object) => string} link to the jobs of a change of the state
 */
export function showStatistics(state, { answer, all, drawn }, now, link, go) {
  const isOwn = Boolean(state.stat);
  const { rows, columns, order, drawn: barred, foot } = isOwn ? ownTable(answer, state) : chosenTable(answer, all, state, now, link);
  const total = answer.total_count ?? answer.results.length;
  const bar = columns.find(({ id }) => id === barred);
  const max = bar ? Math.max(...rows.map((row) => Number(bar.value(row)) || 0)) : 0;
  // Bars are beside what they belong to: before the first number.
  const at = columns.findIndex(({ isNumber }) => isNumber);
  const withBar = (cells, cell) => (bar ? cells.toSpliced(at, 0, cell) : cells);
  const classOf = ({ isNumber }) => (isNumber ? 'number' : '');
  const headCell = (column) => {
    const isSorted = column.id === order.id;
    const arrow = isSorted ? (order.desc ? ' ↓' : ' ↑') : '';
    const sort = () => go({ ssort: column.id, sdesc: isSorted ? !order.desc : column.isNumber || isTime(column.id) });
    const cell = el('th', { scope: 'col', className: classOf(column) }, button(column.label + arrow, sort, { id: `ssort-${column.id}` }));
    if (isSorted) cell.ariaSort = order.desc ? 'descending' : 'ascending';
    return cell;
  };
  const barCell = (row) => {
    const node = el('div', { className: 'measured' });
    node.style.setProperty('--share', Math.max(bar.value(row) / max || 0, 0));
    return el('td', { className: 'bar-cell' }, node);
  };
  showError('');
  $('stat-rows').dataset.groups = isOwn ? 0 : state.by.length;
  renew($('stat-head'), [columns, order, at, barred], () => withBar(columns.map(headCell), el('td')));
  const bodyCell = (column, row) => (
    el('td', { className: classOf(column) }, column.isNumber ? column.cell(row) : el('div', { className: 'stat-text' }, column.cell(row))));
  renew($('stat-rows'), [state, rows, columns, barred], () => rows.map((row) => (
    el('tr', {}, ...withBar(columns.map((column) => bodyCell(column, row)), bar && barCell(row))))));
  renew($('stat-foot'), [state, foot], () => foot.map(([name, values]) => el('tr', {},
    el('th', { scope: 'row', colSpan: state.by.length }, name), el('td'),
    ...values.map((value) => el('td', { className: 'number' }, value)))));
  $('stat-note').hidden = isOwn || !rows.length || !state.by.includes('error');
  setText($('stat-total'), total === 0 ? t('stat.nothing')
    : total > rows.length ? t('stat.some', { some: rows.length, count: total }) : t('stat.rows', { count: total }));
  showLines(state, isOwn ? null : drawn, now, go);
}

export function wireStatistics(go) {
  on($('choices'), 'change', (event) => {
    const by = [...new Set([$('by-1').value, $('by-2').value])].filter(Boolean);
    const measures = [...$('measures').querySelectorAll(':checked')].map((input) => input.value);
    const top = $('top').value;
    if (measures.length) go({ by, measures, top: Number(top) || top });
    else event.target.checked = true;
  });
  on($('stat-form'), 'submit', (event) => {
    event.preventDefault();
    try {
      const query = JSON.parse($('stat-json').value);
      if (query?.constructor !== Object) throw new SyntaxError(t('stat.noObject', { example: '{"distinct": "collector_id"}' }));
      $('stat-json').dataset.editing = 'false';
      go({ stat: JSON.stringify(query, null, 2) });
    } catch (error) {
      showError(error.message);
    }
  });
  // A query that somebody writes is not overwritten.
  on($('stat-json'), 'input', ({ target }) => { target.dataset.editing = 'true'; });
  on($('stat-reset'), 'click', () => {
    $('stat-json').dataset.editing = 'false';
    go({ stat: '' });
  });
}

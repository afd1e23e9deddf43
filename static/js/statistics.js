/** The statistics view: a form for groups and measures, or for the query itself; the answer as a table with bars. */
import { $, el, follow, on, renew, setText } from './dom.js';
import { span } from './format.js';
import { number } from './language.js';
import { GROUPS, MEASURES } from './state.js';
import { quote } from './search-language.js';

/** The most rows that the table shows. */
const MAX_ROWS = 500;
const BY_ID = Object.fromEntries([...GROUPS, ...MEASURES].map((one) => [one.id, one]));

/** Shows the choices, and the query that they make. */
export function showChoices(state, query) {
  ['by-1', 'by-2'].forEach((id, index) => {
    const none = index ? [el('option', { value: '' }, '–')] : [];
    renew($(id), GROUPS, () => [...none, ...GROUPS.map(({ id: value, label }) => el('option', { value }, label))]);
    $(id).value = state.by[index] ?? '';
  });
  renew($('measures'), state.measures, () => MEASURES.map(({ id, label }) => el('label', {},
    el('input', { type: 'checkbox', id: `measure-${id}`, value: id, checked: state.measures.includes(id) }), ` ${label}`)));
  for (const control of $('choices').querySelectorAll('select, input')) control.disabled = Boolean(state.stat);
  follow($('stat-json'), state.stat || JSON.stringify(query, null, 2));
  $('stat-edit').open ||= Boolean(state.stat);
  $('stat-reset').disabled = !state.stat;
}

export function showError(text) {
  $('stat-error').hidden = !text;
  setText($('stat-error'), text);
}

/**
 * Shows the answer: a row a group, with a bar behind the first measure. The answer to a user's own query may have any
 * members, and any number of rows.
 * @param {(term: string) => string} link to the jobs of a term
 */
export function showStatistics(state, { results, total_count: total = results.length }, link) {
  const isOwn = Boolean(state.stat);
  const rows = results.slice(0, MAX_ROWS).map((row) => (row?.constructor === Object ? row : { value: row }));
  const names = [...new Set([...(isOwn ? [] : [...state.by, ...state.measures]), ...rows.flatMap(Object.keys)])];
  const isNumber = (name) => rows.some((row) => typeof row[name] === 'number');
  const measured = isOwn ? names.findLast(isNumber) : state.measures[0];
  const max = Math.max(...rows.map((row) => Number(row[measured]) || 0));
  const cellContent = (name, value) => {
    const { isSpan, term } = isOwn ? {} : BY_ID[name];
    if (value === undefined || value === null) return '–';
    if (typeof value === 'object') return el('div', { className: 'nested' }, JSON.stringify(value));
    if (typeof value === 'number') return isSpan ? span(value) : number(value);
    if (!term) return String(value);
    return el('a', { id: `stat-link-${term}-${value}`, href: link(`${term}:${quote(String(value))}`) }, value);
  };
  const headCell = (name) => (
    el('th', { scope: 'col', className: isNumber(name) ? 'number' : '' }, isOwn ? name : BY_ID[name].label));
  showError('');
  renew($('stat-head'), [names, isOwn, names.map(isNumber)], () => names.map(headCell));
  renew($('stat-rows'), [rows, state], () => rows.map((row) => el('tr', {}, ...names.map((name) => {
    const className = name === measured ? 'number measured' : isNumber(name) ? 'number' : '';
    const cell = el('td', { className }, cellContent(name, row[name]));
    if (name === measured) cell.style.setProperty('--share', Math.max(row[name] / max || 0, 0));
    return cell;
  }))));
  const all = `${number(total)} ${total === 1 ? 'row' : 'rows'}`;
  const some = total > rows.length ? `The first ${number(rows.length)} of ${all}` : all;
  setText($('stat-total'), total === 0 ? 'Nothing to count' : some);
}

export function wireStatistics(go) {
  on($('choices'), 'change', (event) => {
    const by = [...new Set([$('by-1').value, $('by-2').value])].filter(Boolean);
    const measures = [...$('measures').querySelectorAll(':checked')].map((input) => input.value);
    if (measures.length) go({ by, measures });
    else event.target.checked = true;
  });
  on($('stat-form'), 'submit', (event) => {
    event.preventDefault();
    try {
      const query = JSON.parse($('stat-json').value);
      if (query?.constructor !== Object) throw new SyntaxError('A query is an object, as {"distinct": "collector_id"}');
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

/** The wiring: the address makes the state, the state asks the server, the answers are shown. */
import * as api from './api.js';
import { DEFAULTS, change, countsBody, format, parse, searchBody } from './state.js';
import * as view from './view.js';

const { $ } = view;
const REMEMBERED_DOMAIN = 'jobdeck.domain';

let state = parse(location.search);
let running = null;
let timer = 0;

/** Goes to another state; a new entry in the history, unless only what was typed goes on. */
function go(to, replace = false) {
  state = change(state, to);
  const note = { opened: Boolean(to.job) };
  history[replace ? 'replaceState' : 'pushState'](note, '', location.pathname + format(state));
  return load();
}

/** Closes the open job: back to where it was opened from, or, where a link opened it, to the list behind it. */
function closeJob() {
  if (history.state?.opened) history.back();
  else go({ job: '' }, true);
}

const linkTo = (job) => location.pathname + format(change(state, { job }));

/** Asks for all that the state shows; an answer that comes late for another state is not shown. */
async function load() {
  clearTimeout(timer);
  running?.abort();
  const mine = new AbortController();
  running = mine;
  showState();
  try {
    const domains = (await api.domains(mine.signal)).results;
    if (!state.domain && domains.length) {
      // Put into the address, so that the view is a link from the beginning.
      state = { ...state, domain: startDomain(domains) };
      history.replaceState(history.state, '', location.pathname + format(state));
    }
    view.showDomains(domains, state.domain);
    if (state.domain) {
      await Promise.all([loadList(mine.signal, domains), loadDetail(mine.signal)]);
    } else {
      showNothing();
    }
    view.showTrouble(null);
  } catch (error) {
    if (error.name === 'AbortError') return;
    view.showTrouble(error, load);
  }
  if (running === mine) schedule();
}

async function loadList(signal, domains) {
  const asked = state;
  const [list, counts] = await Promise.all([api.search(searchBody(asked), signal), api.stat(countsBody(asked), signal)]);
  view.showTabs(asked, counts.results, (tab) => go({ tab }));
  view.showRows(list.results, linkTo, Date.now());
  view.showPages(asked, list.total_count, (page) => go({ page }));
  view.showEmpty(whyEmpty(asked, list, domains), () => go({ keyword: '', tab: DEFAULTS.tab }));
}

/** Why a list shows nothing; nothing where it shows something. */
function whyEmpty(asked, { results, total_count: total }, domains) {
  if (results.length) return null;
  if (total > 0) return 'past-the-end';
  if (asked.keyword.trim() || asked.tab !== DEFAULTS.tab) return 'no-match';
  return domains.length ? 'no-domain' : 'no-jobs';
}

async function loadDetail(signal) {
  const { job, domain } = state;
  if (!job) return;
  const { results } = await api.search({ domain_id: domain, job_id: job }, signal);
  view.showDetail(results[0], job, Date.now());
  if (!$('detail').open) $('detail').showModal();
}

function showNothing() {
  view.showTabs(state, [], () => {});
  view.showRows([], linkTo, Date.now());
  view.showPages(state, 0, () => {});
  view.showEmpty('no-jobs');
}

/** The controls, as the state has them; what somebody types in is left alone. */
function showState() {
  view.showTabs(state, null, (tab) => go({ tab }));
  view.showHead(state, (sort) => go(sort === state.sort ? { desc: !state.desc } : { sort, desc: sort === 'created_at' }));
  if ($('keyword').value !== state.keyword) $('keyword').value = state.keyword;
  $('size').value = String(state.size);
  $('refresh').value = String(state.refresh);
  if (!state.job && $('detail').open) $('detail').close();
}

function startDomain(domains) {
  const remembered = localStorage.getItem(REMEMBERED_DOMAIN);
  const isThere = domains.some((domain) => domain.domain_id === remembered);
  const largest = domains.reduce((best, domain) => (domain.jobs > (best?.jobs ?? 0) ? domain : best), null);
  return isThere ? remembered : largest?.domain_id ?? '';
}

/** The next look, unless it is paused or nobody looks. */
function schedule() {
  clearTimeout(timer);
  if (state.refresh && !document.hidden) timer = setTimeout(load, state.refresh * 1000);
}

$('domain').addEventListener('change', (event) => {
  localStorage.setItem(REMEMBERED_DOMAIN, event.target.value);
  go({ domain: event.target.value, job: '' });
});
let typing = false;
let typed = 0;
$('keyword').addEventListener('input', (event) => {
  // Each word typed is one entry in the history; the server is asked when the typing pauses.
  clearTimeout(typed);
  typed = setTimeout(() => {
    go({ keyword: event.target.value }, typing);
    typing = true;
  }, 150);
});
$('keyword').addEventListener('blur', () => { typing = false; });
$('size').addEventListener('change', (event) => go({ size: Number(event.target.value) }));
$('refresh').addEventListener('change', (event) => go({ refresh: Number(event.target.value) }, true));
$('refresh-now').addEventListener('click', load);
$('rows').addEventListener('click', (event) => {
  const row = event.target.closest('tr[data-job]');
  // A link that is to open elsewhere does so.
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey || getSelection()?.type === 'Range') return;
  event.preventDefault();
  go({ job: row.dataset.job });
});
$('detail-close').addEventListener('click', () => $('detail').close());
$('detail').addEventListener('click', (event) => {
  if (event.target === $('detail')) $('detail').close();
});
$('detail').addEventListener('close', () => {
  if (state.job) closeJob();
});
addEventListener('popstate', () => {
  clearTimeout(typed);
  typing = false;
  state = parse(location.search);
  load();
});
document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : load()));
setInterval(() => view.tick(Date.now()), 1000);

load();

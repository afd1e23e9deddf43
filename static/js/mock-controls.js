/** The controls of a mock, in its journal: the clock, faults, snapshots, and the reset; for all domains or for that of the state. */
import { about, act, readIfChanged } from './api.js';
import { confirmed, note } from './confirm.js';
import { fieldText, fieldTime } from './controls.js';
import { $, button, el, follow, on, pick, renew, setText, showMessage } from './dom.js';
import { exact } from './format.js';
import { t } from './language.js';
import { scoped } from './queries.js';

/** The routes that a fault can be for. */
const ROUTES = [
  'list', 'search', 'stat', 'export', 'overview', 'domains', 'about', 'put', 'patch', 'delete', 'add', 'healthz', 'check', 'openapi',
];
/** What a fault does, and whether it takes a value. */
const EFFECTS = { code: true, delay: true, drop: false, truncate: true, hold: false };
const HOUR = 3600;

/** The state of the page, and what the mock has for it. */
let shown = null;
/** The last reading, since an older one may arrive later. */
let reading = 0;

const read = async (path) => (await readIfChanged(path, '')).body;
const jobs = (count) => t('mock.jobs', { count });
const whose = (domain) => domain ?? t('mock.wholeServer');
/** The path of a control of the domain that a snapshot is of. */
const ofSnapshot = ({ name, domain_id: domain }, ...act) => scoped(
  { scope: domain ? 'domain' : 'all', domain }, ['jobdeck/snapshots', encodeURIComponent(name), ...act].join('/'));

/** Reads what the mock has, and shows it, where the controls are open. */
export async function showMock(state) {
  if (!$('mock').open) return;
  reading += 1;
  const mine = reading;
  const isOfDomain = state.scope === 'domain';
  setText($('mock-scope'), isOfDomain ? t('mock.ofDomain', { domain: state.domain }) : t('mock.ofAll'));
  try {
    const [server, faults, snapshots] = await Promise.all([
      about(isOfDomain ? state.domain : ''), read(scoped(state, 'jobdeck/faults')), read(scoped(state, 'jobdeck/snapshots'))]);
    if (mine !== reading) return;
    const { now, is_frozen: isFrozen, speed } = server;
    shown = { state, isFrozen, speed, at: Date.parse(now), began: Date.now(), faults: faults.results, snapshots: snapshots.results };
    showMessage($('mock-trouble'), '');
    showClock(now);
    showFaults();
    showSnapshots();
  } catch (error) {
    if (mine === reading) showMessage($('mock-trouble'), error.message);
  }
}

function showClock(now) {
  const { zone } = shown.state;
  // The zone as well, since a field that is left alone would have the time of another one.
  if ($('clock-time').dataset.zone !== zone) delete $('clock-time').dataset.text;
  $('clock-time').dataset.zone = zone;
  if (!$('clock-time').dataset.text) follow($('clock-time'), fieldText(now, zone));
  setText($('clock-freeze'), t(shown.isFrozen ? 'mock.unfreeze' : 'mock.freeze'));
  tickMock();
}

/** Shows the time of a clock that runs. */
export function tickMock() {
  if (!shown) return;
  const { state, isFrozen, speed, at, began } = shown;
  const time = exact(new Date(isFrozen ? at : at + (Date.now() - began) * speed).toISOString().replace(/\.\d+/, ''), state.zone);
  setText($('clock-now'), t(isFrozen ? 'mock.frozen' : speed === 1 ? 'mock.runs' : 'mock.runsFast', { time, speed }));
}

/** What a fault does, and to which requests. */
function describe({ route, domain_id: domain, job_id: job, code, message, delay, drop, truncate, hold }) {
  const effects = [
    code !== undefined && [t('mock.isCode', { code: String(code) }), message].filter(Boolean).join(' '),
    delay !== undefined && t('mock.isDelay', { seconds: [delay].flat().join('–') }),
    drop && t('mock.isDrop'), truncate !== undefined && t('mock.isTruncate', { count: truncate }), hold && t('mock.isHold'),
  ];
  return [[route ?? t('mock.anyRoute'), domain, job].filter(Boolean).join(' · '), effects.filter(Boolean).join(', ')].join(': ');
}

function showFaults() {
  const { faults } = shown;
  $('faults-clear').hidden = !faults.length;
  renew($('faults'), faults, () => (faults.length ? faults.map((fault) => {
    const { id, used: count, holding, times } = fault;
    const uses = [times ? t('mock.usedOf', { count, times }) : t('mock.used', { count }), holding && t('mock.holding', { count: holding })];
    const control = (key, request, said) => button(
      t(key), () => run(request, said), { id: `${key}-${id}`, ariaLabel: `${t(key)} ${id}` });
    const path = `jobdeck/faults/${encodeURIComponent(id)}`;
    const release = () => control(
      'mock.release', () => act('POST', `${path}/release`), ({ released: count }) => t('mock.released', { count }));
    return el('li', {}, el('span', {}, describe(fault), ' ', el('span', { className: 'quiet' }, uses.filter(Boolean).join(' · '))),
      ...(fault.hold ? [release()] : []),
      control('mock.remove', () => act('DELETE', path), () => t('mock.removed', { id })));
  }) : [el('li', { className: 'quiet' }, t('mock.noFaults'))]));
}

function showSnapshots() {
  const { snapshots, state: { zone } } = shown;
  renew($('snapshots'), [snapshots, zone], () => (snapshots.length ? snapshots.map((snapshot) => {
    const { name, domain_id: domain, jobs: count, saved_at: at } = snapshot;
    const control = (key, act) => button(t(key), act, { id: `${key}-${domain ?? ''}-${name}`, ariaLabel: `${t(key)} ${name}` });
    return el('li', {}, el('span', {}, el('b', {}, name), ' ',
      el('span', { className: 'quiet' }, [whose(domain), jobs(count), exact(at.replace(/\.\d+/, ''), zone)].join(' · '))),
    control('mock.restore', () => restore(snapshot)), control('mock.delete', () => forget(snapshot)));
  }) : [el('li', { className: 'quiet' }, t('mock.noSnapshots'))]));
}

/** Waits for an act, says what it did, and has the page loaded again; an error is shown with the controls. */
let run = async () => {};

/** Asks first; then acts. */
async function ask(texts, request, said) {
  if (await confirmed(texts)) await run(request, said);
}

/** How many jobs a domain has, or all. */
async function countJobs(domain) {
  const { results } = await read('jobdeck/domains');
  return results.reduce((sum, one) => sum + (domain && one.domain_id !== domain ? 0 : one.jobs), 0);
}

async function restore(snapshot) {
  const { name, domain_id: domain, jobs: saved, saved_at: at } = snapshot;
  const texts = {
    title: t('mock.restoreTitle', { name }), act: t('mock.restoreAct'),
    text: t('mock.restoreText', {
      jobs: jobs(await countJobs(domain)), whose: whose(domain), saved: jobs(saved), time: exact(at, shown.state.zone) }),
  };
  await ask(texts, () => act('POST', ofSnapshot(snapshot, 'restore')), () => t('mock.restored', { name, jobs: jobs(saved) }));
}

async function forget(snapshot) {
  const { name } = snapshot;
  const text = t('mock.deleteText', { jobs: jobs(snapshot.jobs) });
  const texts = { title: t('mock.deleteTitle', { name }), text, act: t('mock.deleteAct') };
  await ask(texts, () => act('DELETE', ofSnapshot(snapshot)), () => t('mock.deleted', { name }));
}

async function take({ domain, scope }) {
  const name = $('snapshot-name').value;
  const snapshot = { name, domain_id: scope === 'domain' ? domain : null };
  const former = shown?.snapshots.find((one) => one.name === name && (one.domain_id ?? null) === snapshot.domain_id);
  const request = () => act('PUT', ofSnapshot(snapshot));
  const said = ({ jobs: count }) => {
    $('snapshot-form').reset();
    return t('mock.taken', { name, jobs: jobs(count) });
  };
  if (!former) return run(request, said);
  const text = t('mock.replaceText', { jobs: jobs(former.jobs), time: exact(former.saved_at, shown.state.zone) });
  return ask({ title: t('mock.replaceTitle', { name }), text, act: t('mock.replace') }, request, said);
}

async function reset(state) {
  const domain = state.scope === 'domain' ? state.domain : null;
  const faults = await read(scoped(state, 'jobdeck/faults'));
  const texts = {
    title: domain ? t('mock.resetDomain', { domain }) : t('mock.resetAll'), act: t('mock.resetAct'),
    text: t('mock.resetText', { jobs: jobs(await countJobs(domain)), faults: t('mock.faultCount', { count: faults.total_count }) }),
  };
  await ask(texts, () => act('POST', scoped(state, 'jobdeck/reset')), (answer) => t('mock.wasReset', { jobs: jobs(answer.jobs) }));
}

async function clearFaults(state) {
  const { total_count: count } = await read(scoped(state, 'jobdeck/faults'));
  const texts = { title: t('mock.removeAllTitle', { count }), text: t('mock.removeAllText'), act: t('mock.remove') };
  await ask(texts, () => act('DELETE', scoped(state, 'jobdeck/faults')), ({ deleted }) => t('mock.removedAll', { count: deleted }));
}

/** The fault of the form; numbers are sent as such, and whatever else is written is the server's to judge. */
function givenFault() {
  const [effect, route, times, value] = ['effect', 'route', 'times', 'value'].map((name) => $(`fault-${name}`).value.trim());
  const [, first, last] = /^([\d.]+)(?: *[-–] *([\d.]+))?$/.exec(value) ?? [];
  const numbers = last ? [Number(first), Number(last)] : first ? Number(first) : value;
  return { ...(route && { route }), ...(times && { times: Number(times) }), [effect]: EFFECTS[effect] ? numbers : true };
}

function showEffect() {
  const effect = $('fault-effect').value;
  $('fault-value-label').hidden = !EFFECTS[effect];
  $('fault-value').required = EFFECTS[effect];
  if (EFFECTS[effect]) setText($('fault-value-name'), t(`mock.value.${effect}`));
}

/**
 * @param {() => import('./state.js').State} state
 * @param {() => Promise} load loads the page again
 */
export function wireMock(state, load) {
  const guarded = (act) => act.catch((error) => {
    showMessage($('mock-error'), error.message);
    $('mock-error').scrollIntoView({ block: 'nearest' });
  });
  run = (request, said) => guarded(request().then(async (answer) => {
    showMessage($('mock-error'), '');
    const text = said(answer);
    await load();
    // What is said is true of what is shown by then: the next question has the new counts.
    await showMock(state());
    note(text);
  }));
  const click = (id, act) => on($(id), 'click', () => guarded(act(state())));
  const submit = (id, act) => on($(id), 'submit', (event) => {
    event.preventDefault();
    guarded(act(state()));
  });
  /** Changes the clock, and says what it shows then. */
  const turn = (method, path, body) => run(() => act(method, scoped(state(), path), body), ({ now }) => {
    delete $('clock-time').dataset.text;
    return t('mock.clockIs', { time: exact(now, state().zone) });
  });
  pick($('fault-route'), [['', t('mock.anyRoute')], ...ROUTES.map((route) => [route, route])], '');
  pick($('fault-effect'), Object.keys(EFFECTS).map((effect) => [effect, t(`mock.effect.${effect}`)]), 'code');
  showEffect();
  on($('fault-effect'), 'change', showEffect);
  on($('mock'), 'toggle', () => showMock(state()));
  submit('clock-form', async ({ zone }) => {
    const [time] = fieldTime($('clock-time'), zone, t('mock.time')) ?? [];
    if ($('clock-time').reportValidity()) await turn('PUT', 'jobdeck/clock', { now: new Date(time).toISOString() });
  });
  on($('clock-time'), 'input', () => $('clock-time').setCustomValidity(''));
  click('clock-freeze', () => turn('PUT', 'jobdeck/clock', { is_frozen: !shown?.isFrozen }));
  click('clock-hour', () => turn('POST', 'jobdeck/clock/advance', { seconds: HOUR }));
  click('clock-day', () => turn('POST', 'jobdeck/clock/advance', { seconds: 24 * HOUR }));
  click('clock-reset', () => turn('DELETE', 'jobdeck/clock'));
  submit('fault-form', (given) => run(() => act('POST', scoped(given, 'jobdeck/faults'), givenFault()), (fault) => {
    $('fault-value').value = '';
    return t('mock.faultAdded', { fault: describe(fault) });
  }));
  click('faults-clear', clearFaults);
  submit('snapshot-form', take);
  click('reset', reset);
}

/**
 * Loads what a state shows, and nothing that is known already: each part of the page caches its last answer with its
 * request and the version of the data. When nothing has changed a load is one request, answered with 304.
 */
import * as api from './api.js';
import { painted } from './dom.js';
import { loadFormats, t } from './language.js';
import * as queries from './queries.js';
import { YEAR, bounds, cut, fill } from './range.js';
import { isTime } from './state.js';

/** A slow answer may be used for this many times the duration of its request, although the data has changed. */
const AGE_FACTOR = 20;
/** What is loaded after each view, when that is painted. */
const REST = {
  overview: ['picks'],
  now: ['picks'],
  collectors: ['picks'],
  jobs: ['counts', 'times', 'usual', 'picks'],
  statistics: ['counts', 'picks'],
  journal: [],
};
/** The shortest span of a chart whose range is open, in milliseconds: a single job is no reason for one bar as wide as the page. */
const MIN_SPAN = 3_600_000;
/** How long the answers for the pickers, and those for what is usual, may be used, in milliseconds. */
const PICKS_MAX_AGE = 60_000;

/**
 * @param {object} show one function a part, called with the state that it belongs to and the answers; `show.state` gets the
 *   domains and the server, and returns the state to load; `show.prepare` loads the modules of its view; `show.answered` is called
 *   before a part is shown
 */
export function createLoader(show) {
  let version = '';
  let domains = [];
  let about = null;
  /** The version and the domain that the clock was read for. */
  let aboutKey = '';
  let clock = null;
  let running = null;
  /** The state that each view shows, as a key; empty where it shows none. */
  const shownKeys = { jobs: '', overview: '', now: '', collectors: '' };
  /** The jobs of the list. */
  let shownJobs = [];
  let journal = {};
  let overview = {};
  let collectors = {};
  /** The last answer of each part, with its request and its age. */
  const cache = new Map();
  /** The requests of the last load, by the name of their part. */
  const requests = new Map();
  let allowsOld = true;
  /** When the first of the answers expires that are shown although the data has changed, by `performance.now`. */
  let expiry = Infinity;

  const now = () => clock?.() ?? Date.now();
  /** The members of a state that decide what is in the list. */
  const listKey = (state) => JSON.stringify({ ...state, job: '', refresh: 0, zone: '', columns: [], csort: '' });

  /** Reads the clock of the server, or of a domain: it may be frozen, or run several times as fast as the browser's. */
  async function readAbout(domain, signal) {
    about = await api.about(domain, signal);
    const at = Date.parse(about.now);
    const began = Date.now();
    const { speed } = about;
    clock = about.is_frozen ? () => at : () => at + (Date.now() - began) * speed;
  }

  /** Asks the server, unless the answer is cached; with `maxAge` (milliseconds) it may be one for an older version. */
  async function ask(part, request, maxAge = null) {
    requests.set(t(`request.${part}`), request);
    const text = JSON.stringify(request);
    const cached = cache.get(part);
    if (cached?.text === text) {
      if (cached.version === version) return cached.answer;
      const end = cached.at + Math.max(maxAge, AGE_FACTOR * cached.duration);
      if (allowsOld && maxAge !== null && performance.now() < end) {
        expiry = Math.min(expiry, end);
        return cached.answer;
      }
    }
    const entry = { text, version };
    const began = performance.now();
    entry.answer = await api.ask(request, running.signal);
    entry.at = performance.now();
    entry.duration = entry.at - began;
    cache.set(part, entry);
    return entry.answer;
  }

  async function readOverview(state) {
    const path = queries.overview(state, now());
    requests.set(t('request.overview'), { path, method: 'GET' });
    const isSame = path === overview.path;
    const { version, body = overview.body } = await api.readIfChanged(path, isSame ? overview.version : '', running.signal);
    overview = { path, version, body };
    return body;
  }

  /** What the lines of statistics show: of the largest groups, if there is a second one. Null where there are none. */
  async function lines(state) {
    const [time, group] = state.by;
    if (state.stat || !isTime(time)) return null;
    let values = null;
    if (group && !isTime(group)) {
      const { results } = await ask('groups', queries.leaders(state, now()), 0);
      values = results.map((row) => row[group]).filter((value) => typeof value === 'string').slice(0, queries.MAX_LINES);
      if (!values.length) return null;
    }
    const { results: rows, total_count: total } = await ask('lines', queries.series(state, now(), values), 0);
    return { rows, values, isCut: total > rows.length };
  }

  /** Each loads a part of the page, and returns the function that shows it. */
  const parts = {
    async list(state) {
      let { results, total_count: total } = queries.isComputed(state)
        ? await ask('order', queries.order(state, now()))
        : await ask('list', queries.list(state, now()));
      if (queries.isComputed(state) && results.length) {
        const ids = results.map((row) => row.job_id);
        const jobs = (await ask('list', queries.jobs(state, ids))).results;
        results = ids.flatMap((id) => jobs.find((job) => job.job_id === id) ?? []);
      }
      const key = listKey(state);
      const missing = key === shownKeys.jobs ? show.missing(results) : [];
      const others = missing.length ? (await ask('others', queries.jobs(state, missing))).results : [];
      return () => {
        shownJobs = results;
        show.list(state, results, total, key === shownKeys.jobs, others);
        shownKeys.jobs = key;
      };
    },
    async job(state) {
      if (!state.job || !state.domain) return () => {};
      const { results } = await ask('job', queries.job(state));
      return () => show.job(state, results[0] ?? null);
    },
    async history(state) {
      const job = cache.get('job')?.answer.results[0];
      if (!state.job || job?.job_id !== state.job) return () => {};
      if (!job.collector_info?.collector_id) return () => show.history(state, job, [], null);
      const readStuck = async () => {
        if (job.status !== 'IN_PROGRESS') return [];
        return (await api.readIfChanged(queries.runningWith(state, job), '', running.signal)).body.stuck.jobs;
      };
      const [{ results }, stuck] = await Promise.all([ask('history', queries.history(state, job)), readStuck()]);
      return () => show.history(state, job, results, stuck.find(({ job_id: id }) => id === state.job) ?? null);
    },
    /** What is usual of the jobs of the list, where their durations are shown. */
    async usual(state) {
      const collectors = [...new Set(shownJobs.flatMap(({ collector_info: { collector_id: id } = {} }) => id ?? []))].sort();
      if (!state.columns.includes('duration') || !collectors.length) return () => {};
      const { results } = await ask('usual', queries.usual(state, now(), collectors), PICKS_MAX_AGE);
      return () => show.usual(new Map(results.map(({ id, median }) => [id, median])));
    },
    async statistics(state) {
      try {
        const [answer, all, drawn] = await Promise.all([ask('statistics', queries.statistics(state, now()), 0),
          state.stat ? null : ask('allJobs', queries.totals(state, now()), 0), lines(state)]);
        return () => show.statistics(state, { answer, all: all?.results[0] ?? null, drawn });
      } catch (error) {
        // A query that the user has written may be wrong, which is no failure of the page.
        if (error.name === 'AbortError' || !state.stat) throw error;
        return () => show.statisticsError(error);
      }
    },
    async overview(state) {
      const body = await readOverview(state);
      return () => {
        shownKeys[state.view] = listKey(state);
        show.overview(state, body);
      };
    },
    async now(state) {
      const hours = queries.lastHours(state, now());
      // What is usual, and what is stuck, is that of a day, as in the overview at first.
      const [overview, open, ended, { results: counts }] = await Promise.all([readOverview({ ...state, range: 'day' }),
        ...['open', 'ended', 'last'].map((part) => ask(part, hours[part]))]);
      return () => {
        shownKeys[state.view] = listKey(state);
        show.now(state, { from: hours.from, overview, open, ended, counts });
      };
    },
    async collectors(state) {
      const path = queries.collectors(state, now());
      requests.set(t('request.ofCollectors'), { path, method: 'GET' });
      const isSame = path === collectors.path;
      const [{ version, body = collectors.body }, { results: runs }] = await Promise.all([
        api.readIfChanged(path, isSame ? collectors.version : '', running.signal),
        state.collector ? ask('runs', queries.runs(state, now())) : { results: [] }]);
      collectors = { path, version, body };
      return () => {
        shownKeys[state.view] = listKey(state);
        show.collectors(state, body, runs);
      };
    },
    async journal(state) {
      const path = queries.journal(state);
      const isSame = path === journal.path;
      const { version, body = journal.body } = await api.readIfChanged(path, isSame ? journal.version : '', running.signal);
      journal = { path, version, body };
      return () => show.journal(state, body, isSame);
    },
    async counts(state) {
      const { results } = await ask('counts', queries.counts(state, now()), 0);
      return () => show.counts(state, results);
    },
    async times(state) {
      const end = async (part, desc) => {
        const { results } = await ask(part, queries.outermost(state, now(), desc), 0);
        return results.length ? Date.parse(results[0].created_at) : null;
      };
      const ends = bounds(state, now());
      const isOpen = ['all', 'custom'].includes(state.range);
      const [oldest, newest] = await Promise.all([
        ends.from ?? end('oldest', false), ends.to ?? (isOpen ? end('newest', true) : now())]);
      if (oldest === null || newest === null) return () => show.times(state, null, []);
      // A job dated far ahead is no reason to show years without jobs.
      const to = ends.to ?? Math.min(newest + 1, now() + YEAR);
      const pieces = { ...cut(ends.from ?? Math.min(oldest, to - MIN_SPAN), to, state.zone), ends };
      const { results } = await ask('times', queries.times(state, now(), pieces.format), 0);
      return () => show.times(state, pieces, fill(pieces, results));
    },
    async picks(state) {
      const [collectors, projects] = await Promise.all([
        ask('collectors', queries.picks(state, queries.COLLECTOR_KEYS), PICKS_MAX_AGE),
        ask('projects', queries.picks(state, queries.PROJECT_KEYS), PICKS_MAX_AGE)]);
      return () => show.picks(state, collectors.results, projects.results);
    },
  };

  /**
   * Loads all that the state shows, and aborts the load before it. Slow answers may be old, unless `withOld` is false.
   * @returns {Promise<boolean>} whether no other load has begun since
   * @throws {api.ApiError} the first error, after everything else is shown
   */
  async function load(withOld = true) {
    allowsOld = withOld;
    expiry = Infinity;
    running?.abort();
    const mine = new AbortController();
    running = mine;
    const { signal } = mine;
    try {
      const [changes] = await Promise.all([api.readIfChanged('jobdeck/domains', version, signal), about ?? readAbout('')]);
      if (signal.aborted) return false;
      version = changes.version;
      domains = changes.body?.results ?? domains;
      const state = show.state(domains, about);
      // A mock has clocks that can be set, one for each domain, and fixtures that change; both change the version, as does each change
      // of the data, whose time a replica shows.
      const key = JSON.stringify([version, state.domain]);
      if ((about.is_mock || about.data_changed_at) && aboutKey !== key) {
        await readAbout(state.domain, signal);
        aboutKey = key;
      }
      show.about(about);
      requests.clear();
      await show.prepare(state.view);
      if (signal.aborted) return false;
      const isJournal = state.view === 'journal';
      if (!state.domain && !isJournal) {
        show.domains(domains);
        show.nothing();
        return true;
      }
      const run = async (part) => {
        const showPart = await parts[part](state);
        if (signal.aborted) return;
        if (part !== 'job' || state.job) show.answered();
        showPart();
      };
      // The view and the open job come first; the rest is loaded after these are painted.
      const asked = Promise.allSettled([run(state.view === 'jobs' ? 'list' : state.view), run('job')]);
      loadFormats();
      const results = await asked;
      await painted();
      if (signal.aborted) return false;
      show.domains(domains);
      results.push(...await Promise.allSettled([...(state.job ? ['history'] : []), ...REST[state.view]].map(run)));
      const failed = results.find(({ status }) => status === 'rejected');
      if (failed) throw failed.reason;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return running === mine;
  }

  /** Forgets what a view shows, since the page has cleared it. */
  function forgetView(view) {
    shownKeys[view] = '';
  }

  /** Forgets all answers, since another token may reach other data. */
  function forget() {
    version = aboutKey = '';
    Object.keys(shownKeys).forEach(forgetView);
    about = null;
    journal = {};
    overview = {};
    collectors = {};
    cache.clear();
  }

  const failedNear = async (state, job, isBefore) => (await api.ask(queries.failedNear(state, now(), job, isBefore))).results;
  const values = async (state, term, typed, signal) => (await api.ask(queries.values(state, term, typed), signal)).results;
  const countAfter = async (state, change, signal) => (await api.ask(queries.countAfter(state, change, now()), signal)).total_count;

  /** Whether the list that is shown, or the overview, is the one of a state. */
  const isShown = (state) => (shownKeys[state.view] ?? listKey(state)) === listKey(state);
  return {
    load, forget, forgetView, values, countAfter, failedNear, isShown, now, requests,
    about: () => about, domains: () => domains, version: () => version, expiry: () => expiry,
  };
}

/**
 * Asks for what a state shows, and for nothing that is known already: an answer is kept under its question and the
 * version of the data. When nothing has changed a look is one request, answered 304.
 */
import * as api from './api.js';
import * as questions from './questions.js';
import { YEAR, bounds, cut, fill } from './range.js';

/** A dear answer may be old for so many times as long as it took. */
const PATIENCE = 20;
/** How long the pickers may be old. */
const PICKS_MILLIS = 60_000;

/** @param {object} show is told what becomes known; `state` returns the state, others get the one they are for */
export function createLoader(show) {
  let version = '';
  let domains = [];
  let about = null;
  /** The version and the domain of which the clock was read. */
  let aboutOf = '';
  let clock = null;
  let running = null;
  let listed = '';
  let journal = {};
  const kept = new Map();
  const asked = new Map();

  let patient = true;

  const now = () => clock?.() ?? Date.now();
  /** What a list is for, whatever else the state says. */
  const questionOf = (state) => JSON.stringify({ ...state, job: '', refresh: 0, zone: '', columns: [] });

  /** The server's clock counts, or the domain's, and stands still where it was frozen. */
  async function readAbout(domain, signal) {
    about = await api.about(domain, signal);
    const at = Date.parse(about.now);
    const offset = at - Date.now();
    clock = about.is_frozen ? () => at : () => Date.now() + offset;
  }

  /** Asks, unless the answer is known. With patience it may be that of an earlier version. */
  async function ask(part, question, patience = null) {
    asked.set(part, question);
    const text = JSON.stringify(question);
    const before = kept.get(part);
    const mayBeOld = before && patient && patience !== null && performance.now() - before.at < Math.max(patience, PATIENCE * before.took);
    if (before?.text === text && (before.version === version || mayBeOld)) return before.answer;
    const entry = { text, version };
    const began = performance.now();
    entry.answer = await api.ask(question, running.signal);
    entry.at = performance.now();
    entry.took = entry.at - began;
    kept.set(part, entry);
    return entry.answer;
  }

  const parts = {
    async list(state) {
      let { results, total_count: total } = questions.isComputed(state)
        ? await ask('Order of the list, worked out', questions.order(state, now()))
        : await ask('List', questions.list(state, now()));
      if (questions.isComputed(state) && results.length) {
        const ids = results.map((row) => row.job_id);
        const found = (await ask('List', questions.jobs(state, ids))).results;
        results = ids.flatMap((id) => found.find((job) => job.job_id === id) ?? []);
      }
      const key = questionOf(state);
      return () => {
        show.list(state, results, total, key === listed);
        listed = key;
      };
    },
    async job(state) {
      if (!state.job || !state.domain) return () => {};
      const { results } = await ask('Open job', questions.job(state));
      return () => show.job(state, results[0] ?? null);
    },
    async statistics(state) {
      try {
        const answer = await ask('Statistics', questions.statistics(state, now()), 0);
        return () => show.statistics(state, answer);
      } catch (error) {
        // A query of one's own may be at fault: that is no trouble of the page.
        if (error.name === 'AbortError' || !state.stat) throw error;
        return () => show.statisticsFault(error);
      }
    },
    async journal(state) {
      const path = questions.journal(state);
      const { version, body = journal.body } = await api.look(path, path === journal.path ? journal.version : '', running.signal);
      const isSame = path === journal.path;
      journal = { path, version, body };
      return () => show.journal(state, body, isSame);
    },
    async counts(state) {
      const { results } = await ask('Counts of the tabs', questions.counts(state, now()), 0);
      return () => show.counts(state, results);
    },
    async strip(state) {
      const end = async (part, desc) => {
        const { results } = await ask(part, questions.outermost(state, desc), 0);
        return results.length ? Date.parse(results[0].created_at) : now();
      };
      const ends = bounds(state, now());
      const from = ends.from ?? await end('Oldest job', false);
      // What is dated far ahead is no reason to show years of nothing.
      const newest = async () => Math.min((await end('Newest job', true)) + 1, now() + YEAR);
      const to = ends.to ?? (['all', 'custom'].includes(state.range) ? await newest() : now());
      const pieces = { ...cut(from, to, state.zone), ends };
      const { results } = await ask('Jobs in time', questions.strip(state, now(), pieces.format), 0);
      return () => show.strip(state, pieces, fill(pieces, results));
    },
    async picks(state) {
      const [collectors, projects] = await Promise.all([
        ask('Collectors to pick from', questions.picks(state, questions.COLLECTOR_KEYS), PICKS_MILLIS),
        ask('Projects to pick from', questions.picks(state, questions.PROJECT_KEYS), PICKS_MILLIS)]);
      return () => show.picks(state, collectors.results, projects.results);
    },
  };

  /**
   * Asks for all that the state shows instead of what was asked before, dear answers only now and then while it is patient;
   * returns whether nothing else is asked since.
   * @throws {api.ApiError} the first fault, when everything else is shown
   */
  async function load(isPatient = true) {
    patient = isPatient;
    running?.abort();
    const mine = new AbortController();
    running = mine;
    const { signal } = mine;
    try {
      const [seen] = await Promise.all([api.look('/jobdeck/domains', version, signal), about ?? readAbout('')]);
      if (signal.aborted) return false;
      version = seen.version;
      domains = seen.body?.results ?? domains;
      const state = show.state(domains, about);
      // Only a mock's clocks are set, one for each domain if need be, and only its fixtures change; both move the version.
      const of = JSON.stringify([version, state.domain]);
      if (about.is_mock && aboutOf !== of) {
        await readAbout(state.domain, signal);
        aboutOf = of;
      }
      show.about(about);
      asked.clear();
      const isJournal = state.view === 'journal';
      if (!state.domain && !isJournal) {
        show.domains(domains);
        show.nothing();
        return true;
      }
      const run = async (part) => {
        const shown = await parts[part](state);
        if (!signal.aborted) shown();
      };
      // First what is looked at; the rest when that is shown.
      const results = await Promise.allSettled([run(state.view === 'jobs' ? 'list' : state.view), run('job')]);
      // What was asked for is shown before the rest is worked on.
      await new Promise((shown) => { requestAnimationFrame(() => setTimeout(shown)); });
      if (signal.aborted) return false;
      show.domains(domains);
      results.push(...await Promise.allSettled((isJournal ? [] : ['counts', 'strip', 'picks']).map(run)));
      const failed = results.find(({ status }) => status === 'rejected');
      if (failed) throw failed.reason;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return running === mine;
  }

  /** Forgets all that is known, since another asks from now on. */
  function forget() {
    version = aboutOf = listed = '';
    about = null;
    journal = {};
    kept.clear();
  }

  const values = async (state, term, typed, signal) => (await api.ask(questions.values(state, term, typed), signal)).results;

  /** Whether the list that is shown is that of a state. */
  const isListed = (state) => listed === questionOf(state);
  return { load, forget, values, isListed, now, asked, about: () => about, domains: () => domains };
}

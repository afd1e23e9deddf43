/**
 * When the page loads: live at each event of the server's stream, else at intervals. Where the stream can't be had, the page polls, and
 * tries the stream again from time to time. A page that is hidden or paused asks for nothing.
 */
import { events } from './api.js';
import { $, setText } from './dom.js';
import { t } from './language.js';

/** The choice of the picker that is live, in seconds: at most one load in this time. */
const LIVE = 2;
/** The next load waits for at least this many times the duration of the last one. */
const PAUSE_FACTOR = 4;
/** The longest pause between attempts while loads fail, or while the stream does; all times are in milliseconds. */
const MAX_PAUSE = 60_000;
/** How long the first bytes of the stream may take: a proxy may hold them back. */
const FIRST_BYTES = 5_000;
/** How long the stream may be silent: more than twice as long as the server ever is. */
const SILENCE = 45_000;
/** How often a page is loaded that shows the time up to now. */
const DRIFT = 60_000;

/**
 * @param {() => Promise<void>} load which calls `begin` and `end`
 * @param {() => import('./state.js').State} state
 * @param {() => string} version of the data that is shown
 * @param {() => boolean} drifts whether what is shown becomes another by time alone
 * @param {() => number} expiry when an answer expires that is shown although the data has changed, by `performance.now`
 */
export function createPace(load, state, version, drifts, expiry) {
  let timer = 0;
  let retry = 0;
  let isLoading = false;
  let began = 0;
  let ended = 0;
  /** How many loads in a row have failed, and how many attempts at the stream. */
  let failures = 0;
  let streamFailures = 0;
  /** Whether the load is one that was planned. Those of somebody who goes from view to view do not make the pauses longer. */
  let isPlanned = false;
  /** Whether the server requires another token, so that nothing else is worth an attempt. */
  let isRefused = false;
  let stream = null;
  let isOpen = false;
  /** Whether the stream may be tried: after a failure only some time later. */
  let isDue = true;
  /** The version of the last event. */
  let latest = '';

  const mayLoad = () => state().refresh > 0 && !document.hidden && !isRefused;
  // The journal is no part of the version.
  const isLive = () => mayLoad() && state().refresh === LIVE && state().view !== 'journal';

  async function follow() {
    const mine = new AbortController();
    stream = mine;
    let silence = 0;
    const mayBeSilent = (millis) => {
      clearTimeout(silence);
      silence = setTimeout(() => mine.abort(), millis);
    };
    mayBeSilent(FIRST_BYTES);
    try {
      for await (const id of events(version(), mine.signal)) {
        if (stream !== mine) break;
        mayBeSilent(SILENCE);
        latest = id || latest;
        isOpen = true;
        streamFailures = 0;
        schedule();
      }
    } catch (error) {
      if (stream === mine && error.status === 401) load();
    }
    clearTimeout(silence);
    mine.abort();
    if (stream !== mine) return;
    stream = null;
    isOpen = false;
    streamFailures += 1;
    isDue = false;
    retry = setTimeout(() => {
      isDue = true;
      schedule();
    }, Math.min(1000 * 2 ** streamFailures, MAX_PAUSE));
    schedule();
  }

  function leave() {
    clearTimeout(retry);
    isDue = true;
    stream?.abort();
    stream = null;
    isOpen = false;
  }

  const loadAsPlanned = () => {
    isPlanned = true;
    load();
  };

  /** Plans the next load, and opens the stream or closes it. */
  function schedule() {
    clearTimeout(timer);
    if (!isLive()) leave();
    else if (!stream && isDue && !isLoading) follow();
    show();
    if (!mayLoad() || isLoading) return;
    const refresh = state().refresh * 1000;
    const now = performance.now();
    const rest = PAUSE_FACTOR * (ended - began) - (now - ended);
    if (!isOpen || failures) {
      timer = setTimeout(loadAsPlanned, Math.max(Math.min(refresh * 2 ** failures, Math.max(MAX_PAUSE, refresh)) - (now - ended), rest));
    } else if (latest && latest !== version()) timer = setTimeout(load, Math.max(refresh - (now - began), rest, 0));
    else {
      const next = Math.min(drifts() ? ended + DRIFT : Infinity, expiry());
      if (next < Infinity) timer = setTimeout(load, Math.max(next - now, rest, 0));
    }
  }

  function show() {
    const pace = !state().refresh ? 'paused' : isOpen ? 'live' : isLive() && !streamFailures ? 'connecting' : 'polling';
    $('pace').dataset.pace = pace;
    $('pace').title = t(`pace.${pace}`);
    // The choice is what is wished, the text of the live one what is.
    setText($('refresh').options[0], t(pace === 'polling' && state().refresh === LIVE ? 'refresh.polling' : 'refresh.live'));
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? schedule() : state().refresh && load()));
  return {
    begin() {
      clearTimeout(timer);
      isLoading = true;
      began = performance.now();
    },
    /** Takes the error of a load, or null; returns whether the page will try again by itself. */
    end(error) {
      isLoading = false;
      ended = performance.now();
      isRefused = error?.status === 401;
      // A server that answers again may have its stream again.
      if (!error && failures) isDue = true;
      if (!error) failures = 0;
      else if (isPlanned || !failures) failures += 1;
      isPlanned = false;
      schedule();
      return mayLoad();
    },
  };
}

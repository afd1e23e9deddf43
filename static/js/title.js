/** The title and the icon of the page: how many of the jobs that it shows have failed and run, and what it shows. */
import { on } from './dom.js';
import { list, t, time } from './language.js';

let shown = '';
let counts = {};
/** Since when the counts are those of then, since a hidden page loads nothing. */
let since = null;
/**
 * Whether the page has its icon. It gets the icon after the first paint, since a browser that loads an icon paints the page later. A
 * page that is opened in a hidden tab is not painted, but its icon is seen.
 */
let hasIcon = document.hidden;

function show() {
  const [first, ...others] = ['failed', 'running'].filter((name) => counts[name]);
  const words = first && list([first, ...others].map((name) => t(`title.${name}`, { count: counts[name] })));
  document.title = words ? t(since ? 'title.then' : 'title.now', { counts: words, time: since ? time(since) : '', shown }) : shown;
  if (!hasIcon) return;
  const icon = new URL(`../icon${first ? `-${first}` : ''}.svg`, import.meta.url).href;
  const link = document.querySelector('link[rel=icon]');
  if (link.href !== icon) link.href = icon;
}

export function showTitle(text) {
  shown = text;
  show();
}

/** Gives the page its icon. */
export function showIcon() {
  hasIcon = true;
  show();
}

/** @param {{failed?: number, running?: number}} given empty where they are not known */
export function showCounts(given) {
  counts = given;
  show();
}

on(document, 'visibilitychange', () => {
  since = document.hidden ? new Date() : null;
  show();
});

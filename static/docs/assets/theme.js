// Sets the theme before the first paint; it is the one that the page of the jobs remembers.
const root = new URL('../../', document.currentScript.src);
try {
  document.documentElement.dataset.theme = localStorage.getItem(`jobdeck${root.pathname.slice(0, -1)}.theme`) ?? 'system';
} catch {
  // The browser stores nothing: the theme is the system's.
}

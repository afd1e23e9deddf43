// Sets the theme before the first paint; it is the one that the page of the jobs remembers.
try {
  document.documentElement.dataset.theme = localStorage.getItem('jobdeck.theme') ?? 'system';
} catch {
  // The browser stores nothing: the theme is the system's.
}

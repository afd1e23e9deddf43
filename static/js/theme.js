// No module, which would wait.
try {
  document.documentElement.dataset.theme = localStorage.getItem('jobdeck.theme') ?? 'system';
} catch {
  // Nothing is kept: the theme is the system's.
}

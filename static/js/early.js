// No module, which would wait for all the others: the theme before anything is painted, and what every visit asks first.
globalThis.early = Object.fromEntries(['/jobdeck/domains', '/jobdeck/about'].map((path) => [path, fetch(path, { headers: { 'x-jobdeck-page': '1' } })]));
// Whoever waits for them sees what went wrong.
for (const answer of Object.values(globalThis.early)) answer.catch(() => {});
try {
  document.documentElement.dataset.theme = localStorage.getItem('jobdeck.theme') ?? 'system';
} catch {
  // Nothing is kept: the theme is the system's.
}

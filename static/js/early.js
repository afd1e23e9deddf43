// No module, which would wait for all the others: the theme before anything is painted, and what every visit asks first.
const asked = { headers: { 'x-jobdeck-page': '1' } };
try {
  document.documentElement.dataset.theme = localStorage.getItem('jobdeck.theme') ?? 'system';
  // As token.js keeps it.
  const token = sessionStorage.getItem('jobdeck.token');
  if (token) asked.headers.authorization = `Bearer ${token}`;
} catch {
  // Nothing is kept: the theme is the system's.
}
globalThis.early = Object.fromEntries(['/jobdeck/domains', '/jobdeck/about'].map((path) => [path, fetch(path, asked)]));
// Whoever waits for them sees what went wrong.
for (const answer of Object.values(globalThis.early)) answer.catch(() => {});

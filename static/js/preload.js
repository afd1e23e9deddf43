// Sets the theme and the language before the first paint, and sends the two requests that every visit begins with. Not a module, since a
// module waits for all that it imports.
const options = { headers: { 'x-jobdeck-page': '1' } };
// As root.js has it; the path of the page ends with a slash.
const storedAs = `jobdeck${location.pathname.slice(0, -1)}`;
let language = null;
try {
  language = localStorage.getItem(`${storedAs}.language`);
  document.documentElement.dataset.theme = localStorage.getItem(`${storedAs}.theme`) ?? 'system';
  // Under the name that token.js stores it.
  const token = sessionStorage.getItem(`${storedAs}.token`);
  if (token) options.headers.authorization = `Bearer ${token}`;
} catch {
  // The browser stores nothing: the theme is the system's.
}
// The chosen language, else the first of the browser's that the page has. Its texts are loaded with all other files.
const known = ['en', 'ko', 'ja'];
language = [language, ...navigator.languages.map((one) => one.slice(0, 2).toLowerCase())].find((one) => known.includes(one)) ?? 'en';
document.documentElement.lang = language;
const texts = `${document.currentScript.dataset.texts}${language}.js`;
// Written, since the browser then runs it before main.js, which comes after it. A script that is inserted has no such order, and modules
// that wait for their texts would begin only after the first paint.
document.write(`<script type="module" src="${texts}"><\/script>`);
// Their bodies are read here, too: a module would get them only after the browser has painted the page without data.
async function read(path) {
  const response = await fetch(path, options);
  return { response, text: await response.text() };
}
globalThis.preloaded = Object.fromEntries(['jobdeck/domains', 'jobdeck/about'].map((path) => [path, read(path)]));
// Whoever awaits these answers sees their errors; the browser is not to report them as unhandled.
for (const answer of Object.values(globalThis.preloaded)) answer.catch(() => {});
// The page is shown with its first data, so that the browser computes the layout once; where they take long, it is shown without.
const { classList } = document.documentElement;
classList.add('starting');
setTimeout(() => classList.remove('starting'), 400);

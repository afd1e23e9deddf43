/**
 * Measures how long the overview and the list take until their data are painted, and compares that with a page of one word, the
 * minimum for browser and network. All are opened in turn in one tab, with an empty cache: a new window would load the browser's
 * own pages beside ours. The first round warms the browser up and does not count.
 *
 *     npm run first-paint -- http://127.0.0.1:8080/ [rounds] [domain]
 *
 * Prints a line each with the median in milliseconds since the navigation began, the extremes, and the ratio to the minimum.
 */
import { createServer } from 'node:http';
import { launch } from './server.js';

const [address, rounds = '20', domain] = process.argv.slice(2);
if (!address) throw new Error('which address? as in: npm run first-paint -- http://127.0.0.1:8080/');

const floor = createServer((_, response) => response.end('<!doctype html><title>floor</title><p id="floor"><a>jobdeck</a></p>'));
await new Promise((resolve) => floor.listen(0, '127.0.0.1', resolve));
const browser = await launch();

/** The address of a view of the page. */
function view(name) {
  const url = new URL(address);
  url.searchParams.set('view', name);
  if (domain) url.searchParams.set('domain', domain);
  return url.href;
}

/** What is opened, and what is there once the data are shown. */
const pages = [
  { name: 'floor', url: `http://127.0.0.1:${floor.address().port}/`, shown: '#floor a' },
  { name: 'overview', url: view('overview'), shown: '#overview-state a' },
  { name: 'list', url: view('jobs'), shown: '#rows .collector' },
].map((page) => ({ ...page, times: [] }));

const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const tab = await context.newPage();
const network = await context.newCDPSession(tab);
await tab.addInitScript((all) => {
  const observer = new MutationObserver(() => {
    if (!all.some((shown) => document.querySelector(shown)?.textContent)) return;
    observer.disconnect();
    // A message is the first task after the frame; a timer would come after those of the page.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => console.log(`painted ${performance.now()}`);
    requestAnimationFrame(() => port2.postMessage(null));
  });
  observer.observe(document, { subtree: true, childList: true });
}, pages.map(({ shown }) => shown));

/** The time from the navigation to the frame that shows the data, in milliseconds. */
async function painted({ url }) {
  await tab.goto('about:blank');
  await network.send('Network.clearBrowserCache');
  const painted = tab.waitForEvent('console', (message) => message.text().startsWith('painted'));
  await tab.goto(url, { waitUntil: 'commit' });
  return Number((await painted).text().split(' ')[1]);
}

for (let round = 0; round <= Number(rounds); round += 1) {
  for (const page of pages) {
    const time = await painted(page);
    if (round > 0) page.times.push(time);
  }
}
for (const page of pages) page.times.sort((a, b) => a - b);
const median = ({ times }) => times[Math.floor(times.length / 2)];
for (const page of pages) {
  const [least, most] = [page.times[0], page.times.at(-1)].map((time) => time.toFixed(0));
  console.log(`${page.name}: ${median(page).toFixed(0)} ms (${least} to ${most}), ratio ${(median(page) / median(pages[0])).toFixed(1)}`);
}
await browser.close();
floor.close();

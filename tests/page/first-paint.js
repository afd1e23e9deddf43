/**
 * Measures how long the overview and the list take until their data are painted, and compares that with a page of one word, the
 * minimum for browser and network. All are opened in one tab, with an empty cache: a new window would load the browser's own pages
 * beside ours. A round opens them in random order, each after the page of one word, since what was open before takes time, too: a
 * list that always comes after the overview is 20 to 50 ms slower. The first round warms the browser up and does not count.
 *
 *     npm run first-paint -- http://127.0.0.1:8080/ [rounds] [domain]
 *
 * Prints a line each with the median in milliseconds since the navigation began, the extremes, and the ratio to the minimum.
 */
import { createServer } from 'node:http';
import { setTimeout as rest } from 'node:timers/promises';
import { launch } from './server.js';

/** How long browser and server rest before each visit, in milliseconds: the page before has its last queries and its end. */
const REST = 1000;

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

const tab = await openTab();
await tab.send('Page.enable');
await tab.send('Runtime.enable');
await tab.send('Runtime.addBinding', { name: 'painted' });
await tab.send('Page.addScriptToEvaluateOnNewDocument', { source: `(${report})(${JSON.stringify(pages.map(({ shown }) => shown))})` });

/**
 * Opens a tab beside those of Playwright, which watches each request of its own tabs: that would be a part of what is measured.
 * @returns {Promise<{send: (method: string, params?: object) => Promise<object>, event: (method: string) => Promise<object>}>}
 */
async function openTab() {
  const session = await browser.newBrowserCDPSession();
  const { targetId } = await session.send('Target.createTarget', { url: 'about:blank', width: 1280, height: 900 });
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
  const answers = new Map();
  const events = new Map();
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, method, params, result, error } = JSON.parse(message);
    const waiting = id ? answers : events;
    waiting.get(id ?? method)?.(error ? Promise.reject(new Error(error.message)) : result ?? params);
    waiting.delete(id ?? method);
  });
  let last = 0;
  return {
    send(method, params = {}) {
      last += 1;
      const answer = new Promise((resolve) => { answers.set(last, resolve); });
      session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id: last, method, params }) });
      return answer;
    },
    event: (method) => new Promise((resolve) => { events.set(method, resolve); }),
  };
}

/** Runs in the page: reports the time of the frame that shows one of these elements with its text. */
function report(all) {
  const observer = new MutationObserver(() => {
    if (!all.some((shown) => document.querySelector(shown)?.textContent)) return;
    observer.disconnect();
    // A message is the first task after the frame; a timer would come after those of the page.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => globalThis.painted(String(performance.now()));
    requestAnimationFrame(() => port2.postMessage(null));
  });
  observer.observe(document, { subtree: true, childList: true });
}

/** The time from the navigation to the frame that shows the data, in milliseconds. */
async function painted({ url }) {
  const left = tab.event('Page.loadEventFired');
  await tab.send('Page.navigate', { url: 'about:blank' });
  await left;
  await tab.send('Network.clearBrowserCache');
  await rest(REST);
  const painted = tab.event('Runtime.bindingCalled');
  await tab.send('Page.navigate', { url });
  return Number((await painted).payload);
}

for (let round = 0; round <= Number(rounds); round += 1) {
  const order = pages.map((page) => [Math.random(), page]).sort(([a], [b]) => a - b);
  for (const [, page] of order) {
    await painted(pages[0]);
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

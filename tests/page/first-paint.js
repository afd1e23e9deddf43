/**
* Measures how long the page takes until its rows are painted, and compares that with a page of one word, the minimum for
* browser and network. Both are opened in turn, each time in a new context, so that nothing is cached.
 *
 *     npm run first-paint -- http://127.0.0.1:8080/ [rounds]
 *
 * Prints the medians in milliseconds since the navigation began, and their ratio.
 */
import { createServer } from 'node:http';
import { launch } from './server.js';

const [address, rounds = '20'] = process.argv.slice(2);
if (!address) throw new Error('which address? as in: npm run first-paint -- http://127.0.0.1:8080/');

const floor = createServer((_, response) => response.end('<!doctype html><title>floor</title><p id="rows"><b><i class="collector">jobdeck</i></b></p>'));
await new Promise((resolve) => floor.listen(0, '127.0.0.1', resolve));
const browser = await launch();

/** The time from the navigation to the frame that shows the first row, in milliseconds. */
async function painted(url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector('#rows .collector')?.textContent) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => console.log(`painted ${performance.now()}`)));
    });
    observer.observe(document, { subtree: true, childList: true });
  });
  const painted = page.waitForEvent('console', (message) => message.text().startsWith('painted'));
  await page.goto(url, { waitUntil: 'commit' });
  const time = Number((await painted).text().split(' ')[1]);
  await context.close();
  return time;
}

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
const times = { floor: [], page: [] };
for (let round = 0; round < Number(rounds); round += 1) {
  times.floor.push(await painted(`http://127.0.0.1:${floor.address().port}/`));
  times.page.push(await painted(address));
}
const [base, page] = [median(times.floor), median(times.page)];
console.log(`floor ${base.toFixed(0)} ms, page ${page.toFixed(0)} ms (${Math.min(...times.page).toFixed(0)}–${Math.max(...times.page).toFixed(0)}), ratio ${(page / base).toFixed(1)}`);
await browser.close();
floor.close();

/**
 * Measures whether a list that is open grows: for ten minutes a job is written each second, and the list shows each of them. Every
 * minute the nodes, the listeners and the heap of the page are counted, after its garbage has been collected.
 *
 *     npm run ten-minutes -- http://127.0.0.1:8080/ [minutes] [view]
 *
 * The server must be writable; the jobs are written to a domain of their own, which is deleted at the end. Prints a line a minute.
 * The first minute warms up: what remains of a job that has left the list would be seen as a growth after it.
 */
import { setTimeout as rest } from 'node:timers/promises';
import { launch } from './server.js';

const DOMAIN = 'domain-ten-minutes';
const STATUSES = ['IN_PROGRESS', 'ERROR', 'SUCCESS', 'TIMEOUT'];

const [address, minutes = '10', view = 'jobs'] = process.argv.slice(2);
if (!address) throw new Error('which address? as in: npm run ten-minutes -- http://127.0.0.1:8080/');

/** Sends a request to the server, which must succeed. */
async function send(method, path, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(new URL(path, address), { method, headers, body: body && JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}

/** Writes a new job, and changes the one before it, which has run until now. */
async function write(number) {
  const put = (index, status) => send('PUT', `jobdeck/jobs/job-${index}`, {
    job_id: `job-${index}`, domain_id: DOMAIN, status, created_at: new Date(Date.now() - (number - index) * 1000).toISOString(),
    collector_info: { collector_id: `collector-${index % 40}`, name: `Collector ${index % 40}` },
    errors: status === 'ERROR' ? [{ error_code: 'ERROR_QUOTA_EXCEEDED', message: `Write ${index} was one too many` }] : [],
  });
  if (number) await put(number - 1, STATUSES[1 + (number % 3)]);
  await put(number, 'IN_PROGRESS');
}

await send('DELETE', `jobdeck/jobs?domain_id=${DOMAIN}`);
await write(0);
const browser = await launch();
const page = await browser.newPage();
const url = new URL(address);
url.search = new URLSearchParams({ view, domain: DOMAIN, size: 100 });
await page.goto(url.href);
await page.locator('#pace[data-pace=live]').waitFor();
const session = await page.context().newCDPSession(page);
await session.send('Performance.enable');

/** What the page holds, apart from garbage. */
async function counts() {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  return ['Nodes', 'JSEventListeners', 'JSHeapUsedSize'].map((name) => metrics.find((metric) => metric.name === name).value);
}

const start = Date.now();
for (let number = 1; number <= Number(minutes) * 60; number += 1) {
  await write(number);
  if (number % 60 === 0) {
    if (view === 'jobs') await page.locator(`#rows [data-job=job-${number}]`).waitFor({ state: 'attached' });
    const [nodes, listeners, heap] = await counts();
    console.log(`minute ${number / 60}: ${nodes} nodes, ${listeners} listeners, ${(heap / 1024).toFixed(0)} KiB of heap`);
  }
  await rest(Math.max(start + number * 1000 - Date.now(), 0));
}
await browser.close();
await send('DELETE', `jobdeck/jobs?domain_id=${DOMAIN}`);

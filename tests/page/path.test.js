/** The page, the documentation and their requests below a path, behind proxies that take the path off and that leave it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { NAMES, PATH, startProxy } from './proxy.js';
import { NOW, Server, launch } from './server.js';

const JOBS = Array.from({ length: 20 }, (_, index) => ({
  job_id: `job-${index}`, domain_id: 'domain-a', created_at: NOW, status: index % 2 ? 'ERROR' : 'SUCCESS',
}));
const shell = async (command) => JSON.parse((await promisify(execFile)('bash', ['-c', command])).stdout);

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Runs `act` with a page behind a proxy; fails where the page requests something elsewhere, gets no answer, or logs an error. */
async function withPage(name, keeps, act) {
  const server = new Server();
  server.writeFixtures(JOBS.map((job) => `${JSON.stringify(job)}\n`).join(''));
  if (keeps) server.options = ['--base-path', PATH];
  let proxy;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'UTC' });
  try {
    await server.start();
    proxy = await startProxy(name, server, keeps);
    const root = `${proxy.origin}${PATH}/`;
    const page = await context.newPage();
    const complaints = [];
    let requests = 0;
    page.on('request', (request) => {
      requests += 1;
      if (!`${request.url().split('?')[0]}/`.startsWith(root)) complaints.push(`elsewhere: ${request.url()}`);
    });
    page.on('response', (response) => response.status() >= 400 && complaints.push(`${response.status()}: ${response.url()}`));
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('console', (message) => {
      const { url } = message.location();
      // For a text without a page a browser takes the icon of the host.
      if (message.type() === 'error' && url !== `${proxy.origin}/favicon.ico`) complaints.push(`console: ${message.text()} ${url}`);
    });
    await act({ page, root, server });
    assert.deepEqual(complaints, []);
    assert.ok(requests > 60, `${requests}`);
  } finally {
    await context.close();
    await proxy?.stop();
    await server.remove();
  }
}

for (const name of NAMES) {
  for (const keeps of [false, true]) {
    test(`behind ${name}, which ${keeps ? 'leaves the path' : 'takes the path off'}`, () => withPage(name, keeps, async ({ page, root, server }) => {
      const pathIs = (path) => page.waitForURL((url) => url.href.split('?')[0] === root + path);
      const rows = page.locator('#rows tr');
      // The jobs, from an address without the slash.
      await page.goto(`${root.slice(0, -1)}?refresh=0&domain=domain-a`);
      await rows.nth(14).waitFor();
      await page.goto(`${root}?refresh=0&domain=domain-a`);
      await rows.nth(14).waitFor();
      await page.locator('#tabs .count', { hasText: '20' }).first().waitFor();

      // A job, its address, and back.
      const link = rows.first().locator('.id');
      const id = await link.textContent();
      assert.ok((await link.evaluate((node) => node.href)).startsWith(`${root}?`));
      await link.click();
      await page.locator('#drawer-title', { hasText: id }).waitFor();
      await page.reload();
      await page.locator('#drawer-title', { hasText: id }).waitFor();
      await page.goto(`${root}?refresh=0&domain=domain-a`);
      await rows.first().locator('.id').click();
      await page.locator('#drawer').waitFor();
      await page.goBack();
      await page.locator('#drawer').waitFor({ state: 'hidden' });
      await pathIs('');

      // Search, and a link of the statistics.
      await page.locator('#search').fill('status:ERROR');
      await page.locator('#search').press('Enter');
      await page.locator('#total', { hasText: '1–10 of 10 jobs' }).waitFor();
      await page.getByRole('button', { name: 'Statistics' }).click();
      await page.locator('#by-1').selectOption('status');
      await page.locator('#stat-rows a').first().click();
      await rows.first().waitFor();
      await pathIs('');

      // Copies for a shell lead back through the proxy.
      await page.locator('#more summary').click();
      await page.getByRole('button', { name: 'Show request' }).click();
      const line = await page.locator('#requests-body .curl').first().textContent();
      assert.ok(line.includes(`'${root}inventory/v1/jobs/search'`), line);
      assert.equal((await shell(line)).total_count, 10);
      await page.keyboard.press('Escape');
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#more summary').click().then(() => page.locator('#export a', { hasText: 'NDJSON' }).click()),
      ]);
      assert.ok(download.url().startsWith(`${root}jobdeck/export?`));

      // The journal has the path as the server sees it, and a line that is right from here.
      await page.getByRole('button', { name: 'Journal' }).click();
      const entry = page.locator('#entries li', { has: page.locator('[title="/inventory/v1/jobs/search"]') }).first();
      await entry.locator('summary').click();
      const again = await entry.locator('pre', { hasText: 'curl' }).textContent();
      assert.ok(again.includes(`'${root}inventory/v1/jobs/search'`), again);
      assert.equal((await shell(again)).total_count, 10);

      // The documentation, its search and the page of the API.
      await page.locator('#settings summary').click();
      await page.locator('#theme').click();
      await page.getByRole('button', { name: 'Help' }).click();
      await page.getByRole('link', { name: 'Documentation' }).click();
      await pathIs('docs');
      await page.locator('.cards a', { hasText: 'Operate' }).click();
      await pathIs('docs/operate');
      await page.locator('#searchField').fill('base-path');
      await page.locator('#searchResults a').first().click();
      await page.locator('figcaption a').first().click();
      await pathIs('docs/deploy/report-job.sh');
      await page.goBack();
      assert.equal(await page.locator('html').getAttribute('data-theme'), 'light', 'the theme is that of the page');
      await page.locator('#pageList a', { hasText: 'API' }).click();
      await pathIs('docs/api');
      await page.locator('#api[aria-busy=false]').waitFor();
      const operation = page.locator('.operation', { has: page.locator('[id="list-jobs"]') });
      await operation.getByText('Try it', { exact: true }).click();
      await operation.getByRole('button', { name: 'Send', exact: true }).click();
      await operation.locator('.outcome', { hasText: '200 OK' }).waitFor();
      const tried = await operation.locator('form .code').last().locator('code').textContent();
      assert.ok(tried.includes(`'${root}inventory/v1/jobs?domain_id=domain-a`), tried);
      assert.equal((await shell(tried)).total_count, 20);
      await page.goto(`${root}docs/query/`);
      await pathIs('docs/query');
      await page.locator('.brand').click();
      await page.locator('#overview-state a').first().waitFor();
      await pathIs('');
      const stored = await page.evaluate(() => Object.keys(localStorage));
      assert.ok(stored.length > 1 && stored.every((key) => key.startsWith('jobdeck/tools/jobs.')), `${stored}`);

      // Health checks, which do not come through the proxy.
      assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
    }));
  }
}

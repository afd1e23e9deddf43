/** The real server over a database in a temporary folder, and a browser for its page. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach } from 'node:test';
import { chromium } from 'playwright-core';

const BINARY = process.env.JOBDECK_BIN ?? new URL('../../target/debug/jobdeck', import.meta.url).pathname;
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The time at which the made-up jobs end, and at which the clock of the server is frozen. */
export const NOW = '2026-01-01T00:00:00Z';

/** Strings that would run, or break the layout, if they were used as anything but text. */
export const HOSTILE = [
  '<script>window.ran = true</script>',
  '<img src=x onerror="window.ran = true">',
  '"><svg onload=window.ran=true>',
  "'; DROP TABLE jobs; --",
  'javascript:window.ran=true',
  '‮txt.exe',
  'x'.repeat(3000),
];

/** A job for each hostile text, with the text in every member that can have it. */
export const hostileJobs = () => HOSTILE.map((text, index) => ({
  job_id: `${text.slice(0, 200)}-${index}`, domain_id: 'domain-hostile', created_at: NOW, status: 'ERROR',
  project_id: text.slice(0, 200), total_tasks: 3, remained_tasks: 1, filter: { [text]: text },
  collector_info: { collector_id: text, name: text, provider: text, plugin_info: { plugin_id: text, version: text, options: { [text]: text } } },
  errors: [{ error_code: text, message: text, additional: { [text]: text } }],
}));

export class Server {
  #process;
  /** Options of `jobdeck serve`, besides those that the files of the server need. */
  options = [];

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'jobdeck-page-'));
    this.database = join(this.folder, 'test.db');
  }

  /** Runs a command with the database of the server. */
  run(command, ...given) {
    return execFileSync(BINARY, [command, ...given], { encoding: 'utf8', env: { ...process.env, JOBDECK_DB: this.database } });
  }

  importJobs(jobs) {
    const path = join(this.folder, 'jobs.ndjson');
    writeFileSync(path, jobs.map((job) => `${JSON.stringify(job)}\n`).join(''));
    this.run('import', path);
  }

  importGenerated(count) {
    const path = join(this.folder, 'generated.ndjson');
    this.run('generate', '--jobs', String(count), '--days', '30', '--now', NOW, '--output', path);
    this.run('import', path);
  }

  /** Writes a file of fixtures, which a mock loads that is started afterwards, and loads again when it changes. */
  writeFixtures(text) {
    this.fixtures = join(this.folder, 'fixtures.ndjson');
    writeFileSync(this.fixtures, text);
  }

  /** Makes a token, which a server accepts that is started afterwards. */
  makeToken(...given) {
    this.tokens = join(this.folder, 'tokens.toml');
    const { stdout, stderr } = spawnSync(BINARY, ['token', 'new', ...given], { encoding: 'utf8' });
    writeFileSync(this.tokens, stdout, { flag: 'a', mode: 0o600 });
    return stderr.trim();
  }

  async start(listen = '127.0.0.1:0') {
    const what = this.fixtures ? ['--mock', '--fixtures', this.fixtures] : ['--create', '--db', this.database];
    if (this.tokens) what.push('--tokens', this.tokens);
    what.push(...this.options);
    this.#process = spawn(BINARY, ['serve', ...what, '--listen', listen, '--now', NOW], {
      stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'warn' },
    });
    const [line] = await Promise.race([
      createInterface(this.#process.stdout)[Symbol.asyncIterator]().next().then(({ value }) => [value]),
      new Promise((_, reject) => this.#process.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))),
    ]);
    this.url = line.replace('jobdeck listening on ', '').trim();
  }

  async stop() {
    if (!this.#process) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
    this.#process = null;
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Sends a request as a client does. */
  send(method, path, body, headers) {
    return fetch(this.url + path, { method, headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  }

  async post(path, body) {
    return (await this.send('POST', `/inventory/v1/jobs/${path}`, body)).json();
  }
}

export const launch = () => chromium.launch({
  executablePath: BROWSER,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

/**
* A server and a browser for the tests of one file; each test gets a new page. A test fails where the page throws or logs an
* error, opens a dialog, or sends a request to another server.
 * @param {(server: Server) => void} fillDatabase
 * @param {object} [settings] of the browser's context
 */
export function suite(fillDatabase, settings = {}) {
  const it = {
    server: new Server(),
    /** @type {import('playwright-core').Page} */
    page: null,
    complaints: [],
    /** The paths that the code of the page has requested; those of the browser itself, as for the icon, are not among them. */
    asked: [],
    pending: new Set(),
    /** Removes the expected complaints. */
    expect(text) {
      it.complaints = it.complaints.filter((complaint) => !complaint.includes(text));
    },
    /** Opens an address and waits until it shows something. */
    async open(query = '?refresh=0') {
      await it.page.goto(`${it.server.url}/${query}`);
      // A visit without a query begins with the overview.
      if (!query) return it.page.locator('#running-now > *').first().waitFor();
      await it.page.locator('#list:not([aria-busy=true]), #stat-rows tr').first().waitFor();
      await it.page.locator('#tabs .count', { hasText: /\d/ }).first().waitFor();
    },
    /** Waits, with the clock of the test, until the page has all answers. */
    async settle() {
      // A load waits for frames, which the clock causes. A request event may arrive after the act that caused it, but not
      // after the event of a later request.
      do {
        await it.page.clock.runFor(1000);
        await it.page.evaluate(() => fetch('/healthz').then((response) => response.text()));
      } while (it.pending.size);
    },
    /**
     * Runs the clock of the test until something is true. A load that is slow by this clock puts off the next one, so that no
     * number of seconds is enough for it; one hour is taken for a failure.
     */
    async passUntil(isTrue) {
      for (let seconds = 0; !(await isTrue()); seconds += 1) {
        assert.ok(seconds < 3600, 'not true within an hour of the clock');
        await it.settle();
      }
    },
    /** The paths that the page requests while its clock runs for a number of milliseconds, or a little longer. */
    async askedWithin(millis) {
      await it.settle();
      it.asked = [];
      await it.page.clock.runFor(millis);
      await it.settle();
      return it.asked.filter((path) => path !== '/healthz');
    },
    rows: () => it.page.locator('#rows tr'),
    ids: () => it.page.locator('#rows .id').allTextContents(),
    /** Waits until the list shows exactly these jobs. */
    shows: (ids) => it.page.waitForFunction((ids) => [...document.querySelectorAll('#rows .id')].map((node) => node.textContent).join() === ids, ids.join()),
    addressIs: (pattern) => it.page.waitForURL((url) => pattern.test(decodeURIComponent(url.search))),
    /** Waits until a domain is shown, and returns it. */
    domain: () => it.page.waitForFunction(() => document.querySelector('#domain').value).then((value) => value.jsonValue()),
    async search(query, more = {}) {
      return it.server.post('search', { domain_id: await it.domain(), query, ...more });
    },
    /** What axe has against the page, or against the part of it that a selector names; by all rules, or by some. */
    async violations(part = null, rules = null) {
      if (!await it.page.evaluate(() => 'axe' in globalThis)) await it.page.evaluate(AXE);
      const settings = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
      const { violations } = await it.page.evaluate(([part, settings]) => globalThis.axe.run(part ?? document, settings), [part, settings]);
      return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
    },
    async axe(what) {
      assert.deepEqual(await it.violations(), [], what);
    },
    /** The pickers whose chosen text is cut: each would be wider if it had its text alone and all the room that it needs. */
    cutPickers: () => it.page.locator('select:visible').evaluateAll((pickers) => pickers.flatMap((picker) => {
      const { text } = picker.selectedOptions[0];
      const style = getComputedStyle(picker);
      const whole = document.createElement('select');
      whole.append(new Option(text));
      for (const name of ['font', 'letterSpacing', 'padding', 'border']) whole.style[name] = style[name];
      Object.assign(whole.style, { position: 'absolute', minWidth: 0, maxWidth: 'none' });
      document.body.append(whole);
      const [needed, given] = [whole, picker].map((node) => node.getBoundingClientRect().width);
      whole.remove();
      return needed > given + 0.5 ? [`${picker.id} “${text}”: ${given} of ${needed}`] : [];
    })),
    overflow: () => it.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  };
  let browser;
  before(async () => {
    fillDatabase(it.server);
    await it.server.start();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await it.server.remove();
  });
  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'UTC', acceptDownloads: true, ...settings });
    it.page = await context.newPage();
    it.complaints = [];
    it.asked = [];
    it.pending.clear();
    it.page.on('request', (request) => {
      if (request.resourceType() !== 'fetch') return;
      const { pathname } = new URL(request.url());
      // The stream of events has no end.
      if (!pathname.endsWith('/jobdeck/events')) it.pending.add(request);
      it.asked.push(pathname);
    });
    for (const over of ['requestfinished', 'requestfailed']) it.page.on(over, (request) => it.pending.delete(request));
    it.page.on('pageerror', (error) => it.complaints.push(`error: ${error.message}`));
    it.page.on('console', (message) => message.type() === 'error' && it.complaints.push(`console: ${message.text()}`));
    it.page.on('request', (request) => new URL(request.url()).origin !== it.server.url && it.complaints.push(`request: ${request.url()}`));
    it.page.on('dialog', (dialog) => it.complaints.push(`dialog: ${dialog.message()}`));
  });
  afterEach(async () => {
    await it.page.context().close();
    assert.deepEqual(it.complaints, []);
  });
  return it;
}

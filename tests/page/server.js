/** The real server over a database in a temporary folder, and a browser to look at it with. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const BINARY = process.env.JOBDECK_BIN ?? new URL('../../target/debug/jobdeck', import.meta.url).pathname;
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** The moment at which the made-up jobs end, and which the page takes for now. */
export const NOW = '2026-01-01T00:00:00Z';

/** Strings that would run, or break the layout, if they were taken for anything but text. */
export const HOSTILE = [
  '<script>window.ran = true</script>',
  '<img src=x onerror="window.ran = true">',
  '"><svg onload=window.ran=true>',
  "'; DROP TABLE jobs; --",
  'javascript:window.ran=true',
  '‮txt.exe',
  'x'.repeat(3000),
];

export class Server {
  #process;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'jobdeck-page-'));
    this.database = join(this.folder, 'test.db');
  }

  /** Runs a command over the server's database. */
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

  async start(listen = '127.0.0.1:0') {
    this.#process = spawn(BINARY, ['serve', '--create', '--listen', listen, '--db', this.database], {
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
}

/** @returns {import('playwright-core').Browser} */
export const launch = () => chromium.launch({
  executablePath: BROWSER,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

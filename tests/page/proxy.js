/** nginx and Caddy with the files of static/docs/deploy, in front of a server. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The path of these files. */
export const PATH = '/tools/jobs';
const UPSTREAM = '127.0.0.1:8080';

/** A file with texts replaced, each of which it must have. */
function file(name, ...replacements) {
  let text = readFileSync(new URL(`../../static/docs/deploy/${name}`, import.meta.url), 'utf8');
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${name} does not have ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** The main configuration of each proxy, and its command. With `keeps` it leaves the path in the requests that it passes on. */
const PROXIES = {
  nginx: {
    config(port, address, keeps, folder) {
      const lines = file('nginx-path.conf', [`${UPSTREAM}/;`, `${address}${keeps ? '' : '/'};`]);
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
      // One process, since workers would outlive a master that is killed.
      return `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
http { access_log off; ${paths} server { listen 127.0.0.1:${port};\n${lines}} }\n`;
    },
    command: (folder) => ['nginx', '-p', folder, '-e', 'stderr', '-c', 'config'],
  },
  caddy: {
    config(port, address, keeps) {
      const lines = file('Caddyfile-path', [UPSTREAM, address], ...(keeps ? [['handle_path /', 'handle /']] : []));
      return `{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:${port} {\n${lines}}\n`;
    },
    command: (folder) => ['caddy', 'run', '--config', join(folder, 'config'), '--adapter', 'caddyfile'],
  },
};

export const NAMES = Object.keys(PROXIES);

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const accepts = (port) => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

/**
 * Starts a proxy, and waits until it accepts connections.
 * @returns {Promise<{origin: string, stop: () => Promise<void>}>}
 */
export async function startProxy(name, server, keeps) {
  const folder = mkdtempSync(join(tmpdir(), 'jobdeck-proxy-'));
  const port = await freePort();
  const { config, command } = PROXIES[name];
  writeFileSync(join(folder, 'config'), config(port, new URL(server.url).host, keeps, folder));
  const [program, ...given] = command(folder);
  // Debian has nginx where only root looks.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(program, given, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  let problem = null;
  child.stderr.on('data', (data) => { log += data; });
  child.once('error', (error) => { problem = error; });
  child.once('exit', (code) => { problem ??= new Error(`${name} ended with ${code}: ${log}`); });
  while (!(await accepts(port))) {
    if (problem) throw problem;
    await new Promise(setImmediate);
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      const ended = new Promise((resolve) => { child.once('exit', resolve); });
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export default async function setup() {
  const server = spawn('jobdeck', ['serve', '--mock', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  const [line] = await Promise.race([
    once(createInterface(server.stdout), 'line'), // comes when the server is ready
    ended.then(([code]) => { throw new Error(`jobdeck did not start: it ended with ${code}`); }),
  ]);
  process.env.JOBDECK_URL = line.split(' ').at(-1);
  return async () => {
    server.kill();
    await ended;
  };
}

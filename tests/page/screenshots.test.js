/** The two pictures of the README. `JOBDECK_SCREENSHOTS=rewrite npm test` writes them again; otherwise their size is checked. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { suite } from './server.js';

const FOLDER = new URL('./screenshots/', import.meta.url);
/** The largest size of a picture in the repository, in bytes. */
const MAX_BYTES = 150_000;

const it = suite((server) => server.importGenerated(5_000), { viewport: { width: 1280, height: 500 } });

for (const [name, colorScheme, query] of [
  ['overview', 'light', '?view=overview&range=week&refresh=0'], ['job', 'dark', '?refresh=0&tab=failed&term=tasks%3E10&range=week'],
]) {
  test(`the picture ${name}.png`, async () => {
    await it.page.emulateMedia({ colorScheme });
    if (name === 'overview') {
      await it.page.setViewportSize({ width: 1280, height: 700 });
      await it.page.goto(`${it.server.url}/${query}`);
      await it.page.locator('#running-now > *').first().waitFor();
    } else {
      await it.open(query);
      await it.page.locator('#times .bar-of-time').first().waitFor();
    }
    if (name === 'job') {
      await it.rows().nth(1).locator('.id').click();
      await it.page.locator('.job-error').first().waitFor();
      await it.page.locator('#drawer-lead', { hasText: 'usually' }).waitFor();
    }
    await it.page.locator('#pace[data-pace=paused]').waitFor();
    const picture = await it.page.screenshot();
    const file = new URL(`${name}.png`, FOLDER);
    if (process.env.JOBDECK_SCREENSHOTS === 'rewrite') {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, picture);
    }
    const committed = readFileSync(file);
    const size = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];
    assert.deepEqual(size(committed), size(picture));
    assert.ok(committed.length < MAX_BYTES, `${committed.length} bytes`);
  });
}

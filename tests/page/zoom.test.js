/**
 * axe and the width of the page in every view and dialog: in light, dark and forced colors, at 100 %, 200 % and 400 % zoom.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NOW, Server, hostileJobs, suite } from './server.js';

const MEDIA = {
  light: { colorScheme: 'light', forcedColors: 'none' },
  dark: { colorScheme: 'dark', forcedColors: 'none' },
  forced: { colorScheme: 'light', forcedColors: 'active' },
};
/** The rules of axe that depend on colors. By the others, a page in other colors is the same page. */
const OF_COLORS = ['color-contrast', 'link-in-text-block'];
/** The size of a window of 1280 × 800 in the pixels of the page; at 400 % it is as high as WCAG has it, 1280 × 1024. */
const ZOOMS = { 100: [1280, 800], 200: [640, 400], 400: [320, 256] };

// A mock has all that other servers have, and the journal.
const it = suite((server) => {
  const jobs = join(server.folder, 'generated.ndjson');
  server.run('generate', '--jobs', '800', '--days', '30', '--now', NOW, '--output', jobs);
  server.writeFixtures(readFileSync(jobs, 'utf8') + hostileJobs().map((job) => `${JSON.stringify(job)}\n`).join(''));
}, { reducedMotion: 'reduce' });

const open = async (query, selector) => {
  await it.page.goto(`${it.server.url}/?refresh=0&${query}`);
  await it.page.locator(selector).first().waitFor();
};
const press = (name) => it.page.getByRole('button', { name, exact: true }).click();

/** Waits until the page has painted what follows from its size, and each chart is as wide as its panel. */
const laidOut = () => it.page.waitForFunction(async () => {
  for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll('.plot')].every((plot) => !plot.clientWidth || !plot.firstChild
    || plot.firstChild.clientWidth === Math.max(plot.clientWidth, 240));
});

/** Runs axe on what is open, or on a part of it, in each medium at some of the zooms. */
async function check(what, zooms = Object.keys(ZOOMS), part = null) {
  const found = [];
  for (const [medium, settings] of Object.entries(MEDIA)) {
    await it.page.emulateMedia(settings);
    for (const zoom of zooms) {
      const [width, height] = ZOOMS[zoom];
      await it.page.setViewportSize({ width, height });
      await laidOut();
      const overflow = await it.overflow();
      const problems = [...await it.violations(part, medium === 'light' ? null : OF_COLORS), ...(overflow ? [`scrolls sideways by ${overflow}`] : [])];
      found.push(...problems.map((problem) => `${what}, ${medium}, ${zoom} %: ${problem}`));
    }
  }
  assert.deepEqual(found, []);
}

for (const [name, query, selector, act] of [
  ['the overview', 'view=overview&range=month', '#error-groups li', () => it.page.locator('#chart summary').click()],
  ['what runs now', 'view=now&hours=24', '#lane-list .long', () => it.page.locator('#now-data summary').click()],
  ['the collectors', 'view=collectors&range=month&term=provider:azure', '#collector-rows .run'],
  ['the jobs', 'tab=failed&size=15', '#rows tr'],
  ['the statistics as a table', 'view=statistics&by=collector&measures=count,rate,p95-duration&top=10', '#stat-rows tr'],
  ['the statistics as lines', 'view=statistics&by=day,provider&measures=count,failures&top=10', '#stat-lines polyline'],
]) {
  test(`axe finds nothing in ${name} at any zoom`, async () => {
    await open(query, selector);
    await act?.();
    await check(name);
    assert.equal(await it.page.locator('#tabs').evaluate((tabs) => tabs.scrollWidth - tabs.clientWidth), 0, 'each tab is whole at 400 %');
  });
}

test('axe finds nothing in a collector at any zoom', async () => {
  await open('view=collectors&range=month&term=provider:azure', '#collector-rows .run');
  await it.page.locator('#collector-rows .name a').first().click();
  await it.page.locator('#collector-history .run').first().waitFor();
  await it.page.locator('#collector-chart summary').click();
  await check('a collector');
  // The last size is that of 400 %.
  const labels = await it.page.locator('.durations .middle:visible').evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect()));
  assert.ok(labels.length > 1 && labels.slice(1).every(({ left }, index) => left > labels[index].right), 'labels of durations lie apart');
});

test('axe finds nothing in an open job at any zoom', async () => {
  await open('tab=failed&size=15', '#rows .id');
  await it.rows().first().locator('.id').click();
  await it.page.locator('#drawer .job-error').first().waitFor();
  for (const summary of await it.page.locator('#drawer summary').all()) await summary.click();
  await check('an open job');
  assert.ok(await it.page.locator('#list').evaluate((list) => list.inert), 'on a narrow screen the drawer covers the page');
});

test('axe finds nothing in the journal with the controls of the mock at any zoom', async () => {
  const { server } = it;
  const domain = 'domain-hostile';
  const search = (query, headers) => server.send('POST', '/inventory/v1/jobs/search', { domain_id: domain, query }, headers);
  await server.send('DELETE', '/jobdeck/journal');
  await server.send('GET', `/inventory/v1/jobs?domain_id=${domain}&status=ERROR`);
  await search({ only: ['x'] });
  await search({}, { prefer: 'code=503' });
  await server.send('POST', '/jobdeck/faults', { route: 'list', hold: true });
  await server.send('PUT', '/jobdeck/snapshots/one');
  await open(`view=journal&domain=${domain}`, '#entries li');
  await it.page.locator('#mock summary').click();
  await it.page.locator('#snapshots li').waitFor();
  for (const summary of await it.page.locator('#entries summary').all()) await summary.click();
  await it.page.locator('#entries li:last-child .content').waitFor();
  await check('the journal');
  await server.send('DELETE', '/jobdeck/faults');
});

test('axe finds nothing in what a view says instead of rows, in the menus and in suggestions', async () => {
  for (const [query, selector] of [
    ['keyword=none-such', '#empty p'], ['domain=domain-hostile', '#rows tr'], ['domain=none-such', '#empty p'],
    [`term=${encodeURIComponent('status:ERROR')}&term=bad:1&range=week`, 'body:has(.wrong) #rows tr'],
    ['view=statistics&stat={"distinct":"x"}', '#stat-error'],
  ]) {
    await open(query, selector);
    await check(query, ['100']);
  }
  it.expect('status of 400');
  await open('size=15', '#rows tr');
  for (const menu of ['#views-menu', '#settings', '#more']) {
    await it.page.locator(`${menu} summary`).first().click();
    await check(menu, ['100', '400'], menu);
    await it.page.keyboard.press('Escape');
  }
  await it.page.locator('#search').pressSequentially('status:');
  await it.page.locator('#suggestions [role=option]').first().waitFor();
  await check('suggestions', ['100', '400'], '.box');
});

test('axe finds nothing in any dialog', async () => {
  const dialogs = {
    help: () => press('Help'),
    requests: async () => {
      await it.page.locator('#more summary').click();
      await press('Show request');
    },
    'job-dialog': async () => {
      await press('Edit…');
      // A problem of the text is a part of the dialog.
      await it.page.locator('#job-json').fill('{\n"x": 1\n}');
      await press('Save');
      await it.page.locator('#job-errors > *').first().waitFor();
      it.expect('status of 400');
    },
    confirm: () => press('Delete…'),
  };
  for (const [id, show] of Object.entries(dialogs)) {
    await it.page.setViewportSize({ width: 1280, height: 800 });
    await open('tab=failed&size=15', '#rows .id');
    if (id === 'job-dialog' || id === 'confirm') {
      await it.rows().first().locator('.id').click();
      await it.page.locator('#drawer .job-error').first().waitFor();
    }
    await show();
    const dialog = it.page.locator(`#${id}[open]`);
    await dialog.waitFor();
    await check(`the dialog ${id}`, ['100', '400'], `#${id}`);
  }
});

test('axe finds nothing in the prompt for a token and in the dialog of notifications', async () => {
  // A mock has no notifications.
  const other = new Server();
  try {
    const rules = join(other.folder, 'notify.toml');
    // Nothing is sent to this port, since the server has no jobs.
    writeFileSync(rules, '[[notify]]\nname = "n"\ndomain_id = "d"\non = ["failed"]\nurl = "http://127.0.0.1:9/x"\nallow_private = true\n');
    other.options = ['--notify', rules];
    const token = other.makeToken('--domain', '*', '--name', 'reader');
    await other.start();
    it.page.removeAllListeners('request');
    await it.page.goto(other.url);
    await it.page.locator('#token-dialog[open]').waitFor();
    await check('the prompt', ['100', '400'], '#token-dialog');
    it.expect('401');
    await it.page.locator('#token').fill(token);
    await press('Go on');
    await it.page.locator('#settings summary').click();
    await press('Notifications');
    await it.page.locator('#notifications[open] td').first().waitFor();
    await check('the notifications', ['100', '400'], '#notifications');
    await it.page.goto('about:blank');
  } finally {
    await other.remove();
  }
});

/** The page with the keyboard, on phones, in both themes and in other time zones; and its content security policy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE, hostileJobs, suite } from './server.js';

const it = suite((server) => {
  server.importGenerated(600);
  server.importJobs(hostileJobs());
}, { timezoneId: 'Asia/Seoul' });

const focused = () => it.page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

test('the keyboard map', async () => {
  await it.open();
  const ids = await it.ids();
  await it.page.keyboard.press('?');
  await it.page.locator('#help', { hasText: 'Next page' }).waitFor();
  const keys = await it.page.locator('#keys kbd').allTextContents();
  assert.deepEqual(keys, ['/', 'Ctrl+K', 'j', 'k', 'J', 'K', 'Enter', 'Escape', '[', ']', 'n', 'r', '?']);
  await it.page.keyboard.press('Escape');
  await it.page.keyboard.press('j');
  await it.page.keyboard.press('j');
  assert.equal(await focused(), ids[1]);
  await it.page.keyboard.press('k');
  assert.equal(await focused(), ids[0]);
  await it.page.keyboard.press('Enter');
  await it.page.getByRole('heading', { name: ids[0] }).waitFor();
  await it.page.keyboard.press('j');
  await it.page.getByRole('heading', { name: ids[1] }).waitFor();
  await it.page.keyboard.press('Escape');
  await it.page.locator('#drawer').waitFor({ state: 'hidden' });
  await it.page.keyboard.press(']');
  await it.addressIs(/page=2/);
  await it.page.locator('#total', { hasText: /^31–60/ }).waitFor();
  await it.page.keyboard.press('[');
  await it.page.waitForURL((url) => !url.searchParams.has('page'));
  await Promise.all([it.page.waitForRequest((request) => request.url().endsWith('/domains')), it.page.keyboard.press('r')]);
  await it.page.keyboard.press('/');
  assert.equal(await focused(), 'search');
  await it.page.keyboard.type('j?r/');
  assert.equal(await it.page.locator('#search').inputValue(), 'j?r/', 'what is typed is typed');
});

test('times are local or UTC, and say which', async () => {
  await it.open();
  const [job] = (await it.search({ page: { limit: 1 } })).results;
  // The Swedish locale writes dates as ISO 8601 does.
  const clock = (timeZone) => new Date(job.created_at).toLocaleString('sv', { timeZone });
  const titled = (text) => it.page.waitForFunction((text) => document.querySelector('#rows .created').title.replace(/\.\d+/, '') === text, text);
  await titled(`${clock('Asia/Seoul')} UTC+9`);
  await it.page.getByRole('button', { name: 'UTC+9' }).click();
  await it.addressIs(/zone=utc/);
  await it.page.getByRole('button', { name: 'UTC', exact: true }).waitFor();
  await titled(`${clock('UTC')} UTC`);
});

test('days are those of the reader, although the server groups by UTC', async () => {
  await it.open();
  await it.page.locator('#times .bar-of-time').first().waitFor();
  const jobs = (await it.search({})).results;
  const day = (time) => new Date(time).toLocaleDateString('sv', { timeZone: 'Asia/Seoul' });
  const names = await it.page.locator('#times .bar-of-time').evaluateAll((bars) => bars.map((bar) => bar.ariaLabel));
  assert.ok(names.length > 20, names.join());
  for (const name of names) {
    const [, when, count] = /^([\d-]{10}).*?: (\d+) job/.exec(name);
    assert.equal(Number(count), jobs.filter((job) => day(job.created_at) === when).length, name);
  }
});

test('the theme is that of the system, or the chosen one', async () => {
  await it.page.emulateMedia({ colorScheme: 'dark' });
  await it.open();
  const back = () => it.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await back();
  const toggle = it.page.locator('#theme');
  await it.page.locator('#settings summary').click();
  await toggle.click();
  const light = await back();
  assert.notEqual(light, dark);
  await it.page.reload();
  assert.equal(await back(), light, 'it is remembered');
  await it.page.locator('#settings summary').click();
  await toggle.click();
  assert.equal(await back(), dark);
});

test('no width makes the page scroll sideways', async () => {
  const views = ['?refresh=0', '?domain=domain-hostile&refresh=0', '?view=statistics&domain=domain-hostile&refresh=0', `?domain=domain-hostile&refresh=0&job=${encodeURIComponent(`${HOSTILE[6].slice(0, 200)}-6`)}`,
    `?refresh=0&term=${encodeURIComponent(`message~${'x'.repeat(300)}`)}`, '?refresh=0&range=custom&from=2025-12-01T00:00:00Z'];
  for (const width of [320, 390, 720, 1024, 1280, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    for (const view of views) {
      await it.open(view);
      assert.equal(await it.overflow(), 0, `${view.slice(0, 60)} at ${width}`);
    }
  }
});

test('there is no animation where the system asks for none', async () => {
  await it.page.emulateMedia({ reducedMotion: 'reduce' });
  await it.open();
  const animation = await it.rows().first().evaluate((row) => {
    row.classList.add('changed');
    return getComputedStyle(row).animationName;
  });
  assert.equal(animation, 'none');
});

test('every control has a name and shows its focus', async () => {
  await it.open();
  const seen = [];
  for (let steps = 0; steps < 90; steps += 1) {
    await it.page.keyboard.press('Tab');
    const at = await it.page.evaluate(() => {
      const node = document.activeElement;
      const [box, bar] = [node.closest('.box') ?? node, node.closest('.bar-of-time')?.querySelector('.target')];
      // A bar of a chart has a stroke instead of an outline.
      const outline = bar ? getComputedStyle(bar).stroke : getComputedStyle(box).outlineStyle;
      return { what: node.id || node.getAttribute('class') || node.textContent, outline };
    });
    if (at.what === '' || seen.includes('page-next')) break;
    assert.notEqual(at.outline, 'none', String(at.what));
    seen.push(at.what);
  }
  for (const id of ['domain', 'refresh', 'zone', 'search', 'collector', 'project', 'range', 'size', 'page-next']) assert.ok(seen.includes(id), `${id} among ${seen}`);
});

test('the content security policy blocks other scripts', async () => {
  const policy = (await fetch(it.server.url)).headers.get('content-security-policy');
  assert.ok(!policy.includes('unsafe'), policy);
  await it.open();
  const ran = await it.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    return window.ran ?? false;
  });
  assert.equal(ran, false);
  it.expect('Content Security Policy');
});

/** What is seen: nothing is cut, fused, empty or doubled, at the widths and zooms that people have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, suite } from './server.js';

const it = suite((server) => {
  server.importGenerated(600);
  server.importJobs(Array.from({ length: 90 }, (_, index) => (
    { job_id: `job-${index}`, domain_id: 'domain-of-days', created_at: new Date(Date.parse(NOW) - index * 86_400_000 - 1).toISOString(), status: 'SUCCESS' })));
  server.importJobs([12, 5, 1].map((minutes) => (
    { job_id: `job-runs-${minutes}`, domain_id: 'domain-of-days', created_at: new Date(Date.parse(NOW) - minutes * 60_000).toISOString(), status: 'IN_PROGRESS' })));
});

/** Makes each number of a member larger in the answers of a route, to that of a domain with more jobs than a test can make. */
const enlarge = (route, member) => it.page.route(route, async (request) => {
  const response = await request.fetch();
  const body = (await response.text()).replaceAll(new RegExp(`"${member}":(\\d+)`, 'g'), (_, count) => `"${member}":${count * 1500}`);
  await request.fulfill({ response, body });
});

/** Takes a picture of a part of the screen, and returns its pixels: rows of colors as numbers. */
async function pixels(clip) {
  const png = (await it.page.screenshot({ clip })).toString('base64');
  // The policy of our page allows no picture from an address of data.
  const reader = await it.page.context().newPage();
  const rows = await reader.evaluate(async ({ png, width, height }) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = new OffscreenCanvas(width, height).getContext('2d');
    canvas.drawImage(image, 0, 0);
    const { data } = canvas.getImageData(0, 0, width, height);
    const color = (at) => data[at] * 65_536 + data[at + 1] * 256 + data[at + 2];
    return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => color((y * width + x) * 4)));
  }, { png, width: clip.width, height: clip.height });
  await reader.close();
  return rows;
}

test('between any two bars is the same gap, however many there are', async () => {
  await it.open('?domain=domain-of-days&tab=succeeded&refresh=0');
  for (const width of [1280, 1367, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    const piece = it.page.locator('#times .piece-of-time');
    await it.page.waitForFunction((width) => document.querySelector('#times svg')?.clientWidth > width - 100, width);
    assert.equal(await piece.count(), 90);
    const [first, last] = [await piece.first().boundingBox(), await piece.last().boundingBox()];
    const [row] = await pixels({ x: Math.floor(first.x) - 2, y: Math.floor(first.y + first.height / 2), width: Math.ceil(last.x - first.x), height: 1 });
    const color = row[8];
    const runs = row.map((pixel) => (pixel === color ? '#' : '.')).join('').split(/(?<=#)(?=\.)|(?<=\.)(?=#)/).slice(2, -2);
    const gaps = runs.filter((run) => run.startsWith('.'));
    assert.equal(gaps.length, 87, `at ${width}`);
    assert.deepEqual([...new Set(gaps)], ['.'], `at ${width}`);
  }
});

test('the chart of jobs that run has the hour of its jobs, and there is none without jobs', async () => {
  await it.open('?domain=domain-of-days&tab=running&refresh=0');
  const bars = it.page.locator('#times .bar-of-time');
  await bars.first().waitFor();
  const counts = await bars.evaluateAll((nodes) => nodes.map((node) => node.querySelectorAll('.piece-of-time').length));
  assert.ok(counts.length >= 60 && counts.length <= 61, `an hour in ${counts.length} bars`);
  assert.equal(counts.filter(Boolean).length, 3, 'each job has its own bar');
  await it.open('?keyword=none-such&refresh=0');
  await it.page.getByText('No job matches').waitFor();
  await it.page.locator('#times .canvas').waitFor({ state: 'hidden' });
  assert.ok(await it.page.locator('#times-title').isHidden());
  assert.ok((await it.page.locator('#times').boundingBox()).height < 40, 'no box is left of it');
});

test('counts of six digits are whole, in the tabs and in the picker of domains', async () => {
  await enlarge('**/jobs/stat', 'count');
  await enlarge('**/domains', 'jobs');
  await it.open('?refresh=0');
  assert.match(await it.page.locator('#tabs .count').first().textContent(), /^\d{3},\d{3}$/);
  assert.match(await it.page.locator('#domain').evaluate((picker) => picker.selectedOptions[0].text), /^domain-[0-9a-f]{12} \(\d{3},\d{3}\)$/);
  for (const width of [390, 768, 1024, 1280, 1920]) {
    await it.page.setViewportSize({ width, height: 800 });
    const { cut, tabs } = await it.page.locator('#tabs').evaluate((nav) => ({
      cut: nav.scrollWidth - nav.clientWidth,
      tabs: [...nav.children].filter((tab) => tab.scrollWidth > tab.clientWidth || tab.getBoundingClientRect().right > innerWidth).map((tab) => tab.textContent),
    }));
    assert.deepEqual([cut, tabs], [0, []], `at ${width}`);
    assert.deepEqual(await it.cutPickers(), [], `at ${width}`);
  }
});

test('at 200 % zoom jobs are on the first screen, and no control falls to a line of its own', async () => {
  await it.open('?refresh=0');
  const whole = () => it.rows().evaluateAll((rows) => rows.filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length);
  await it.page.setViewportSize({ width: 640, height: 400 });
  assert.ok(await whole() >= 4, `${await whole()} jobs`);
  for (const width of [960, 1024, 1101, 1200, 1280]) {
    await it.page.setViewportSize({ width, height: 800 });
    for (const bar of ['.top', '.filters']) {
      const tops = await it.page.locator(`${bar} > :visible`).evaluateAll((nodes) => nodes.map((node) => {
        const { top, bottom } = node.getBoundingClientRect();
        return (top + bottom) / 2;
      }));
      assert.ok(Math.max(...tops) - Math.min(...tops) < 8, `${bar} is one row at ${width}: ${tops}`);
    }
  }
});

test('the drawer has an even ring, a whole title, and leaves names whole', async () => {
  await it.page.emulateMedia({ reducedMotion: 'reduce' });
  await it.open('?tab=failed&refresh=0');
  await it.page.keyboard.press('j');
  await it.page.keyboard.press('Enter');
  await it.page.locator('.job-error').first().waitFor();
  const box = await it.page.locator('#drawer').boundingBox();
  const accent = await it.page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(document.querySelector('#drawer')).outlineColor.match(/\d+/g).map(Number);
    return red * 65_536 + green * 256 + blue;
  });
  const [left, top] = [Math.round(box.x), Math.round(box.y)];
  const side = await pixels({ x: left, y: top, width: 12, height: 300 });
  const above = await pixels({ x: left + 100, y: top, width: 1, height: 12 });
  const thickness = (line) => line.filter((pixel) => pixel === accent).length;
  assert.equal(thickness(above.flat()), 2, 'above the header');
  assert.deepEqual([20, 120, 280].map((y) => thickness(side[y])), [2, 2, 2], 'beside the header and below it');
  const name = await it.page.locator('#rows [data-column=collector]').first().boundingBox();
  assert.ok(name.width >= 200, `the collector has ${name.width} px beside the drawer`);
  await it.page.setViewportSize({ width: 390, height: 800 });
  assert.ok(await it.page.locator('#drawer-title').evaluate((title) => title.scrollWidth <= title.clientWidth), 'the title is whole on a phone');
});

test('code has a margin within its box, and keys look like keys', async () => {
  await it.open();
  await it.page.keyboard.press('?');
  await it.page.locator('#keys kbd').first().waitFor();
  const paddings = await it.page.locator('#help pre, #help > p').evaluateAll((nodes) => nodes.map((node) => Number.parseFloat(getComputedStyle(node).paddingLeft)));
  assert.ok(paddings.every((padding) => padding >= 12), `${paddings}`);
  const [pre, dialog] = await Promise.all(['#help pre', '#help'].map((selector) => it.page.locator(selector).boundingBox()));
  assert.ok(pre.x - dialog.x >= 12);
  assert.equal(await it.page.locator('#keys kbd').first().evaluate((key) => getComputedStyle(key).borderStyle), 'solid');
});

test('the bars of the statistics are there on a phone', async () => {
  await it.page.setViewportSize({ width: 390, height: 800 });
  await it.open('?view=statistics&refresh=0');
  const bar = await it.page.locator('#stat-rows .measured').first().boundingBox();
  assert.ok(bar.width > 40 && bar.height >= 8, `${bar.width} × ${bar.height}`);
});

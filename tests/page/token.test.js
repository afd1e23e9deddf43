/** The page of a server that requires tokens. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NOW, suite } from './server.js';

const DOMAINS = ['domain-a', 'domain-b'];
let tokens;
const it = suite((server) => {
  server.importJobs(DOMAINS.map((domain_id) => ({ job_id: `${domain_id}-job`, domain_id, created_at: NOW })));
  tokens = Object.fromEntries([...DOMAINS, '*'].map((domain) => [domain, server.makeToken('--domain', domain, '--name', `of ${domain}`)]));
});

const field = () => it.page.getByLabel('Token', { exact: true });
async function enter(token) {
  await field().fill(token);
  await it.page.getByRole('button', { name: 'Go on' }).click();
}
/** Opens the page and enters a token. */
async function visit(domain, query = '?refresh=0') {
  await it.page.goto(`${it.server.url}/${query}`);
  await enter(tokens[domain]);
  it.expect('401');
}
const shows = (text) => it.page.locator('#rows .id', { hasText: text }).waitFor();

test('a token is requested, stored for the tab, and sent with every request', async () => {
  const sent = [];
  it.page.on('request', (request) => sent.push([new URL(request.url()).pathname, request.headers().authorization, request.url()]));
  await it.page.goto(`${it.server.url}/?refresh=0`);
  await it.page.getByRole('dialog', { name: 'This server wants a token' }).waitFor();
  assert.equal(await field().evaluate((node) => node === document.activeElement && node.type === 'password'), true);
  await it.axe('the dialog');
  await enter('jobdeck_wrong');
  await it.page.getByRole('alert').getByText('does not know this token').waitFor();
  await enter(tokens['domain-a']);
  await shows('domain-a-job');
  await it.page.locator('#trouble').waitFor({ state: 'hidden' });
  assert.deepEqual(await it.page.locator('#domain option').allTextContents(), ['domain-a (1)'], 'those that it reaches');
  it.expect('401');

  sent.length = 0;
  await it.page.reload();
  await shows('domain-a-job');
  await it.page.locator('#project option').first().waitFor({ state: 'attached' });
  const requests = sent.filter(([path]) => path.startsWith('/inventory/') || path.startsWith('/jobdeck/'));
  assert.ok(requests.length > 3);
  assert.deepEqual([...new Set(requests.map(([, header]) => header))], [`Bearer ${tokens['domain-a']}`]);
  assert.ok(sent.every(([, , url]) => !url.includes('jobdeck_')), 'no address has it');
  assert.ok(!it.page.url().includes('jobdeck_'));
  assert.deepEqual(await it.page.evaluate(() => [Object.values(localStorage), document.cookie].flat().filter((text) => text.includes('jobdeck_'))), []);

  const other = await it.page.context().newPage();
  await other.goto(it.page.url());
  await other.getByRole('dialog', { name: 'This server wants a token' }).waitFor();
  await other.close();
});

test('a token is forgotten on request', async () => {
  await visit('domain-a');
  await shows('domain-a-job');
  await it.page.locator('#settings summary').click();
  await it.page.getByRole('button', { name: 'Forget token' }).click();
  await field().waitFor();
  assert.equal(await it.rows().count(), 0, 'nothing of what it let see is left');
  assert.deepEqual(await it.page.evaluate(() => Object.values(sessionStorage).filter(Boolean)), []);
  await it.page.keyboard.press('Escape');
  await it.page.locator('#trouble', { hasText: 'needs a token' }).waitFor();
  await it.page.getByRole('button', { name: 'Try again' }).first().click();
  await enter(tokens['domain-b']);
  // The page began anew, with the overview.
  await it.page.getByRole('button', { name: 'Jobs', exact: true }).click();
  await shows('domain-b-job');
  it.expect('401');
});

test('a request that a token does not allow is refused with the reason', async () => {
  await visit('domain-a', '?refresh=0&domain=domain-b');
  await it.page.locator('#trouble', { hasText: 'token of domain-a is of domain domain-a alone, and this is about domain domain-b' }).waitFor();
  assert.equal(await it.rows().count(), 0);
  it.expect('403');
});

test('exports are sent with the token, and curl lines name it', async () => {
  await visit('*', '?refresh=0&domain=domain-b');
  await shows('domain-b-job');
  await it.page.locator('#more summary').click();
  const [download] = await Promise.all([it.page.waitForEvent('download'), it.page.getByRole('link', { name: 'NDJSON' }).click()]);
  assert.match(download.suggestedFilename(), /^jobdeck-domain-b-\d{4}-\d{2}-\d{2}\.ndjson$/);
  assert.equal(JSON.parse(readFileSync(await download.path(), 'utf8')).job_id, 'domain-b-job');
  await it.page.locator('#more summary').click();
  await it.page.getByRole('button', { name: 'Show request' }).click();
  const line = await it.page.locator('#requests .curl').first().textContent();
  assert.match(line, / -H "authorization: Bearer \$JOBDECK_TOKEN" /);
  assert.ok(!line.includes('jobdeck_'));
});

test('a revoked token is requested again, and nothing is requested until then', async () => {
  await visit('domain-b', '?refresh=2');
  await shows('domain-b-job');
  await it.page.route('**/jobdeck/domains', async (route) => route.fulfill({
    status: 401, json: { detail: { code: 'ERROR_AUTHENTICATE_FAILURE', message: 'the token is none of this server\'s' } },
  }));
  await it.page.keyboard.press('r');
  await field().waitFor();
  await it.page.clock.install();
  assert.deepEqual(await it.askedWithin(120_000), []);
  await it.page.unroute('**/jobdeck/domains');
  await Promise.all([it.page.waitForResponse((response) => response.url().endsWith('/domains') && response.status() === 200), enter(tokens['domain-b'])]);
  await it.page.locator('#trouble').waitFor({ state: 'hidden' });
  it.expect('401');
});

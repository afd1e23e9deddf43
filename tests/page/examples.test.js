/** The terms that the documentation and the page give as examples find made-up jobs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { conditions, parseTerm } from '../../static/js/search-language.js';
import { texts } from '../../static/js/texts/en.js';
import { Server } from './server.js';

const read = (path) => readFileSync(new URL(`../../static/${path}`, import.meta.url), 'utf8').replaceAll('&gt;', '>');
const within = (text, start, end) => text.split(start)[1].split(end)[0];
const quoted = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, term]) => term);

/** The examples, each with the terms that must hold together. */
function examples() {
  const html = read('index.html');
  const rows = within(read('docs/page.md'), '| you type |', '\n\n').match(/^\| `[^`]+`/gm);
  const placeholder = texts['search.placeholder'].split('or ')[1].split(', ');
  const help = within(html, '<pre id="help-terms">', '</pre>').split(/ {2}|\n/);
  const together = quoted(within(read('docs/start.md'), 'The **search box**', '\n- '));
  const story = quoted(within(read('docs/start.md'), 'The demo has a story', 'These names')).filter((text) => /[:~]/.test(text));
  return [...rows.flatMap(quoted), ...placeholder, ...help, ...story].map((term) => [term]).concat([together]);
}

const server = new Server();
before(() => {
  server.importGenerated(10_000);
  return server.start();
});
after(() => server.remove());

test('every example has a hit', async () => {
  const all = examples();
  assert.ok(all.length >= 22, `only ${all.length}`);
  for (const terms of all) {
    const filter = terms.flatMap((term) => conditions(parseTerm(term), 'utc'));
    assert.ok(filter.length >= terms.length, terms.join());
    // No day has jobs for ever.
    if (terms.some((term) => term.startsWith('created:'))) continue;
    const { total_count: count } = await server.post('search', { domain_id: 'domain-67094cea8ca4', query: { filter, page: { limit: 1 } } });
    assert.ok(count > 0, `${terms.join(' ')}: ${count}`);
  }
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { curl } from '../../static/js/curl.js';
import { at } from '../../static/js/root.js';

test('a shell passes the request on as it is, whatever is in it', () => {
  const body = { domain_id: `it's "$HOME" \`id\` \\ ; $(id)\n` };
  const line = curl({ path: 'x', body });
  const given = execFileSync('bash', ['-c', line.replace(/^curl/, 'printf "%s\\0"')], { encoding: 'utf8' }).split('\0');
  assert.deepEqual(given.slice(0, 5), ['-sg', at('x'), '-H', 'content-type: application/json', '--data-raw']);
  assert.deepEqual(JSON.parse(given[5]), body);
  const how = (request) => curl({ path: 'x?[1-2]', ...request }).replace(at(''), 'http://h/');
  assert.equal(how({ method: 'GET' }), "curl -sg 'http://h/x?[1-2]'");
  assert.equal(how({ method: 'HEAD' }), "curl -sg -I 'http://h/x?[1-2]'");
  assert.equal(how({ method: "D'X" }), "curl -sg -X 'D'\\''X' 'http://h/x?[1-2]'");
  assert.equal(how({ method: 'PUT', body: '@a\n"' }), "curl -sg -X 'PUT' 'http://h/x?[1-2]' -H 'content-type: application/json' --data-raw '@a\n\"'");
  assert.equal(how({ method: 'GET', headers: { prefer: "it's" } }), "curl -sg 'http://h/x?[1-2]' -H 'prefer: it'\\''s'");
  const lines = { body: '{}\n', headers: { 'content-type': 'application/x-ndjson' } };
  assert.equal(how(lines), "curl -sg 'http://h/x?[1-2]' -H 'content-type: application/x-ndjson' --data-raw '{}\n'");
});

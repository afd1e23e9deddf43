/** The page of the API: reads the OpenAPI document of this server, and shows it with a form for each operation. */
import { fillFolds } from './api-blocks.js';
import { groups, resolver } from './api-document.js';
import { heading, methodLabels, operationSection, pathNodes } from './api-operation.js';
import { prose } from './api-prose.js';
import { showTokenForm, wireTokenForm } from './api-token.js';
import { $, el } from './docs.js';
import { at } from './js/root.js';
import { credentials } from './js/token.js';

/** Reads a path for the page itself: a mock neither injects faults into the answer nor has the request in its journal. */
async function read(path) {
  const response = await fetch(at(path), { headers: { ...credentials(), 'x-jobdeck-page': '1' } });
  const body = await response.json();
  return { status: response.status, body };
}

/** The domains of this server, by name; none where they can't be read, since then the examples have their own. */
async function domainNames() {
  const { status, body } = await read('jobdeck/domains');
  return status === 200 ? body.results.map(({ domain_id: domain }) => domain) : [];
}

async function load() {
  $('api').ariaBusy = 'true';
  $('api-trouble').hidden = true;
  try {
    const { status, body } = await read('openapi.json');
    if (status === 401) empty(credentials() ? 'The server does not know this token.' : '');
    else if (status !== 200) trouble(body.detail.message);
    else fill(body, await domainNames());
  } catch (error) {
    trouble(error.message);
  }
}

/** Shows the field for a token, and nothing else. */
function empty(problem) {
  $('api').replaceChildren();
  $('api').ariaBusy = 'false';
  list([]);
  showTokenForm(problem);
}

function trouble(problem) {
  $('api').ariaBusy = 'false';
  $('api-trouble').replaceChildren(`The description of the server could not be read: ${problem}. `,
    el('button', { type: 'button', onclick: load }, 'Try again'));
  $('api-trouble').hidden = false;
}

function fill(document, domains) {
  const resolve = resolver(document);
  const context = { resolve, domains };
  const all = groups(document, resolve);
  $('domains').replaceChildren(...domains.map((value) => el('option', { value })));
  $('api').replaceChildren(...prose(document.info.description), ...all.flatMap(({ name, description, operations }) => [
    heading('h2', tagId(name), titleOf(name), titleOf(name)),
    ...prose(description),
    ...operations.map((operation) => operationSection(operation, context)),
  ]));
  $('api').ariaBusy = 'false';
  $('searchBox').hidden = false;
  list(all);
  if (document.security?.length) showTokenForm();
  followAddress();
}

const tagId = (name) => name.toLowerCase();
const titleOf = (name) => name.charAt(0).toUpperCase() + name.slice(1);

/** Lists the operations at the side of the page. */
function list(all) {
  const link = (id, ...nodes) => el('a', { href: `#${id}` }, ...nodes);
  const items = all.map(({ name, operations }) => el('li', {}, link(tagId(name), titleOf(name)), el('ul', {}, ...operations.map((one) => (
    el('li', {}, link(one.id, ...methodLabels(one.methods.slice(0, 1)), el('span', {}, ...pathNodes(one.path))))
  )))));
  document.querySelector('#pageContents ul')?.remove();
  document.querySelector('#pageContents details').append(el('ul', {}, ...items));
}

/** Goes to the operation that the address names, which was not there when the browser looked for it. */
function followAddress() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id) $(id)?.scrollIntoView();
}

// Only who searches pays for what is in the folds.
$('searchField').onfocus = () => fillFolds($('api'));
wireTokenForm(load);
load();

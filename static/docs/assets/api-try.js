/** "Try it": a form that sends the request of an operation to this server, and shows the answer and the same request for a shell. */
import { send } from './api-answer.js';
import { codeBlock, setCode, textOf } from './api-blocks.js';
import { field } from './api-field.js';
import { indented } from './api-json.js';
import { ofDomain, requestOf } from './api-request.js';
import { $, el } from './docs.js';
import { curl } from './js/curl.js';
import { credentials } from './js/token.js';

/** @param {import('./api-document.js').Operation} operation */
export function tryForm(operation, context) {
  const { id, methods, path, parameters, body } = operation;
  const fields = parameters.map((parameter) => field(id, parameter, context));
  const method = methods.length > 1 && el('select', {}, ...methods.map((one) => el('option', {}, one)));
  const content = body && bodyFields(body, context.domains[0]);
  const request = () => {
    const given = fields.map(({ parameter, text }) => ({ parameter, text: text() }));
    return requestOf(method ? method.value : methods[0], path, given, content && content.given());
  };
  const line = codeBlock('');
  const update = () => setCode(line, curl(request()));
  const outcome = outcomeOf();
  const form = el('form', {},
    ...(method ? [el('label', {}, el('span', {}, 'Method'), method)] : []),
    ...labelsOf(fields),
    ...(content ? content.labels : []),
    ...outcome.nodes,
    el('p', { className: 'quiet' }, 'The same request in a shell:'), line);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const sent = request();
    if (!operation.writes || (await isConfirmed(sent))) outcome.run(sent);
  };
  form.oninput = update;
  update();
  return form;
}

/** The fields, those of headers in a fold. */
function labelsOf(fields) {
  const headers = fields.filter(({ parameter }) => parameter.place === 'header');
  const others = fields.filter(({ parameter }) => parameter.place !== 'header');
  const grid = (some) => el('div', { className: 'fields' }, ...some.map(({ label }) => label));
  return [
    ...(others.length ? [grid(others)] : []),
    ...(headers.length ? [el('details', {}, el('summary', {}, 'Headers'), grid(headers))] : []),
  ];
}

/** The fields of a body: a choice of the example, which says the media type, too, and the text. */
function bodyFields({ contents }, domain) {
  const examples = contents.flatMap(({ mediaType, examples: some }) => some.map(({ name, value }) => ({
    mediaType, name: contents.length > 1 ? `${name} (${mediaType})` : name, text: ofDomain(textOf(value), domain),
  })));
  const text = el('textarea', { rows: 12, spellcheck: false, value: examples[0]?.text ?? '' });
  const select = el('select', {}, ...examples.map(({ name }) => el('option', {}, name)));
  // Before the form learns of the input, so that its line has the new text.
  select.oninput = () => { text.value = examples[select.selectedIndex].text; };
  return {
    labels: [
      ...(examples.length > 1 ? [el('label', {}, el('span', {}, 'Example'), select)] : []),
      el('label', { className: 'wide' }, el('span', {}, 'Body'), text),
    ],
    given: () => ({ mediaType: (examples[select.selectedIndex] ?? contents[0]).mediaType, text: text.value }),
  };
}

/** Has the user confirm a request that changes something. */
function isConfirmed({ method, path }) {
  const dialog = $('confirm');
  const what = method === 'DELETE' ? 'deletes' : 'changes';
  $('confirm-text').textContent = `It ${what} jobs or settings of this server.`;
  $('confirm-request').textContent = `${method} /${path}`;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'send'), { once: true });
  });
}

/** The buttons that send a request and stop waiting for it, and the place of its answer. */
function outcomeOf() {
  const status = el('p', { role: 'status', className: 'outcome' });
  const answer = el('div', { className: 'answer' });
  const submit = el('button', { className: 'send' }, 'Send');
  let aborter;
  const stop = el('button', { type: 'button', onclick: () => aborter.abort(), hidden: true }, 'Stop');
  const pending = (is) => {
    submit.disabled = is;
    stop.hidden = !is;
  };
  async function run(request) {
    aborter = new AbortController();
    answer.replaceChildren();
    status.className = 'outcome';
    status.textContent = 'Waiting for the answer …';
    pending(true);
    try {
      const got = await send({ ...request, headers: { ...request.headers, ...credentials() } }, aborter.signal);
      status.classList.add(got.status < 400 ? 'good' : 'bad');
      status.textContent = `${got.status} ${got.phrase} · ${Math.max(1, Math.round(got.millis))} ms`;
      answer.replaceChildren(...answerNodes(got));
    } catch (error) {
      status.classList.add('bad');
      status.textContent = aborter.signal.aborted ? 'Stopped.' : `No answer came: ${error.message}.`;
    }
    pending(false);
  }
  return { nodes: [el('div', { className: 'sending' }, submit, stop, status), answer], run };
}

const NOTES = {
  whole: '',
  cut: 'The answer is longer; this is its beginning.',
  broken: 'The connection broke off; this is what came.',
};

/** The message of an error, where it has several lines: JSON would hide them. */
function linesOf(status, text) {
  if (status < 400) return [];
  try {
    const { message } = JSON.parse(text).detail;
    return message.includes('\n') ? [codeBlock(message)] : [];
  } catch {
    return [];
  }
}

function answerNodes({ status, headers, text, state }) {
  const list = el('dl', {}, ...headers.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
  const isJson = headers.some(([name, value]) => name === 'content-type' && /\bjson\b/.test(value) && !value.includes('ndjson'));
  const note = NOTES[state] ? [el('p', {}, NOTES[state])] : [];
  const body = text ? [codeBlock(isJson ? indented(text) : text)] : [el('p', { className: 'quiet' }, 'No body.')];
  return [list, ...note, ...linesOf(status, text), ...body];
}

/** Reads an OpenAPI document: its operations by tag, with every reference outside of schemas followed. */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** @typedef {{mediaType: string, schema: object, examples: {name: string, value: any}[]}} Content a body in one media type */
/** @typedef {{status: string, description: string, headers: object[], contents: Content[]}} Answer */
/**
 * @typedef {object} Operation
 * @property {string} id which the address of the page names: `stat-jobs`
 * @property {string[]} methods the first is the usual one; HEAD is listed with GET
 * @property {{description: string, isRequired: boolean, contents: Content[]}?} body
 * @property {boolean} writes whether it changes something
 * @property {boolean} isOpen whether it needs no token, although others do
 */

/** Makes the function that follows a reference of the document; what is written at the reference itself counts more. */
export function resolver(document) {
  const resolve = (value) => {
    if (!value?.$ref) return value ?? {};
    const steps = value.$ref.slice(2).split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const { $ref, ...own } = value;
    return { ...resolve(steps.reduce((at, step) => at?.[step], document)), ...own };
  };
  return resolve;
}

/** @returns {{name: string, description: string, operations: Operation[]}[]} */
export function groups(document, resolve) {
  const operations = Object.entries(document.paths).flatMap(([path, item]) => METHODS
    .filter((method) => item[method])
    .map((method) => ({ tag: item[method].tags[0], ...operation(document, resolve, path, method) })));
  return document.tags.map(({ name, description }) => ({
    name, description, operations: operations.filter(({ tag }) => tag === name),
  }));
}

function operation(document, resolve, path, method) {
  const item = document.paths[path];
  const { operationId, summary, description = '', parameters = [], requestBody, responses, security } = item[method];
  const head = method === 'get' && item.head;
  const body = requestBody && resolve(requestBody);
  return {
    id: anchor(operationId),
    otherIds: head ? [anchor(head.operationId)] : [],
    methods: [method.toUpperCase(), ...(head ? ['HEAD'] : [])],
    path,
    summary,
    description,
    parameters: parameters.map(resolve).map((one) => parameter(one, resolve)),
    body: body && { description: body.description ?? '', isRequired: Boolean(body.required), contents: contents(body.content, resolve) },
    answers: answers(responses, resolve),
    writes: Boolean(item[method]['x-writes']),
    isOpen: Boolean(document.security?.length) && security?.length === 0,
  };
}

/** "stat-jobs", from `statJobs` */
const anchor = (operationId) => operationId.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** A parameter with its schema and examples, whether its value is a text or JSON. */
function parameter({ name, in: place, description = '', required = false, ...given }, resolve) {
  const json = given.content?.['application/json'];
  const [{ value: example } = {}] = examples(json ?? given, resolve);
  return { name, place, description, required, isJson: Boolean(json), schema: (json ?? given).schema ?? {}, example };
}

function answers(responses, resolve) {
  return Object.entries(responses).map(([status, response]) => {
    const { description, headers = {}, content = {} } = resolve(response);
    return {
      status,
      description,
      headers: Object.entries(headers).map(([name, header]) => ({ name, ...resolve(header) })),
      contents: contents(content, resolve),
    };
  });
}

function contents(content, resolve) {
  return Object.entries(content).map(([mediaType, of]) => ({
    mediaType, schema: of.schema ?? {}, examples: examples(of, resolve),
  }));
}

function examples({ example, examples: several, schema }, resolve) {
  if (several) return Object.entries(several).map(([name, { summary, value }]) => ({ name: summary ?? name, value }));
  const value = example ?? resolve(schema).example;
  return value === undefined ? [] : [{ name: 'Example', value }];
}

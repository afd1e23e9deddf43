/** Adds, edits and deletes jobs where the server is writable and the token may write. A job is edited as JSON. */
import { act, ask } from './api.js';
import { confirmed, note } from './confirm.js';
import { $, button, el, on, setText } from './dom.js';
import { list, t } from './language.js';
import { jobs } from './queries.js';

/** The place that an error of the server names. */
const LINE = /\bline (\d+)/;

let isWritable = false;
/** The job that is edited; null for a new one. */
let edited = null;
/** What is stored of it as far as the user knows; null after it was deleted. */
let basis = null;
/** The text as it was given, which nobody misses. */
let given = '';
/** The save that is on its way. */
let saving = null;
let [now, state, done, fail] = [];

const path = ({ job_id: job, domain_id: of }) => `jobdeck/jobs/${encodeURIComponent(job)}?domain_id=${encodeURIComponent(of)}`;

/** Shows what only those who may write have. */
export function showWritable(is) {
  isWritable = is;
  $('add-job').hidden = !is;
}

/** The buttons that change a job, or add one like it; none for those who may not write. */
export const jobButtons = (job) => (isWritable ? [
  button(t('write.edit'), () => edit(job), { id: 'edit-job' }),
  button(t('write.again'), () => open(null, again(job), t('write.addTitle')), { id: 'run-again' }),
  button(t('write.delete'), () => remove(job).catch(fail), { id: 'delete-job' }),
] : []);

/** Edits a job; a saved one is updated at the present time, unless its text says otherwise. */
const edit = (job) => open(job, { ...job, updated_at: new Date(now()).toISOString() }, t('write.editTitle', { job: job.job_id }));

const newId = () => `job-${crypto.getRandomValues(new Uint32Array(2)).reduce((text, one) => text + one.toString(16), '')}`;

/** A new job like another one, which has yet to run. */
function again({ created_at: _, updated_at: _1, finished_at: _2, success_tasks: _3, failure_tasks: _4, ...job }) {
  return { ...job, job_id: newId(), status: 'CREATED', remained_tasks: job.total_tasks, errors: [] };
}

function open(job, content, title) {
  edited = basis = job;
  given = JSON.stringify(content, null, 2);
  setText($('job-title'), title);
  $('job-json').value = given;
  $('job-errors').replaceChildren();
  $('job-dialog').showModal();
  $('job-json').focus();
  $('job-json').setSelectionRange(0, 0);
}

/** Selects a line of the text, counted from 1, and scrolls to it. */
function goToLine(line) {
  const field = $('job-json');
  const lines = field.value.split('\n');
  const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[line - 1] ?? '').length);
  field.scrollTop = (field.scrollHeight / lines.length) * Math.max(0, line - 3);
}

/** Shows errors, one a line; one that names a line of the text leads to it, and the first does so by itself. */
function showErrors(text) {
  const lines = text.split('\n').map((error) => error.replace(/^body: /, ''));
  $('job-errors').replaceChildren(...lines.map((error) => {
    const [, line] = LINE.exec(error) ?? [];
    return el('p', {}, line ? button(error, () => goToLine(Number(line))) : error);
  }));
  const [, first] = LINE.exec(text) ?? [];
  if (first) goToLine(Number(first));
}

/** What has become of the edited job meanwhile, in words; empty where it is as the user knows it. From then on the user does. */
async function changedMeanwhile() {
  const { results: [job = null] } = await ask(jobs({ domain: edited.domain_id }, [edited.job_id]));
  const members = Object.keys({ ...basis, ...job }).filter((name) => JSON.stringify(basis?.[name]) !== JSON.stringify(job?.[name]));
  basis = job;
  if (!members.length) return '';
  return job ? t('write.changed', { members: list(members) }) : t('write.gone');
}

async function save() {
  const text = $('job-json').value;
  const changed = edited && await changedMeanwhile();
  if (changed) return showErrors(changed);
  if (edited) {
    const job = await act('PUT', path(edited), text);
    close();
    note(t('write.saved', { job: job.job_id }));
    return done();
  }
  const { added: count } = await act('POST', 'jobdeck/jobs?on_conflict=fail', text);
  close();
  const [job] = count === 1 ? [JSON.parse(text)].flat() : [];
  note(job?.job_id ? t('write.added', { job: job.job_id }) : t('write.addedMany', { count }));
  return done(job?.job_id ? { job: job.job_id, domain: job.domain_id } : undefined);
}

function close() {
  given = $('job-json').value;
  $('job-dialog').close();
}

/** Closes the dialog, unless something would be lost and is to stay. */
async function cancel() {
  const texts = { title: t('write.discardTitle'), text: t('write.discardText'), act: t('write.discard') };
  if ($('job-json').value === given || await confirmed(texts)) close();
}

async function remove({ job_id: job, domain_id: of }) {
  const texts = { title: t('write.deleteTitle', { job }), text: t('write.deleteText', { domain: of }), act: t('write.deleteAct') };
  if (!(await confirmed(texts))) return;
  await act('DELETE', path({ job_id: job, domain_id: of }));
  note(t('write.deleted', { job }));
  done({ job: '' });
}

/**
 * @param {() => number} clock the time of the shown domain, in milliseconds
 * @param {() => import('./state.js').State} shown
 * @param {(to?: object) => void} finished goes to a change of the state, and loads what was written
 * @param {(error: Error) => void} failed shows why a job was not deleted
 */
export function wireEditor(clock, shown, finished, failed) {
  [now, state, done, fail] = [clock, shown, finished, failed];
  on($('add-job'), 'click', () => {
    const content = { job_id: newId(), domain_id: state().domain || 'domain-1', status: 'CREATED', total_tasks: 1, remained_tasks: 1 };
    open(null, content, t('write.addTitle'));
  });
  on($('job-form'), 'submit', (event) => {
    event.preventDefault();
    // A second press while the first is on its way is for nothing.
    saving ??= save().catch((error) => showErrors(error.message)).finally(() => { saving = null; });
  });
  on($('job-cancel'), 'click', cancel);
  on($('job-dialog'), 'cancel', (event) => {
    event.preventDefault();
    cancel();
  });
}

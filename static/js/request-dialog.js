/** The dialog that shows the requests of the page as curl commands, so that the page teaches the API. */
import { curl } from './curl.js';
import { $, copyButton, el } from './dom.js';
import { t } from './language.js';

/** @param {Map<string, import('./api.js').Request>} requests the last request of each part of the page */
export function showRequests(requests) {
  const none = el('p', {}, t('requests.none'));
  const sections = [...requests].map(([part, request], index) => section(part, request, index === 0));
  $('requests-body').replaceChildren(...(sections.length ? sections : [none]));
  $('requests').showModal();
}

function section(part, request, isOpen) {
  const body = request.body && JSON.stringify(request.body, null, 2);
  const line = curl(request);
  const copies = [...(body ? [copyButton(t('requests.copyBody'), () => body), ' '] : []), copyButton(t('journal.copyCurl'), () => line)];
  return el('details', { open: isOpen }, el('summary', {}, part),
    el('p', {}, el('code', {}, `${body ? 'POST' : 'GET'} /${request.path}`), ' ', ...copies),
    ...(body ? [el('pre', { className: 'body' }, body)] : []), el('pre', { className: 'curl' }, line));
}

/** What the page asked, to be read and sent again: the page teaches the API. */
import { $, copyButton, el } from './dom.js';
import { curl } from './questions.js';

/** @param {Map<string, import('./api.js').Request>} asked the last request of each part of the page */
export function showRequests(asked) {
  $('requests-body').replaceChildren(...(asked.size ? [] : [el('p', {}, 'Nothing yet: there is no domain to ask about.')]), ...[...asked].map(([part, request], index) => {
    const body = JSON.stringify(request.body, null, 2);
    const line = curl(location.origin, request);
    return el('details', { open: index === 0 }, el('summary', {}, part),
      el('p', {}, el('code', {}, `POST ${request.path}`), ' ', copyButton('Copy body', () => body), ' ', copyButton('Copy curl', () => line)),
      el('pre', { className: 'body' }, body), el('pre', { className: 'curl' }, line));
  }));
  $('requests').showModal();
}

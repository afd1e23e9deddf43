/** The dialog that shows the rules by which the server sends notifications, and the last deliveries with their answers. */
import { readIfChanged } from './api.js';
import { $, el } from './dom.js';
import { exact } from './format.js';
import { t } from './language.js';

/** Reads the rules and the deliveries, and shows them with times of a zone. */
export async function showNotifications(zone) {
  const { body: { rules, deliveries } } = await readIfChanged('jobdeck/notifications', '');
  const time = (value) => el('time', { dateTime: value }, exact(value, zone));
  const count = (value) => el('span', { className: 'number' }, String(value));
  const ofRules = table('title', ['rule', 'domain', 'on', 'host', 'pending'], rules.map((rule) => [
    rule.name, rule.domain_id, rule.on.map((on) => t(`notifications.on.${on}`)).join(', '), rule.host, count(rule.pending)]));
  const ofDeliveries = table('deliveries', ['at', 'rule', 'events', 'answer', 'attempts', 'next'], deliveries.map((delivery) => [
    time(delivery.last_at), delivery.rule, count(delivery.events), outcome(delivery), count(delivery.attempts),
    delivery.next_at ? time(delivery.next_at) : '']));
  $('notifications-body').replaceChildren(
    rules.length ? ofRules : el('p', {}, t('notifications.noRules')),
    el('h3', {}, t('notifications.deliveries')),
    deliveries.length ? ofDeliveries : el('p', {}, t('notifications.none')));
  $('notifications').showModal();
}

/** What the receiver has answered: the status in the colour of a job that succeeded or failed, and the text, which may be long. */
function outcome({ status, answer, next_at: next }) {
  return el('span', {}, el('span', { className: `status ${next ? 'ERROR' : 'SUCCESS'}` }, String(status ?? '')), ' ', answer);
}

/** @param {string} label the key of the text of the table; those of its columns are likewise */
function table(label, columns, rows) {
  const head = columns.map((column) => el('th', { scope: 'col' }, t(`notifications.${column}`)));
  const body = rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell))));
  return el('div', { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: t(`notifications.${label}`) },
    el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...body)));
}

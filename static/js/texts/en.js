/** The texts of the page in English. The tables of all languages have the same keys, in the same order. */
export const texts = {
  // The page around the views
  'status.CREATED': 'Created',
  'status.IN_PROGRESS': 'In progress',
  'status.SUCCESS': 'Success',
  'status.ERROR': 'Error',
  'status.TIMEOUT': 'Timeout',
  'status.CANCELED': 'Canceled',
  'error.noCode': 'No code',
  // Overview
  // Now
  'view.now': 'Now',
  'now.state': {
    one: '{running}, {stuck}; {jobs} in the last hour, {failed}',
    other: '{running}, {stuck}; {jobs} in the last {count} hours, {failed}',
  },
  'now.running': '{count} running',
  'now.stuck': '{count} stuck',
  'now.jobs': { one: '{count} job', other: '{count} jobs' },
  'now.failed': '{count} failed',
  'now.choose': 'Hours',
  'now.hours': { one: 'Last hour', other: 'Last {count} hours' },
  'now.rule': 'runs for {age}; 95 % of its collector’s jobs took {p95} or less',
  'now.usual': 'runs for {age}, usually {median}',
  'now.runs': 'runs for {age}',
  'now.waits': 'waits for {age}',
  'now.isStuck': 'Stuck',
  'now.isLate': 'Longer than 95 %',
  'now.rest': 'Until its usual end',
  'now.earlier': 'Began earlier',
  'now.none': 'Nothing has run in this time.',
  'now.lanes': { one: '{count} more collector.', other: '{count} more collectors.' },
  'now.hidden': {
    one: '{count} more job is not drawn: choose fewer hours, or filter.',
    other: '{count} more jobs are not drawn: choose fewer hours, or filter.',
  },
  'now.table': 'Jobs in a table',
  'now.about': 'How this is counted',
  'now.request': 'Show request',
  'now.collector': 'Collector',
  'now.status': 'Status',
  'now.began': 'Began',
  'now.ended': 'Ended',
  'now.took': 'Duration',
  'now.ask.open': 'Jobs that have not ended',
  'now.ask.ended': 'Jobs that have ended',
  'now.ask.counts': 'Jobs by status',
  // Chart
  // Collectors
  // List
  // Job
  // Search
  // Statistics
  // Journal and the controls of a mock
  // Writing of jobs
  // Messages and dialogs
};

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
  // Chart
  // Collectors
  // List
  // Job
  // Search
  // Statistics
  'stat.title': 'Statistics',
  'stat.by': 'By',
  'stat.and': 'and',
  'stat.measures': 'Measures',
  'stat.chosen': { one: '{count} measure', other: '{count} measures' },
  'stat.top': 'Rows',
  'stat.every': 'All',
  'stat.edit': 'Edit the query',
  'stat.json': 'As JSON; the page adds the domain',
  'stat.run': 'Run',
  'stat.back': 'Back to the choices',
  'stat.noObject': 'A query is an object, as {example}',
  'stat.table': 'Table of statistics',
  'stat.collector': 'Collector',
  'stat.provider': 'Provider',
  'stat.plugin': 'Plugin',
  'stat.project': 'Project',
  'stat.status': 'Status',
  'stat.error': 'Error code',
  'stat.hour': 'Hour (UTC)',
  'stat.day': 'Day (UTC)',
  'stat.month': 'Month (UTC)',
  'stat.count': 'Jobs',
  'stat.succeeded': 'Succeeded',
  'stat.failures': 'Failed',
  'stat.failed': 'Failed with an error',
  'stat.timeouts': 'Timed out',
  'stat.canceled': 'Canceled',
  'stat.rate': 'Failure rate',
  'stat.tasks': 'Average tasks',
  'stat.average': 'Average duration',
  'stat.median': 'Median duration',
  'stat.p95': '95 % took at most',
  'stat.longest': 'Longest',
  'stat.percent': '{share} %',
  'stat.others': { one: '{count} other', other: '{count} others' },
  'stat.all': 'All',
  'stat.chart': '{measure} · {group}',
  'stat.rows': { one: '{count} row', other: '{count} rows' },
  'stat.some': { one: 'The first {some} of {count} row', other: 'The first {some} of {count} rows' },
  'stat.nothing': 'Nothing to count',
  'stat.note': 'A job counts once for each of its error codes, and once in All, so the rows do not add up.',
  // Journal and the controls of a mock
  // Writing of jobs
  // Messages and dialogs
};

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
  'collectors.title': 'Collectors',
  'collectors.table': 'Table of collectors',
  'collectors.count': {
    one: '{count} collector with runs {when}, {flaky} of them flaky', other: '{count} collectors with runs {when}, {flaky} of them flaky' },
  'collectors.none': 'No run of a collector has ended {when}',
  'collectors.more': {
    one: '{count} more collector is not shown: narrow the filters.', other: '{count} more are not shown: narrow the filters.' },
  'collectors.in.hour': 'in the last hour',
  'collectors.in.day': 'in the last 24 hours',
  'collectors.in.week': 'in the last 7 days',
  'collectors.in.month': 'in the last 30 days',
  'collectors.in.custom': 'in this range',
  'collectors.by.name': 'Collector',
  'collectors.by.last': 'Last runs',
  'collectors.by.runs': 'Runs',
  'collectors.by.rate': 'Failed',
  'collectors.by.streak': 'Failed in a row',
  'collectors.by.flaky': 'Flaky',
  'collectors.by.success': 'Last success',
  'collectors.by.usual': 'Median',
  'collectors.by.p95': '95 % within',
  'collectors.by.change': 'Median changed',
  'collectors.percent': '{share}\u00a0%',
  'collectors.share': { one: '{part} of {count} run', other: '{part} of {count} runs' },
  'collectors.before': '{median} in the period before',
  'collectors.lastRuns': 'Last runs of {name}',
  'collectors.flaky': 'flaky',
  'collectors.noSuccess': 'no success in the two periods',
  'collectors.rule': 'A bar is a run, as high as it was long. Flaky: at least 10 of the last 30 runs have ended, canceled ones apart, and '
    + 'at least every third of these ended otherwise than the one before it.',
  'collectors.request': 'Show request',
  'collectors.partRuns': 'Runs of the collector',
  'collector.fails': '{name}: fails {rate} of {runs} {when}',
  'collector.failsFlaky': '{name}: fails {rate} of {runs} {when}, flaky',
  'collector.noRuns': '{name}: no run has ended {when}',
  'collector.runs': { one: '{count} run', other: '{count} runs' },
  'collector.usually': 'usually {median}',
  'collector.longer': 'usually {median}, {change} more than in the period before',
  'collector.shorter': 'usually {median}, {change} less than in the period before',
  'collector.same': 'usually {median}, as in the period before',
  'collector.success': 'last success {age}',
  'collector.and': '; ',
  'collector.link.all': 'All collectors',
  'collector.link.jobs': 'Its jobs',
  'collector.link.failed': 'Its failed jobs',
  'collector.link.statistics': 'Its statistics',
  'collector.history': 'Runs and plugin versions',
  'collector.nothing': 'No runs.',
  'collector.bars': { one: 'Its only run; it took {longest}', other: 'The last {count} runs; the highest took {longest}' },
  'collector.chart': 'Its jobs in time',
  'collector.chartTable': 'The chart as a table',
  'collector.asTable': 'As a table',
  'collector.versions': 'Changes of the plugin',
  'collector.oneVersion': 'Its last runs all have version {version}.',
  'collector.noVersion': 'No run names a version.',
  'collector.changed': '{time}: from {from} to {to}; {before} of {runsBefore} failed before, {after} of {runsAfter} after',
  'collector.durations': 'Durations',
  'collector.noSuccesses': 'No success among these runs.',
  'collector.successes': { one: 'The only success among these runs', other: 'The {count} successes among these runs' },
  'collector.bin': { one: '{from} to {to}: {count} run', other: '{from} to {to}: {count} runs' },
  'collector.median': 'median {duration}',
  'collector.p95': '95 % at most {duration}',
  'collector.errors': 'Errors',
  // List
  // Job
  // Search
  // Statistics
  // Journal and the controls of a mock
  // Writing of jobs
  // Messages and dialogs
};

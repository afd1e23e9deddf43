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
  'refresh.label': 'Refresh',
  'refresh.live': 'Live',
  'refresh.polling': 'Polling',
  'refresh.10': 'every 10 s',
  'refresh.60': 'every minute',
  'refresh.0': 'paused',
  'pace.live': 'Live: the page changes with the data',
  'pace.connecting': 'Waits for the stream of changes',
  'pace.polling': 'Polling: the page asks for changes at intervals',
  'pace.paused': 'Paused: the page stays as it is until you refresh it',
  'title.failed': '{count} failed',
  'title.running': '{count} running',
  'title.now': '({counts}) {shown}',
  'title.then': '({counts} at {time}) {shown}',
  // Overview
  // Now
  // Chart
  // Collectors
  // List
  'calm.new': '{count} new',
  'calm.more': '{count}+ new',
  'calm.moved': 'Changed',
  'calm.title': 'Show what has changed (n)',
  // Job
  // Search
  // Statistics
  // Journal and the controls of a mock
  // Writing of jobs
  // Messages and dialogs
  'error.noAnswer': 'The server does not answer.',
  'error.notJson': 'The answer is not JSON (HTTP {status}).',
  'key.search': 'Search',
  'key.down': 'Next row, or next job',
  'key.up': 'Previous row, or previous job',
  'key.open': 'Open the job',
  'key.close': 'Close',
  'key.previousPage': 'Previous page',
  'key.nextPage': 'Next page',
  'key.news': 'Show what is new in the list',
  'key.refresh': 'Refresh',
  'key.help': 'This map',
  'request.list': 'List',
  'request.order': 'Order of the list, worked out',
  'request.others': 'Rows that stay',
  'request.job': 'Open job',
  'request.history': 'Runs before the open job',
  'request.statistics': 'Statistics',
  'request.overview': 'Overview',
  'request.counts': 'Counts of the tabs',
  'request.oldest': 'Oldest job',
  'request.newest': 'Newest job',
  'request.histogram': 'Jobs in time',
  'request.collectors': 'Collectors to pick from',
  'request.projects': 'Projects to pick from',
};

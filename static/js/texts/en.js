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
  // Journal and the controls of a mock
  // Writing of jobs
  // Messages and dialogs
};

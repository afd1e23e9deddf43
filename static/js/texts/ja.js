/** The texts of the page in Japanese. The tables of all languages have the same keys, in the same order. */
export const texts = {
  // The page around the views
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

/** The columns of the list, and how the server sorts by each. */

/**
 * `key` is the path that sorts; where no path will do, `value` is a field of a `project` stage. What `isOff` is not shown
 * unless it is chosen.
 * @type {{id: string, label: string, about?: string, key?: string, value?: object, number?: boolean, isOff?: boolean}[]}
 */
export const COLUMNS = [
  { id: 'job', label: 'Job', key: 'job_id' },
  { id: 'collector', label: 'Collector', key: 'collector_info.name' },
  { id: 'status', label: 'Status', key: 'status' },
  // The -1 of a canceled job is beyond all that is known; with a hair below the line, so that no tasks are none.
  { id: 'progress', label: 'Progress', value: { operator: 'divide', fields: [
    { operator: 'subtract', fields: ['total_tasks', 'remained_tasks'] }, { operator: 'add', fields: ['total_tasks', 0.000001] }] } },
  { id: 'tasks', label: 'Tasks', key: 'total_tasks', number: true },
  { id: 'errors', label: 'Errors', value: { operator: 'size', key: 'errors' }, number: true },
  { id: 'project', label: 'Project', key: 'project_id' },
  { id: 'created', label: 'Created', key: 'created_at' },
  { id: 'finished', label: 'Finished', key: 'finished_at', isOff: true },
  { id: 'duration', label: 'Duration', about: 'A job that runs has no duration to sort by', value: { operator: 'subtract', fields: ['finished_at', 'created_at'] }, number: true },
];

export const columnOf = (id) => COLUMNS.find((column) => column.id === id);

/**
 * The columns of the list, and how the server sorts by each. A column is an entry here, a cell of the template `row` in
 * index.html, and a line of `fillRow` in table.js.
 */

/**
 * `label` and `about` are keys of texts. `key` is the path to sort by; a column without one is sorted by `value`, a field of a
 * `project` stage. A column that `isOff` is hidden until it is chosen.
 * @type {{id: string, label: string, about?: string, key?: string, value?: object, number?: boolean, isOff?: boolean}[]}
 */
export const COLUMNS = [
  { id: 'status', label: 'column.status', key: 'status' },
  { id: 'collector', label: 'column.collector', key: 'collector_info.name' },
  { id: 'errors', label: 'column.errors', about: 'column.errorsAbout', value: { operator: 'size', key: 'errors' } },
  // Canceled jobs, with -1 remained tasks, come after all others. The tiny addend keeps 0 tasks from dividing by 0.
  { id: 'progress', label: 'column.progress', value: { operator: 'divide', fields: [
    { operator: 'subtract', fields: ['total_tasks', 'remained_tasks'] }, { operator: 'add', fields: ['total_tasks', 0.000001] }] } },
  { id: 'tasks', label: 'column.tasks', key: 'total_tasks', number: true, isOff: true },
  { id: 'project', label: 'column.project', key: 'project_id', isOff: true },
  { id: 'created', label: 'column.created', key: 'created_at' },
  { id: 'finished', label: 'column.finished', key: 'finished_at', isOff: true },
  { id: 'duration', label: 'column.duration', about: 'column.durationAbout', number: true,
    value: { operator: 'subtract', fields: ['finished_at', 'created_at'] } },
  { id: 'job', label: 'column.job', key: 'job_id' },
];

export const columnOf = (id) => COLUMNS.find((column) => column.id === id);

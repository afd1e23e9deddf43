/** What a visit loads after its first paint: the modules of an open job and of dialogs. */
import * as drawer from './drawer.js';
import * as jobEditor from './job-editor.js';
import * as notifications from './notifications.js';
import * as openJob from './open-job.js';
import * as requestDialog from './request-dialog.js';
import * as tokenDialog from './token-dialog.js';

export const later = { ...drawer, ...jobEditor, ...notifications, ...openJob, ...requestDialog, ...tokenDialog };

/** What the page has of a mock alone: the journal of its requests, and its controls. */
import * as controls from './mock-controls.js';
import * as journal from './journal.js';

export const mock = { ...controls, ...journal };

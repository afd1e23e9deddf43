/** Shows the texts of the description: paragraphs, and code between backticks; all else stays text. */
import { el } from './docs.js';

/** The nodes of a text without paragraphs. */
export function inline(text) {
  return text.split(/`([^\x60]+)`/).map((part, index) => (index % 2 ? el('code', {}, part) : part.replace(/\s+/g, ' ')));
}

/** The paragraphs of a text. */
export const prose = (text) => text.split(/\n{2,}/).filter(Boolean).map((paragraph) => el('p', {}, ...inline(paragraph)));

/**
 * The address of the server, which a proxy may have below a path of another site. This file is at assets/VERSION/js/ below it, so that
 * no page has to know its own path. Paths of the server are relative to it: they begin without a slash.
 */
const ROOT = new URL('../../../', import.meta.url);

/** The address of a path of the server. */
export const at = (path) => ROOT.href + path;

/** A path as the server's routes and its journal have it, made relative. */
export const relativePath = (path) => path.replace(/^\//, '');

/** The start of the names under which the browser stores what belongs to this server: its origin may have several. */
export const STORED_AS = `jobdeck${ROOT.pathname.slice(0, -1)}`;

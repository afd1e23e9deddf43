/** What every page of the documentation does: the theme, and later copying and search. */
const $ = (id) => document.getElementById(id);

export { $ };

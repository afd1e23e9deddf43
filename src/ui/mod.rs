//! Serves the page at `/` and the documentation at `/docs`, whose files are part of the binary.
//!
//! The files of static/ are served without the comments of their modules, compressed once, and modules that are needed at the
//! same time as one file. All but the pages themselves are under a path with the hash of their content, so that a
//! browser may cache them without a limit and never mixes two versions: modules import each other by relative paths, which
//! stay under that path.

mod documentation;
mod encoded;
mod files;
mod join;
mod page;
mod shell;

pub(crate) use self::documentation::routes as documentation;
pub(crate) use self::page::routes as page;

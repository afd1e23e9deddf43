//! The documentation: its pages, the files that they show, and both as HTML and as text for a terminal.
//!
//! The Markdown of `static/docs/` has three readers: GitHub, the server at `/docs`, and `jobdeck docs`. What a page writes
//! as HTML is text to the last two, and a link that leads neither to a page, a file or a heading nor to `https:` is none.
//!
//! What is absent: HTTP, and every other module of the library.

mod document;
mod files;
mod html;
mod links;
mod pages;
mod styled;
mod table;
mod terminal;

pub use self::files::File;
pub use self::html::{Rendered, escape, render};
pub use self::pages::Page;
pub use self::terminal::Terminal;

//! The language of the search box and of `jobdeck list`: texts in, conditions of the API out.
//!
//! The page has the same in static/js/search-language.js and static/js/search-expression.js; both are tested with the cases of
//! tests/page/terms.json. A time without a zone is in UTC here.
//!
//! A text is written in one way (`tidy`), divided into items (`items`), and read by descent (`search`). Each term becomes
//! conditions (`conditions`), all of which must hold.
//!
//! What is absent: a clock, the database, any I/O.

mod arguments;
mod conditions;
mod error;
mod filters;
mod items;
mod key;
mod message;
mod operator;
mod period;
mod search;
mod term;
mod text;
mod tidy;
mod value;
mod words;

pub use arguments::{as_search, is_negated_term};
pub use error::TermError;
pub use filters::{Filters, When};
pub use key::path_of;
pub use search::Search;
pub use term::Term;

//! Tokens: who may use the server, read from a file. The file holds no token, only its SHA-256; and the server neither
//! stores nor logs a token.
//!
//! ```toml
//! [[token]]
//! name = "ci"
//! domain_id = "domain-58010aa2e451"     # or "*" for every domain
//! access = "read"                       # or "write"
//! sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//! ```

mod edit;
mod file;
mod grant;
mod hash;
mod new_token;
mod table;

pub use self::edit::{add_token, list_tokens, remove_token};
pub use self::file::{TokenFile, TokenFileError};
pub use self::grant::Grant;
pub use self::new_token::{NewToken, NewTokenError};
pub use self::table::TokenTableError;

//! `Grant`: the domain and the rights of a token.

/// The rights of the holder of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The name of the token in the file.
    pub name: String,
    /// The only domain that may be used; `None`: every domain, and the whole server.
    pub domain_id: Option<String>,
    pub may_write: bool,
}

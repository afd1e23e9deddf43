//! Computes and parses the SHA-256 of a token.

use sha2::{Digest, Sha256};

/// The SHA-256 of a token.
pub(super) type TokenHash = [u8; 32];

/// Hashes a token.
pub(super) fn hash(token: &[u8]) -> TokenHash {
    Sha256::digest(token).into()
}

/// Reads a hash of 64 hex digits, in lower or upper case.
pub(super) fn parse_hash(text: &str) -> Option<TokenHash> {
    let mut hash = TokenHash::default();
    let bytes = base16ct::mixed::decode(text, &mut hash).ok()?.len();
    (bytes == hash.len()).then_some(hash)
}

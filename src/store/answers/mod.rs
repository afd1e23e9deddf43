//! What a read transaction answers that is neither a list nor statistics.

mod overview;
mod presence;

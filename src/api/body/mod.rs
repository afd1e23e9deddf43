//! The bodies of requests: how they are read, which media types they may have, and how they are decoded.

mod decode;
mod form;
mod read;

pub(crate) use self::read::UnreadableMessage;

pub(super) use self::form::Form;
pub(super) use self::read::{
    MAX_QUERY_BYTES, MAX_WRITE_BYTES, keep_body, no_body, read_body, read_json,
};

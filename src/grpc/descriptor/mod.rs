//! The descriptor of the services, which reflection answers: all that many clients know of the messages.
//!
//! Files are named as SpaceONE names them, since clients make the names of modules of them. Only services whose file begins with
//! their package are listed, `get`, `analyze` and `delete` take a Struct, and `Query.sort` is repeated: each of these was seen to
//! break a client otherwise.

mod fields;
mod files;
mod reflection;

pub(super) use self::files::JOB_SERVICE;
pub(super) use self::reflection::Reflection;

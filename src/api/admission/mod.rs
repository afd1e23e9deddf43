//! Which requests are admitted: by the host that they name, the origin of their page, and their token.

mod access;
mod cors;
mod guard;
mod hosts;
mod origin;

pub(crate) use self::access::Access;
pub(super) use self::cors::is_preflight;
pub(super) use self::guard::RequestId;
pub(crate) use self::guard::guard;
pub use self::hosts::HostName;
pub(crate) use self::hosts::Hosts;
pub(super) use self::hosts::name_of;
pub use self::origin::Origin;

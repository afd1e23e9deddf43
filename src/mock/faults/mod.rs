//! Faults: errors, delays and broken answers that a mock injects on purpose.

mod code;
mod delay;
mod fault;
mod injection;
mod list;
mod option;
mod prefer;
mod target;

pub use self::code::FaultCode;
pub use self::delay::{Delay, MAX_DELAY_SECONDS};
pub use self::fault::Fault;
pub use self::injection::{End, InjectedError, Injection, Wait};
pub use self::list::{Faults, FaultsFull, ListedFault, MAX_FAULTS};
pub use self::prefer::Prefer;
pub use self::target::{MAX_TEXT_BYTES, Target};

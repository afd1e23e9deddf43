//! Faults: errors, delays and broken answers that a mock injects on purpose.

mod active;
mod code;
mod decide;
mod delay;
mod fault;
mod injection;
mod option;
mod prefer;
mod target;
#[cfg(test)]
mod tests;

pub use self::active::{Faults, FaultsFull, ListedFault, MAX_FAULTS};
pub use self::code::FaultCode;
pub use self::delay::{Delay, MAX_DELAY_SECONDS};
pub use self::fault::Fault;
pub use self::injection::{End, InjectedError, Injection, Wait};
pub use self::prefer::Prefer;
pub use self::target::{MAX_TEXT_BYTES, Target};

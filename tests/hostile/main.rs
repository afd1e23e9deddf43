//! Malformed, malicious and excessive requests to the real binary.
//!
//! Whatever is sent: no answer is a 5xx, none takes longer than thirty seconds (even on a busy machine), the process needs
//! less than 256 MB, no error is logged, and the next good request has the right answer.
//!
//! The seed is fixed. `JOBDECK_HOSTILE_ROUNDS=50 cargo test --test hostile` sends fifty rounds of random damage instead of
//! one, and every kind of damage at every location.
#![cfg(test)]

mod bodies;
mod damage;
mod parameters;
mod server;
mod sizes;
mod wire;

/// Returns how many rounds of random damage are sent.
fn rounds() -> u64 {
    std::env::var("JOBDECK_HOSTILE_ROUNDS").map_or(1, |text| {
        text.parse().expect("JOBDECK_HOSTILE_ROUNDS is a number")
    })
}

//! Requests that are malformed, malicious or out of all bounds, sent to the real binary.
//!
//! Whatever is sent: no answer says that the server is at fault, none takes longer than thirty seconds (on a machine that is busy), the process needs
//! less than 256 MB, nothing comes to its log, and the next good request has the right answer.
//!
//! The seed is fixed. `JOBDECK_HOSTILE_ROUNDS=50 cargo test --test hostile` sends so many rounds of random damage instead of one, and every damage in every place.
#![cfg(test)]

mod bodies;
mod damage;
mod parameters;
mod server;
mod sizes;
mod wire;

/// How many rounds of random damage are sent.
fn rounds() -> u64 {
    std::env::var("JOBDECK_HOSTILE_ROUNDS").map_or(1, |text| {
        text.parse().expect("JOBDECK_HOSTILE_ROUNDS is a number")
    })
}

//! Fuzzes the query language.
#![no_main]

#[expect(dead_code, reason = "the other target uses the rest")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::query(bytes);
});

//! The jobs by column: writes their blocks, and reads them for scans.

pub(super) mod blocks;
mod scan;

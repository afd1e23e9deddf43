//! Opens a database for a command.

use std::path::Path;

use indicatif::ProgressBar;
use jobdeck::store::{Mode, OpenError, Store};

use super::output::progress_bar;

/// Opens a database; on a terminal a bar shows how far an older schema is brought up to date.
pub(super) fn open(path: &Path, mode: Mode, readers: u32) -> Result<Store, OpenError> {
    let mut bar: Option<ProgressBar> = None;
    let store = Store::open_with(path, mode, readers, &mut |done, all| {
        let new = || {
            progress_bar(
                Some(all),
                "{bar:30} {human_pos}/{human_len} jobs brought up to date",
            )
        };
        bar.get_or_insert_with(new).set_position(done);
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    store
}

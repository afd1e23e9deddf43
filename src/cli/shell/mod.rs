//! What the commands share that read jobs: where they send requests, which jobs they mean, and how they print them.

mod client;
mod filter_args;
mod print;
mod request;
mod span;
mod table;
mod target;

pub(super) use self::client::{Client, ClientError};
pub(super) use self::filter_args::{FilterArgs, FilterOptions};
pub(super) use self::print::{PrintFormat, csv_row, hint, json_rows, print_lines};
pub(super) use self::request::{Request, encoded};
pub(super) use self::span::span;
pub(super) use self::table::{Cell, Colour, Table, one_line};
pub(super) use self::target::{Access, Target, TargetArgs, not_empty, only_domain};

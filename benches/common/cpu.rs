//! The CPU time of a process.

use std::time::Duration;

/// Returns the CPU time of all threads of a process, also of ended ones: `utime` and `stime` of `/proc/PID/stat`.
pub(crate) fn cpu_time(process: u32) -> Duration {
    // The unit in which Linux shows times there.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name, in brackets, may have any character; the state, the third field, follows it.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(14 - 3).take(2);
    TICK * ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}

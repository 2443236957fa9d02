//! How lines of recorded calls look, and whom they are asked of.

use crate::pen::Copied;

/// How a line says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of utrace.engines.line_log.PidShown")]
pub enum PidShown {
    Never,
    Column,
    WhenSeveral,
}

/// What is written of the time at which a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of utrace.engines.line_log.Clock")]
pub enum Clock {
    None,
    Seconds,
    Microseconds,
    Unix,
}

/// How lines look: `utrace.engines.line_log.LineStyle`.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "utrace.engines.line_log describes them")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct LineStyle {
    pub text_max: usize,
    pub column: usize,
    pub pids: PidShown,
    pub clock: Clock,
    pub durations: bool,
    /// Calls that succeed, and calls that fail, are written; both: as soon as they begin.
    pub successful: bool,
    #[allow(missing_docs, reason = "see above")]
    pub failed: bool,
    /// Only whole calls are written, when they have ended.
    pub whole: bool,
}

/// A call as the oracle is asked about it.
pub struct Asked<'a> {
    /// Audit arch and number.
    pub arch: u32,
    #[allow(missing_docs, reason = "see above")]
    pub nr: i32,
    /// The argument registers.
    pub args: &'a [u64; 6],
    /// Memory at the entry.
    pub entry: Copied<'a>,
    /// Result and memory at the exit.
    pub exit: Option<(i64, Copied<'a>)>,
}

/// Whoever knows all texts.
pub trait Oracle {
    /// The word for a number.
    fn word(&mut self, table: u32, value: u64) -> Option<String>;
    /// What is known at the entry: `read(3, `.
    fn begun(&mut self, call: &Asked<'_>) -> Option<String>;
    /// What stands between the parentheses, and behind " = ".
    fn ended(&mut self, call: &Asked<'_>) -> Option<(String, String)>;
}

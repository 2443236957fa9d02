//! Stacks of stopped threads: which return addresses they hold, and what those are called.
//!
//! Unwinding needs the thread and is cheap; names need only files, and are looked up when asked for.
//! What is read of a file is kept: sections to unwind by, symbols, lines.
//!
//! Frame addresses are as in the file: what a symbol table and `objdump` show.

mod maps;
mod symbols;
mod unwinding;

pub use symbols::{Place, Symbols};
pub use unwinding::{Frame, Unwinding};

//! Shapes: where the arguments of a system call lie, in registers and in memory.
//!
//! Python compiles them from its signatures (`utrace.syscalls.shapes`).  `capture` walks one in the
//! stop and copies what the arguments point to; `text` walks it again later and reads the copy.

use std::collections::HashMap;

use crate::Tid;
use crate::netlink::is_netlink;

pub(crate) const PATH_MAX: usize = 4096;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// In base ten.
    Decimal,
    /// In base sixteen; zero as "0".
    Hex,
    /// In base sixteen; zero as "NULL".
    Address,
    /// A descriptor: one value has a name.
    Descriptor,
    /// As the vocabulary with this number says: `text::Words`.
    Word(u32),
}

/// A number of some C type.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Bytes it has.
    pub size: u8,
    /// Whether its highest bit is its sign.
    pub signed: bool,
    /// How it is written.
    pub written: Written,
}

impl Number {
    /// The number in the low bytes of a register.
    pub(crate) fn narrow(self, raw: u64) -> u64 {
        let unused = 64 - 8 * u32::from(self.size.clamp(1, 8));
        if self.signed {
            ((raw << unused) as i64 >> unused) as u64
        } else {
            raw << unused >> unused
        }
    }
}

/// How many elements or bytes there are.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// Always so many.
    Fixed(u64),
    /// As an argument says, of which these bits count.
    Argument(usize, u64),
    /// As many as the call returned.
    Returned,
    /// As the int says that an argument points to.
    At(usize),
}

/// One field of a struct, or the whole of something of fixed size.
#[derive(Clone, Debug)]
pub enum Layout {
    /// A number.
    Cell(Number),
    /// A struct: fields, and whether more are left out.
    Record {
        /// Name, offset and layout of each field that is shown.
        fields: Vec<(String, usize, Layout)>,
        /// Some are not shown.
        brief: bool,
        /// Bytes of the whole.
        size: usize,
    },
    /// A struct that shows other fields where some bits of a number in it say so.
    Either {
        /// Where the number is, of so many bytes.
        at: (usize, usize),
        /// Which bits of it count, and with which values.
        told_by: (u64, Vec<u64>),
        /// With one of these values, and with any other.
        layouts: Box<(Layout, Layout)>,
    },
    /// An array of characters up to its first NUL, or all of them.
    Chars {
        /// How many.
        size: usize,
        /// It ends with its first NUL.
        string: bool,
    },
    /// Bytes whose text only Python knows.
    Opaque(usize),
}

impl Layout {
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Cell(number) => usize::from(number.size),
            Self::Record { size, .. } | Self::Chars { size, .. } | Self::Opaque(size) => *size,
            Self::Either { layouts, .. } => layouts.1.size(),
        }
    }
}

/// One argument.
#[derive(Clone, Debug)]
pub enum Shape {
    /// The register itself.
    Number(Number),
    /// Not passed.
    Absent,
    /// The register, whose text only Python knows.
    Foreign,
    /// A file name, read whole.
    Path,
    /// A string, read up to the limit.
    Text,
    /// Bytes.
    Buffer(Count),
    /// A pointer to something of fixed size; `true`: to one number, written as an array of one.
    Pointer(Layout, bool),
    /// An array.
    Array(Layout, Count),
    /// An array whose text only Python knows: bytes of an element, and how many are read at most.
    Block(Count, u64, u64),
    /// Bytes whose text only Python knows, and what pointers in them point to: where each is, and to how many bytes.
    Linked(Count, u64, Vec<(usize, usize)>),
    /// Directory entries: text only counts them.
    Entries,
    /// Pointers to strings, ended by NULL.
    Strings,
    /// The same, of which text only tells how many there are.
    Variables,
    /// An array of iovec; so many bytes are in all of them.
    Vector(Count, Option<Count>),
    /// Filled by a call that succeeds; `true`: or fails.
    Out(Box<Shape>, bool),
    /// As that, but nothing is filled if the call returned 0.
    Unless(Box<Shape>),
    /// Read and then filled; `true`: what it then is stands beside the result.
    InOut(Box<Shape>, bool),
    /// Passed only if an argument has one of these bits.
    When(usize, u64, Box<Shape>),
    /// By the value of another argument, of which these bits count.
    Choice(usize, u64, HashMap<u64, Shape>, Box<Shape>),
    /// Where a choice leads here, the call is not recorded.
    Ordinary,
}

impl Shape {
    /// The shape that a call with these arguments has, where other arguments choose.
    fn chosen(&self, args: &[u64; 6]) -> &Self {
        match self {
            Self::Choice(peer, bits, cases, other) => cases
                .get(&(args[*peer] & bits))
                .unwrap_or(other)
                .chosen(args),
            _ => self,
        }
    }

    /// Whether a call with these arguments passes it: otherwise its register holds anything.
    fn is_passed(&self, args: &[u64; 6]) -> bool {
        match self.chosen(args) {
            Self::Absent => false,
            Self::When(peer, bits, inner) => args[*peer] & bits != 0 && inner.is_passed(args),
            _ => true,
        }
    }

    /// Whether it is what a call with these arguments writes, where other arguments choose.
    pub(crate) fn is_written_by(&self, args: &[u64; 6]) -> bool {
        match self {
            Self::Choice(peer, bits, cases, other) => {
                let chosen = cases.get(&(args[*peer] & bits)).unwrap_or(other);
                matches!(chosen, Self::Out(..)) || chosen.is_written_by(args)
            }
            _ => false,
        }
    }
}

/// What a call that succeeded returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// A number.
    Number(Written),
    /// In base eight.
    Octal,
    /// Nothing: it does not return.
    Nothing,
    /// Only Python knows.
    Foreign,
}

/// When an argument can be written; an unfinished line ends before the first that cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// At the entry.
    Early,
    /// After the call.
    Late,
    /// At the entry, and what became of it after the call; `true`: which stands beside the result.
    Both(bool),
}

/// How the calls of one number are recorded and written.
#[derive(Debug)]
pub struct Program {
    /// Name of the call.
    pub name: String,
    /// Its arguments.
    pub shapes: Vec<Shape>,
    /// Those that are read again at the exit.
    pub late: Vec<usize>,
    /// When each is known.
    pub known: Vec<Known>,
    /// Bytes of a pointer.
    pub word: usize,
    /// What it returns.
    pub returned: Returned,
    /// Its text is Python's affair altogether.
    pub foreign: bool,
    /// Which argument is a socket that passes messages if it is a netlink one: Python's affair.
    pub socket: Option<usize>,
    /// It has no arguments, but takes something from the stack, so far from its pointer: that is recorded as the first.
    pub frame: Option<u64>,
}

impl Program {
    /// Whether a call of a task with these arguments is known well enough to be recorded.
    pub(crate) fn records(&self, tid: Tid, args: &[u64; 6]) -> bool {
        let netlink = |index: usize| is_netlink(tid, args[index] as i32);
        let mut shapes = self.shapes.iter().map(|shape| shape.chosen(args));
        !shapes.any(|shape| matches!(shape, Shape::Ordinary)) && !self.socket.is_some_and(netlink)
    }

    /// The arguments as they are recorded; `None` if they lie on a stack whose pointer is not known.
    pub(crate) fn placed(&self, mut args: [u64; 6], sp: u64) -> Option<[u64; 6]> {
        if let Some(place) = self.frame {
            args[0] = sp.wrapping_add(place);
        }
        (self.frame.is_none() || sp != 0).then_some(args)
    }

    /// The arguments, 0 where none is passed: what a call says that points to nothing depends on no more.
    pub(crate) fn passed(&self, args: &[u64; 6]) -> [u64; 6] {
        let mut passed = [0; 6];
        for ((shape, &raw), place) in self.shapes.iter().zip(args).zip(&mut passed) {
            if shape.is_passed(args) {
                *place = raw;
            }
        }
        passed
    }
}

/// How much is copied.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a string or buffer.
    pub text: usize,
    /// Elements of an array.
    pub items: usize,
}

/// A stretch of a task's memory, copied.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Where it was.
    pub address: u64,
    /// How many bytes were asked for, or for a string: the limit.
    pub wanted: usize,
    /// Where the copy is in the bytes of the batch.
    pub start: usize,
    /// How many bytes there were.
    pub length: usize,
    /// `None`: plain bytes; else whether the string's NUL was found.
    pub terminated: Option<bool>,
}

/// The little-endian number that some bytes are.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

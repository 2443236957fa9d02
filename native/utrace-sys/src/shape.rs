//! Shapes: where the arguments of a system call lie, in registers and in memory.
//!
//! Python compiles them from its signatures (`utrace.syscalls.shapes`).  `capture` walks one in the
//! stop and copies what the arguments point to; `text` walks it again later and reads the copy.
//!
//! A copy never says less than a live read would: it may cover more bytes than are asked for, and
//! ends short exactly where memory was not readable.

use std::collections::HashMap;

use crate::netlink::is_netlink;
use crate::{Tid, memory};

pub(crate) const PATH_MAX: usize = 4096;
/// Most elements of an environment that are counted.
const VARIABLES_MAX: usize = 1 << 16;
/// Pointers of an array read at once; each further read is so many times longer.
const POINTERS: (usize, usize) = (32, 4);

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
    /// A struct stat, which shows other fields of a device than of a file.
    Stat {
        /// Where `st_mode` is, of 32 bits.
        mode: usize,
        /// For devices.
        device: Box<Layout>,
        /// For everything else.
        file: Box<Layout>,
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
            Self::Stat { file, .. } => file.size(),
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
}

impl Program {
    /// Whether a call of a task with these arguments is known well enough to be recorded.
    pub(crate) fn records(&self, tid: Tid, args: &[u64; 6]) -> bool {
        let netlink = |index: usize| is_netlink(tid, args[index] as i32);
        let mut shapes = self.shapes.iter().map(|shape| shape.chosen(args));
        !shapes.any(|shape| matches!(shape, Shape::Ordinary)) && !self.socket.is_some_and(netlink)
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

/// What capturing appends to.
pub(crate) struct Tape<'a> {
    pub(crate) tid: Tid,
    pub(crate) bytes: &'a mut Vec<u8>,
    pub(crate) ranges: &'a mut Vec<Range>,
}

impl Tape<'_> {
    /// Copy plain bytes; where they are now.
    fn read(&mut self, address: u64, wanted: usize) -> core::ops::Range<usize> {
        let start = self.bytes.len();
        if memory::read_into(self.tid, address, wanted, self.bytes).is_err() {
            // Not even the attempt was possible: nothing is readable.
            self.bytes.truncate(start);
        }
        let length = self.bytes.len() - start;
        self.ranges.push(Range {
            address,
            wanted,
            start,
            length,
            terminated: None,
        });
        start..start + length
    }

    fn string(&mut self, address: u64, limit: usize) {
        let start = self.bytes.len();
        let found = memory::read_cstring_into(self.tid, address, limit, self.bytes);
        if found.is_err() {
            self.bytes.truncate(start);
        }
        self.ranges.push(Range {
            address,
            wanted: limit,
            start,
            length: self.bytes.len() - start,
            terminated: Some(found.unwrap_or(false)),
        });
    }

    /// Copy pointers up to a NULL, as one range; those before it.
    fn pointers(&mut self, address: u64, most: usize, word: usize) -> Vec<u64> {
        let start = self.bytes.len();
        let (mut chunk, factor) = POINTERS;
        let mut wanted = 0;
        let mut found = Vec::new();
        while found.len() < most {
            let count = chunk.min(most - found.len());
            let from = self.bytes.len();
            let at = address.wrapping_add(wanted as u64);
            wanted += count * word;
            if memory::read_into(self.tid, at, count * word, self.bytes).is_err() {
                self.bytes.truncate(from);
            }
            let read = &self.bytes[from..];
            let short = read.len() < count * word;
            let before = found.len();
            found.extend(read.chunks_exact(word).map(number));
            if let Some(end) = found[before..].iter().position(|&pointer| pointer == 0) {
                found.truncate(before + end);
                break;
            }
            if short {
                break;
            }
            chunk *= factor;
        }
        self.ranges.push(Range {
            address,
            wanted,
            start,
            length: self.bytes.len() - start,
            terminated: None,
        });
        found
    }
}

/// The little-endian number that some bytes are.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// One walk along the shapes of a call in its stop.
pub(crate) struct Capture<'a> {
    pub(crate) program: &'a Program,
    pub(crate) args: &'a [u64; 6],
    /// What it returned, at its exit.
    pub(crate) result: Option<i64>,
    pub(crate) limits: Limits,
}

impl Capture<'_> {
    /// Copy what is to be seen at this stop.
    pub(crate) fn run(&self, tape: &mut Tape<'_>) {
        if self.result.is_none() {
            for (shape, &raw) in self.program.shapes.iter().zip(self.args) {
                self.early(shape, raw, tape);
            }
        } else {
            for &index in &self.program.late {
                if let (Some(shape), Some(&raw)) =
                    (self.program.shapes.get(index), self.args.get(index))
                {
                    self.late(shape, raw, tape);
                }
            }
        }
    }

    fn mask(&self) -> u64 {
        if self.program.word == 8 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        }
    }

    fn count(&self, count: Count, tape: &mut Tape<'_>) -> u64 {
        match count {
            Count::Fixed(number) => number,
            Count::Argument(index, bits) => self.args[index] & bits,
            Count::Returned => self.result.map_or(0, |value| value.max(0) as u64),
            Count::At(index) => {
                let read = tape.read(self.args[index] & self.mask(), 4);
                let value = number(&tape.bytes[read]) as u32 as i32;
                value.max(0) as u64
            }
        }
    }

    /// At the exit only what the call has filled is of interest.
    fn late(&self, shape: &Shape, raw: u64, tape: &mut Tape<'_>) {
        let failed = self.result.is_some_and(crate::text::is_error);
        match shape {
            Shape::Out(inner, on_error) if !failed || *on_error => self.early(inner, raw, tape),
            Shape::InOut(inner, _) if !failed => self.early(inner, raw, tape),
            Shape::When(peer, bits, inner) if self.args[*peer] & bits != 0 => {
                self.late(inner, raw, tape);
            }
            Shape::Choice(peer, bits, cases, other) => {
                let chosen = cases.get(&(self.args[*peer] & bits)).unwrap_or(other);
                self.late(chosen, raw, tape);
            }
            _ => {}
        }
    }

    fn early(&self, shape: &Shape, raw: u64, tape: &mut Tape<'_>) {
        match shape {
            Shape::When(peer, bits, inner) => {
                if self.args[*peer] & bits != 0 {
                    self.early(inner, raw, tape);
                }
                return;
            }
            Shape::Choice(peer, bits, cases, other) => {
                let chosen = cases.get(&(self.args[*peer] & bits)).unwrap_or(other);
                self.early(chosen, raw, tape);
                return;
            }
            Shape::InOut(inner, _) => {
                self.early(inner, raw, tape);
                return;
            }
            _ => {}
        }
        let address = raw & self.mask();
        if address == 0 {
            return;
        }
        let limits = self.limits;
        match shape {
            Shape::Path => tape.string(address, PATH_MAX),
            Shape::Text => tape.string(address, limits.text + 1),
            Shape::Buffer(count) => {
                let wanted = self.count(*count, tape).min(limits.text as u64) as usize;
                if wanted > 0 {
                    tape.read(address, wanted);
                }
            }
            Shape::Pointer(layout, _) => {
                tape.read(address, layout.size());
            }
            Shape::Array(layout, count) => {
                let wanted = self.count(*count, tape).min(limits.items as u64) as usize;
                if wanted > 0 {
                    tape.read(address, wanted * layout.size());
                }
            }
            Shape::Block(count, size, most) => {
                let wanted = self.count(*count, tape).min(*most) * size;
                if wanted > 0 {
                    tape.read(address, wanted as usize);
                }
            }
            Shape::Entries => {
                let wanted = self.count(Count::Returned, tape).min(1 << 20);
                tape.read(address, wanted as usize);
            }
            Shape::Strings => {
                let found = tape.pointers(address, limits.items + 1, self.program.word);
                for pointer in found.into_iter().take(limits.items) {
                    tape.string(pointer, limits.text + 1);
                }
            }
            Shape::Variables => {
                let found = tape.pointers(address, VARIABLES_MAX, self.program.word);
                for pointer in found.into_iter().take(limits.items) {
                    tape.string(pointer, limits.text + 1);
                }
            }
            Shape::Vector(count, total) => self.vector(address, *count, *total, tape),
            _ => {}
        }
    }

    fn vector(&self, address: u64, count: Count, total: Option<Count>, tape: &mut Tape<'_>) {
        let wanted = self.count(count, tape).min(self.limits.items as u64) as usize;
        if wanted == 0 {
            return;
        }
        let word = self.program.word;
        let read = tape.read(address, wanted * 2 * word);
        let pairs: Vec<(u64, u64)> = tape.bytes[read]
            .chunks_exact(2 * word)
            .map(|pair| (number(&pair[..word]), number(&pair[word..])))
            .collect();
        let mut left = total.map(|total| self.count(total, tape));
        for (base, length) in pairs {
            let size = left.map_or(length, |left| left.min(length));
            left = left.map(|left| left - size);
            let wanted = size.min(self.limits.text as u64) as usize;
            if base != 0 && wanted > 0 {
                tape.read(base, wanted);
            }
        }
    }
}

//! Numbers, strings and copied memory: what a text is made of.
//!
//! Names of numbers (flags, enumerators, errors) come from Python, once for each number.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::shape::{Number, Range, Written};
use crate::text::{Foreign, Shown};

const AT_FDCWD: i64 = -100;
/// What is known of numbers is forgotten when it is so much.
const WORDS_MAX: usize = 1 << 14;

/// Names of numbers, learnt one by one.
#[derive(Default)]
pub struct Words {
    known: HashMap<(u32, u64), Box<str>>,
}

impl Words {
    /// Append the word for `value`, which `ask` gives when it is not known yet.
    pub(crate) fn write(
        &mut self,
        table: u32,
        value: u64,
        ask: &mut dyn FnMut(u32, u64) -> Option<String>,
        out: &mut String,
    ) -> Result<(), Foreign> {
        if let Some(word) = self.known.get(&(table, value)) {
            out.push_str(word);
            return Ok(());
        }
        let word = ask(table, value).ok_or(Foreign)?;
        out.push_str(&word);
        if self.known.len() >= WORDS_MAX {
            self.known.clear();
        }
        self.known.insert((table, value), word.into_boxed_str());
        Ok(())
    }
}

/// Copies of memory, with the bytes they lie in.
#[derive(Clone, Copy, Default)]
pub struct Copied<'a> {
    /// All bytes.
    pub bytes: &'a [u8],
    /// What lies where.
    pub ranges: &'a [Range],
}

impl<'a> Copied<'a> {
    pub(crate) fn read(&self, address: u64, wanted: usize) -> Option<&'a [u8]> {
        self.ranges.iter().find_map(|range| {
            let from = usize::try_from(address.checked_sub(range.address)?).ok()?;
            if range.terminated.is_some() || from.checked_add(wanted)? > range.wanted {
                return None;
            }
            let copy = &self.bytes[range.start..range.start + range.length];
            Some(&copy[from.min(copy.len())..(from + wanted).min(copy.len())])
        })
    }

    pub(crate) fn string(&self, address: u64, limit: usize) -> Option<(&'a [u8], bool)> {
        self.ranges.iter().find_map(|range| {
            let terminated = range.terminated?;
            (range.address == address && range.wanted == limit).then(|| {
                (
                    &self.bytes[range.start..range.start + range.length],
                    terminated,
                )
            })
        })
    }

    /// The whole of a range that begins here.
    pub(crate) fn all(&self, address: u64) -> Option<&'a Range> {
        self.ranges
            .iter()
            .find(|range| range.terminated.is_none() && range.address == address)
    }
}

/// Where names come from, and where text goes.
pub(crate) struct Pen<'a> {
    pub(crate) words: &'a mut Words,
    pub(crate) ask: &'a mut dyn FnMut(u32, u64) -> Option<String>,
    pub(crate) out: &'a mut String,
}

impl Pen<'_> {
    pub(crate) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(crate) fn word(&mut self, table: u32, value: u64) -> Result<(), Foreign> {
        self.words.write(table, value, self.ask, self.out)
    }

    pub(crate) fn hex(&mut self, value: u64) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{value:#x}");
    }

    pub(crate) fn address(&mut self, value: u64) -> Shown {
        if value == 0 {
            self.push("NULL");
            Shown::Null
        } else {
            self.hex(value);
            Shown::Address
        }
    }

    pub(crate) fn number(&mut self, kind: Number, raw: u64) -> Result<Shown, Foreign> {
        let value = kind.narrow(raw);
        match kind.written {
            Written::Decimal => self.decimal(value, kind.signed),
            Written::Hex if value == 0 => self.push("0"),
            Written::Hex => self.hex(value),
            Written::Address => return Ok(self.address(value)),
            Written::Descriptor if value as i64 == AT_FDCWD => self.push("AT_FDCWD"),
            Written::Descriptor => self.decimal(value, true),
            Written::Word(table) => self.word(table, value)?,
        }
        Ok(Shown::Value)
    }

    pub(crate) fn decimal(&mut self, value: u64, signed: bool) {
        let _ = if signed {
            write!(self.out, "{}", value as i64)
        } else {
            write!(self.out, "{value}")
        };
    }

    /// Bytes as a C string.
    pub(crate) fn quote(&mut self, data: &[u8]) {
        self.out.push('"');
        for (index, &byte) in data.iter().enumerate() {
            match byte {
                b'\t' => self.push("\\t"),
                b'\n' => self.push("\\n"),
                0x0b => self.push("\\v"),
                0x0c => self.push("\\f"),
                b'\r' => self.push("\\r"),
                b'"' => self.push("\\\""),
                b'\\' => self.push("\\\\"),
                0x20..0x7f => self.out.push(char::from(byte)),
                _ => {
                    // A digit that follows would be taken for part of a short octal escape.
                    let follows = data
                        .get(index + 1)
                        .is_some_and(|next| (b'0'..=b'7').contains(next));
                    let _ = if follows {
                        write!(self.out, "\\{byte:03o}")
                    } else {
                        write!(self.out, "\\{byte:o}")
                    };
                }
            }
        }
        self.out.push('"');
    }

    pub(crate) fn cut_quote(&mut self, data: &[u8], cut: bool, most: usize) {
        self.quote(&data[..data.len().min(most)]);
        if cut || data.len() > most {
            self.push("...");
        }
    }
}

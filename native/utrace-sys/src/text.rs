//! Copied arguments as text, in strace's grammar.
//!
//! Rules of this file:
//!
//! 1. It writes what `utrace.syscalls.render` writes, letter for letter, or says `Foreign` and
//!    leaves it to that; a test compares the two.
//! 2. How memory was copied, `shape` knows; it is read here just so.

use std::fmt::Write as _;

use crate::pen::{Copied, Pen};
use crate::shape::{
    Count, Known, Layout, Limits, Number, PATH_MAX, Program, Returned, Shape, Written, number,
};

/// The vocabulary of failed results, by errno.
pub const ERRORS: u32 = 0;
/// The vocabulary of times of day, by second since 1970.
pub const SECONDS: u32 = 1;
const ERRNO_MAX: i64 = 4095;
const DIRENT_HEAD: usize = 19;

/// Whether a call that returned this failed.
#[must_use]
pub fn is_error(result: i64) -> bool {
    (-ERRNO_MAX..0).contains(&result)
}

/// The text has to be asked for in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign;

/// What was written, as far as what follows depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    Null,
    Address,
    Empty,
    Value,
}

/// One call with what was copied of it.
pub(crate) struct Scene<'a> {
    pub(crate) program: &'a Program,
    pub(crate) args: &'a [u64; 6],
    pub(crate) entry: Copied<'a>,
    pub(crate) exit: Copied<'a>,
    pub(crate) result: Option<i64>,
    pub(crate) limits: Limits,
    /// Bytes and elements that are shown.
    pub(crate) text_max: usize,
}

impl<'a> Scene<'a> {
    fn mask(&self) -> u64 {
        if self.program.word == 8 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        }
    }

    fn memory(&self, late: bool, address: u64, wanted: usize) -> Result<&'a [u8], Foreign> {
        let after = if late {
            self.exit.read(address, wanted)
        } else {
            None
        };
        after
            .or_else(|| self.entry.read(address, wanted))
            .ok_or(Foreign)
    }

    fn string(&self, late: bool, address: u64, limit: usize) -> Result<(&'a [u8], bool), Foreign> {
        let after = if late {
            self.exit.string(address, limit)
        } else {
            None
        };
        after
            .or_else(|| self.entry.string(address, limit))
            .ok_or(Foreign)
    }

    fn range(&self, late: bool, address: u64) -> Result<(&'a [u8], usize), Foreign> {
        let sources = [late.then_some(self.exit), Some(self.entry)];
        sources
            .into_iter()
            .flatten()
            .find_map(|copied| {
                let range = copied.all(address)?;
                Some((
                    &copied.bytes[range.start..range.start + range.length],
                    range.wanted,
                ))
            })
            .ok_or(Foreign)
    }

    fn count(&self, late: bool, count: Count) -> Result<u64, Foreign> {
        Ok(match count {
            Count::Fixed(number) => number,
            Count::Argument(index, bits) => self.args[index] & bits,
            Count::Returned if late => self.result.map_or(0, |value| value.max(0) as u64),
            Count::Returned => 0,
            Count::At(index) => {
                let data = self.memory(late, self.args[index] & self.mask(), 4)?;
                if data.len() == 4 {
                    (number(data) as u32 as i32).max(0) as u64
                } else {
                    0
                }
            }
        })
    }

    fn shape(
        &self,
        shape: &Shape,
        raw: u64,
        late: bool,
        pen: &mut Pen<'_>,
    ) -> Result<Shown, Foreign> {
        match shape {
            Shape::Number(kind) => return pen.number(*kind, raw),
            Shape::Absent => return Ok(Shown::Nothing),
            Shape::Foreign | Shape::Block(..) | Shape::Linked(..) => return Err(Foreign),
            Shape::Unless(_) if self.result == Some(0) => {
                return Ok(pen.address(raw & self.mask()));
            }
            Shape::Unless(inner) => return self.shape(inner, raw, late, pen),
            Shape::When(peer, bits, inner) => {
                return if self.args[*peer] & bits == 0 {
                    Ok(Shown::Nothing)
                } else {
                    self.shape(inner, raw, late, pen)
                };
            }
            Shape::Choice(peer, bits, cases, other) => {
                let chosen = cases.get(&(self.args[*peer] & bits)).unwrap_or(other);
                return self.shape(chosen, raw, late, pen);
            }
            Shape::Out(inner, on_error) => {
                return match self.result {
                    Some(result) if !is_error(result) || *on_error => {
                        self.shape(inner, raw, true, pen)
                    }
                    _ => Ok(pen.address(raw & self.mask())),
                };
            }
            Shape::InOut(inner, noted) => return self.change(inner, *noted, raw, pen),
            _ => {}
        }
        let address = raw & self.mask();
        if address == 0 && !matches!(shape, Shape::Entries) {
            return Ok(pen.address(0));
        }
        match shape {
            Shape::Path => {
                let (data, terminated) = self.string(late, address, PATH_MAX)?;
                if terminated {
                    pen.quote(data);
                } else if data.len() < PATH_MAX {
                    return Ok(pen.address(address));
                } else {
                    pen.cut_quote(&data[..PATH_MAX - 1], true, PATH_MAX);
                }
                Ok(Shown::Value)
            }
            Shape::Text => self.text(address, late, pen),
            Shape::Buffer(count) => {
                let size = self.count(late, *count)?;
                self.buffer(address, size, late, pen)
            }
            Shape::Pointer(layout, single) => {
                let data = self.memory(late, address, layout.size())?;
                if data.len() < layout.size() {
                    return Ok(pen.address(address));
                }
                if *single {
                    pen.push("[");
                }
                self.layout(layout, data, pen)?;
                if *single {
                    pen.push("]");
                }
                Ok(Shown::Value)
            }
            Shape::Array(layout, count) => {
                let count = self.count(late, *count)?;
                self.array(layout, count, address, late, pen)
            }
            Shape::Entries => self.entries(address, pen),
            Shape::Strings => self.strings(address, late, pen),
            Shape::Variables => self.variables(address, late, pen),
            Shape::Vector(count, total) => {
                let count = self.count(late, *count)?;
                let total = total.map(|total| self.count(late, total)).transpose()?;
                self.vector(address, count, total, late, pen)
            }
            _ => Err(Foreign),
        }
    }

    fn change(
        &self,
        inner: &Shape,
        noted: bool,
        raw: u64,
        pen: &mut Pen<'_>,
    ) -> Result<Shown, Foreign> {
        let from = pen.out.len();
        let entry = Scene {
            result: None,
            exit: Copied::default(),
            ..*self
        };
        let before = entry.shape(inner, raw, false, pen)?;
        let failed = self.result.is_none_or(is_error);
        if failed || noted || matches!(before, Shown::Null | Shown::Address) {
            return Ok(before);
        }
        let middle = pen.out.len();
        self.shape(inner, raw, true, pen)?;
        let after = pen.out.split_off(middle);
        let known = &pen.out[from..];
        if known == after {
            return Ok(before);
        }
        if known.starts_with('[') && after.starts_with('[') {
            pen.out.pop();
            pen.push(" => ");
            pen.push(&after[1..]);
        } else {
            pen.push(" => ");
            pen.push(&after);
        }
        Ok(before)
    }

    fn text(&self, address: u64, late: bool, pen: &mut Pen<'_>) -> Result<Shown, Foreign> {
        let limit = self.limits.text;
        let (data, terminated) = self.string(late, address, limit + 1)?;
        if !terminated && data.len() <= limit {
            return Ok(pen.address(address));
        }
        let data = if terminated { data } else { &data[..limit] };
        pen.cut_quote(data, !terminated, self.text_max);
        Ok(Shown::Value)
    }

    fn buffer(
        &self,
        address: u64,
        size: u64,
        late: bool,
        pen: &mut Pen<'_>,
    ) -> Result<Shown, Foreign> {
        let limit = self.limits.text as u64;
        let wanted = size.min(limit) as usize;
        if wanted == 0 {
            pen.quote(b"");
            return Ok(Shown::Empty);
        }
        let data = self.memory(late, address, wanted)?;
        if data.len() < wanted {
            return Ok(pen.address(address));
        }
        pen.cut_quote(data, size > limit, self.text_max);
        Ok(Shown::Value)
    }

    fn layout(&self, layout: &Layout, data: &[u8], pen: &mut Pen<'_>) -> Result<(), Foreign> {
        match layout {
            Layout::Cell(kind) => {
                pen.number(*kind, number(&data[..usize::from(kind.size)]))?;
            }
            Layout::Record { fields, brief, .. } => {
                pen.push("{");
                let mut between = "";
                for (name, offset, field) in fields {
                    pen.push(between);
                    pen.push(name);
                    pen.push("=");
                    self.layout(field, &data[*offset..], pen)?;
                    between = ", ";
                }
                if *brief {
                    pen.push(between);
                    pen.push("...");
                }
                pen.push("}");
            }
            Layout::Either {
                at: (at, size),
                told_by: (bits, values),
                layouts,
            } => {
                let told = number(&data[*at..at + size]) & bits;
                let (one, other) = &**layouts;
                self.layout(if values.contains(&told) { one } else { other }, data, pen)?;
            }
            Layout::Chars { size, string } => {
                let mut data = &data[..*size];
                if *string {
                    let end = data.iter().position(|&byte| byte == 0);
                    data = &data[..end.unwrap_or(data.len())];
                }
                pen.cut_quote(data, false, self.text_max);
            }
            Layout::Opaque(_) => return Err(Foreign),
        }
        Ok(())
    }

    /// What stands behind the elements of an array that is not whole.
    fn rest(between: &str, tail: Option<u64>, more: bool, pen: &mut Pen<'_>) {
        if let Some(tail) = tail {
            pen.push(between);
            let _ = write!(pen.out, "... /* {tail:#x} */");
        } else if more {
            pen.push(between);
            pen.push("...");
        }
        pen.push("]");
    }

    fn array(
        &self,
        layout: &Layout,
        count: u64,
        address: u64,
        late: bool,
        pen: &mut Pen<'_>,
    ) -> Result<Shown, Foreign> {
        if count == 0 {
            pen.push("[]");
            return Ok(Shown::Empty);
        }
        let size = layout.size();
        let wanted = count.min(self.limits.items as u64) as usize;
        let data = self.memory(late, address, wanted * size)?;
        let whole = data.len() / size;
        if whole == 0 {
            return Ok(pen.address(address));
        }
        pen.push("[");
        let mut between = "";
        for element in data.chunks_exact(size).take(self.text_max) {
            pen.push(between);
            self.layout(layout, element, pen)?;
            between = ", ";
        }
        let tail = (whole < wanted).then(|| address.wrapping_add((whole * size) as u64));
        let more = count > wanted as u64 || whole > self.text_max;
        Self::rest(between, tail, more, pen);
        Ok(Shown::Value)
    }

    fn entries(&self, raw: u64, pen: &mut Pen<'_>) -> Result<Shown, Foreign> {
        let size = self.count(true, Count::Returned)?.min(1 << 20) as usize;
        let data = if size == 0 {
            &[]
        } else {
            self.memory(true, raw, size)?
        };
        if data.len() < size {
            return Ok(pen.address(raw));
        }
        let (mut at, mut count) = (0, 0);
        while at + DIRENT_HEAD <= size {
            let length = number(&data[at + 16..at + 18]) as usize;
            if length < DIRENT_HEAD {
                break;
            }
            count += 1;
            at += length;
        }
        let _ = write!(pen.out, "{raw:#x} /* {count} entries */");
        Ok(Shown::Value)
    }

    /// The pointers that were copied, and whether a NULL ended them.
    fn pointers(&self, address: u64, late: bool, most: usize) -> Result<(Vec<u64>, bool), Foreign> {
        let (data, _) = self.range(late, address)?;
        let mut found: Vec<u64> = data.chunks_exact(self.program.word).map(number).collect();
        let end = found.iter().position(|&pointer| pointer == 0);
        found.truncate(end.unwrap_or(found.len()).min(most));
        Ok((found, end.is_some()))
    }

    fn strings(&self, address: u64, late: bool, pen: &mut Pen<'_>) -> Result<Shown, Foreign> {
        let limit = self.limits.items;
        let (found, ended) = self.pointers(address, late, limit + 1)?;
        if found.is_empty() && !ended {
            return Ok(pen.address(address));
        }
        let cut = found.len() > limit;
        pen.push("[");
        let mut between = "";
        for &pointer in found.iter().take(limit.min(self.text_max)) {
            pen.push(between);
            self.text(pointer, late, pen)?;
            between = ", ";
        }
        let behind = address.wrapping_add((found.len() * self.program.word) as u64);
        let tail = (!ended && !cut).then_some(behind);
        let more = cut || found.len().min(limit) > self.text_max;
        Self::rest(between, tail, more, pen);
        Ok(Shown::Value)
    }

    fn variables(&self, address: u64, late: bool, pen: &mut Pen<'_>) -> Result<Shown, Foreign> {
        let (found, ended) = self.pointers(address, late, usize::MAX)?;
        pen.hex(address);
        if ended || !found.is_empty() {
            let plural = if found.len() == 1 { "" } else { "s" };
            let _ = write!(pen.out, " /* {} var{plural} */", found.len());
        }
        Ok(Shown::Value)
    }

    fn vector(
        &self,
        address: u64,
        count: u64,
        total: Option<u64>,
        late: bool,
        pen: &mut Pen<'_>,
    ) -> Result<Shown, Foreign> {
        if count == 0 {
            pen.push("[]");
            return Ok(Shown::Empty);
        }
        let word = self.program.word;
        let wanted = count.min(self.limits.items as u64) as usize;
        let data = self.memory(late, address, wanted * 2 * word)?;
        let whole = data.len() / (2 * word);
        if whole == 0 {
            return Ok(pen.address(address));
        }
        pen.push("[");
        let mut between = "";
        let mut left = total;
        for (index, pair) in data.chunks_exact(2 * word).enumerate() {
            let (base, length) = (number(&pair[..word]), number(&pair[word..]));
            let size = left.map_or(length, |left| left.min(length));
            left = left.map(|left| left - size);
            if index >= self.text_max {
                continue;
            }
            pen.push(between);
            pen.push("{iov_base=");
            if base == 0 {
                pen.push("NULL");
            } else {
                self.buffer(base, size, late, pen)?;
            }
            let _ = write!(pen.out, ", iov_len={length}}}");
            between = ", ";
        }
        let tail = (whole < wanted).then(|| address.wrapping_add((whole * 2 * word) as u64));
        let more = count > wanted as u64 || whole > self.text_max;
        Self::rest(between, tail, more, pen);
        Ok(Shown::Value)
    }

    /// Everything between the parentheses.
    pub(crate) fn arguments(&self, pen: &mut Pen<'_>) -> Result<(), Foreign> {
        if self.program.foreign {
            return Err(Foreign);
        }
        let mut between = "";
        for (shape, &raw) in self.program.shapes.iter().zip(self.args) {
            let from = pen.out.len();
            pen.push(between);
            if self.shape(shape, raw, false, pen)? == Shown::Nothing {
                pen.out.truncate(from);
            } else {
                between = ", ";
            }
        }
        Ok(())
    }

    /// What is known at the entry: `read(3, `.
    pub(crate) fn begun(&self, pen: &mut Pen<'_>) -> Result<(), Foreign> {
        if self.program.foreign {
            return Err(Foreign);
        }
        pen.push(&self.program.name);
        pen.push("(");
        let mut between = "";
        for ((shape, &raw), known) in self
            .program
            .shapes
            .iter()
            .zip(self.args)
            .zip(&self.program.known)
        {
            let from = pen.out.len();
            pen.push(between);
            let shown = self.shape(shape, raw, false, pen)?;
            let late = *known == Known::Late || shape.is_written_by(self.args);
            if late && shown != Shown::Null {
                pen.out.truncate(from);
                pen.push(between);
                break;
            }
            if shown == Shown::Nothing {
                pen.out.truncate(from);
                continue;
            }
            between = ", ";
            let is_something = !matches!(shown, Shown::Null | Shown::Empty);
            if *known == Known::Both(false) && is_something {
                // What it becomes is written right behind it, when the call has returned.
                break;
            }
        }
        Ok(())
    }

    /// What stands behind " = ".
    pub(crate) fn returned(&self, pen: &mut Pen<'_>) -> Result<(), Foreign> {
        let Some(value) = self.result else {
            pen.push("?");
            return Ok(());
        };
        if is_error(value) {
            return pen.word(ERRORS, value.unsigned_abs());
        }
        let masked = value as u64 & self.mask();
        match self.program.returned {
            Returned::Number(Written::Decimal) => pen.decimal(value as u64, true),
            Returned::Number(written) => {
                let (value, signed) = match written {
                    Written::Descriptor => (value as u64, true),
                    _ => (masked, false),
                };
                let kind = Number {
                    size: 8,
                    signed,
                    written,
                };
                pen.number(kind, value)?;
            }
            Returned::Octal if value == 0 => pen.push("000"),
            Returned::Octal => {
                let _ = write!(pen.out, "0{value:o}");
            }
            Returned::Nothing => pen.push("?"),
            Returned::Foreign => return Err(Foreign),
        }
        Ok(())
    }
}

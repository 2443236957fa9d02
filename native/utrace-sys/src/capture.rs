//! Copying what the arguments of a system call point to, in its stop.
//!
//! A copy never says less than a live read would: it may cover more bytes than are asked for, and
//! ends short exactly where memory was not readable.

use crate::Tid;
use crate::memory;
use crate::shape::{Count, Limits, PATH_MAX, Program, Range, Shape, number};

/// Most elements of an environment that are counted.
const VARIABLES_MAX: usize = 1 << 16;
/// Pointers of an array read at once; each further read is so many times longer.
const POINTERS: (usize, usize) = (32, 4);

/// Memory of a task that was copied before: as of when is another's affair.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) address: u64,
    pub(crate) bytes: &'a [u8],
}

/// What capturing appends to.
pub(crate) struct Tape<'a> {
    pub(crate) tid: Tid,
    /// What need not be read from the task.
    pub(crate) seen: &'a [Seen<'a>],
    pub(crate) bytes: &'a mut Vec<u8>,
    pub(crate) ranges: &'a mut Vec<Range>,
}

impl Tape<'_> {
    /// Copy plain bytes; where they are now.
    fn read(&mut self, address: u64, wanted: usize) -> core::ops::Range<usize> {
        let start = self.bytes.len();
        let covers = |seen: &&Seen<'_>| seen.address == address && seen.bytes.len() >= wanted;
        if let Some(seen) = self.seen.iter().find(covers) {
            self.bytes.extend_from_slice(&seen.bytes[..wanted]);
        } else if memory::read_into(self.tid, address, wanted, self.bytes).is_err() {
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
        let terminated = self.seen_string(address, limit).unwrap_or_else(|| {
            let found = memory::read_cstring_into(self.tid, address, limit, self.bytes);
            if found.is_err() {
                self.bytes.truncate(start);
            }
            found.unwrap_or(false)
        });
        self.ranges.push(Range {
            address,
            wanted: limit,
            start,
            length: self.bytes.len() - start,
            terminated: Some(terminated),
        });
    }

    /// The same from what was seen: whether it ends there, `None` if it was not seen that far.
    fn seen_string(&mut self, address: u64, limit: usize) -> Option<bool> {
        for seen in self.seen.iter().filter(|seen| seen.address == address) {
            let end = seen
                .bytes
                .iter()
                .take(limit + 1)
                .position(|&byte| byte == 0);
            let length = end.unwrap_or(limit);
            if let Some(string) = seen.bytes.get(..length) {
                self.bytes.extend_from_slice(string);
                return Some(end.is_some());
            }
        }
        None
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
            Shape::Unless(inner) if self.result != Some(0) => self.late(inner, raw, tape),
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
            Shape::Linked(count, most, pointers) => {
                let wanted = self.count(*count, tape).min(*most) as usize;
                let read = tape.read(address, wanted);
                let word = self.program.word;
                for &(at, size) in pointers {
                    let place = read.start + at;
                    let pointer = tape.bytes.get(place..place + word).map_or(0, number);
                    if place + word <= read.end && pointer != 0 {
                        tape.read(pointer, size);
                    }
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

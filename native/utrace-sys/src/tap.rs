//! The tap: system calls that are recorded without a stop, by eBPF programs at two tracepoints (D21).
//!
//! Python assembles the programs (`utrace.kernel.tap_program`, which describes a record); here they
//! are put in place, tasks are tapped, and what they wrote is read.
//!
//! Rules of this file:
//!
//! 1. Who is tapped is said by a map of tasks, which a task's end empties: nobody else is recorded,
//!    whatever namespaces there are.
//! 2. A record is read as soon as the tracer looks at anything of its task, so that order is kept.
//!
//! Reference: bpf(2); Linux 6.18 `kernel/bpf/ringbuf.c`, `kernel/bpf/bpf_task_storage.c`.

use core::ffi::CStr;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::capture::Seen;
use crate::raw::{self, Field, RingMap};
use crate::shape::number;
use crate::{Errno, Tid, cpus};

const MAP_CREATE: i32 = 0;
const MAP_LOOKUP: i32 = 1;
const MAP_UPDATE: i32 = 2;
const MAP_DELETE: i32 = 3;
const PROG_LOAD: i32 = 5;
const RAW_TRACEPOINT_OPEN: i32 = 17;
const BTF_LOAD: i32 = 18;
const ARRAY: u32 = 2;
const RING_BUFFER: u32 = 27;
const TASK_STORAGE: u32 = 29;
const NO_PREALLOC: u32 = 1;
const RAW_TRACEPOINT: u32 = 17;
/// An instruction of which the immediate is a map.
const LOAD_MAP: [u8; 2] = [0x18, 1];
const RING_BYTES: usize = 4 << 20;
/// Set in the number of a call whose end a record is.
const END: u32 = 1 << 31;
/// Length of what could not be read.
const UNREAD: u32 = u32::MAX;

/// What a record says.
pub(crate) enum Said {
    /// A call began.
    Entry,
    /// It ended, with this result.
    Exit(i64),
}

/// A record, taken apart; its copies are behind `rest` in the bytes.
pub(crate) struct Record {
    pub(crate) mono_ns: u64,
    pub(crate) tid: Tid,
    pub(crate) nr: i32,
    pub(crate) args: [u64; 6],
    pub(crate) said: Said,
    rest: usize,
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|bytes| number(bytes) as u32)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).map(number)
}

/// Take a record apart; `None`: it is none.
pub(crate) fn record_of(bytes: &[u8]) -> Option<Record> {
    let nr = word(bytes, 12)?;
    let mut args = [0; 6];
    for (index, arg) in args.iter_mut().enumerate() {
        *arg = long(bytes, 16 + 8 * index)?;
    }
    let (said, rest) = if nr & END == 0 {
        (Said::Entry, 64)
    } else {
        (Said::Exit(long(bytes, 64)? as i64), 72)
    };
    Some(Record {
        mono_ns: long(bytes, 0)?,
        tid: word(bytes, 8)? as Tid,
        nr: (nr & !END) as i32,
        args,
        said,
        rest,
    })
}

/// What was copied with a record.
pub(crate) fn copies<'a>(record: &Record, bytes: &'a [u8]) -> Vec<Seen<'a>> {
    let mut found = Vec::new();
    let mut at = record.rest;
    while let (Some(address), Some(length)) = (long(bytes, at), word(bytes, at + 12)) {
        at += 16;
        if length == UNREAD {
            continue;
        }
        let end = at + length as usize;
        let Some(copied) = bytes.get(at..end) else {
            break;
        };
        found.push(Seen {
            address,
            bytes: copied,
        });
        at = end.next_multiple_of(8);
    }
    found
}

/// The programs in place, and the way to what they write.
pub(crate) struct Tap {
    tasks: OwnedFd,
    lost: OwnedFd,
    ring: RingMap,
    _places: [OwnedFd; 2],
}

impl Tap {
    /// Put the programs for `sys_enter` and `sys_exit` in place, with the table that they go by.
    pub(crate) fn open(
        programs: [&[u8]; 2],
        table: &[u8],
        scratch_bytes: usize,
    ) -> Result<Self, Errno> {
        let types = raw::bpf_open(
            BTF_LOAD,
            &mut [
                Field::Read(&btf()),
                Field::Long(0),
                Field::Word(btf().len() as u32),
            ],
        )?;
        let tasks = create(TASK_STORAGE, (4, 8, 0), Some(&types))?;
        let scratch = create(ARRAY, (4, scratch_bytes as u32, cpus::possible()), None)?;
        let ring = create(RING_BUFFER, (0, 0, RING_BYTES as u32), None)?;
        let lost = create(ARRAY, (4, 8, 1), None)?;
        let plans = create(ARRAY, (4, table.len() as u32, 1), None)?;
        raw::bpf(
            MAP_UPDATE,
            &mut [
                Field::Word(plans.as_raw_fd() as u32),
                Field::Word(0),
                Field::Read(&[0; 4]),
                Field::Read(table),
                Field::Long(0),
            ],
        )?;
        let maps = [&tasks, &scratch, &ring, &lost, &plans];
        let [at_entry, at_exit] = programs.map(|code| load(code, maps));
        let places = [
            attach(c"sys_enter", &at_entry?)?,
            attach(c"sys_exit", &at_exit?)?,
        ];
        let tap = Self {
            tasks,
            lost,
            ring: RingMap::new(ring.as_fd(), RING_BYTES)?,
            _places: places,
        };
        // Whether tasks can be tapped at all is found out now (Linux 6.9 has pidfds of threads).
        let here = raw::own_tid();
        tap.join(here)?;
        tap.leave(here);
        Ok(tap)
    }

    /// Record the calls of a task from here on, under this tid.
    pub(crate) fn join(&self, tid: Tid) -> Result<(), Errno> {
        let task = raw::pidfd_open_thread(tid)?;
        raw::bpf(
            MAP_UPDATE,
            &mut [
                Field::Word(self.tasks.as_raw_fd() as u32),
                Field::Word(0),
                Field::Read(&task.as_raw_fd().to_ne_bytes()),
                Field::Read(&(tid as u64).to_ne_bytes()),
                Field::Long(0),
            ],
        )
        .map(drop)
    }

    /// Record a task no longer; one that is gone is not.
    pub(crate) fn leave(&self, tid: Tid) {
        if let Ok(task) = raw::pidfd_open_thread(tid) {
            let _ = raw::bpf(
                MAP_DELETE,
                &mut [
                    Field::Word(self.tasks.as_raw_fd() as u32),
                    Field::Word(0),
                    Field::Read(&task.as_raw_fd().to_ne_bytes()),
                ],
            );
        }
    }

    pub(crate) fn has_records(&self) -> bool {
        self.ring.has_records()
    }

    /// Up to where records are written.
    pub(crate) fn written(&self) -> u64 {
        self.ring.written()
    }

    /// Put the next record into `bytes`, if there is one before `end`.
    pub(crate) fn take(&mut self, end: u64, bytes: &mut Vec<u8>) -> bool {
        self.ring.take(end, bytes)
    }

    /// How many records found no place.
    pub(crate) fn lost(&self) -> u64 {
        let mut count = [0; 8];
        let asked = raw::bpf(
            MAP_LOOKUP,
            &mut [
                Field::Word(self.lost.as_raw_fd() as u32),
                Field::Word(0),
                Field::Read(&[0; 4]),
                Field::Written(&mut count),
                Field::Long(0),
            ],
        );
        asked.map_or(0, |_| u64::from_ne_bytes(count))
    }
}

fn create(
    kind: u32,
    (key, value, entries): (u32, u32, u32),
    types: Option<&OwnedFd>,
) -> Result<OwnedFd, Errno> {
    let mut fields = vec![kind, key, value, entries];
    if let Some(types) = types {
        // Flags, three that are not used, the name and the device; then the types of key and value.
        fields.extend([NO_PREALLOC, 0, 0, 0, 0, 0, 0, 0]);
        fields.extend([types.as_raw_fd() as u32, KEY_TYPE, VALUE_TYPE]);
    }
    let mut fields: Vec<Field<'_>> = fields.into_iter().map(Field::Word).collect();
    raw::bpf_open(MAP_CREATE, &mut fields)
}

/// Load a program, with its maps in their places.
fn load(code: &[u8], maps: [&OwnedFd; 5]) -> Result<OwnedFd, Errno> {
    let mut code = code.to_vec();
    for instruction in code.chunks_exact_mut(8) {
        let [op, registers, ..] = *instruction else {
            break;
        };
        if [op, registers >> 4] == LOAD_MAP
            && let Some(map) = maps.get(usize::from(instruction[4]))
        {
            instruction[4..].copy_from_slice(&map.as_raw_fd().to_ne_bytes());
        }
    }
    raw::bpf_open(
        PROG_LOAD,
        &mut [
            Field::Word(RAW_TRACEPOINT),
            Field::Word((code.len() / 8) as u32),
            Field::Read(&code),
            Field::Read(c"GPL".to_bytes_with_nul()),
        ],
    )
}

fn attach(tracepoint: &CStr, program: &OwnedFd) -> Result<OwnedFd, Errno> {
    raw::bpf_open(
        RAW_TRACEPOINT_OPEN,
        &mut [
            Field::Read(tracepoint.to_bytes_with_nul()),
            Field::Word(program.as_raw_fd() as u32),
        ],
    )
}

const BTF_MAGIC: u16 = 0xEB9F;
const BTF_HEADER: u32 = 24;
const KEY_TYPE: u32 = 1;
const VALUE_TYPE: u32 = 2;

/// The types of key and value of a map of tasks: an int and a u64.
fn btf() -> Vec<u8> {
    const INT: u32 = 1 << 24;
    const SIGNED: u32 = 1 << 24;
    let names = b"\0int\0u64\0";
    let types: [u32; 8] = [1, INT, 4, SIGNED | 32, 5, INT, 8, 64];
    let mut blob = Vec::from(BTF_MAGIC.to_ne_bytes());
    blob.extend([1, 0]);
    let length = size_of_val(&types) as u32;
    for part in [BTF_HEADER, 0, length, length, names.len() as u32] {
        blob.extend(part.to_ne_bytes());
    }
    blob.extend(types.iter().flat_map(|part| part.to_ne_bytes()));
    blob.extend(names);
    blob
}

/// Where the running kernel has `thread_info.status` and `blocked` in its `task_struct`, in bytes.
///
/// `None`: it does not say (no `CONFIG_DEBUG_INFO_BTF`).
#[must_use]
pub fn offsets() -> Option<(u32, u32)> {
    let blob = fs::read("/sys/kernel/btf/vmlinux").ok()?;
    let wanted: [(&[u8], &[u8]); 3] = [
        (b"task_struct", b"thread_info"),
        (b"thread_info", b"status"),
        (b"task_struct", b"blocked"),
    ];
    let [info, status, blocked] = members(&blob, wanted)?;
    Some((info + status, blocked))
}

/// Bytes of a type behind its first three words, by its kind; of kinds with members, of each.
const PLAIN_BYTES: [usize; 20] = [0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0];
const MEMBER_BYTES: [usize; 20] = [
    0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12,
];
const STRUCT: usize = 4;

/// The offsets of members of structs, by the names of both, in BTF.
///
/// Reference: Linux 6.18 Documentation/bpf/btf.rst.
fn members<const N: usize>(blob: &[u8], wanted: [(&[u8], &[u8]); N]) -> Option<[u32; N]> {
    let header = word(blob, 4)? as usize;
    let part = |at: usize| Some(header + word(blob, at)? as usize);
    let (types, strings) = (part(8)?, part(16)?);
    let end = types + word(blob, 12)? as usize;
    let is_named = |at: usize, name: &[u8]| {
        let from = strings + word(blob, at).unwrap_or(0) as usize;
        let behind = from + name.len();
        blob.get(from..behind) == Some(name) && blob.get(behind) == Some(&0)
    };
    let mut found = [None; N];
    let mut at = types;
    while at < end && found.contains(&None) {
        let info = word(blob, at + 4)?;
        let (kind, length) = ((info >> 24 & 31) as usize, (info & 0xFFFF) as usize);
        let behind = at + 12;
        if kind == STRUCT {
            for (place, (structure, member)) in found.iter_mut().zip(wanted) {
                if place.is_none() && is_named(at, structure) {
                    let one = (0..length)
                        .map(|index| behind + 12 * index)
                        .find(|&one| is_named(one, member))?;
                    // With bit fields in the struct the upper byte is a width.
                    *place = Some((word(blob, one + 8)? & 0xFF_FFFF) / 8);
                }
            }
        }
        at = behind + PLAIN_BYTES.get(kind)? + length * MEMBER_BYTES.get(kind)?;
    }
    let mut offsets = [0; N];
    for (offset, place) in offsets.iter_mut().zip(found) {
        *offset = place?;
    }
    Some(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn head(tid: u32, nr: u32) -> Vec<u8> {
        bytes(&[&7_u64.to_ne_bytes(), &tid.to_ne_bytes(), &nr.to_ne_bytes()])
    }

    fn copy(address: u64, length: u32) -> Vec<u8> {
        bytes(&[
            &address.to_ne_bytes(),
            &99_u32.to_ne_bytes(),
            &length.to_ne_bytes(),
        ])
    }

    #[test]
    fn an_entry_has_its_arguments_and_copies_but_those_that_failed() {
        let args: Vec<u8> = (1..=6_u64).flat_map(u64::to_ne_bytes).collect();
        let record = bytes(&[
            &head(12, 257),
            &args,
            &copy(0x1000, 3),
            b"ab\0_____",
            &copy(0x2000, UNREAD),
            &copy(0x3000, 8),
            b"12345678",
        ]);
        let taken = record_of(&record).expect("a record");
        assert_eq!((taken.mono_ns, taken.tid, taken.nr), (7, 12, 257));
        assert!(matches!(taken.said, Said::Entry));
        assert_eq!(taken.args, [1, 2, 3, 4, 5, 6]);
        let found: Vec<(u64, &[u8])> = copies(&taken, &record)
            .iter()
            .map(|seen| (seen.address, seen.bytes))
            .collect();
        assert_eq!(found, [(0x1000, b"ab\0".as_slice()), (0x3000, b"12345678")]);
    }

    #[test]
    fn an_end_has_its_result() {
        let record = bytes(&[&head(12, 3 | END), &[0; 48], &(-2_i64).to_ne_bytes()]);
        let taken = record_of(&record).expect("a record");
        assert!(matches!(taken.said, Said::Exit(-2)));
        assert_eq!(taken.nr, 3);
        assert!(copies(&taken, &record).is_empty());
    }

    #[test]
    fn what_is_cut_short_is_no_record() {
        assert!(record_of(&head(12, 0)).is_none());
        let record = bytes(&[&head(12, END), &[0; 56], &copy(0x1000, 64), b"short"]);
        let taken = record_of(&record).expect("a record");
        assert!(copies(&taken, &record).is_empty());
    }

    #[test]
    fn members_are_found_by_their_names() {
        let names = b"\0task\0state\0flags\0";
        let (name, state, flags) = (1, 6, 12);
        let integer = [state, 1 << 24, 4, 32];
        let structure = [name, 4 << 24 | 2, 16, state, 1, 0, flags, 1, 96];
        let types: Vec<u8> = integer
            .iter()
            .chain(&structure)
            .flat_map(|part: &u32| part.to_ne_bytes())
            .collect();
        let length = types.len() as u32;
        let mut blob = Vec::from(BTF_MAGIC.to_ne_bytes());
        blob.extend([1, 0]);
        for part in [BTF_HEADER, 0, length, length, names.len() as u32] {
            blob.extend(part.to_ne_bytes());
        }
        blob.extend(types);
        blob.extend(names);
        let found = members(&blob, [(b"task", b"flags"), (b"task", b"state")]);
        assert_eq!(found, Some([12, 0]));
        assert_eq!(members(&blob, [(b"task", b"flag")]), None);
        assert_eq!(members(&blob[..40], [(b"task", b"flags")]), None);
    }
}

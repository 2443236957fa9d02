//! Reading and writing other processes' memory; any thread may.
//!
//! `process_vm_readv(2)` is the short way.  Where it stops, /proc/TID/mem goes on: it honours the
//! tracer's right to read pages without read permission and to write to code (`FOLL_FORCE`).
//!
//! A process that is gone has no memory: reads are empty and writes write nothing.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;

use crate::raw;
use crate::{Errno, Tid};

const PAGE: u64 = 4096;
/// Grown by this while reading, so that memory is only taken for what is there.
const STEP: usize = 1 << 18;
/// Most C strings (paths) are shorter; one look is enough for them.
const LOOK: u64 = 512;
/// `IOV_MAX`.
const RANGES_MAX: usize = 1024;
/// Ranges of `read_many` above this are read one by one.
const LONG_RANGE: usize = 1 << 16;

fn to_page_end(address: u64) -> u64 {
    PAGE - address % PAGE
}

fn ends_short(error: Errno) -> Result<usize, Errno> {
    match error.0 {
        // EIO and ENXIO come from /proc/TID/mem, EINVAL from addresses above what an off_t holds.
        libc::EFAULT | libc::ESRCH | libc::EIO | libc::ENXIO | libc::ENOENT | libc::EINVAL => Ok(0),
        _ => Err(error),
    }
}

fn open_mem(tid: Tid, write: bool) -> Result<File, Errno> {
    OpenOptions::new()
        .read(!write)
        .write(write)
        .open(format!("/proc/{tid}/mem"))
        .map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EIO)))
}

/// The second way, for what the first could not do; 0 bytes if this cannot either.
fn by_file<F>(tid: Tid, write: bool, transfer: F) -> Result<usize, Errno>
where
    F: FnOnce(&File) -> std::io::Result<usize>,
{
    open_mem(tid, write)
        .and_then(|file| {
            transfer(&file).map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EIO)))
        })
        .or_else(ends_short)
}

/// Fill as much of `buffer` as there is from `address` on.
fn fill(tid: Tid, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let mut done = 0;
    while done < buffer.len() {
        let at = address.wrapping_add(done as u64);
        let rest = &mut buffer[done..];
        let copied = match raw::vm_read(tid, at, rest) {
            Ok(count) => count,
            Err(Errno(libc::EFAULT)) => {
                let page = rest.len().min(to_page_end(at) as usize);
                by_file(tid, false, |file| file.read_at(&mut rest[..page], at))?
            }
            Err(error) => ends_short(error)?,
        };
        if copied == 0 {
            break;
        }
        done += copied;
    }
    Ok(done)
}

/// Read `length` bytes, fewer if the rest is not readable.
pub fn read(tid: Tid, address: u64, length: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    read_into(tid, address, length, &mut bytes)?;
    Ok(bytes)
}

/// As `read`, behind what `bytes` has already.
pub(crate) fn read_into(
    tid: Tid,
    address: u64,
    length: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), Errno> {
    let start = bytes.len();
    while bytes.len() - start < length {
        let from = bytes.len();
        let done = from - start;
        let step = STEP.max(done).min(length - done);
        bytes.resize(from + step, 0);
        let copied = fill(tid, address.wrapping_add(done as u64), &mut bytes[from..])?;
        if copied < step {
            bytes.truncate(from + copied);
            break;
        }
    }
    Ok(())
}

/// Read many ranges, each as `read` would, by as few system calls as possible.
pub fn read_many(tid: Tid, ranges: &[(u64, usize)]) -> Result<Vec<Vec<u8>>, Errno> {
    let mut found = Vec::with_capacity(ranges.len());
    let mut buffer = Vec::new();
    while found.len() < ranges.len() {
        let rest = &ranges[found.len()..];
        let short = rest
            .iter()
            .take(RANGES_MAX)
            .take_while(|range| range.1 <= LONG_RANGE)
            .count();
        let batch = &rest[..short];
        buffer.resize(batch.iter().map(|range| range.1).sum(), 0);
        let mut copied = match raw::vm_read_many(tid, batch, &mut buffer) {
            Ok(count) => count,
            Err(Errno(libc::EFAULT)) => 0,
            Err(error) => ends_short(error)?,
        };
        let mut from = 0;
        for &(_, length) in batch {
            if length > copied {
                break;
            }
            found.push(buffer[from..from + length].to_vec());
            from += length;
            copied -= length;
        }
        // The first that was not whole ends the batch: read it by itself and go on behind it.
        if let Some(&(address, length)) = ranges.get(found.len()) {
            found.push(read(tid, address, length)?);
        }
    }
    Ok(found)
}

/// Read up to and without the first NUL, at most `limit` bytes; tells whether there was one.
///
/// Fewer than `limit` bytes and no NUL: the rest is not readable.
pub fn read_cstring(tid: Tid, address: u64, limit: usize) -> Result<(Vec<u8>, bool), Errno> {
    let mut bytes = Vec::new();
    let terminated = read_cstring_into(tid, address, limit, &mut bytes)?;
    Ok((bytes, terminated))
}

/// As `read_cstring`, behind what `bytes` has already.
pub(crate) fn read_cstring_into(
    tid: Tid,
    address: u64,
    limit: usize,
    bytes: &mut Vec<u8>,
) -> Result<bool, Errno> {
    let start = bytes.len();
    let mut look = LOOK;
    // One more than the limit: a NUL right behind it still ends the string.
    while bytes.len() - start <= limit {
        let from = bytes.len();
        let at = address.wrapping_add((from - start) as u64);
        let wanted = (limit - (from - start)).saturating_add(1);
        let step = wanted.min(look.min(to_page_end(at)) as usize);
        bytes.resize(from + step, 0);
        let copied = fill(tid, at, &mut bytes[from..])?;
        bytes.truncate(from + copied);
        if let Some(end) = bytes[from..].iter().position(|&byte| byte == 0) {
            bytes.truncate(from + end);
            return Ok(true);
        }
        if copied < step {
            break;
        }
        look = PAGE;
    }
    bytes.truncate(bytes.len().min(start.saturating_add(limit)));
    Ok(false)
}

/// Write `data`; returns how much of it could be.
pub fn write(tid: Tid, address: u64, data: &[u8]) -> Result<usize, Errno> {
    let mut done = 0;
    while done < data.len() {
        let at = address.wrapping_add(done as u64);
        let rest = &data[done..];
        let copied = match raw::vm_write(tid, at, rest) {
            Ok(count) => count,
            Err(Errno(libc::EFAULT)) => {
                let page = rest.len().min(to_page_end(at) as usize);
                by_file(tid, true, |file| file.write_at(&rest[..page], at))?
            }
            Err(error) => ends_short(error)?,
        };
        if copied == 0 {
            break;
        }
        done += copied;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Tid {
        std::process::id() as Tid
    }

    #[test]
    fn read_of_nothing_is_empty() {
        assert_eq!(read(here(), 0, 1 << 32), Ok(Vec::new()));
        assert_eq!(read(here(), u64::MAX, 8), Ok(Vec::new()));
    }

    #[test]
    fn read_many_goes_on_behind_a_hole() {
        let text = *b"utrace";
        let address = text.as_ptr() as u64;
        let ranges = [(address, 6), (8, 4), (address, 2), (address, 0)];
        let expected: Vec<Vec<u8>> = vec![text.to_vec(), vec![], b"ut".to_vec(), vec![]];
        assert_eq!(read_many(here(), &ranges), Ok(expected));
    }

    #[test]
    fn read_cstring_counts_a_nul_right_behind_the_limit() {
        let text = *b"abc\0";
        let address = text.as_ptr() as u64;
        assert_eq!(
            read_cstring(here(), address, 3),
            Ok((b"abc".to_vec(), true))
        );
        assert_eq!(
            read_cstring(here(), address, 2),
            Ok((b"ab".to_vec(), false))
        );
        assert_eq!(read_cstring(here(), 8, 2), Ok((Vec::new(), false)));
    }

    #[test]
    fn write_then_read_is_the_same() {
        let mut place = [0_u8; 16];
        assert_eq!(write(here(), place.as_mut_ptr() as u64, b"hello"), Ok(5));
        assert_eq!(&place[..6], b"hello\0");
        assert_eq!(write(here(), 8, b"hello"), Ok(0));
    }
}

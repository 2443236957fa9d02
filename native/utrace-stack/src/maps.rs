//! Which files a process has mapped to be executed, by /proc/PID/maps in proc(5).

/// One mapping with code of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Where in the file it begins.
    pub(crate) offset: u64,
    pub(crate) path: String,
}

/// The executable mappings of files, in the order of their addresses.
pub(crate) fn executable(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let offset = words.next()?;
    let path = words.nth(2)?.trim_start();
    if rights.as_bytes().get(2) != Some(&b'x') || !path.starts_with('/') {
        return None;
    }
    let hex = |digits| u64::from_str_radix(digits, 16).ok();
    Some(Mapping {
        start: hex(start)?,
        end: hex(end)?,
        offset: hex(offset)?,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_counts() {
        let text = "\
            55d000000000-55d000001000 r--p 00000000 fe:00 12 /usr/bin/a b\n\
            55d000001000-55d000002000 r-xp 00001000 fe:00 12                         /usr/bin/a b\n\
            7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]\n\
            7f0000000000-7f0000001000 r-xp 00000000 00:00 0 \n";
        let found = executable(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "/usr/bin/a b");
        assert_eq!(
            (found[0].start, found[0].offset),
            (0x55d0_0000_1000, 0x1000)
        );
    }
}

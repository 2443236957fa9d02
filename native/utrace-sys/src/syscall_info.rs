//! `struct ptrace_syscall_info`.
//!
//! Reference: ptrace(2), `PTRACE_GET_SYSCALL_INFO`.

/// `PTRACE_SYSCALL_INFO_*`: which kind of syscall stop.
pub(crate) const OP_ENTRY: u8 = 1;
pub(crate) const OP_EXIT: u8 = 2;
pub(crate) const OP_SECCOMP: u8 = 3;

/// `struct ptrace_syscall_info`; `words` is its union: (nr, args), (rval, `is_error`) or
/// (nr, args, `ret_data`).
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct SyscallInfo {
    pub(crate) op: u8,
    pub(crate) reserved: u8,
    pub(crate) flags: u16,
    pub(crate) arch: u32,
    pub(crate) ip: u64,
    pub(crate) sp: u64,
    pub(crate) words: [u64; 8],
}

impl SyscallInfo {
    /// As it lies in memory.
    pub(crate) fn to_bytes(self) -> [u8; 88] {
        let mut bytes = [0; 88];
        (bytes[0], bytes[1]) = (self.op, self.reserved);
        bytes[2..4].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.arch.to_ne_bytes());
        let words = [self.ip, self.sp].into_iter().chain(self.words);
        for (place, word) in bytes[8..].chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }
}

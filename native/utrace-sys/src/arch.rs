//! Where one architecture keeps syscalls in its general registers.
//!
//! Reference: `arch/x86/include/asm/user_64.h` and `user_32.h` (`struct user_regs_struct`).

/// `NT_PRSTATUS`: the general registers.
pub(crate) const NT_PRSTATUS: u32 = 1;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use core::ops::Range;

    use crate::options::Place;

    const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
    const AUDIT_ARCH_I386: u32 = 0x4000_0003;
    const CS_OF_32_BIT_CODE: u64 = 0x23;
    /// Whether registers tell which call a task is leaving.
    pub(crate) const TELLS_CALLS: bool = true;
    const X32: i32 = 0x4000_0000;
    /// execve and execveat, by the numbers of x86-64, x32 and i386.
    const EXECS: [i32; 6] = [59, 322, X32 + 520, X32 + 545, 11, 358];

    /// Larger than `struct user_regs_struct`: the kernel tells how much it filled.
    pub(crate) const REGSET_BYTES: usize = 27 * 8;
    /// `offsetof(struct user, u_debugreg)`.
    pub(crate) const DEBUG_REGISTERS: usize = 848;

    /// Word size and indexes of (accumulator, program counter, code segment, original accumulator,
    /// syscall arguments).
    struct Layout {
        word: usize,
        accumulator: usize,
        counter: usize,
        stack: usize,
        segment: usize,
        original: usize,
        arguments: [usize; 6],
    }

    const LONG: Layout = Layout {
        word: 8,
        accumulator: 10,
        counter: 16,
        stack: 19,
        segment: 17,
        original: 15,
        arguments: [14, 13, 12, 7, 9, 8],
    };
    const COMPAT: Layout = Layout {
        word: 4,
        accumulator: 6,
        counter: 12,
        stack: 15,
        segment: 13,
        original: 11,
        arguments: [0, 1, 2, 3, 4, 5],
    };
    const COMPAT_BYTES: usize = 68;

    /// A general register set as the kernel gave it: its length tells the layout.
    pub(crate) struct Registers<'a>(pub(crate) &'a mut [u8]);

    impl Registers<'_> {
        fn layout(&self) -> &'static Layout {
            if self.0.len() == COMPAT_BYTES {
                &COMPAT
            } else {
                &LONG
            }
        }

        fn place(&self, index: usize) -> Range<usize> {
            let word = self.layout().word;
            index * word..(index + 1) * word
        }

        fn get(&self, index: usize) -> u64 {
            let mut word = [0; 8];
            let place = self.place(index);
            word[..place.len()].copy_from_slice(&self.0[place]);
            u64::from_le_bytes(word)
        }

        fn set(&mut self, index: usize, value: u64) {
            let place = self.place(index);
            let bytes = value.to_le_bytes();
            self.0[place.clone()].copy_from_slice(&bytes[..place.len()]);
        }

        fn signed(&self, index: usize) -> i64 {
            let value = self.get(index);
            if self.layout().word == 4 {
                i64::from(value as i32)
            } else {
                value as i64
            }
        }

        /// (audit arch, number) of the syscall that has just failed with EINTR.
        pub(crate) fn interrupted_syscall(&self) -> Option<(u32, i32)> {
            let layout = self.layout();
            let nr = self.signed(layout.original) as i32;
            let failed = self.signed(layout.accumulator) == -i64::from(libc::EINTR);
            let arch = if self.get(layout.segment) == CS_OF_32_BIT_CODE {
                AUDIT_ARCH_I386
            } else {
                AUDIT_ARCH_X86_64
            };
            (nr >= 0 && failed).then_some((arch, nr))
        }

        /// Where the task is on its way out of the kernel.
        ///
        /// A new program finds all registers at 0, and the number of the call that was made by its predecessor.
        pub(crate) fn place_in_call(&self) -> Place {
            let layout = self.layout();
            let nr = self.signed(layout.original) as i32;
            let result = self.signed(layout.accumulator);
            let is_new = || {
                layout.arguments[..3]
                    .iter()
                    .all(|&index| self.get(index) == 0)
            };
            Place {
                at: (self.get(layout.counter), self.get(layout.stack)),
                runs_anew: EXECS.contains(&nr) && result == 0 && is_new(),
                result,
            }
        }

        /// Make the syscall just done be made again.
        pub(crate) fn rewind(&mut self) {
            let layout = self.layout();
            // `syscall`, `sysenter` and `int 0x80` are two bytes each.
            self.set(layout.counter, self.get(layout.counter).wrapping_sub(2));
            self.set(layout.accumulator, self.get(layout.original));
        }

        pub(crate) fn set_syscall(&mut self, nr: i32, args: Option<[u64; 6]>) {
            let layout = self.layout();
            self.set(layout.original, i64::from(nr) as u64);
            if let Some(args) = args {
                for (index, value) in layout.arguments.into_iter().zip(args) {
                    self.set(index, value);
                }
            }
        }

        pub(crate) fn set_result(&mut self, value: i64) {
            self.set(self.layout().accumulator, value as u64);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn rewind_long_restores_number_and_counter() {
            let mut bytes = [0_u8; REGSET_BYTES];
            let mut regs = Registers(&mut bytes);
            regs.set(LONG.accumulator, (-4_i64) as u64);
            regs.set(LONG.original, 232);
            regs.set(LONG.counter, 0x1002);
            regs.set(LONG.segment, 0x33);
            assert_eq!(regs.interrupted_syscall(), Some((AUDIT_ARCH_X86_64, 232)));
            regs.rewind();
            assert_eq!(
                (regs.get(LONG.counter), regs.get(LONG.accumulator)),
                (0x1000, 232)
            );
            assert_eq!(regs.interrupted_syscall(), None);
        }

        #[test]
        fn a_new_program_shows_by_the_call_that_it_came_from_and_clean_registers() {
            let mut bytes = [0_u8; REGSET_BYTES];
            let mut regs = Registers(&mut bytes);
            for (nr, result, argument, runs_anew) in [
                (59_i64, 0_i64, 0, true),
                (11, 0, 0, true),
                (59, -2, 0, false),
                (11, 0, 0x7000, false),
                (-1, 0, 0, false),
            ] {
                regs.set(LONG.original, nr as u64);
                regs.set(LONG.accumulator, result as u64);
                regs.set(LONG.arguments[0], argument);
                regs.set(LONG.counter, 0x1000);
                regs.set(LONG.stack, 0x2000);
                let place = Place {
                    at: (0x1000, 0x2000),
                    runs_anew,
                    result,
                };
                assert_eq!(regs.place_in_call(), place);
            }
        }

        #[test]
        fn compat_regset_has_words_of_four_bytes() {
            let mut bytes = [0_u8; COMPAT_BYTES];
            let mut regs = Registers(&mut bytes);
            regs.set(COMPAT.accumulator, (-4_i64) as u64);
            regs.set(COMPAT.original, 7);
            regs.set(COMPAT.segment, CS_OF_32_BIT_CODE);
            assert_eq!(regs.interrupted_syscall(), Some((AUDIT_ARCH_I386, 7)));
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{DEBUG_REGISTERS, REGSET_BYTES, Registers, TELLS_CALLS};

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use crate::options::Place;

    /// `struct user_pt_regs`.
    pub(crate) const REGSET_BYTES: usize = 34 * 8;
    /// A new program's registers are all 0, that of the call's number among them.
    pub(crate) const TELLS_CALLS: bool = false;

    /// A general register set as the kernel gave it.
    pub(crate) struct Registers<'a>(pub(crate) &'a mut [u8]);

    impl Registers<'_> {
        fn set(&mut self, index: usize, value: u64) {
            self.0[index * 8..][..8].copy_from_slice(&value.to_le_bytes());
        }

        /// Never: the first argument is lost once x0 holds the result.
        pub(crate) fn interrupted_syscall(&self) -> Option<(u32, i32)> {
            None
        }

        pub(crate) fn place_in_call(&self) -> Place {
            Place::default()
        }

        pub(crate) fn rewind(&mut self) {}

        /// The number itself is in another register set, `NT_ARM_SYSTEM_CALL`.
        pub(crate) fn set_syscall(&mut self, nr: i32, args: Option<[u64; 6]>) {
            self.set(8, i64::from(nr) as u64);
            for (index, value) in args.into_iter().flatten().enumerate() {
                self.set(index, value);
            }
        }

        pub(crate) fn set_result(&mut self, value: i64) {
            self.set(0, value as u64);
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{REGSET_BYTES, Registers, TELLS_CALLS};

/// A syscall argument as wide as its ABI has it; a wider one would be refused.
pub(crate) fn clip(arch: u32, value: u64) -> u64 {
    const IS_64_BIT: u32 = 0x8000_0000;
    if arch & IS_64_BIT == 0 {
        value & 0xffff_ffff
    } else {
        value
    }
}

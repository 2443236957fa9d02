//! What `serving` does with single facts, and with a model of the kernel, its owner and its clients.

use super::*;
use crate::fact::OUR_DATA;
use crate::raw;

#[path = "serving_model.rs"]
mod model;
#[path = "serving_world.rs"]
mod world;
use model::Machine;

const S: Tid = 1 << 24;
const T: Tid = S + 1;
const U: Tid = S + 2;

fn serving() -> Serving {
    let mut serving = Serving::default();
    serving.begin(Offer {
        tracer: S,
        tracees: vec![T, U],
        is_childless: true,
        reserved: vec![(AUDIT_X86_64, CALL_WAIT4)],
    });
    serving
}

fn entry(tid: Tid, kind: FactKind, nr: i64, args: [u64; 6]) -> Fact {
    let ret_data = (kind == FactKind::Seccomp).then_some(OUR_DATA);
    let detail = Detail::Entry {
        arch: AUDIT_X86_64,
        ip: 7,
        sp: 9,
        args,
        ret_data,
    };
    Fact {
        detail,
        ..Fact::new(tid, kind, nr)
    }
}

fn settled(serving: &mut Serving, fact: &Fact) -> bool {
    matches!(
        serving.take(fact, &mut Machine::new()),
        Ok(Course::Settled(_))
    )
}

#[test]
fn stops_and_calls_that_wait_here_are_handed_back_as_they_came() {
    let mut serving = serving();
    let stop = entry(T, FactKind::SyscallEntry, 39, [0; 6]);
    assert!(settled(&mut serving, &stop));
    assert_eq!(serving.hand_back(), vec![stop]);
    assert!(!serving.is_on());
}

#[test]
fn a_reserved_call_a_second_stop_and_a_stranger_are_the_owners() {
    let mut serving = serving();
    let wait = entry(T, FactKind::SyscallEntry, CALL_WAIT4, [0; 6]);
    assert!(!settled(&mut serving, &wait));
    let stop = entry(U, FactKind::SyscallEntry, 39, [0; 6]);
    assert!(settled(&mut serving, &stop));
    assert!(!settled(&mut serving, &Fact::new(U, FactKind::Exit, 9)));
    assert!(!settled(&mut serving, &Fact::new(5, FactKind::Exec, 5)));
    assert_eq!(serving.hand_back(), vec![stop]);
}

#[test]
fn calls_whose_answer_needs_more_than_a_stop_are_the_owners() {
    let cont = [7, T as u64, 0, 0, 0, 0];
    let with_signal = [REQUEST_SYSCALL, T as u64, 0, 15, 0, 0];
    let stopped_only = [u64::MAX, 0, libc::WUNTRACED as u64, 0, 0, 0];
    let with_usage = [u64::MAX, 0, 0, 8, 0, 0];
    let of_a_group = [(-5_i64) as u64, 0, 0, 0, 0, 0];
    let mut serving = serving();
    assert!(settled(
        &mut serving,
        &entry(T, FactKind::SyscallEntry, 39, [0; 6])
    ));
    for (nr, args) in [
        (CALL_PTRACE, cont),
        (CALL_PTRACE, with_signal),
        (CALL_WAIT4, stopped_only),
        (CALL_WAIT4, with_usage),
        (CALL_WAIT4, of_a_group),
        (62, cont),
    ] {
        assert!(!settled(
            &mut serving,
            &entry(S, FactKind::Seccomp, nr, args)
        ));
    }
    // Its own filter has a say: ENOSYS, or what its tracer makes of it.
    let mut theirs = entry(S, FactKind::Seccomp, CALL_PTRACE, cont);
    if let Detail::Entry { ret_data, .. } = &mut theirs.detail {
        *ret_data = Some(0);
    }
    assert!(!settled(&mut serving, &theirs));
}

#[test]
fn a_stop_that_nobody_fetches_is_over_at_the_second_tick() {
    let mut serving = serving();
    assert!(!serving.tick());
    let stop = entry(T, FactKind::SyscallEntry, 39, [0; 6]);
    assert!(settled(&mut serving, &stop));
    assert!(!serving.tick());
    assert!(serving.tick());
}

#[test]
fn syscall_info_of_an_entry_and_of_an_exit_have_the_kernels_sizes() {
    let (info, size) = syscall_info(&entry(T, FactKind::SyscallEntry, -1, [1, 2, 3, 4, 5, 6]));
    assert_eq!((info[0], size), (raw::OP_ENTRY, 80));
    assert_eq!(info[24..32], u64::MAX.to_ne_bytes());
    assert_eq!(info[72..80], 6_u64.to_ne_bytes());
    let detail = Detail::Exit {
        arch: AUDIT_X86_64,
        ip: 7,
        sp: 9,
        is_error: true,
    };
    let exit = Fact {
        detail,
        ..Fact::new(T, FactKind::SyscallExit, -2)
    };
    let (info, size) = syscall_info(&exit);
    assert_eq!((info[0], info[32], size), (raw::OP_EXIT, 1, 33));
    assert_eq!(info[24..32], (-2_i64).to_ne_bytes());
}

//! What `plain` does with single facts, and with lives.

use super::*;
use crate::fact::OUR_DATA;

const ARCH: u32 = 0xC000_003E;
const WAIT: i64 = 61;
const CLONE3: i64 = 435;
const OPEN: i64 = 2;
const SHELL: Tid = 10;
const CHILD: Tid = 11;
const GRANDCHILD: Tid = 12;

/// What the kernel says.
#[derive(Default)]
struct Model {
    is_broken: bool,
    flags: u64,
    path: &'static [u8],
    zombies: Vec<Tid>,
    threads: Vec<Tid>,
}

impl Kernel for Model {
    fn may_be_broken(&self, _tid: Tid) -> bool {
        self.is_broken
    }

    fn clone_flags(&self, _tid: Tid, _at: u64) -> Option<u64> {
        Some(self.flags)
    }

    fn path(&self, _tid: Tid, at: u64) -> Vec<u8> {
        if at == 0 {
            self.path.to_vec()
        } else {
            b"?".to_vec()
        }
    }

    fn is_gone(&self, tid: Tid) -> bool {
        !self.zombies.contains(&tid)
    }

    fn is_process(&self, child: Tid) -> bool {
        !self.threads.contains(&child)
    }
}

/// A session of one shell, which runs on plainly.
fn plain() -> Plain {
    let mut plain = Plain::default();
    plain.set_calls(HashMap::from([
        ((ARCH, WAIT), CallKind::Wait),
        ((ARCH, CLONE3), CallKind::Birth),
        ((ARCH, OPEN), CallKind::Open(0)),
    ]));
    plain.resumed(SHELL, true);
    plain
}

fn call(tid: Tid, nr: i64) -> Fact {
    let detail = Detail::Entry {
        arch: ARCH,
        ip: 0,
        sp: 0,
        args: [0, 1, 0, 0, 0, 0],
        ret_data: Some(OUR_DATA),
    };
    Fact {
        detail,
        ..Fact::new(tid, FactKind::Seccomp, nr)
    }
}

fn birth(parent: Tid, child: Tid) -> Fact {
    Fact::new(parent, FactKind::Fork, i64::from(child))
}

fn first_stop(tid: Tid) -> Fact {
    Fact::new(tid, FactKind::Trap, 0)
}

fn bell() -> Fact {
    Fact::new(0, FactKind::Bell, 0)
}

fn life(parent: Tid, tid: Tid) -> Vec<Fact> {
    vec![
        birth(parent, tid),
        first_stop(tid),
        Fact::new(tid, FactKind::Exec, i64::from(tid)),
        Fact::new(tid, FactKind::Exit, 0),
        Fact::new(tid, FactKind::Death, 0),
    ]
}

fn take_all(plain: &mut Plain, kernel: &Model, facts: &[Fact]) -> bool {
    facts
        .iter()
        .all(|fact| plain.take(fact, kernel) != Course::Owners)
}

/// What is told late, as (tid, kind).
fn told(plain: &mut Plain, kernel: &Model) -> Vec<(Tid, FactKind)> {
    assert_eq!(plain.take(&bell(), kernel), Course::Owners);
    plain
        .tell(&bell(), kernel)
        .iter()
        .map(|fact| match fact.detail {
            Detail::Kind(kind) => (fact.tid, kind),
            _ => (fact.tid, fact.kind),
        })
        .collect()
}

fn kinds(facts: &[Fact]) -> Vec<(Tid, FactKind)> {
    facts.iter().map(|fact| (fact.tid, fact.kind)).collect()
}

#[test]
fn a_whole_life_is_not_told() {
    let (mut plain, kernel) = (plain(), Model::default());
    for nth in 0..100 {
        assert!(take_all(&mut plain, &kernel, &life(SHELL, CHILD + nth)));
        assert!(take_all(&mut plain, &kernel, &[call(SHELL, WAIT)]));
    }
    assert!(plain.log.len() < 2 * FEW);
    assert_eq!(told(&mut plain, &kernel), []);
}

#[test]
fn who_has_not_been_waited_for_is_told_in_order() {
    let mut plain = plain();
    let kernel = Model {
        zombies: vec![CHILD],
        ..Model::default()
    };
    let facts = life(SHELL, CHILD);
    assert!(take_all(&mut plain, &kernel, &facts));
    assert!(take_all(&mut plain, &kernel, &life(SHELL, GRANDCHILD)));
    assert_eq!(told(&mut plain, &kernel), kinds(&facts));
    assert_eq!(told(&mut plain, &kernel), []);
}

#[test]
fn the_parent_of_one_that_lives_is_told_of() {
    let (mut plain, kernel) = (plain(), Model::default());
    let [born, first, exec, exit, death] = life(SHELL, CHILD)[..] else {
        unreachable!()
    };
    let facts = [born, first, exec, birth(CHILD, GRANDCHILD), exit, death];
    assert!(take_all(&mut plain, &kernel, &facts));
    assert_eq!(told(&mut plain, &kernel), kinds(&facts));
}

#[test]
fn a_whole_family_is_left_out_from_the_youngest() {
    let (mut plain, kernel) = (plain(), Model::default());
    let [born, first, exec, exit, death] = life(SHELL, CHILD)[..] else {
        unreachable!()
    };
    assert!(take_all(&mut plain, &kernel, &[born, first, exec]));
    assert!(take_all(&mut plain, &kernel, &life(CHILD, GRANDCHILD)));
    assert!(take_all(&mut plain, &kernel, &[exit, death]));
    assert_eq!(told(&mut plain, &kernel), []);
}

#[test]
fn a_first_stop_waits_for_its_birth() {
    let (mut plain, kernel) = (plain(), Model::default());
    assert_eq!(plain.take(&first_stop(CHILD), &kernel), Course::Kept);
    let course = plain.take(&birth(SHELL, CHILD), &kernel);
    let child = Some(CHILD);
    assert_eq!(course, Course::PassedOn { signo: 0, child });
    let facts = [birth(SHELL, CHILD), first_stop(CHILD)];
    assert_eq!(told(&mut plain, &kernel), kinds(&facts));
}

#[test]
fn a_first_stop_that_was_told_makes_its_birth_the_owners() {
    let (mut plain, kernel) = (plain(), Model::default());
    assert_eq!(plain.take(&first_stop(CHILD), &kernel), Course::Kept);
    assert_eq!(told(&mut plain, &kernel), [(CHILD, FactKind::Trap)]);
    assert_eq!(
        plain.take(&first_stop(CHILD), &kernel),
        Course::Owners,
        "as it is told"
    );
    assert_eq!(plain.take(&birth(SHELL, CHILD), &kernel), Course::Owners);
}

#[test]
fn what_is_no_plain_stop_is_told_and_so_is_what_follows() {
    let kernel = Model::default();
    let others = [
        Fact::new(SHELL, FactKind::Exec, 9),
        Fact::new(SHELL, FactKind::Exit, 9),
        Fact::new(SHELL, FactKind::Clone, 11),
        Fact::new(SHELL, FactKind::GroupStop, 19),
        Fact::new(SHELL, FactKind::Trap, 0),
        Fact::new(SHELL, FactKind::Death, 0),
        call(SHELL, 101),
    ];
    for fact in others {
        let mut plain = plain();
        assert_eq!(plain.take(&fact, &kernel), Course::Owners, "{fact:?}");
        plain.tell(&fact, &kernel);
        assert_eq!(plain.take(&call(SHELL, WAIT), &kernel), Course::Owners);
    }
}

#[test]
fn a_thread_born_by_a_vfork_is_told() {
    let kernel = Model {
        threads: vec![CHILD],
        ..Model::default()
    };
    let vfork = Fact::new(SHELL, FactKind::Vfork, i64::from(CHILD));
    assert_eq!(plain().take(&vfork, &kernel), Course::Owners);
}

#[test]
fn a_signal_that_may_have_broken_a_call_is_told() {
    let signal = Fact::new(SHELL, FactKind::Signal, 17);
    let mut kernel = Model::default();
    let passed = Course::PassedOn {
        signo: 17,
        child: None,
    };
    assert_eq!(plain().take(&signal, &kernel), passed);
    kernel.is_broken = true;
    assert_eq!(plain().take(&signal, &kernel), Course::Owners);
}

#[test]
fn calls_are_passed_on_by_what_they_ask() {
    let mut kernel = Model {
        path: b"/etc/passwd",
        ..Model::default()
    };
    assert_eq!(plain().take(&call(SHELL, CLONE3), &kernel), go_on(0));
    assert_eq!(plain().take(&call(SHELL, OPEN), &kernel), go_on(0));
    kernel.flags = CLONE_UNTRACED;
    kernel.path = b"status";
    assert_eq!(plain().take(&call(SHELL, CLONE3), &kernel), Course::Owners);
    assert_eq!(plain().take(&call(SHELL, OPEN), &kernel), Course::Owners);
    let mut others = call(SHELL, WAIT);
    if let Detail::Entry { ret_data, .. } = &mut others.detail {
        *ret_data = Some(1);
    }
    assert_eq!(plain().take(&others, &kernel), Course::Owners);
}

#[test]
fn who_may_be_in_a_wait_is_known_at_the_end() {
    let (mut plain, kernel) = (plain(), Model::default());
    assert!(take_all(&mut plain, &kernel, &life(SHELL, CHILD)[..3]));
    let waits = [call(SHELL, WAIT), call(CHILD, WAIT)];
    assert!(take_all(&mut plain, &kernel, &waits));
    assert!(take_all(
        &mut plain,
        &kernel,
        &[Fact::new(CHILD, FactKind::Signal, 17)]
    ));
    assert_eq!(plain.end(), [SHELL]);
    assert_eq!(plain.take(&waits[0], &kernel), Course::Owners);
}

#[test]
fn a_task_that_is_interrupted_is_the_owners() {
    let (mut plain, kernel) = (plain(), Model::default());
    plain.interrupted(SHELL);
    assert_eq!(plain.take(&call(SHELL, WAIT), &kernel), Course::Owners);
}

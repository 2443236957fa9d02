//! What `lives` passes on.

use super::*;
use crate::fact::Usage;
use crate::state::LEAN;

const SHELL: Tid = 10;
const CHILD: Tid = 11;
const SINK: usize = 2;
const ALL: u32 = CLONE | EXEC | EXIT | SIGNAL;
const CONT: c_int = raw::PTRACE_CONT;

/// What the kernel says.
#[derive(Default)]
struct Model {
    is_broken: bool,
    is_thread: bool,
    has_threads: bool,
}

impl Kernel for Model {
    fn may_be_broken(&self, _tid: Tid) -> bool {
        self.is_broken
    }

    fn is_thread_of(&self, _tid: Tid, _process: Tid) -> bool {
        self.is_thread
    }

    fn is_alone(&self, _tgid: Tid) -> bool {
        !self.has_threads
    }

    fn name(&self, _tid: Tid) -> [u8; 16] {
        *b"true\0\0\0\0\0\0\0\0\0\0\0\0"
    }
}

/// A shell that is recorded, of whose life this is passed on.
struct Rig {
    lives: Lives,
    tasks: HashMap<Tid, Task>,
    kernel: Model,
}

fn rig(passes: u32) -> Rig {
    let mut lives = Lives::default();
    lives.know(SHELL);
    let task = Task {
        sink: SINK,
        run: CONT,
        lean: 0,
        call: Call::None,
        life: lives.begin(SHELL, passes),
    };
    Rig {
        lives,
        tasks: HashMap::from([(SHELL, task)]),
        kernel: Model::default(),
    }
}

fn lean_rig() -> Rig {
    let mut rig = rig(ALL);
    if let Some(task) = rig.tasks.get_mut(&SHELL) {
        task.lean = LEAN;
    }
    rig
}

impl Rig {
    /// Who goes on, and what is noted; `None`: it is told.
    #[allow(clippy::type_complexity, reason = "what is compared")]
    fn take(&mut self, fact: Fact) -> Option<(Vec<Going>, Option<Fact>)> {
        let taken = self.lives.take(&fact, &mut self.tasks, &self.kernel);
        if taken.is_none() {
            self.lives.told(&fact);
        }
        taken.map(|taken| {
            let noted = taken.noted.map(|(sink, fact)| {
                assert_eq!(sink, SINK);
                fact
            });
            (taken.going.into_iter().flatten().collect(), noted)
        })
    }
}

fn birth(kind: FactKind) -> Fact {
    Fact::new(SHELL, kind, i64::from(CHILD))
}

fn first_stop() -> Fact {
    Fact::new(CHILD, FactKind::Trap, 0)
}

fn exit(tid: Tid, status: i64) -> Fact {
    Fact::new(tid, FactKind::Exit, status)
}

fn in_process(fact: Fact, process: Tid) -> Fact {
    let detail = Detail::Process(process);
    Fact { detail, ..fact }
}

#[test]
fn a_birth_is_passed_on_in_either_order_and_the_child_is_recorded() {
    let fork = birth(FactKind::Fork);
    let noted = Some(in_process(fork, CHILD));
    let mut parent_first = rig(ALL);
    let gone_on = vec![(SHELL, CONT, 0)];
    assert_eq!(parent_first.take(fork), Some((gone_on, noted)));
    let gone_on = vec![(CHILD, CONT, 0)];
    assert_eq!(parent_first.take(first_stop()), Some((gone_on, None)));
    let mut child_first = rig(ALL);
    assert_eq!(child_first.take(first_stop()), Some((vec![], None)));
    let gone_on = vec![(CHILD, CONT, 0), (SHELL, CONT, 0)];
    assert_eq!(child_first.take(fork), Some((gone_on, noted)));
    for rig in [parent_first, child_first] {
        assert!(rig.tasks[&CHILD].life.stage == Stage::Runs);
        assert_eq!(rig.tasks[&CHILD].sink, SINK);
    }
}

#[test]
fn a_thread_belongs_to_the_process_of_its_parent() {
    let mut rig = rig(ALL);
    rig.kernel.is_thread = true;
    let clone = birth(FactKind::Clone);
    let noted = rig.take(clone).and_then(|(_, noted)| noted);
    assert_eq!(noted, Some(in_process(clone, SHELL)));
}

#[test]
fn a_first_stop_that_was_told_has_its_birth_told() {
    let mut rig = rig(ALL);
    assert!(rig.take(first_stop()).is_some());
    assert_eq!(rig.lives.early(), [first_stop()]);
    assert_eq!(rig.take(birth(FactKind::Fork)), None);
}

#[test]
fn what_is_not_to_be_passed_on_is_told() {
    let mut rig = rig(0);
    assert_eq!(rig.take(first_stop()), None);
    for kind in [FactKind::Fork, FactKind::VforkDone] {
        assert_eq!(rig.take(birth(kind)), None);
    }
    let exec = Fact::new(SHELL, FactKind::Exec, i64::from(SHELL));
    assert_eq!(rig.take(exec), None);
    assert_eq!(rig.take(exit(SHELL, 0)), None);
    assert_eq!(rig.take(Fact::new(SHELL, FactKind::Signal, 17)), None);
}

#[test]
fn nothing_more_is_passed_on_when_it_is_over_but_what_was_begun() {
    let mut rig = rig(ALL);
    assert!(rig.take(birth(FactKind::Fork)).is_some());
    rig.lives.end();
    assert!(rig.take(first_stop()).is_some());
    assert_eq!(rig.take(exit(CHILD, 0)), None);
    let other = Fact::new(SHELL, FactKind::Fork, 12);
    assert_eq!(rig.take(other), None);
}

#[test]
fn nothing_is_passed_on_while_it_is_held() {
    let mut rig = rig(ALL);
    rig.lives.hold(true);
    rig.lives.hold(true);
    rig.lives.hold(false);
    assert_eq!(rig.take(birth(FactKind::Fork)), None);
    rig.lives.hold(false);
    let other = Fact::new(SHELL, FactKind::Fork, 12);
    assert!(rig.take(other).is_some());
}

#[test]
fn an_end_by_itself_is_passed_on_with_its_usage() {
    let mut rig = rig(ALL);
    let status = 3 << 8;
    let gone_on = vec![(SHELL, CONT, 0)];
    let noted = Some(exit(SHELL, status));
    assert_eq!(rig.take(exit(SHELL, status)), Some((gone_on, noted)));
    let usage: Usage = [7; size_of::<Usage>()];
    let death = Fact {
        detail: Detail::Usage(usage),
        ..Fact::new(SHELL, FactKind::Death, status)
    };
    assert_eq!(rig.take(death), Some((vec![], Some(death))));
    assert!(rig.tasks.is_empty());
}

#[test]
fn an_end_that_a_kill_or_threads_have_a_part_in_is_told() {
    let killed = rig(ALL).take(exit(SHELL, 9));
    let swallowed = rig(ALL).take(Fact::new(SHELL, FactKind::Death, 9));
    let mut leader = rig(ALL);
    leader.kernel.has_threads = true;
    assert_eq!(
        [killed, swallowed, leader.take(exit(SHELL, 0))],
        [const { None }; 3]
    );
}

#[test]
fn a_program_is_passed_on_by_name_unless_a_thread_takes_its_leaders_place() {
    let mut rig = rig(ALL);
    let exec = Fact::new(SHELL, FactKind::Exec, i64::from(SHELL));
    let noted = rig.take(exec).and_then(|(_, noted)| noted);
    let name = Detail::Name(*b"true\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(noted.map(|fact| fact.detail), Some(name));
    assert_eq!(rig.take(Fact::new(SHELL, FactKind::Exec, 12)), None);
}

#[test]
fn a_signal_is_passed_on_unless_it_may_have_broken_a_call_or_controls_jobs() {
    let mut rig = rig(ALL);
    let of = |signo| Fact::new(SHELL, FactKind::Signal, signo);
    let gone_on = vec![(SHELL, CONT, 17)];
    assert_eq!(rig.take(of(17)), Some((gone_on, Some(of(17)))));
    for signo in [5, 9, 11, 18, 19, 20, 21, 22] {
        assert_eq!(rig.take(of(signo)), None);
    }
    rig.kernel.is_broken = true;
    assert_eq!(rig.take(of(17)), None);
}

#[test]
fn who_runs_lean_ends_without_an_exit_stop_unless_killed() {
    let death = Fact::new(SHELL, FactKind::Death, 3 << 8);
    let mut rig = lean_rig();
    assert!(rig.take(birth(FactKind::Vfork)).is_some());
    assert_eq!(rig.tasks[&CHILD].lean, LEAN);
    assert_eq!(rig.take(Fact::new(CHILD, FactKind::Death, 9)), None);
    assert_eq!(rig.take(death), Some((vec![], Some(death))));
}

#[test]
fn a_process_with_threads_does_not_run_lean() {
    let mut rig = lean_rig();
    rig.kernel.is_thread = true;
    assert!(rig.take(birth(FactKind::Clone)).is_some());
    assert_eq!([rig.tasks[&SHELL].lean, rig.tasks[&CHILD].lean], [0, 0]);
}

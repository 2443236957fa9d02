//! What stops a tracee that runs lean, and what is told of it afterwards.

use std::cell::RefCell;

use super::*;

const ALL: usize = 0x10_00ff;
const SPARED: usize = ENDS | EXEC;
const LEAN: usize = ALL & !SPARED;
const SHELL: Tid = 10;
const CHILD: Tid = 11;

/// A kernel that notes what options are set, and whose tasks are all in this place.
#[derive(Default)]
struct Model {
    set: RefCell<Vec<(Tid, usize)>>,
    place: Option<Place>,
}

impl Kernel for Model {
    fn set_options(&self, tid: Tid, options: usize) -> Result<bool, Errno> {
        self.set.borrow_mut().push((tid, options));
        Ok(self.place.is_some())
    }

    fn place(&self, _tid: Tid) -> Result<Option<Place>, Errno> {
        Ok(self.place)
    }
}

/// The options of one shell, which runs lean.
struct Rig {
    options: Options,
    kernel: Model,
}

fn rig() -> Rig {
    let mut options = Options::default();
    let kernel = Model {
        place: Some(Place::default()),
        ..Model::default()
    };
    options.launched(ALL);
    let resumed = options.resumed(SHELL, SPARED, &kernel);
    assert_eq!((resumed, kernel.set.take()), (Ok(()), vec![(SHELL, LEAN)]));
    Rig { options, kernel }
}

impl Rig {
    /// A stop is told; as what, and what options were set before.
    fn told(&mut self, tid: Tid, kind: FactKind, value: i64) -> (FactKind, i64, Vec<(Tid, usize)>) {
        let mut fact = Fact::new(tid, kind, value);
        self.options.note(&fact);
        assert_eq!(self.options.before_told(&mut fact, &self.kernel), Ok(()));
        (fact.kind, fact.value, self.kernel.set.take())
    }

    fn resumed(&mut self, tid: Tid, lean: bool) -> Vec<(Tid, usize)> {
        let spared = if lean { SPARED } else { 0 };
        assert_eq!(self.options.resumed(tid, spared, &self.kernel), Ok(()));
        self.kernel.set.take()
    }

    fn is_in(&mut self, place: Place) {
        self.kernel.place = Some(place);
    }
}

fn anew(counter: u64) -> Place {
    Place {
        at: (counter, 0),
        runs_anew: true,
        result: 0,
    }
}

#[test]
fn all_options_are_on_when_a_stop_is_told_and_off_when_it_is_over() {
    let mut rig = rig();
    let told = rig.told(SHELL, FactKind::Signal, 17);
    assert_eq!(told, (FactKind::Signal, 17, vec![(SHELL, ALL)]));
    assert_eq!(rig.resumed(SHELL, false), []);
    assert_eq!(rig.told(SHELL, FactKind::Signal, 17).2, []);
    assert_eq!(rig.resumed(SHELL, true), [(SHELL, LEAN)]);
    assert_eq!(rig.resumed(SHELL, true), []);
}

#[test]
fn a_child_is_as_its_parent_until_it_is_told_of() {
    let mut rig = rig();
    assert_eq!(
        rig.told(SHELL, FactKind::Fork, i64::from(CHILD)).2,
        [(SHELL, ALL)]
    );
    assert!(rig.options.is_lean(CHILD));
    assert_eq!(rig.told(CHILD, FactKind::Trap, 0).2, [(CHILD, ALL)]);
    assert_eq!(rig.told(SHELL, FactKind::Clone, 12).2, []);
    assert!(!rig.options.is_lean(12));
}

#[test]
fn who_is_resumed_otherwise_before_it_was_told_of_has_all_options() {
    let mut rig = rig();
    rig.told(SHELL, FactKind::Fork, i64::from(CHILD));
    assert_eq!(rig.resumed(CHILD, false), [(CHILD, ALL)]);
}

#[test]
fn a_first_stop_whose_birth_is_hidden_has_all_options() {
    let mut rig = rig();
    assert_eq!(rig.told(CHILD, FactKind::Trap, 0).2, [(CHILD, ALL)]);
    rig.options.seized();
    assert_eq!(rig.told(12, FactKind::Trap, 0).2, []);
}

#[test]
fn nobody_runs_lean_beside_tasks_with_other_options_or_unlaunched() {
    let mut mixed = rig();
    mixed.options.launched(ALL ^ 0x10_0000);
    mixed.told(SHELL, FactKind::Signal, 17);
    assert_eq!(mixed.resumed(SHELL, true), []);
    let kernel = Model::default();
    assert_eq!(Options::default().resumed(SHELL, SPARED, &kernel), Ok(()));
    assert_eq!(kernel.set.take(), []);
}

#[test]
fn an_interrupt_shows_the_program_that_was_executed_meanwhile() {
    for (is_interrupted, place, told) in [
        (true, anew(7), (FactKind::Exec, i64::from(SHELL))),
        (false, anew(7), (FactKind::Trap, 0)),
        (true, Place::default(), (FactKind::Trap, 0)),
    ] {
        let mut rig = rig();
        if is_interrupted {
            rig.options.interrupted(SHELL);
        }
        rig.is_in(place);
        let (kind, value, _) = rig.told(SHELL, FactKind::Trap, 0);
        assert_eq!((kind, value), told, "{is_interrupted} {place:?}");
    }
}

#[test]
fn an_interrupt_is_one_where_programs_are_told_as_ever() {
    let mut rig = rig();
    rig.resumed(SHELL, false);
    let resumed = rig.options.resumed(SHELL, ENDS, &rig.kernel);
    assert_eq!(
        (resumed, rig.kernel.set.take()),
        (Ok(()), vec![(SHELL, ALL & !ENDS)])
    );
    rig.options.interrupted(SHELL);
    rig.is_in(anew(7));
    assert_eq!(rig.told(SHELL, FactKind::Trap, 0).0, FactKind::Trap);
}

#[test]
fn a_program_that_was_told_of_is_not_told_again() {
    let mut rig = rig();
    rig.is_in(anew(7));
    rig.told(SHELL, FactKind::Exec, i64::from(SHELL));
    assert_eq!(rig.resumed(SHELL, true), [(SHELL, LEAN)]);
    rig.options.interrupted(SHELL);
    assert_eq!(rig.told(SHELL, FactKind::Trap, 0).0, FactKind::Trap);
    assert_eq!(rig.resumed(SHELL, true), [(SHELL, LEAN)]);
    rig.options.interrupted(SHELL);
    rig.is_in(anew(8));
    assert_eq!(rig.told(SHELL, FactKind::Trap, 0).0, FactKind::Exec);
}

#[test]
fn an_interrupt_shows_the_end_of_a_vfork() {
    let child = i64::from(CHILD);
    for (result, told) in [(child, FactKind::VforkDone), (-4, FactKind::Trap)] {
        let mut rig = rig();
        rig.options.note(&Fact::new(SHELL, FactKind::Vfork, child));
        rig.options.interrupted(SHELL);
        rig.is_in(Place {
            result,
            ..Place::default()
        });
        assert_eq!(rig.told(SHELL, FactKind::Trap, 0).0, told);
    }
}

#[test]
fn a_vfork_before_another_stop_is_over() {
    let mut rig = rig();
    let child = i64::from(CHILD);
    for fact in [
        Fact::new(SHELL, FactKind::Vfork, child),
        Fact::new(SHELL, FactKind::Signal, 17),
    ] {
        rig.options.note(&fact);
    }
    rig.options.interrupted(SHELL);
    rig.is_in(Place {
        result: child,
        ..Place::default()
    });
    assert_eq!(rig.told(SHELL, FactKind::Trap, 0).0, FactKind::Trap);
}

#[test]
fn the_dead_are_forgotten() {
    let mut rig = rig();
    rig.told(SHELL, FactKind::Death, 0);
    assert!(!rig.options.is_lean(SHELL));
    assert!(rig.options.tasks.is_empty());
}

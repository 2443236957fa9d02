//! The model's tracer, its owner, and the one thread that waits for all.
//!
//! Who moves next is drawn; what the tracer is told is compared with what is so.  Its owner does what
//! `utrace.ptrace_emu` does: it believes the facts, answers from what it believes, and offers again.

use std::collections::VecDeque;

use super::super::*;
use super::model::*;
use crate::fact::OUR_DATA;

/// What the owner believes of a tracee.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Belief {
    Runs,
    Stands { fact: Fact, waited: bool },
    Ended { waited: bool },
}

/// A call of the tracer: number and arguments.
type Call = (i64, [u64; 6]);

struct World {
    machine: Machine,
    serving: Serving,
    beliefs: [Belief; TRACEES],
    /// In the order in which the owner heard of them.
    heard: VecDeque<usize>,
    blocked: Option<[u64; 6]>,
    /// The tracer's call that has not returned.
    call: Option<Call>,
    /// By tracee: the last stop that the tracer was told of, and whether the tracee stands in it.
    told: [(u64, bool); TRACEES],
    told_ends: [bool; TRACEES],
    tells: [usize; TRACEES],
    served: usize,
    seed: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            machine: Machine::new(),
            serving: Serving::default(),
            beliefs: [Belief::Runs; TRACEES],
            heard: VecDeque::new(),
            blocked: None,
            call: None,
            told: [(0, false); TRACEES],
            told_ends: [false; TRACEES],
            tells: [0; TRACEES],
            served: 0,
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) as usize % below
    }

    // -- the tracees and the tracer --------------------------------------------------------------

    fn run_tracee(&mut self, nth: usize) {
        let task = &mut self.machine.tracees[nth];
        if task.place == Place::Running {
            task.place = Place::Stopped;
            task.stops += 1;
            let stop = stop_of(tid_of(nth), task.stops);
            self.machine.statuses.push_back(stop);
        }
    }

    fn run_tracer(&mut self) {
        if self.machine.tracer != Place::Running {
            return;
        }
        if let Some(call) = self.call.take() {
            // A wait that the kernel itself was left to answer finds no child.
            let result = self.machine.result.take().unwrap_or(0);
            self.returned(call, result);
        }
        let call = self.next_call();
        self.call = Some(call);
        self.enter(call);
    }

    fn enter(&mut self, (number, args): Call) {
        self.machine.tracer = Place::Stopped;
        let detail = Detail::Entry {
            arch: AUDIT_X86_64,
            ip: 0,
            sp: 0,
            args,
            ret_data: Some(OUR_DATA),
        };
        self.machine.statuses.push_back(Fact {
            detail,
            ..Fact::new(TRACER, FactKind::Seccomp, number)
        });
    }

    fn next_call(&mut self) -> Call {
        let nth = self.draw(TRACEES);
        let tid = tid_of(nth) as u64;
        if self.told[nth].1 && self.draw(4) != 0 {
            let request = [REQUEST_SYSCALL, GET_INFO][self.draw(2)];
            let (addr, data) = if request == GET_INFO {
                (88, INFO_AT)
            } else {
                (0, 0)
            };
            return (CALL_PTRACE, [request, tid, addr, data, 0, 0]);
        }
        let runs = |nth: usize| !self.told[nth].1 && !self.told_ends[nth];
        let (pid, may_block) = if runs(nth) && self.seed & 8 != 0 {
            (tid, true)
        } else {
            (u64::MAX, (0..TRACEES).any(runs))
        };
        let options = if may_block && self.draw(2) == 0 {
            0
        } else {
            libc::WNOHANG
        };
        let options = (options | libc::__WALL) as u32;
        (CALL_WAIT4, [pid, STATUS_AT, u64::from(options), 0, 0, 0])
    }

    /// What a call returned is what was so.
    fn returned(&mut self, (number, args): Call, result: i64) {
        let told = |nth: usize| (self.told[nth], self.machine.tracees[nth]);
        if number == CALL_PTRACE {
            let nth = (args[1] as Tid - TRACER - 1) as usize;
            let ((stop, _), task) = told(nth);
            if result == -i64::from(libc::ESRCH) {
                assert!(
                    task.place >= Place::Exiting,
                    "a stopped tracee is not found"
                );
                self.told[nth].1 = false;
            } else if args[0] == REQUEST_SYSCALL {
                assert_eq!(result, 0);
                self.told[nth].1 = false;
            } else {
                assert_eq!(result, if stop % 2 == 1 { 80 } else { 33 });
                assert_eq!(self.machine.info_ip, stop, "another stop's call");
            }
        } else if result == 0 {
            assert_ne!(
                args[2] as c_int & libc::WNOHANG,
                0,
                "a wait is told nothing"
            );
        } else {
            let nth = (result as Tid - TRACER - 1) as usize;
            assert!(args[0] == u64::MAX || args[0] == result as u64);
            self.tells[nth] += 1;
            if self.machine.status == KILLED {
                assert!(!self.told_ends[nth], "an end is told twice");
                (self.told_ends[nth], self.told[nth].1) = (true, false);
            } else {
                let ((before, stands), task) = told(nth);
                assert_eq!(self.machine.status, STATUS_SYSCALL_STOP);
                assert!(
                    !stands && task.stops == before + 1,
                    "a stop is told twice, or was lost"
                );
                self.told[nth] = (task.stops, true);
            }
        }
    }

    // -- the one thread that waits for them all --------------------------------------------------

    fn wait(&mut self) {
        let machine = &mut self.machine;
        let taken = machine.ready.pop_front();
        let Some(fact) = taken.or_else(|| machine.statuses.pop_front()) else {
            return;
        };
        if !self.serving.is_on() {
            self.own(fact);
            return;
        }
        if machine.has_moved_on(fact.tid) {
            self.hand_back(Some(fact));
            return;
        }
        match self.serving.take(&fact, machine) {
            Ok(Course::Settled(_)) => self.served += 1,
            Ok(Course::Owners) => self.hand_back(Some(fact)),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn hand_back(&mut self, told: Option<Fact>) {
        let facts: Vec<Fact> = self.serving.hand_back().into_iter().chain(told).collect();
        for fact in facts.into_iter().rev() {
            self.machine.ready.push_front(fact);
        }
    }

    fn tick(&mut self) {
        if self.serving.is_on() && self.serving.tick() {
            self.hand_back(None);
        }
    }

    fn take_all(&mut self) {
        if self.machine.ready.is_empty() {
            self.machine.ready = core::mem::take(&mut self.machine.statuses);
        }
    }

    // -- the owner -------------------------------------------------------------------------------

    fn own(&mut self, fact: Fact) {
        let Ok(nth) = usize::try_from(fact.tid - TRACER - 1) else {
            if fact.tid == TRACER {
                self.own_tracer(&fact);
            }
            return;
        };
        let belief = &mut self.beliefs[nth];
        match fact.kind {
            FactKind::InCall => assert_eq!(*belief, Belief::Runs),
            FactKind::Waited => match belief {
                Belief::Stands { waited, .. } if !*waited => *waited = true,
                _ => panic!("waited for what does not stand in an untold stop"),
            },
            FactKind::Exit => {
                *belief = Belief::Ended { waited: false };
                self.heard.retain(|&other| other != nth);
                self.heard.push_back(nth);
                self.resume(fact.tid);
            }
            _ => {
                assert_eq!(*belief, Belief::Runs, "it stops and did not run");
                *belief = Belief::Stands {
                    fact,
                    waited: false,
                };
                self.heard.push_back(nth);
            }
        }
        let is_waited = self
            .machine
            .ready
            .front()
            .is_some_and(|next| (next.tid, next.kind) == (fact.tid, FactKind::Waited));
        if let Some(args) = self.blocked
            && !is_waited
        {
            self.wait4(args);
        }
    }

    /// As `Tracer::resume`: one of which a newer status was taken is left to that.
    fn resume(&mut self, tid: Tid) {
        if !self.machine.has_moved_on(tid) {
            let resumed = self.machine.resume(tid, raw::PTRACE_CONT);
            assert_ne!(resumed, Err(Errno(libc::EIO)));
        }
    }

    fn own_tracer(&mut self, fact: &Fact) {
        let Detail::Entry { args, .. } = fact.detail else {
            // Killed: there is nobody to tell.
            self.blocked = None;
            return self.resume(TRACER);
        };
        if fact.value == CALL_WAIT4 {
            return self.wait4(args);
        }
        let nth = (args[1] as Tid - TRACER - 1) as usize;
        let Belief::Stands { fact: stop, .. } = self.beliefs[nth] else {
            return self.answer(-i64::from(libc::ESRCH));
        };
        if args[0] == GET_INFO {
            self.machine.info_ip = ip_of(&stop);
            return self.answer(if stop.kind == FactKind::SyscallEntry {
                80
            } else {
                33
            });
        }
        self.beliefs[nth] = Belief::Runs;
        self.heard.retain(|&other| other != nth);
        self.resume(stop.tid);
        self.answer(0);
        self.offer();
    }

    fn answer(&mut self, result: i64) {
        self.blocked = None;
        if !self.machine.has_moved_on(TRACER) {
            self.machine.result = Some(result);
            let resumed = self.machine.resume(TRACER, raw::PTRACE_CONT);
            assert_ne!(resumed, Err(Errno(libc::EIO)));
        }
    }

    fn wait4(&mut self, args: [u64; 6]) {
        let wanted = |&nth: &usize| args[0] == u64::MAX || args[0] == tid_of(nth) as u64;
        let found = self.heard.iter().copied().find(|nth| {
            wanted(nth)
                && matches!(
                    self.beliefs[*nth],
                    Belief::Stands { waited: false, .. } | Belief::Ended { waited: false }
                )
        });
        let Some(nth) = found else {
            if args[2] & libc::WNOHANG as u64 != 0 {
                self.answer(0);
            } else {
                self.blocked = Some(args);
            }
            return;
        };
        self.machine.status = match &mut self.beliefs[nth] {
            Belief::Ended { waited } => {
                *waited = true;
                KILLED
            }
            Belief::Stands { waited, .. } => {
                *waited = true;
                STATUS_SYSCALL_STOP
            }
            Belief::Runs => panic!("it runs and is told"),
        };
        self.answer(i64::from(tid_of(nth)));
    }

    fn offer(&mut self) {
        let mut tracees = Vec::new();
        for (nth, belief) in self.beliefs.iter().enumerate() {
            match belief {
                Belief::Runs => tracees.push(tid_of(nth)),
                Belief::Stands { waited: true, .. } | Belief::Ended { waited: true } => {}
                _ => return,
            }
        }
        self.serving.begin(Offer {
            tracer: TRACER,
            tracees,
            is_childless: true,
            reserved: Vec::new(),
        });
    }

    // -- schedules -------------------------------------------------------------------------------

    fn step(&mut self) {
        match self.draw(12) {
            nth @ 0..TRACEES => self.run_tracee(nth),
            3..6 => self.run_tracer(),
            6..10 => self.wait(),
            10 => self.take_all(),
            _ => self.tick(),
        }
    }

    fn is_alive(&self, nth: usize) -> bool {
        self.machine.tracees[nth].place < Place::Exiting
    }
}

#[test]
fn a_tracer_is_told_all_stops_and_ends_once_whoever_moves_next() {
    let mut served = 0;
    for seed in 1..=500 {
        let mut world = World::new(seed);
        let kills = world.draw(3);
        for round in 0..4 {
            for _ in 0..100 {
                world.step();
            }
            let victim = world.draw(TRACEES);
            if round < kills && world.is_alive(victim) {
                world.machine.kill(tid_of(victim));
            }
            if world.draw(4) == 0 {
                // Something else in the session.
                world
                    .machine
                    .statuses
                    .push_back(Fact::new(5, FactKind::Exec, 5));
            }
        }
        world.tells = [0; TRACEES];
        for _ in 0..1200 {
            world.step();
        }
        for nth in 0..TRACEES {
            let ended = world.told_ends[nth] && !world.is_alive(nth);
            assert!(
                ended || world.tells[nth] > 0,
                "seed {seed}: {nth} is not heard of"
            );
        }
        served += world.served;
    }
    assert!(served > 30_000, "{served} were served");
}

#[test]
fn a_killed_tracer_is_handed_back_before_its_exit_stop_is_used_up() {
    for seed in 1..=500 {
        let mut world = World::new(seed);
        let moment = 50 + world.draw(100);
        for _ in 0..moment {
            world.step();
        }
        world.machine.kill(TRACER);
        for _ in 0..400 {
            world.step();
        }
        assert_eq!(world.machine.tracer, Place::Gone, "seed {seed}");
    }
}

#[test]
fn a_tracee_that_stops_again_at_once_does_not_keep_others_from_being_told() {
    let mut world = World::new(1);
    world.offer();
    for nth in 0..TRACEES {
        world.run_tracee(nth);
        world.wait();
    }
    for _ in 0..30 {
        let any = [u64::MAX, STATUS_AT, u64::from(libc::__WALL as u32), 0, 0, 0];
        world.enter((CALL_WAIT4, any));
        world.wait();
        let told = world.machine.result.take();
        let nth = (told.unwrap_or_default() as Tid - TRACER - 1) as usize;
        world.tells[nth] += 1;
        world.enter((
            CALL_PTRACE,
            [REQUEST_SYSCALL, tid_of(nth) as u64, 0, 0, 0, 0],
        ));
        world.wait();
        world.run_tracee(nth);
        world.wait();
    }
    assert_eq!(world.tells, [10; TRACEES]);
}

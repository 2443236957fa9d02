//! How a tracer comes to share a CPU, and to leave it to others.

use super::*;

fn powers(may_idle: bool) -> Powers {
    Powers {
        keeps_account: true,
        may_idle,
    }
}

fn on_two_cpus(may_idle: bool) -> Sharing {
    let mut home = CpuSet::of(0);
    home.add(1);
    Sharing {
        home,
        powers: Some(powers(may_idle)),
        ..Sharing::default()
    }
}

/// What is decided at each look of a row, 1 ns apart.
fn ways(sharing: &mut Sharing, looks: &[(usize, bool)]) -> Vec<Way> {
    let mut now_ns = 0;
    looks
        .iter()
        .map(|&(there, together)| {
            now_ns += 1;
            sharing.decide(&Look {
                there,
                together,
                crowded: false,
                now_ns,
            });
            sharing.way
        })
        .collect()
}

#[test]
fn decide_yields_where_the_tracee_is_and_looks_ever_more_seldom() {
    let mut sharing = on_two_cpus(true);
    assert_eq!(ways(&mut sharing, &[(0, true); 20]), [Way::Yielding(0); 20]);
    assert_eq!(sharing.interval, Sharing::LOOKS_APART);
    assert!(!sharing.is_apart());
}

#[test]
fn decide_without_the_right_to_return_yields_only_where_both_are_on_one_cpu() {
    let mut sharing = on_two_cpus(false);
    let looks = [(0, true), (1, false), (0, false), (0, true)];
    assert_eq!(
        ways(&mut sharing, &looks),
        [
            Way::Yielding(0),
            Way::Following(1),
            Way::Following(0),
            Way::Yielding(0)
        ]
    );
}

#[test]
fn decide_gives_up_a_tracee_that_always_flees_until_it_has_rested() {
    for may_yield in [true, false] {
        let way = if may_yield {
            Way::Yielding
        } else {
            Way::Following
        };
        let mut sharing = on_two_cpus(may_yield);
        let looks = [(0, false), (1, false), (0, false), (1, false), (0, false)];
        assert_eq!(
            ways(&mut sharing, &looks),
            [way(0), way(1), way(0), Way::Roaming, Way::Roaming]
        );
        assert!(sharing.is_apart());
        sharing.rest_until_ns = 0;
        assert_eq!(ways(&mut sharing, &[(1, false)]), [way(1)]);
    }
}

#[test]
fn lost_is_what_the_tracer_has_waited_for_others_than_its_tracee() {
    let ms = |count: u64| count * 1_000_000;
    let account = |now, waited, ran| Account {
        now: ms(now),
        waited: ms(waited),
        ran: ms(ran),
    };
    let before = account(100, 50, 7);
    assert_eq!(account(200, 350, 302).lost_since(&before), None);
    assert_eq!(account(200, 450, 397).lost_since(&before), Some(ms(10)));
    assert_eq!(account(200, 60, 607).lost_since(&before), None);
    assert_eq!(account(104, 52, 8).lost_since(&before), None);
    assert_eq!(account(104, 54, 8).lost_since(&before), Some(ms(3)));
}

#[test]
fn decide_keeps_to_the_cpus_that_are_ours() {
    let mut sharing = on_two_cpus(true);
    assert_eq!(ways(&mut sharing, &[(5, false)]), [Way::Roaming]);
}

#[test]
fn decide_does_not_begin_to_yield_where_all_cpus_have_work() {
    for (begun, expected) in [
        (Way::Roaming, Way::Following(1)),
        (Way::Yielding(0), Way::Yielding(1)),
    ] {
        let mut sharing = on_two_cpus(true);
        sharing.way = begun;
        sharing.decide(&Look {
            there: 1,
            together: false,
            crowded: true,
            now_ns: 1,
        });
        assert_eq!(sharing.way, expected);
    }
}

fn that_steps_aside(may_idle: bool) -> Sharing {
    Sharing {
        tid: raw::own_tid(),
        home: raw::own_cpus(),
        way: Way::Yielding(raw::current_cpu()),
        powers: Some(powers(may_idle)),
        ..Sharing::default()
    }
}

#[test]
fn step_aside_is_for_the_tracee_whose_stops_dominate_on_the_cpu_of_the_tracer() {
    let mut sharing = that_steps_aside(true);
    raw::bind_to(&CpuSet::of(raw::current_cpu()));
    sharing.way = Way::Yielding(raw::current_cpu());
    assert!(!sharing.pays_to_step_aside(sharing.tid + 1));
    assert!(sharing.pays_to_step_aside(sharing.tid));
    sharing.way = Way::Yielding(raw::current_cpu() + 1);
    assert!(!sharing.pays_to_step_aside(sharing.tid));
    sharing.way = Way::Roaming;
    assert!(!sharing.pays_to_step_aside(sharing.tid));
    raw::bind_to(&sharing.home);
}

#[test]
fn step_aside_ends_after_it_was_in_vain_for_some_times_in_a_row_until_the_next_look() {
    raw::bind_to(&CpuSet::of(raw::current_cpu()));
    let mut sharing = that_steps_aside(true);
    for found in [4, 1] {
        sharing.stepped_aside(false);
        for _ in found..Sharing::VAIN_MAX {
            sharing.stepped_aside(true);
        }
    }
    assert!(sharing.pays_to_step_aside(sharing.tid));
    sharing.stepped_aside(true);
    assert!(!sharing.pays_to_step_aside(sharing.tid));
    sharing.look();
    // What it decides is up to who else wants the CPUs.
    sharing.way = Way::Yielding(raw::current_cpu());
    assert!(sharing.pays_to_step_aside(sharing.tid));
}

#[test]
fn step_aside_is_not_for_a_tracer_that_is_idle() {
    raw::bind_to(&CpuSet::of(raw::current_cpu()));
    for may_idle in [true, false] {
        let mut sharing = that_steps_aside(may_idle);
        if raw::may_idle_and_return() {
            sharing.prepare(sharing.tid);
            assert_eq!(sharing.pays_to_step_aside(sharing.tid), !may_idle);
            sharing.release();
        }
    }
}

#[test]
fn stops_that_take_long_make_a_tracer_that_yields_look() {
    let cpu = raw::current_cpu();
    let mut sharing = Sharing {
        tid: raw::own_tid(),
        home: raw::own_cpus(),
        way: Way::Yielding(cpu),
        in_force: Way::Yielding(cpu),
        yielded_ns: mono_ns(),
        powers: Some(powers(true)),
        ..Sharing::default()
    };
    sharing.prepare(sharing.tid);
    assert_eq!(sharing.look_at, Sharing::FIRST_LOOK);
    assert!(sharing.account.is_none());
    sharing.stops = 1;
    sharing.yielded_ns = mono_ns() - Sharing::SLOW_MAX_NS;
    sharing.prepare(sharing.tid);
    assert_eq!(sharing.look_at, 1 + sharing.interval);
    assert!(sharing.account.is_some());
    sharing.release();
}

#[test]
fn a_failure_is_remembered_whoever_stops_next() {
    let mut sharing = on_two_cpus(true);
    sharing.give_up(1, 2 * Sharing::LEAST_LOST_NS);
    sharing.stopped(2);
    let rest_ns = 2 * Sharing::REST_FACTOR * Sharing::LEAST_LOST_NS;
    assert_eq!(sharing.rest_until_ns, 1 + rest_ns);
    assert_eq!(ways(&mut sharing, &[(0, true); 3]), [Way::Roaming; 3]);
}

#[test]
fn another_tracee_ends_what_is_in_force() {
    let mine = raw::own_cpus();
    let cpu = raw::current_cpu();
    let mut sharing = Sharing {
        tid: 1,
        home: mine,
        way: Way::Following(cpu),
        ..Sharing::default()
    };
    sharing.prepare(2);
    assert_eq!(raw::own_cpus(), mine);
    sharing.prepare(1);
    assert_eq!(raw::own_cpus(), CpuSet::of(cpu));
    sharing.stopped(2);
    assert_eq!(raw::own_cpus(), mine);
    assert_eq!(sharing.way, Way::Roaming);
}

#[test]
fn times_of_a_thread_are_known() {
    assert!(cpus::times_ns(raw::own_tid()).is_some());
    assert!(cpus::times_ns(0x7fff_fffe).is_none());
}

#[test]
fn last_cpu_of_a_thread_is_one_of_its_own() {
    let last = cpus::last_cpu(raw::own_tid());
    assert!(last.is_some_and(|cpu| raw::own_cpus().has(cpu)));
    assert_eq!(cpus::last_cpu(0x7fff_fffe), None);
}

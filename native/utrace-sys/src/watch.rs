//! What no wait status tells, found out on a thread of its own and told as facts.
//!
//! A process is reaped by its real parent: its pidfd hangs up, from Linux 6.9 on; before, it is asked
//! for.  A group leader dies before its group: only its state in /proc shows.
//!
//! Reference: Linux 6.18 `fs/pidfs.c:pidfd_poll()`, `kernel/exit.c:exit_notify()`.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::bell::Bell;
use crate::fact::{Fact, FactKind};
use crate::raw;
use crate::{Errno, Tid};

/// Between two looks at a leader: soon at first, for most die at once.
const ZOMBIE_LOOK_MS: (i32, i32) = (1, 16);
/// Between two questions to pidfds that may not hang up.
const REAP_LOOK_MS: i32 = 20;

enum Order {
    Reap(Tid, OwnedFd),
    Zombie(Tid),
    Forget(Tid),
}

/// The thread's owner; dropping it ends the thread.
pub(crate) struct Watch {
    orders: Option<Sender<Order>>,
    wake: fs::File,
    thread: Option<JoinHandle<()>>,
    bell: Arc<Bell>,
}

impl Watch {
    pub(crate) fn start(bell: &Arc<Bell>) -> Result<Self, Errno> {
        let wake = raw::eventfd()?;
        let theirs = wake.try_clone().map_err(|_| Errno(libc::EMFILE))?;
        let (orders, inbox) = channel();
        let mut watcher = Watcher {
            bell: Arc::clone(bell),
            inbox,
            wake: theirs.into(),
            reaps: Vec::new(),
            zombies: Vec::new(),
            hangs_up: kernel_hangs_up(),
            look_ms: ZOMBIE_LOOK_MS.0,
        };
        let thread = thread::Builder::new()
            .name("utrace-watch".into())
            .spawn(move || {
                raw::block_signals();
                while watcher.turn() {}
            })
            .map_err(|_| Errno(libc::EAGAIN))?;
        Ok(Self {
            orders: Some(orders),
            wake: wake.into(),
            thread: Some(thread),
            bell: Arc::clone(bell),
        })
    }

    /// `false`: reaped already.
    pub(crate) fn reap(&self, tid: Tid) -> Result<bool, Errno> {
        let pidfd = match raw::pidfd_open(tid) {
            Ok(pidfd) => pidfd,
            // Not the leader of a group: a thread is reaped by its tracer.
            Err(Errno(libc::ESRCH | libc::EINVAL | libc::ENOENT)) => return Ok(false),
            Err(error) => return Err(error),
        };
        self.bell.expected.fetch_add(1, Ordering::SeqCst);
        self.order(Order::Reap(tid, pidfd));
        Ok(true)
    }

    pub(crate) fn zombie(&self, tid: Tid) {
        self.order(Order::Zombie(tid));
    }

    pub(crate) fn forget(&self, tid: Tid) {
        self.order(Order::Forget(tid));
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // The thread ends only after this sender.
            drop(orders.send(order));
            self.knock();
        }
    }

    fn knock(&self) {
        // It can only fail by being full, and then the thread is about to look anyway.
        drop((&self.wake).write(&1_u64.to_ne_bytes()));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.orders = None;
        self.knock();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Watcher {
    bell: Arc<Bell>,
    inbox: Receiver<Order>,
    wake: fs::File,
    reaps: Vec<(Tid, OwnedFd)>,
    zombies: Vec<Tid>,
    hangs_up: bool,
    look_ms: i32,
}

impl Watcher {
    /// Sleep, look, tell; `false` when the owner is gone.
    fn turn(&mut self) -> bool {
        let mut fds = vec![(self.wake.as_raw_fd(), true)];
        fds.extend(
            self.reaps
                .iter()
                .map(|(_, pidfd)| (pidfd.as_raw_fd(), false)),
        );
        let ready = raw::poll(&fds, self.timeout_ms());
        self.tell_reaped(&ready[1..]);
        if ready[0] != 0 {
            let mut count = [0; 8];
            // Only to make it silent again.
            drop((&self.wake).read(&mut count));
        }
        let open = self.take_orders();
        self.look_for_zombies();
        open
    }

    fn timeout_ms(&self) -> i32 {
        if !self.zombies.is_empty() {
            self.look_ms
        } else if self.reaps.is_empty() || self.hangs_up {
            -1
        } else {
            REAP_LOOK_MS
        }
    }

    fn tell_reaped(&mut self, ready: &[i16]) {
        let mut ready = ready.iter();
        let (bell, hangs_up) = (&self.bell, self.hangs_up);
        self.reaps.retain(|(tid, pidfd)| {
            let hung_up = ready
                .next()
                .is_some_and(|&events| events & libc::POLLHUP != 0);
            let reaped = hung_up || (!hangs_up && raw::pidfd_is_reaped(pidfd.as_fd()));
            if reaped {
                bell.tell(Fact::new(*tid, FactKind::Reaped, 0));
            }
            !reaped
        });
    }

    fn take_orders(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Order::Reap(tid, pidfd)) => self.reaps.push((tid, pidfd)),
                Ok(Order::Zombie(tid)) => {
                    self.look_ms = ZOMBIE_LOOK_MS.0;
                    if !self.zombies.contains(&tid) {
                        self.zombies.push(tid);
                    }
                }
                Ok(Order::Forget(tid)) => self.zombies.retain(|&other| other != tid),
                Err(error) => return error == std::sync::mpsc::TryRecvError::Empty,
            }
        }
    }

    fn look_for_zombies(&mut self) {
        let bell = &self.bell;
        self.zombies.retain(|&tid| match leader_state(tid) {
            LeaderState::Alive => true,
            LeaderState::DeadBeforeGroup => {
                bell.expected.fetch_add(1, Ordering::SeqCst);
                bell.tell(Fact::new(tid, FactKind::ZombieLeader, 0));
                false
            }
            LeaderState::DeadOrGone => false,
        });
        self.look_ms = (self.look_ms * 2).min(ZOMBIE_LOOK_MS.1);
    }
}

/// Whether what was told of a leader still holds: until it is taken another thread may have called
/// execve, and have the leader's tid.
pub(crate) fn is_dead_before_group(tid: Tid) -> bool {
    leader_state(tid) == LeaderState::DeadBeforeGroup
}

#[derive(Debug, PartialEq)]
enum LeaderState {
    Alive,
    DeadBeforeGroup,
    DeadOrGone,
}

fn leader_state(tid: Tid) -> LeaderState {
    let Ok(stat) = fs::read(format!("/proc/{tid}/task/{tid}/stat")) else {
        return LeaderState::DeadOrGone;
    };
    // The name before the state may hold any byte, also a parenthesis.
    let Some(end) = stat.iter().rposition(|&byte| byte == b')') else {
        return LeaderState::DeadOrGone;
    };
    match stat.get(end + 2) {
        Some(b'Z') => {
            let threads = fs::read_dir(format!("/proc/{tid}/task")).map_or(0, Iterator::count);
            if threads > 1 {
                LeaderState::DeadBeforeGroup
            } else {
                LeaderState::DeadOrGone
            }
        }
        Some(b'X') | None => LeaderState::DeadOrGone,
        Some(_) => LeaderState::Alive,
    }
}

fn kernel_hangs_up() -> bool {
    fs::read_to_string("/proc/sys/kernel/osrelease").is_ok_and(|release| is_since(&release, (6, 9)))
}

fn is_since(release: &str, version: (u32, u32)) -> bool {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= version,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_since_compares_numbers_not_text() {
        assert!(is_since("6.18.44-x\n", (6, 9)));
        assert!(is_since("7.0", (6, 9)));
        assert!(!is_since("6.8.0-41-generic", (6, 9)));
        assert!(!is_since("strange", (6, 9)));
    }

    #[test]
    fn leader_state_of_ourselves_is_alive() {
        assert_eq!(leader_state(std::process::id() as Tid), LeaderState::Alive);
        assert_eq!(leader_state(i32::MAX), LeaderState::DeadOrGone);
    }
}

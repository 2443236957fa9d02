/* Who is told first: a tracer of its tracee's end, and only then the real parent, by whatever means. */

#include "ptrace_say.h"
#include <sys/signalfd.h>

enum { GRACE_TURNS = 20 };

static void fork_and_wait(void) {
    int status = 0;
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status) + 1);
}

static long call_of(pid_t pid) { return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), 0); }
static long result_of(pid_t pid) { return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rax), 0); }

/* Follow the parent and its child to the child's exit_group; the parent sleeps in its wait by then, or soon. */
static pid_t follow(pid_t parent) {
    pid_t child = 0;
    int status = 0, in_wait = 0, exits = 0;
    await(parent, 0);
    ASK(PTRACE_SETOPTIONS, parent, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK);
    ptrace(PTRACE_SYSCALL, parent, 0, 0);
    while (!(in_wait && exits)) {
        pid_t got = waitpid(-1, &status, __WALL);
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8))
            child = name_task(message_of(got), "child");
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            exits |= got != parent && call_of(got) == SYS_exit_group;
            in_wait |= got == parent && call_of(got) == SYS_wait4;
        }
        if (got == parent || !exits)
            ptrace(PTRACE_SYSCALL, got, 0, 0);
    }
    return child;
}

static void end_before_parents_wait(void) {
    pid_t parent = start("parent", fork_and_wait), child = follow(parent);
    int status = 0;
    ptrace(PTRACE_CONT, child, 0, 0);
    for (pid_t got; (got = waitpid(-1, &status, __WALL)) > 0;) {
        say_status(got, status);
        if (WIFSTOPPED(status)) {
            say("call %ld result %s", call_of(got), who(result_of(got)));
            ptrace(PTRACE_SYSCALL, got, 0, WSTOPSIG(status) == SIGCHLD ? SIGCHLD : 0);
        }
    }
}

/* The parent stays in its wait, for whoever looks, until the tracer has been told of the end. */
static void parents_wait_lasts(void) {
    pid_t parent = start("parent", fork_and_wait), child = follow(parent);
    int stopped = 0;
    siginfo_t info;
    ptrace(PTRACE_CONT, child, 0, 0);
    while (waitid(P_PID, child, &info, WEXITED | WNOWAIT | __WALL))
        ;
    for (int i = 0; i < GRACE_TURNS; i++) {
        stopped |= waitpid(parent, NULL, WNOHANG | __WALL) != 0;
        short_while();
    }
    say("stopped: %d", stopped);
    say("its call: %s", error_of(ptrace(PTRACE_PEEKUSER, parent, 0, 0)));
    await(child, __WALL);
    await(parent, __WALL);
    say("call %ld result %s", call_of(parent), who(result_of(parent)));
    end_task(parent);
}

/* -- a parent that looks when SIGCHLD comes ------------------------------------------------------------- */

static int word[2], back[2];
static pid_t traced;
static volatile sig_atomic_t signals;
static siginfo_t last;

static void note_child(int signo UNUSED, siginfo_t *info, void *context UNUSED) {
    signals++;
    last = *info;
}

static void trace_and_tell(void) {
    char byte;
    siginfo_t info;
    name_task(traced, "child");
    ASK(PTRACE_SEIZE, traced, 0, 0);
    if (write(back[1], "x", 1) != 1)
        _exit(9);
    while (waitid(P_PID, traced, &info, WEXITED | WNOWAIT | __WALL))
        ;
    if (write(back[1], "x", 1) != 1 || read(word[0], &byte, 1) != 1)
        _exit(9);
    await(traced, 0);
    if (write(back[1], "x", 1) != 1)
        _exit(9);
    pause_for_ever();
}

/* Start a child, and a tracer of it that has not waited for the end it knows of. */
static pid_t traced_by_a_second(void) {
    char byte;
    if (pipe(word) || pipe(back))
        return 0;
    traced = start("child", pause_for_ever);
    until_state(traced, 'S');
    pid_t tracer = start("second", trace_and_tell);
    if (read(back[0], &byte, 1) != 1)
        return 0;
    kill(traced, SIGKILL);
    if (read(back[0], &byte, 1) != 1)
        return 0;
    return tracer;
}

static void let_it_wait(void) {
    if (write(word[1], "x", 1) != 1)
        _exit(9);
}

static void end_second(pid_t tracer) {
    char byte;
    if (read(back[0], &byte, 1) == 1)
        end_task(tracer);
}

static void signal_after_tracer(void) {
    sigaction(SIGCHLD, &(struct sigaction){.sa_sigaction = note_child, .sa_flags = SA_SIGINFO | SA_RESTART}, NULL);
    pid_t tracer = traced_by_a_second();
    for (int i = 0; i < GRACE_TURNS; i++)
        short_while();
    say("signals: %d", signals);
    await(traced, WNOHANG);
    let_it_wait();
    while (!signals)
        short_while();
    say("signals: %d, code %d status %d from %s", signals, last.si_code, last.si_status, who(last.si_pid));
    await(traced, WNOHANG);
    end_second(tracer);
}

/* One that blocks the signal may find it early, but not never. */
static void signal_read_after_tracer(void) {
    struct signalfd_siginfo read_from;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC), status = 0;
    pid_t tracer = traced_by_a_second();
    let_it_wait();
    while (waitpid(traced, &status, WNOHANG) == 0)
        if (read(fd, &read_from, sizeof read_from) != sizeof read_from)
            return;
    say_status(traced, status);
    end_second(tracer);
}

static const struct named_case cases[] = {
    {"end_before_parents_wait", end_before_parents_wait},
    {"parents_wait_lasts", parents_wait_lasts},
    {"signal_after_tracer", signal_after_tracer},
    {"signal_read_after_tracer", signal_read_after_tracer},
    {NULL, NULL},
};

CASES(cases)

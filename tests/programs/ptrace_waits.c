/* wait4 and waitid of a tracer, and the SIGCHLD that goes with them (wait(2), ptrace(2)). */

#include "ptrace_say.h"
#include <poll.h>
#include <sys/signalfd.h>

static void stop_and_exit(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(3);
}

static void exit_at_once(void) { _exit(8); }

static void say_waitid(idtype_t type, id_t id, int options) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    long result = waitid(type, id, &info, options);
    if (result)
        say("waitid: %s", strerrorname_np(errno));
    else if (info.si_pid == 0)
        say("waitid: nothing, signo %d", info.si_signo);
    else
        say("waitid: %s signo %d code %d status %#x uid %d", who(info.si_pid), info.si_signo, info.si_code,
            info.si_status, info.si_uid == getuid());
}

static void by_waitid(void) {
    pid_t child = start("child", stop_and_exit);
    say_waitid(P_PID, child, WSTOPPED | WNOWAIT);
    say_waitid(P_PID, child, WSTOPPED);
    say_waitid(P_PID, child, WSTOPPED | WNOHANG);
    say_waitid(P_PID, child, WEXITED | WNOHANG);
    say_waitid(P_PID, child, WNOHANG);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    say_waitid(P_ALL, 0, WSTOPPED | __WALL);
    ASK(PTRACE_CONT, child, 0, 0);
    say_waitid(P_ALL, 0, WSTOPPED | __WALL);
    ASK(PTRACE_CONT, child, 0, 0);
    say_waitid(P_PID, child, WEXITED | WNOWAIT);
    say_waitid(P_PID, child, WEXITED);
    say_waitid(P_PID, child, WEXITED);
}

static void waitid_killed(void) {
    pid_t child = start("child", stop_and_exit);
    await(child, 0);
    kill(child, SIGKILL);
    say_waitid(P_PID, child, WEXITED | WSTOPPED);
}

static void bad_arguments(void) {
    pid_t child = start("child", stop_and_exit);
    await(child, 0);
    await(child, 0x100);
    say_waitid(P_PID, child, 0);
    say_waitid(77, child, WEXITED);
    say_waitid(P_PID, 0, WEXITED | WNOHANG);
    say_waitid(P_PID, -5, WEXITED | WNOHANG);
    say_waitid(P_PIDFD, 1234, WEXITED | WNOHANG);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    until_stopped(child);
    say("bad address: %s", error_of(syscall(SYS_wait4, child, 8, 0, 0)));
    await(child, WNOHANG);
    say("INT_MIN: %s", error_of(syscall(SYS_wait4, (int)0x80000000, 0, WNOHANG, 0)));
    end_task(child);
}

static void not_hanging(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    await(child, WNOHANG);
    await(-1, WNOHANG | __WALL);
    await(child, WNOHANG | __WCLONE);
    await(child + 100000, WNOHANG);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    until_stopped(child);
    await(child, WNOHANG);
    await(child, WNOHANG);
    end_task(child);
    await(child, WNOHANG);
}

static void told_once(void) {
    pid_t child = start("child", stop_and_exit);
    await(child, 0);
    await(child, WNOHANG);
    await(-1, WNOHANG);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    await(child, 0);
}

static void by_group(void) {
    pid_t child = start("child", stop_and_exit);
    await(0, 0);
    setpgid(child, child);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(0, WNOHANG);
    await(-child, 0);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    say_waitid(P_PGID, child, WSTOPPED | WEXITED);
    end_task(child);
}

static void clone_children(void) {
    pid_t child = syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
        _exit(3);
    }
    name_task(child, "clone child");
    until_stopped(child);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, __WCLONE);
}

static void without_stops(void) {
    pid_t child = start("child", stop_and_exit);
    pid_t other = start("other", exit_at_once);
    until_state(other, 'Z');
    until_stopped(child);
    say_waitid(P_ALL, 0, WEXITED);
    say_waitid(P_ALL, 0, WEXITED | WNOHANG);
    say_waitid(P_ALL, 0, WSTOPPED | WNOHANG);
    end_task(child);
}

static int gate[2];

static void exit_when_told(void) {
    char byte;
    if (read(gate[0], &byte, 1) != 1)
        _exit(9);
    _exit(8);
}

static void real_children_too(void) {
    if (pipe(gate))
        return;
    pid_t child = start("child", stop_and_exit);
    pid_t other = start("other", exit_when_told);
    await(-1, 0);
    if (write(gate[1], "x", 1) != 1)
        return;
    await(-1, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(-1, 0);
    await(-1, 0);
    (void)other;
}

static void *told_in_a_thread(void *pid) {
    await((pid_t)(intptr_t)pid, __WALL);
    say("from there: %s", error_of(ptrace(PTRACE_CONT, (pid_t)(intptr_t)pid, 0, 0)));
    return NULL;
}

static void from_another_thread(void) {
    pid_t child = start("child", stop_and_exit);
    until_stopped(child);
    pthread_t thread;
    pthread_create(&thread, NULL, told_in_a_thread, (void *)(intptr_t)child);
    pthread_join(thread, NULL);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void not_from_another_thread(void) {
    pid_t child = start("child", stop_and_exit);
    until_stopped(child);
    pthread_t thread;
    pthread_create(&thread, NULL, told_in_a_thread, (void *)(intptr_t)child);
    pthread_join(thread, NULL);
    await(child, WNOHANG | __WNOTHREAD);
    end_task(child);
}

static volatile sig_atomic_t alarms;
static void on_alarm(int signo UNUSED) { alarms++; }

static void interrupted(int flags) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct itimerspec soon = {.it_value.tv_nsec = 100000000};
    timer_settime(timer, 0, &soon, NULL);
    pid_t killer = flags ? fork() : 0;
    if (flags && killer == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        kill(child, SIGUSR2);
        _exit(0);
    }
    await(child, __WALL);
    say("handled %d", alarms);
    end_task(child);
}

static void interrupted_by_a_handler(void) { interrupted(0); }
static void restarted_after_a_handler(void) { interrupted(SA_RESTART); }

/* -- SIGCHLD ----------------------------------------------------------------------------------------- */

static siginfo_t seen[16];
static volatile sig_atomic_t seen_count;
static void on_child(int signo UNUSED, siginfo_t *info, void *context UNUSED) {
    if (seen_count < 16)
        seen[seen_count++] = *info;
}

static void say_seen(void) {
    for (int i = 0; i < seen_count; i++)
        say("SIGCHLD from %s code %d status %#x uid %d", who(seen[i].si_pid), seen[i].si_code, seen[i].si_status,
            seen[i].si_uid == getuid());
    seen_count = 0;
}

static void child_signal(int flags) {
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | flags};
    sigaction(SIGCHLD, &action, NULL);
    pid_t child = start("child", stop_and_exit);
    await(child, 0);
    say_seen();
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_seen();
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_seen();
    ASK(PTRACE_CONT, child, 0, SIGTERM);
    await(child, 0);
    say_seen();
}

static void child_signals(void) { child_signal(0); }
static void child_signals_without_stops(void) { child_signal(SA_NOCLDSTOP); }

static void by_suspending(void) {
    sigset_t blocked, none;
    sigemptyset(&blocked);
    sigemptyset(&none);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO};
    sigaction(SIGCHLD, &action, NULL);
    pid_t child = start("child", stop_and_exit);
    for (int i = 0; i < 3; i++) {
        while (!seen_count)
            sigsuspend(&none);
        say_seen();
        await(child, WNOHANG);
        if (i < 2)
            ptrace(i ? PTRACE_CONT : PTRACE_SYSCALL, child, 0, 0);
    }
}

static void by_signalfd(void) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    int fd = signalfd(-1, &blocked, SFD_CLOEXEC);
    pid_t child = start("child", stop_and_exit);
    for (int i = 0; i < 3; i++) {
        struct signalfd_siginfo info;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        poll(&ready, 1, -1);
        if (read(fd, &info, sizeof info) != sizeof info)
            return;
        say("signalfd: %s code %d status %#x", who(info.ssi_pid), info.ssi_code, info.ssi_status);
        await(child, WNOHANG);
        if (i < 2)
            ptrace(i ? PTRACE_CONT : PTRACE_SYSCALL, child, 0, 0);
    }
}

static void by_sigwait(void) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    pid_t child = start("child", stop_and_exit);
    for (int i = 0; i < 3; i++) {
        siginfo_t info;
        int signo = sigwaitinfo(&blocked, &info);
        say("sigwait %d: %s code %d status %#x", signo, who(info.si_pid), info.si_code, info.si_status);
        await(child, WNOHANG);
        if (i < 2)
            ptrace(i ? PTRACE_CONT : PTRACE_SYSCALL, child, 0, 0);
    }
}

/* sa-resethand-on-cont-signal: a handler that resets itself, and SIGCONT from a tracer. */
static void reset_on_continue(void) {
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESETHAND};
    sigaction(SIGCONT, &action, NULL);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    raise(SIGCONT);
    _exit(40 + seen_count);
}

static void resethand_on_cont_signal(void) {
    pid_t child = start("child", reset_on_continue);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGCONT);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGCONT);
    await(child, 0);
}

/* -- the real parent and the tracer ------------------------------------------------------------------------- */

static pid_t traced;
static int word[2], back[2];

static void trace_it(void) {
    char byte;
    if (read(word[0], &byte, 1) != 1)
        _exit(9);
    name_task(traced, "child");
    ASK(PTRACE_ATTACH, traced, 0, 0);
    await(traced, 0);
    ASK(PTRACE_CONT, traced, 0, SIGCONT);
    if (write(back[1], "x", 1) != 1)
        _exit(9);
    await(traced, 0);
    ASK(PTRACE_CONT, traced, 0, SIGTERM);
    await(traced, 0);
    if (write(back[1], "x", 1) != 1)
        _exit(9);
    _exit(0);
}

static void parent_and_tracer(void) {
    char byte;
    if (pipe(word) || pipe(back))
        return;
    traced = start("child", pause_for_ever);
    until_state(traced, 'S');
    pid_t tracer = start("second", trace_it);
    if (write(word[1], "x", 1) != 1 || read(back[0], &byte, 1) != 1)
        return;
    say("parent: %s", who(waitpid(traced, NULL, WNOHANG)));
    kill(traced, SIGUSR1);
    if (read(back[0], &byte, 1) != 1)
        return;
    await(traced, 0);
    await(tracer, 0);
}

static void trace_and_let_die(void) {
    char byte;
    name_task(traced, "child");
    ASK(PTRACE_SEIZE, traced, 0, 0);
    if (write(back[1], "x", 1) != 1 || read(word[0], &byte, 1) != 1)
        _exit(9);
    await(traced, 0);
    if (write(back[1], "x", 1) != 1)
        _exit(9);
    pause_for_ever();
}

/* The real parent is told of the end when the tracer has been. */
static void parent_after_tracer(void) {
    char byte;
    if (pipe(word) || pipe(back))
        return;
    traced = start("child", pause_for_ever);
    until_state(traced, 'S');
    pid_t tracer = start("second", trace_and_let_die);
    if (read(back[0], &byte, 1) != 1)
        return;
    kill(traced, SIGKILL);
    until_state(traced, 'Z');
    await(traced, WNOHANG);
    if (write(word[1], "x", 1) != 1 || read(back[0], &byte, 1) != 1)
        return;
    await(traced, 0);
    end_task(tracer);
}

static void continued(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    kill(child, SIGSTOP);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGSTOP);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    await(child, WUNTRACED | WNOHANG);
    kill(child, SIGCONT);
    await(child, 0);
    await(child, WCONTINUED);
    await(child, WCONTINUED | WNOHANG);
    end_task(child);
}

/* -- the end of a tracer ----------------------------------------------------------------------------------- */

static void trace_and_exit(unsigned long options) {
    name_task(traced, "child");
    ASK(PTRACE_SEIZE, traced, 0, options);
    _exit(0);
}
static void trace_and_leave(void) { trace_and_exit(0); }
static void trace_and_leave_killing(void) { trace_and_exit(PTRACE_O_EXITKILL); }

static void tracer_exits(void) {
    traced = start("child", pause_for_ever);
    until_state(traced, 'S');
    pid_t tracer = start("second", trace_and_leave);
    await(tracer, 0);
    await(traced, WNOHANG);
    kill(traced, SIGTERM);
    await(traced, 0);
}

static void tracer_exits_killing(void) {
    traced = start("child", pause_for_ever);
    until_state(traced, 'S');
    pid_t tracer = start("second", trace_and_leave_killing);
    await(tracer, 0);
    await(traced, 0);
}

static void stop_it_and_wait(void) {
    name_task(traced, "child");
    ASK(PTRACE_SEIZE, traced, 0, 0);
    ASK(PTRACE_INTERRUPT, traced, 0, 0);
    await(traced, 0);
    if (write(back[1], "x", 1) != 1)
        _exit(9);
    pause_for_ever();
}

static void tracer_killed(void) {
    char byte;
    if (pipe(back))
        return;
    traced = start("child", pause_for_ever);
    until_state(traced, 'S');
    pid_t tracer = start("second", stop_it_and_wait);
    if (read(back[0], &byte, 1) != 1)
        return;
    end_task(tracer);
    kill(traced, SIGTERM);
    await(traced, 0);
}

static const struct named_case cases[] = {
    {"by_waitid", by_waitid},
    {"waitid_killed", waitid_killed},
    {"bad_arguments", bad_arguments},
    {"not_hanging", not_hanging},
    {"told_once", told_once},
    {"by_group", by_group},
    {"clone_children", clone_children},
    {"without_stops", without_stops},
    {"real_children_too", real_children_too},
    {"from_another_thread", from_another_thread},
    {"not_from_another_thread", not_from_another_thread},
    {"interrupted_by_a_handler", interrupted_by_a_handler},
    {"restarted_after_a_handler", restarted_after_a_handler},
    {"child_signals", child_signals},
    {"child_signals_without_stops", child_signals_without_stops},
    {"by_suspending", by_suspending},
    {"by_signalfd", by_signalfd},
    {"by_sigwait", by_sigwait},
    {"resethand_on_cont_signal", resethand_on_cont_signal},
    {"parent_and_tracer", parent_and_tracer},
    {"parent_after_tracer", parent_after_tracer},
    {"continued", continued},
    {"tracer_exits", tracer_exits},
    {"tracer_exits_killing", tracer_exits_killing},
    {"tracer_killed", tracer_killed},
    {NULL, NULL},
};

CASES(cases)

/* Waits that choose: by pidfd, by group, among several, for what was continued; errors; what was used.
 * SIGCHLD for a process of several threads.  wait(2), waitid(2), wait4(2), pidfd_open(2). */

#include "ptrace_say.h"
#include <sys/signalfd.h>

static void exit_of_told(void) {
    pause_for_ever();
}

static void burn_and_exit(void) {
    struct rusage used;
    do
        getrusage(RUSAGE_SELF, &used);
    while (used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec < 30000);
    raise(SIGSTOP);
    _exit(3);
}

/* A sleeping child that another child of ours is to trace, so that it is not the tracer's own. */
static pid_t relative;
static int word[2], back[2];

static void with_a_tracer(void (*trace)(void)) {
    char byte;
    if (pipe(word) || pipe(back))
        return;
    relative = start("relative", exit_of_told);
    until_state(relative, 'S');
    pid_t tracer = start("second", trace);
    if (read(back[0], &byte, 1) == 1 && byte == 'c')
        kill(relative, SIGCONT);
    await(tracer, 0);
    end_task(relative);
}

static void tell_parent(const char *byte) {
    if (write(back[1], byte, 1) != 1)
        _exit(9);
}

static void say_waitid(idtype_t type, id_t id, int options) {
    siginfo_t info;
    memset(&info, 0x11, sizeof info);
    long result = syscall(SYS_waitid, type, id, &info, options, NULL);
    int hole = ((int *)&info)[3], after = ((int *)&info)[7];
    if (result)
        say("waitid: %s", strerrorname_np(errno));
    else
        say("waitid: %s signo %d code %d status %#x", info.si_pid ? who(info.si_pid) : "nobody", info.si_signo,
            info.si_code, info.si_status);
    say("left alone: %d %d, written: %d", hole == 0x11111111, after == 0x11111111, info.si_errno == 0);
}

/* -- by descriptor ------------------------------------------------------------------------------- */

static void by_descriptor(void) {
    pid_t child = start("child", pause_for_ever);
    int fd = syscall(SYS_pidfd_open, child, 0);
    int nonblocking = syscall(SYS_pidfd_open, child, O_NONBLOCK);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    say_waitid(P_PIDFD, nonblocking, WSTOPPED | WEXITED);
    say_waitid(P_PIDFD, nonblocking, WSTOPPED | WEXITED | WNOHANG);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    say_waitid(P_PIDFD, fd, WSTOPPED | WNOWAIT);
    until_stopped(child);
    say_waitid(P_PIDFD, nonblocking, WSTOPPED);
    say_waitid(P_PIDFD, fd, WSTOPPED | WNOHANG);
    kill(child, SIGKILL);
    say_waitid(P_PIDFD, fd, WEXITED);
    say_waitid(P_PIDFD, fd, WEXITED);
    say_waitid(P_PIDFD, nonblocking, WEXITED);
}

static void trace_by_descriptor(void) {
    name_task(relative, "relative");
    int fd = syscall(SYS_pidfd_open, relative, 0);
    int nonblocking = syscall(SYS_pidfd_open, relative, O_NONBLOCK);
    say_waitid(P_PIDFD, fd, WEXITED);
    ASK(PTRACE_SEIZE, relative, 0, 0);
    say_waitid(P_PIDFD, nonblocking, WEXITED);
    ASK(PTRACE_INTERRUPT, relative, 0, 0);
    say_waitid(P_PIDFD, fd, WSTOPPED);
    kill(relative, SIGKILL);
    say_waitid(P_PIDFD, fd, WEXITED);
    tell_parent("x");
}
static void by_descriptor_of_no_child(void) { with_a_tracer(trace_by_descriptor); }

/* -- errors, told although a stop waits ---------------------------------------------------------- */

static void errors_first(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    until_stopped(child);
    say_waitid(77, child, WSTOPPED);
    say_waitid(P_PID, child, 0);
    say_waitid(P_PID, child, WSTOPPED | 0x100);
    say_waitid(P_PID, -child, WSTOPPED);
    say_waitid(P_PGID, -1, WSTOPPED);
    say_waitid(P_PIDFD, -1, WSTOPPED);
    say_waitid(P_PIDFD, 1234, WSTOPPED);
    say_waitid(P_PIDFD, 1, WSTOPPED);
    say("wait4: %s", error_of(syscall(SYS_wait4, child, NULL, 0x100, NULL)));
    say("wait4: %s", error_of(syscall(SYS_wait4, child, NULL, WEXITED, NULL)));
    say("wait4: %s", error_of(syscall(SYS_wait4, 0x80000000, NULL, 0, NULL)));
    say_waitid(P_PGID, 0, WSTOPPED | WNOWAIT);
    say("no siginfo: %s", error_of(syscall(SYS_waitid, P_PID, child, NULL, WSTOPPED | WNOWAIT, NULL)));
    say("bad siginfo: %s", error_of(syscall(SYS_waitid, P_PID, child, 8, WSTOPPED | WNOWAIT, NULL)));
    say("bad rusage: %s", error_of(syscall(SYS_waitid, P_PID, child, NULL, WSTOPPED | WNOWAIT, 8)));
    say("bad rusage: %s", error_of(syscall(SYS_wait4, child, NULL, 0, 8)));
    await(child, WNOHANG);
    end_task(child);
}

/* A dead tracee is nothing to a wait for stops. */
static void trace_the_dead(void) {
    name_task(relative, "relative");
    ASK(PTRACE_SEIZE, relative, 0, 0);
    kill(relative, SIGKILL);
    until_state(relative, 'Z');
    say_waitid(P_PID, relative, WEXITED | WNOWAIT);
    say_waitid(P_PID, relative, WSTOPPED);
    say_waitid(P_PID, relative, WCONTINUED);
    say_waitid(P_PID, relative, WEXITED);
    say_waitid(P_PID, relative, WEXITED);
    tell_parent("x");
}
static void dead_is_not_stopped(void) { with_a_tracer(trace_the_dead); }

/* -- whom of several ------------------------------------------------------------------------------- */

static pid_t several[4];

static void trace_several(void) {
    for (int i = 0; i < 4; i++) {
        name_task(several[i], (const char *[]){"first", "second", "third", "fourth"}[i]);
        ptrace(PTRACE_SEIZE, several[(i + 1) % 4], 0, 0);
    }
    pid_t own = start("own", pause_for_ever), other = start("other", pause_for_ever);
    until_state(own, 'S');
    until_state(other, 'S');
    ptrace(PTRACE_SEIZE, other, 0, 0);
    ptrace(PTRACE_SEIZE, own, 0, 0);
    pid_t all[] = {several[0], several[1], several[2], several[3], own, other};
    for (int i = 0; i < 6; i++)
        ptrace(PTRACE_INTERRUPT, all[i], 0, 0);
    for (int i = 0; i < 6; i++)
        until_stopped(all[i]);
    kill(several[2], SIGKILL);
    until_state(several[2], 'Z');
    for (int i = 0; i < 7; i++)
        await(-1, WNOHANG | __WALL);
    tell_parent("x");
    end_task(own);
    end_task(other);
}

static void one_of_several(void) {
    char byte;
    if (pipe(back))
        return;
    for (int i = 0; i < 4; i++) {
        several[i] = start("tracee", pause_for_ever);
        until_state(several[i], 'S');
    }
    pid_t tracer = start("tracer", trace_several);
    if (read(back[0], &byte, 1) != 1)
        return;
    await(tracer, 0);
    for (int i = 0; i < 4; i++) {
        int status;
        kill(several[i], SIGKILL);
        waitpid(several[i], &status, 0);
        say_status(several[i], status);
    }
}

static void trace_in_groups(void) {
    name_task(relative, "relative");
    ASK(PTRACE_SEIZE, relative, 0, 0);
    await(-relative, WNOHANG);
    ASK(PTRACE_INTERRUPT, relative, 0, 0);
    until_stopped(relative);
    await(-relative, WNOHANG);
    kill(relative, SIGKILL);
    until_state(relative, 'Z');
    say_waitid(P_PGID, relative, WEXITED | WNOWAIT);
    await(-relative, 0);
    await(-relative, 0);
    tell_parent("x");
}

static void groups_of_the_dead(void) {
    char byte;
    if (pipe(back))
        return;
    relative = start("relative", pause_for_ever);
    setpgid(relative, relative);
    until_state(relative, 'S');
    pid_t tracer = start("second", trace_in_groups);
    if (read(back[0], &byte, 1) != 1)
        return;
    await(tracer, 0);
    await(relative, 0);
}

/* -- continued --------------------------------------------------------------------------------------- */

static void trace_and_continue(void) {
    name_task(relative, "relative");
    ASK(PTRACE_SEIZE, relative, 0, 0);
    await(relative, WCONTINUED | WNOHANG);
    kill(relative, SIGSTOP);
    await(relative, 0);
    ASK(PTRACE_CONT, relative, 0, SIGSTOP);
    await(relative, WCONTINUED);
    ASK(PTRACE_LISTEN, relative, 0, 0);
    await(relative, WCONTINUED | WNOHANG);
    kill(relative, SIGCONT);
    await(relative, 0);
    say_waitid(P_PID, relative, WCONTINUED | WNOWAIT | WNOHANG);
    await(relative, WCONTINUED | WNOHANG);
    await(relative, WCONTINUED | WNOHANG);
    tell_parent("x");
}
static void continued_no_child(void) { with_a_tracer(trace_and_continue); }

static void trace_and_wait_for_continue(void) {
    name_task(relative, "relative");
    ASK(PTRACE_SEIZE, relative, 0, 0);
    kill(relative, SIGSTOP);
    await(relative, 0);
    ASK(PTRACE_CONT, relative, 0, SIGSTOP);
    await(relative, 0);
    ASK(PTRACE_CONT, relative, 0, 0);
    tell_parent("c");
    for (int i = 0; i < 3; i++) {
        int status;
        if (waitpid(relative, &status, WCONTINUED) != relative)
            _exit(8);
        if (WIFSTOPPED(status))
            ptrace(PTRACE_CONT, relative, 0, status >> 16 ? 0 : WSTOPSIG(status));
        else {
            say_status(relative, status);
            break;
        }
    }
}
static void continued_while_waiting(void) { with_a_tracer(trace_and_wait_for_continue); }

/* -- what was used ----------------------------------------------------------------------------------- */

static long used_ms(const struct rusage *used) {
    return (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000 +
           (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1000;
}

static void say_used(pid_t pid, const struct rusage *used) {
    say("%s has used time: %d, memory: %d, faults: %d, switches: %d", who(pid),
        used_ms(used) >= 25 && used_ms(used) < 5000, used->ru_maxrss > 300 && used->ru_maxrss < 1 << 20,
        used->ru_minflt > 10, used->ru_nvcsw + used->ru_nivcsw > 0);
}

static void burn(void) {
    char byte;
    if (read(word[0], &byte, 1) != 1)
        _exit(9);
    burn_and_exit();
}

static void trace_and_count(void) {
    int status;
    struct rusage used;
    name_task(relative, "relative");
    ASK(PTRACE_SEIZE, relative, 0, PTRACE_O_TRACESYSGOOD);
    if (write(word[1], "x", 1) != 1)
        _exit(9);
    say("%s", who(wait4(relative, &status, __WALL, &used)));
    say_used(relative, &used);
    ASK(PTRACE_CONT, relative, 0, 0);
    memset(&used, 0, sizeof used);
    say("%s", who(wait4(relative, &status, __WALL, &used)));
    say_used(relative, &used);
    tell_parent("x");
}

static void usage(void) {
    char byte;
    struct rusage used;
    int status;
    if (pipe(word) || pipe(back))
        return;
    relative = start("relative", burn);
    until_state(relative, 'S');
    pid_t tracer = start("second", trace_and_count);
    if (read(back[0], &byte, 1) != 1)
        return;
    await(tracer, 0);
    wait4(relative, &status, 0, &used);
    say_status(relative, status);
    say_used(relative, &used);
}

static void be_traced_late(void) {
    until_state(getppid(), 'S');
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    _exit(6);
}

static void waits_before_tracing(void) {
    pid_t child = start("child", be_traced_late);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(-1, 0);
}

/* -- SIGCHLD for any thread ---------------------------------------------------------------------------- */

static sigset_t only_child;
static siginfo_t told;
static int told_in;
static pthread_barrier_t ready;

static void on_child(int signo UNUSED, siginfo_t *info, void *context UNUSED) {
    told = *info;
    told_in = gettid();
}

static void say_told(pid_t thread) {
    say("told in %s of %s code %d status %#x", told_in == thread ? "the thread" : told_in ? "the tracer" : "none",
        who(told.si_pid), told.si_code, told.si_status);
    told_in = 0;
    memset(&told, 0, sizeof told);
}

static void *sleep_with_it_open(void *tid) {
    *(pid_t *)tid = gettid();
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGCHLD);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_barrier_wait(&ready);
    pause_for_ever();
    return NULL;
}

/* The tracer blocks it, another thread does not: that one's handler runs. */
static void signal_of_another_thread(void) {
    pid_t tid = 0;
    pthread_t thread;
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGCHLD, &action, NULL);
    sigprocmask(SIG_BLOCK, &only_child, NULL);
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&thread, NULL, sleep_with_it_open, &tid);
    pthread_barrier_wait(&ready);
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    while (!told_in)
        short_while();
    say_told(tid);
    end_task(child);
}

static void *wait_for_signal(void *tid) {
    *(pid_t *)tid = gettid();
    pthread_barrier_wait(&ready);
    if (sigwaitinfo(&only_child, &told) == SIGCHLD)
        told_in = gettid();
    return NULL;
}

/* All block it, one that is not the tracer waits for it. */
static void signal_waited_for_by_another(void) {
    pid_t tid = 0;
    pthread_t thread;
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    sigprocmask(SIG_BLOCK, &only_child, NULL);
    pthread_barrier_init(&ready, NULL, 2);
    pthread_create(&thread, NULL, wait_for_signal, &tid);
    pthread_barrier_wait(&ready);
    until_state(tid, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    pthread_join(thread, NULL);
    say_told(tid);
    await(child, 0);
    end_task(child);
}

static void *read_signal(void *fd) {
    struct signalfd_siginfo info;
    if (read((int)(intptr_t)fd, &info, sizeof info) == sizeof info) {
        told_in = gettid();
        told.si_pid = info.ssi_pid;
        told.si_code = info.ssi_code;
        told.si_status = info.ssi_status;
    }
    return NULL;
}

static void signal_read_by_another(void) {
    pthread_t thread;
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    sigprocmask(SIG_BLOCK, &only_child, NULL);
    int fd = signalfd(-1, &only_child, SFD_CLOEXEC);
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    until_stopped(child);
    pthread_create(&thread, NULL, read_signal, (void *)(intptr_t)fd);
    pthread_join(thread, NULL);
    say_told(told_in);
    await(child, 0);
    end_task(child);
}

static const struct named_case cases[] = {
    {"by_descriptor", by_descriptor},
    {"by_descriptor_of_no_child", by_descriptor_of_no_child},
    {"errors_first", errors_first},
    {"dead_is_not_stopped", dead_is_not_stopped},
    {"one_of_several", one_of_several},
    {"groups_of_the_dead", groups_of_the_dead},
    {"continued_no_child", continued_no_child},
    {"continued_while_waiting", continued_while_waiting},
    {"usage", usage},
    {"waits_before_tracing", waits_before_tracing},
    {"signal_of_another_thread", signal_of_another_thread},
    {"signal_waited_for_by_another", signal_waited_for_by_another},
    {"signal_read_by_another", signal_read_by_another},
    {NULL, NULL},
};

__attribute__((constructor)) static void prepare(void) {
    sigemptyset(&only_child);
    sigaddset(&only_child, SIGCHLD);
}

CASES(cases)

/* What random sequences (ptrace_random.c) have found to be different once, each in its shortest form. */

#include "ptrace_say.h"

static int gate[2];

static void handle(int signo UNUSED) {}

static void read_and_call(void) {
    char byte;
    signal(SIGUSR1, handle);
    while (read(gate[0], &byte, 1) == 1)
        syscall(SYS_getppid);
}

/* A seized child that sleeps in a read, and after each byte makes a call. */
static pid_t seized(void) {
    if (pipe(gate))
        _exit(96);
    pid_t child = start("child", read_and_call);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD);
    return child;
}

static pid_t attached(void) {
    if (pipe(gate))
        _exit(96);
    pid_t child = start("child", read_and_call);
    until_state(child, 'S');
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    return child;
}

static pid_t interrupted(void) {
    pid_t child = seized();
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    return child;
}

static void say_pending(pid_t child) {
    for (unsigned flags = 0; flags < 2; flags++) {
        struct __ptrace_peeksiginfo_args arguments = {0, flags, 8};
        siginfo_t found[8];
        long count = syscall(SYS_ptrace, PTRACE_PEEKSIGINFO, child, &arguments, found);
        say("pending%s: %ld %s", flags ? " for all" : "", count, error_of(count));
        for (long i = 0; i < count; i++)
            say("  %s code %#x", signal_name(found[i].si_signo), found[i].si_code);
    }
}

/* Go on so, and tell of the next stop. */
#define MOVE(request, child, signo)      \
    do {                                 \
        ASK(request, child, 0, signo);   \
        await(child, __WALL);            \
    } while (0)

/* -- waits ------------------------------------------------------------------------------------------ */

static void *pause_in_thread(void *unused) {
    pause_for_ever();
    return unused;
}

static void make_a_thread(void) {
    pthread_t thread;
    raise(SIGSTOP);
    pthread_create(&thread, NULL, pause_in_thread, NULL);
    pause_for_ever();
}

static void thread_that_stands(void) {
    pid_t child = start("child", make_a_thread);
    await(child, WUNTRACED);
    ASK(PTRACE_SEIZE, child, 0, PTRACE_O_TRACECLONE);
    await(child, 0);
    kill(child, SIGCONT);
    MOVE(PTRACE_CONT, child, 0);
    MOVE(PTRACE_CONT, child, 0);
    MOVE(PTRACE_CONT, child, SIGCONT);
    pid_t thread = name_task(message_of(child), "thread");
    await(thread, __WALL);
    say_siginfo(thread);
    siginfo_t info;
    say("its siginfo has %s", ptrace(PTRACE_GETSIGINFO, thread, 0, &info) ? "no pid" : who(info.si_pid));
    await(thread, __WALL | WNOHANG);
    await(-1, __WALL | WNOHANG);
    info.si_pid = 1;
    say("waitid: %s", error_of(waitid(P_PID, thread, &info, WEXITED | WSTOPPED | WNOHANG | __WALL)));
    kill(child, SIGKILL);
    await(thread, __WALL);
    await(child, 0);
}

/* SIGCHLD is pending once: what came meanwhile is not told later. */
static void signals_of_two(void) {
    sigset_t one;
    siginfo_t info;
    sigemptyset(&one);
    sigaddset(&one, SIGCHLD);
    sigprocmask(SIG_BLOCK, &one, NULL);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = start(i ? "second" : "first", pause_for_ever);
        until_state(children[i], 'S');
        ASK(PTRACE_SEIZE, children[i], 0, 0);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            ASK(PTRACE_INTERRUPT, children[i], 0, 0);
            await(children[i], 0);
        }
        int signo;
        while ((signo = sigtimedwait(&one, &info, &(struct timespec){0})) > 0)
            say("SIGCHLD of %s", who(info.si_pid));
        for (int i = 0; i < 2; i++)
            ASK(PTRACE_CONT, children[i], 0, 0);
    }
    end_task(children[0]);
    end_task(children[1]);
}

/* -- pending signals -------------------------------------------------------------------------------- */

static void pending_at_the_end_of_a_call(void) {
    pid_t child = interrupted();
    say("byte: %zd", write(gate[1], "x", 1));
    MOVE(PTRACE_SYSCALL, child, 0);
    MOVE(PTRACE_SYSCALL, child, SIGWINCH);
    say_pending(child);
    MOVE(PTRACE_SYSCALL, child, 0);
    say_siginfo(child);
    say_pending(child);
    end_task(child);
}

static void stop_of_its_own_is_pending(void) {
    pid_t child = attached();
    syscall(SYS_tkill, child, SIGSTOP);
    say_pending(child);
    MOVE(PTRACE_CONT, child, 0);
    say_pending(child);
    end_task(child);
}

static void peeked_from_the_middle(void) {
    pid_t child = interrupted();
    siginfo_t found[4];
    for (int i = 0; i < 3; i++)
        syscall(SYS_tkill, child, SIGRTMIN + i);
    for (unsigned long offset = 0; offset < 5; offset++)
        for (int count = -1; count < 3; count++) {
            struct __ptrace_peeksiginfo_args arguments = {offset, 0, count};
            long got = syscall(SYS_ptrace, PTRACE_PEEKSIGINFO, child, &arguments, found);
            say("%d from %lu: %ld %s", count, offset, got, got > 0 ? signal_name(found[0].si_signo) : error_of(got));
        }
    end_task(child);
}

/* -- job control ------------------------------------------------------------------------------------ */

/* A SIGCONT takes the effect from a stop signal that has been dequeued (JOBCTL_STOP_DEQUEUED). */
static void overtaken_by_a_sigcont(void) {
    pid_t child = attached();
    const int signals[] = {SIGSTOP, SIGTSTP, SIGUSR1};
    for (int i = 0; i < 3; i++) {
        kill(child, signals[i]);
        MOVE(PTRACE_CONT, child, 0);
        kill(child, SIGCONT);
        MOVE(PTRACE_CONT, child, signals[i] == SIGUSR1 ? SIGSTOP : signals[i]);
    }
    kill(child, SIGSTOP);
    MOVE(PTRACE_CONT, child, SIGCONT);
    MOVE(PTRACE_CONT, child, SIGSTOP);
    say_siginfo(child);
    end_task(child);
}

/* A group that its tracer has let run is stopped all the same, until a SIGCONT. */
static void interrupted_in_a_stopped_group(void) {
    pid_t child = seized();
    kill(child, SIGTSTP);
    await(child, 0);
    MOVE(PTRACE_CONT, child, SIGTSTP);
    ASK(PTRACE_CONT, child, 0, 0);
    for (int i = 0; i < 2; i++) {
        until_state(child, 'S');
        ASK(PTRACE_INTERRUPT, child, 0, 0);
        await(child, 0);
        say_siginfo(child);
        ASK(PTRACE_LISTEN, child, 0, 0);
        ASK(PTRACE_INTERRUPT, child, 0, 0);
        await(child, 0);
        ASK(PTRACE_CONT, child, 0, 0);
    }
    kill(child, SIGUSR1);
    await(child, 0);
    MOVE(PTRACE_SINGLESTEP, child, SIGUSR1);
    say_siginfo(child);
    kill(child, SIGCONT);
    MOVE(PTRACE_CONT, child, 0);
    say_siginfo(child);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    MOVE(PTRACE_CONT, child, 0);
    MOVE(PTRACE_CONT, child, SIGCONT);
    end_task(child);
}

static void stepped_in_a_stopped_group(void) {
    pid_t child = attached();
    MOVE(PTRACE_CONT, child, SIGSTOP);
    ASK(PTRACE_CONT, child, 0, 0);
    kill(child, SIGUSR1);
    await(child, 0);
    MOVE(PTRACE_SYSEMU_SINGLESTEP, child, SIGUSR1);
    MOVE(PTRACE_SINGLESTEP, child, 0);
    say_siginfo(child);
    end_task(child);
}

static void continued_again_before_the_first(void) {
    pid_t child = interrupted();
    kill(child, SIGCONT);
    MOVE(PTRACE_CONT, child, 0);
    say_siginfo(child);
    kill(child, SIGUSR1);
    MOVE(PTRACE_CONT, child, 0);
    kill(child, SIGCONT);
    MOVE(PTRACE_CONT, child, 0);
    say_siginfo(child);
    MOVE(PTRACE_CONT, child, 0);
    end_task(child);
}

/* Which stop a tracee is in the kernel takes from a siginfo that the tracer may set. */
static void listening_by_its_siginfo(void) {
    pid_t child = interrupted();
    siginfo_t info;
    ptrace(PTRACE_GETSIGINFO, child, 0, &info);
    info.si_code = -1;
    ASK(PTRACE_SETSIGINFO, child, 0, &info);
    ASK(PTRACE_LISTEN, child, 0, 0);
    kill(child, SIGUSR1);
    MOVE(PTRACE_CONT, child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    end_task(child);
}

/* -- steps over a call that the kernel restarts ----------------------------------------------------- */

static void say_call(pid_t child) {
    errno = 0;
    long nr = ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.orig_rax), 0);
    say("in a read: %d", nr == SYS_read);
    say_siginfo(child);
}

static void restarted_and_left_out(void) {
    pid_t child = interrupted();
    MOVE(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    say_call(child);
    MOVE(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    say_siginfo(child);
    end_task(child);
}

static void restarted_from_a_group_stop(void) {
    pid_t child = attached();
    MOVE(PTRACE_CONT, child, SIGSTOP);
    MOVE(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    say_call(child);
    end_task(child);
}

static void restarted_behind_a_signal(void) {
    pid_t child = attached();
    kill(child, SIGWINCH);
    MOVE(PTRACE_CONT, child, 0);
    MOVE(PTRACE_SYSEMU_SINGLESTEP, child, SIGWINCH);
    say_call(child);
    end_task(child);
}

static const struct named_case cases[] = {
    {"thread_that_stands", thread_that_stands},
    {"signals_of_two", signals_of_two},
    {"pending_at_the_end_of_a_call", pending_at_the_end_of_a_call},
    {"stop_of_its_own_is_pending", stop_of_its_own_is_pending},
    {"peeked_from_the_middle", peeked_from_the_middle},
    {"overtaken_by_a_sigcont", overtaken_by_a_sigcont},
    {"interrupted_in_a_stopped_group", interrupted_in_a_stopped_group},
    {"stepped_in_a_stopped_group", stepped_in_a_stopped_group},
    {"continued_again_before_the_first", continued_again_before_the_first},
    {"listening_by_its_siginfo", listening_by_its_siginfo},
    {"restarted_and_left_out", restarted_and_left_out},
    {"restarted_from_a_group_stop", restarted_from_a_group_stop},
    {"restarted_behind_a_signal", restarted_behind_a_signal},
    {NULL, NULL},
};

CASES(cases)

/* A tracer that follows the system calls of its tracees, as strace does; and what may come between.
 *
 * Each case makes a few plain rounds first, so that whoever serves such rounds in a way of its own is at it when
 * the rest comes (ptrace(2), wait(2)). */

#include "ptrace_say.h"
#include <sys/mman.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK)

static void call_for_ever(void) {
    for (;;)
        syscall(SYS_getppid);
}

static void call_a_hundred_times(void) {
    for (int i = 0; i < 100; i++)
        syscall(SYS_gettid);
    _exit(5);
}

static void (*followed_body)(void);
static int gate[2];

static void behind_the_gate(void) {
    char byte;
    close(gate[1]);
    if (read(gate[0], &byte, 1) != 0)
        _exit(97);
    followed_body();
}

/* Seize a child, bring it to its first stop, and only then let it begin. */
static pid_t follow(const char *name, void (*body)(void)) {
    followed_body = body;
    if (pipe2(gate, O_CLOEXEC))
        _exit(96);
    pid_t child = start(name, behind_the_gate);
    close(gate[0]);
    ptrace(PTRACE_SEIZE, child, 0, OPTIONS);
    ptrace(PTRACE_INTERRUPT, child, 0, 0);
    int status = 0;
    waitpid(child, &status, __WALL);
    close(gate[1]);
    return child;
}

static struct __ptrace_syscall_info info;

static long ask_info(pid_t child, size_t size) {
    memset(&info, 0xa5, sizeof info);
    return syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, child, size, &info);
}

/* One round; tells the status, or 0 if it was a syscall-stop. */
static int round_of(pid_t child, int options) {
    int status = 0;
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    if (wait4(-1, &status, __WALL, NULL) != child)
        return -1;
    if (!WIFSTOPPED(status) || status >> 8 != (SIGTRAP | 0x80))
        return status;
    if (wait4(-1, &status, __WALL | WNOHANG | options, NULL) != 0)
        return -2;
    return ask_info(child, sizeof info) > 0 ? 0 : -3;
}

static void rounds(pid_t child, int count) {
    for (int i = 0; i < count; i++) {
        int status = round_of(child, 0);
        if (status) {
            say("round: %#x", status);
            return;
        }
    }
}

/* Go on to the entry of getppid. */
static void to_entry(pid_t child) {
    do
        rounds(child, 1);
    while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_getppid);
}

static void to_the_end(void) {
    pid_t child = follow("child", call_a_hundred_times);
    int entries = 0, exits = 0, status;
    ASK(PTRACE_SETOPTIONS, child, 0, OPTIONS | PTRACE_O_TRACEEXIT);
    while ((status = round_of(child, 0)) == 0) {
        entries += info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_gettid;
        exits += info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.rval == child && !info.exit.is_error;
    }
    say("%d entries, %d exits", entries, exits);
    say_status(child, status);
    say_message(child);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(-1, __WALL);
    await(-1, __WALL);
}

static void sizes_of_info(void) {
    pid_t child = follow("child", call_for_ever);
    to_entry(child);
    for (size_t size = 0; size < sizeof info + 16; size += 8) {
        long length = ask_info(child, size);
        unsigned char *bytes = (unsigned char *)&info;
        size_t kept = sizeof info;
        while (kept && bytes[kept - 1] == 0xa5)
            kept--;
        say("%zu: %ld, %zu written, op %d", size, length, kept, kept ? info.op : -1);
    }
    rounds(child, 1);
    say("at the exit: %ld op %d", ask_info(child, 88), info.op);
    say("nowhere: %s", error_of(syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, child, 88, 8)));
    rounds(child, 4);
    end_task(child);
}

static void other_requests(void) {
    pid_t child = follow("child", call_for_ever);
    struct user_regs_struct registers;
    to_entry(child);
    ASK(PTRACE_GETREGS, child, 0, &registers);
    say("number %lld, result %lld", registers.orig_rax, registers.rax);
    rounds(child, 1);
    ASK(PTRACE_GETREGS, child, 0, &registers);
    say("is the parent: %d", registers.rax == (unsigned long)getpid());
    say_siginfo(child);
    say_message(child);
    rounds(child, 1);
    say_message(child);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    until_stopped(child);
    ASK(PTRACE_GETEVENTMSG, child, 0, 8);
    await(-1, __WALL);
    ASK(PTRACE_SYSCALL, child, 0, 999);
    ASK(PTRACE_SYSCALL + 1000, child, 0, 0);
    rounds(child, 3);
    end_task(child);
}

static void waits_of_all_kinds(void) {
    pid_t child = follow("child", call_for_ever);
    struct rusage usage;
    siginfo_t signal;
    rounds(child, 4);
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    memset(&usage, 0, sizeof usage);
    say("with usage: %s", who(wait4(child, NULL, __WALL, &usage)));
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    say("bad address: %s", error_of(syscall(SYS_wait4, child, 8, 0, 0)));
    await(child, WNOHANG);
    rounds(child, 2);
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    memset(&signal, 0, sizeof signal);
    say("waitid: %s", error_of(waitid(P_PID, child, &signal, WSTOPPED | WNOWAIT)));
    say("code %d status %#x", signal.si_code, signal.si_status);
    await(child, 0);
    rounds(child, 2);
    await(child + 100000, WNOHANG);
    await(-1, __WCLONE | WNOHANG);
    await(-1, 0x10000 | WNOHANG);
    say("stopped ones: %#x", round_of(child, WUNTRACED | WCONTINUED));
    rounds(child, 2);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, WNOHANG);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    rounds(child, 3);
    end_task(child);
    await(-1, __WALL);
}

static void sleep_now_and_then(void) {
    for (;;) {
        for (int i = 0; i < 8; i++)
            syscall(SYS_getppid);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

static void long_calls(void) {
    pid_t child = follow("child", sleep_now_and_then);
    int sleeps = 0;
    while (sleeps < 4) {
        rounds(child, 1);
        sleeps += info.op == PTRACE_SYSCALL_INFO_ENTRY &&
                  (info.entry.nr == SYS_nanosleep || info.entry.nr == SYS_clock_nanosleep);
    }
    end_task(child);
}

static void on_alarm(int signo) { (void)signo; }

/* A wait is broken by a handler, or restarted, as sigaction(2) says. */
static void broken_by_a_signal(int flags) {
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    pid_t child = follow("child", sleep_now_and_then);
    sigaction(SIGUSR1, &action, NULL);
    rounds(child, 10);
    pid_t tracer = getpid();
    pid_t helper = fork();
    if (helper == 0) {
        for (int i = 0; i < 20; i++) {
            short_while();
            until_state(tracer, 'S');
            kill(tracer, SIGUSR1);
        }
        _exit(0);
    }
    name_task(helper, "helper");
    int broken = 0, others = 0;
    for (;;) {
        int status = 0;
        ptrace(PTRACE_SYSCALL, child, 0, 0);
        pid_t got;
        while ((got = wait4(-1, &status, __WALL, NULL)) == -1 && errno == EINTR)
            broken++;
        if (got == helper) {
            say_status(helper, status);
            break;
        }
        others += got != child || status >> 8 != (SIGTRAP | 0x80);
    }
    say("broken: %d, others %d", broken > 0, others);
    waitpid(child, NULL, 0);
    end_task(child);
}

static void broken_by_a_handler(void) { broken_by_a_signal(0); }
static void restarted_by_a_handler(void) { broken_by_a_signal(SA_RESTART); }

static void signals_to_the_tracee(void) {
    pid_t child = follow("child", call_for_ever);
    for (int signo = SIGUSR1; signo <= SIGUSR2; signo += SIGUSR2 - SIGUSR1) {
        rounds(child, 5);
        kill(child, signo);
        int status;
        while ((status = round_of(child, 0)) == 0)
            ;
        say_status(child, status);
        say_siginfo(child);
        ASK(PTRACE_SYSCALL, child, 0, 0);
        await(child, 0);
    }
    kill(child, SIGSTOP);
    int status;
    while ((status = round_of(child, 0)) == 0)
        ;
    say_status(child, status);
    ASK(PTRACE_SYSCALL, child, 0, SIGSTOP);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    kill(child, SIGCONT);
    await(child, 0);
    end_task(child);
}

static void ignored_child(void) {
    for (;;) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
}

/* What the tracee calls concerns whoever stands between, too: its own children, its own signal actions. */
static void tracee_with_children(void) {
    pid_t child = follow("child", ignored_child);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    int forks = 0, waits = 0, others = 0;
    while (waits < 5) {
        int status = round_of(child, 0);
        if (status) {
            others += status >> 8 != SIGCHLD;
            continue;
        }
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            forks += info.entry.nr == SYS_clone || info.entry.nr == SYS_fork;
            waits += info.entry.nr == SYS_wait4;
        }
    }
    say("forks %d others %d", forks, others);
    end_task(child);
}

static void *call_in_thread(void *unused) {
    (void)unused;
    call_for_ever();
    return NULL;
}

static void two_threads(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, call_in_thread, NULL);
    call_for_ever();
}

static void several_tracees(void) {
    pid_t first = follow("first", two_threads), second = follow("second", call_for_ever);
    int births = 0, stops[3] = {0}, others = 0;
    pid_t thread = 0;
    ptrace(PTRACE_SYSCALL, first, 0, 0);
    ptrace(PTRACE_SYSCALL, second, 0, 0);
    while (stops[0] < 50 || stops[1] < 50 || stops[2] < 50) {
        int status = 0;
        pid_t got = wait4(-1, &status, __WALL, NULL);
        if (status >> 16 == PTRACE_EVENT_CLONE) {
            births++;
            thread = message_of(first);
        } else if (status >> 8 == (SIGTRAP | 0x80)) {
            stops[got == first ? 0 : got == second ? 1 : 2]++;
            others += got != first && got != second && got != thread;
        } else {
            others += status >> 16 != PTRACE_EVENT_STOP;
        }
        ptrace(PTRACE_SYSCALL, got, 0, 0);
    }
    say("births %d others %d", births, others);
    int left = 0, status = 0;
    kill(first, SIGKILL);
    kill(second, SIGKILL);
    while (wait4(-1, &status, __WALL, NULL) > 0)
        left += WIFSIGNALED(status);
    say("killed %d", left);
}

static void children_of_the_tracer(void) {
    pid_t child = follow("child", call_for_ever);
    rounds(child, 10);
    pid_t other = start("other", call_a_hundred_times);
    int told = 0, stops = 0;
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    while (!told || stops < 200) {
        int status = 0;
        pid_t got = wait4(-1, &status, __WALL, NULL);
        if (got == other) {
            say_status(other, status);
            told = 1;
        } else {
            stops++;
            ptrace(PTRACE_SYSCALL, child, 0, 0);
        }
    }
    await(child, 0);
    end_task(child);
}

/* A child that died is told of though the tracee stops before each wait. */
static void dead_child_beside_a_tracee(void) {
    pid_t other = start("other", pause_for_ever);
    pid_t child = follow("child", call_for_ever);
    rounds(child, 10);
    kill(other, SIGKILL);
    until_state(other, 'Z');
    for (int i = 0; i < 3; i++) {
        ptrace(PTRACE_SYSCALL, child, 0, 0);
        until_stopped(child);
        if (await(-1, __WALL) == other)
            await(-1, __WALL);
    }
    rounds(child, 10);
    end_task(child);
}

/* SIGKILL at whatever moment the machine is at: the tracee, or the tracer. */
static void killed_tracee(void) {
    for (int i = 0; i < 20; i++) {
        pid_t child = follow("child", call_for_ever);
        ptrace(PTRACE_SETOPTIONS, child, 0, OPTIONS | PTRACE_O_TRACEEXIT);
        pid_t killer = fork();
        if (killer == 0) {
            for (volatile int spin = 0; spin < i * 20000; spin++)
                ;
            kill(child, SIGKILL);
            _exit(0);
        }
        int status = 0, got_killer = 0;
        while (status >> 8 != (SIGTRAP | PTRACE_EVENT_EXIT << 8) && !WIFSIGNALED(status)) {
            ptrace(PTRACE_SYSCALL, child, 0, 0);
            pid_t got = wait4(-1, &status, __WALL, NULL);
            if (got == killer) {
                got_killer = 1;
                status = 0;
                if (wait4(child, &status, __WALL, NULL) != child)
                    say("lost");
            }
        }
        while (!WIFSIGNALED(status)) {
            ptrace(PTRACE_CONT, child, 0, 0);
            if (waitpid(child, &status, 0) != child)
                say("no end");
        }
        if (!got_killer)
            waitpid(killer, NULL, 0);
        if (WTERMSIG(status) != SIGKILL)
            say_status(child, status);
    }
    say("all killed");
}

static int *shared_count;

static void count_for_ever(void) {
    for (;;) {
        syscall(SYS_getppid);
        __atomic_add_fetch(shared_count, 1, __ATOMIC_SEQ_CST);
    }
}

static void trace_for_ever(void) {
    /* Not its child: the tracee outlives it. */
    pid_t tracee = *(shared_count + 1);
    ptrace(PTRACE_SEIZE, tracee, 0, PTRACE_O_TRACESYSGOOD);
    ptrace(PTRACE_INTERRUPT, tracee, 0, 0);
    for (;;) {
        int status;
        if (wait4(-1, &status, __WALL, NULL) != tracee)
            _exit(1);
        ptrace(PTRACE_SYSCALL, tracee, 0, 0);
    }
}

static void killed_tracer(void) {
    shared_count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t tracee = shared_count[1] = start("tracee", count_for_ever);
    for (int i = 0; i < 15; i++) {
        pid_t tracer = start("tracer", trace_for_ever);
        int before = *shared_count;
        while (*shared_count < before + 20)
            sched_yield();
        for (volatile int spin = 0; spin < i * 30000; spin++)
            ;
        kill(tracer, SIGKILL);
        int status = 0;
        waitpid(tracer, &status, 0);
        if (!WIFSIGNALED(status))
            say_status(tracer, status);
        before = *shared_count;
        while (*shared_count < before + 20)
            sched_yield();
    }
    say("it goes on");
    end_task(tracee);
}

static const struct named_case cases[] = {
    {"to_the_end", to_the_end},
    {"sizes_of_info", sizes_of_info},
    {"other_requests", other_requests},
    {"waits_of_all_kinds", waits_of_all_kinds},
    {"long_calls", long_calls},
    {"broken_by_a_handler", broken_by_a_handler},
    {"restarted_by_a_handler", restarted_by_a_handler},
    {"signals_to_the_tracee", signals_to_the_tracee},
    {"tracee_with_children", tracee_with_children},
    {"several_tracees", several_tracees},
    {"children_of_the_tracer", children_of_the_tracer},
    {"dead_child_beside_a_tracee", dead_child_beside_a_tracee},
    {"killed_tracee", killed_tracee},
    {"killed_tracer", killed_tracer},
    {NULL, NULL},
};

CASES(cases)

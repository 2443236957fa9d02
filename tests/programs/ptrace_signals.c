/* Signals of a tracee: delivered, suppressed, replaced, made up, listed (ptrace(2)). */

#include "ptrace_say.h"

static volatile int last, last_code, last_value;
static volatile pid_t last_pid;

static void on_signal(int signo, siginfo_t *info, void *context UNUSED) {
    last = signo;
    last_code = info->si_code;
    last_pid = info->si_pid;
    last_value = info->si_value.sival_int;
}

static void catch(int signo) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(signo, &action, NULL);
}

static void say_last(void) {
    pid_t parent = getppid();
    say("got %s code %d from %s value %d", last ? signal_name(last) : "nothing", last_code,
        last_pid == parent ? "tracer" : last_pid == getpid() ? "itself" : last_pid ? "another" : "none", last_value);
}

static void raise_one(void) {
    catch(SIGUSR1);
    catch(SIGUSR2);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    union sigval value = {.sival_int = 7};
    sigqueue(getpid(), SIGUSR1, value);
    say_last();
    _exit(0);
}

static void delivered(void) {
    pid_t child = start("child", raise_one);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, SIGUSR1);
    await(child, 0);
}

static void suppressed(void) {
    pid_t child = start("child", raise_one);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void replaced(void) {
    pid_t child = start("child", raise_one);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGUSR2);
    await(child, 0);
}

static void siginfo_changed(void) {
    pid_t child = start("child", raise_one);
    await(child, 0);
    siginfo_t info;
    ptrace(PTRACE_GETSIGINFO, child, 0, &info);
    info.si_value.sival_int = 99;
    info.si_code = SI_TIMER;
    ASK(PTRACE_SETSIGINFO, child, 0, &info);
    say_siginfo(child);
    ASK(PTRACE_SETSIGINFO, child, 0, 8);
    ASK(PTRACE_GETSIGINFO, child, 0, 8);
    ASK(PTRACE_CONT, child, 0, SIGUSR1);
    await(child, 0);
}

static void siginfo_of_another_number(void) {
    pid_t child = start("child", raise_one);
    await(child, 0);
    siginfo_t info;
    ptrace(PTRACE_GETSIGINFO, child, 0, &info);
    info.si_signo = SIGUSR2;
    ASK(PTRACE_SETSIGINFO, child, 0, &info);
    ASK(PTRACE_CONT, child, 0, SIGUSR2);
    await(child, 0);
}

static void block_one_raise_another(void) {
    catch(SIGUSR1);
    catch(SIGUSR2);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGUSR1);
    say_last();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    say_last();
    _exit(0);
}

static void replaced_by_a_blocked_one(void) {
    pid_t child = start("child", block_one_raise_another);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGUSR2);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, SIGUSR2);
    await(child, 0);
}

static void ignore_one(void) {
    signal(SIGUSR1, SIG_IGN);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGUSR1);
    raise(SIGWINCH);
    _exit(2);
}

static void ignored_is_told(void) {
    pid_t child = start("child", ignore_one);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGUSR1);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGWINCH);
    await(child, 0);
}

static void fault(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    *(volatile int *)8 = 1;
}

static void faults(void) {
    pid_t child = start("child", fault);
    await(child, 0);
    siginfo_t info;
    ptrace(PTRACE_GETSIGINFO, child, 0, &info);
    say("address %p code %d", info.si_addr, info.si_code);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGSEGV);
    await(child, 0);
}

static void breakpoint(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    __asm__ volatile("int3");
    _exit(2);
}

static void breakpoints(void) {
    pid_t child = start("child", breakpoint);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void trap_delivered(void) {
    pid_t child = start("child", breakpoint);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGTRAP);
    await(child, 0);
}

static void stop_then_exit(void) {
    catch(SIGUSR1);
    catch(SIGRTMIN);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    say_last();
    _exit(2);
}

static void queued(void) {
    pid_t child = start("child", stop_then_exit);
    await(child, 0);
    kill(child, SIGUSR1);
    union sigval value = {.sival_int = 1};
    sigqueue(child, SIGRTMIN, value);
    value.sival_int = 2;
    sigqueue(child, SIGRTMIN, value);
    siginfo_t infos[8];
    struct __ptrace_peeksiginfo_args args = {.off = 0, .flags = PTRACE_PEEKSIGINFO_SHARED, .nr = 8};
    memset(infos, 0, sizeof infos);
    long result = ptrace(PTRACE_PEEKSIGINFO, child, &args, infos);
    say("shared: %ld", result);
    for (long i = 0; i < result; i++)
        say("%s value %d", signal_name(infos[i].si_signo), infos[i].si_code == SI_QUEUE ? infos[i].si_value.sival_int : 0);
    args.off = 1;
    args.nr = 1;
    result = ptrace(PTRACE_PEEKSIGINFO, child, &args, infos);
    say("one: %ld %s", result, signal_name(infos[0].si_signo));
    args.flags = 0;
    say("own: %ld", ptrace(PTRACE_PEEKSIGINFO, child, &args, infos));
    args.flags = 4;
    say("bad flags: %s", error_of(ptrace(PTRACE_PEEKSIGINFO, child, &args, infos)));
    args.flags = PTRACE_PEEKSIGINFO_SHARED;
    args.nr = -1;
    say("negative: %s", error_of(ptrace(PTRACE_PEEKSIGINFO, child, &args, infos)));
    args.nr = 2;
    args.off = 0;
    say("bad buffer: %s", error_of(ptrace(PTRACE_PEEKSIGINFO, child, &args, (void *)8)));
    say("bad arguments: %s", error_of(ptrace(PTRACE_PEEKSIGINFO, child, (void *)8, infos)));
    end_task(child);
}

static void pending_are_told_in_order(void) {
    pid_t child = start("child", stop_then_exit);
    await(child, 0);
    union sigval value = {.sival_int = 1};
    sigqueue(child, SIGRTMIN, value);
    kill(child, SIGUSR1);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void masks(void) {
    pid_t child = start("child", stop_then_exit);
    await(child, 0);
    uint64_t mask = 1;
    ASK(PTRACE_GETSIGMASK, child, 8, &mask);
    say("mask %#llx", (unsigned long long)mask);
    mask = 1ull << (SIGUSR1 - 1) | 1ull << (SIGKILL - 1);
    ASK(PTRACE_SETSIGMASK, child, 8, &mask);
    ASK(PTRACE_GETSIGMASK, child, 8, &mask);
    say("mask %#llx", (unsigned long long)mask);
    ASK(PTRACE_GETSIGMASK, child, 4, &mask);
    ASK(PTRACE_SETSIGMASK, child, 16, &mask);
    ASK(PTRACE_GETSIGMASK, child, 8, 8);
    ASK(PTRACE_SETSIGMASK, child, 8, 8);
    kill(child, SIGUSR1);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void hang(void) {
    catch(SIGUSR1);
    pause_for_ever();
}

static void detached_at_a_signal(int signo) {
    pid_t child = start("child", raise_one);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, signo);
    await(child, 0);
}

static void detached_delivering(void) { detached_at_a_signal(SIGUSR1); }
static void detached_suppressing(void) { detached_at_a_signal(0); }
static void detached_replacing(void) { detached_at_a_signal(SIGUSR2); }

static void attached_into_a_signal(void) {
    pid_t child = start("child", hang);
    until_state(child, 'S');
    kill(child, SIGSTOP);
    await(child, WUNTRACED);
    kill(child, SIGUSR2);
    ASK(PTRACE_SEIZE, child, 0, 0);
    await(child, 0);
    kill(child, SIGCONT);
    ASK(PTRACE_CONT, child, 0, 0);
    int status, told = 0;
    for (; told < 4 && waitpid(child, &status, 0) == child && WIFSTOPPED(status); told++)
        ptrace(PTRACE_CONT, child, 0, status >> 16 ? 0 : WSTOPSIG(status));
    say_status(child, status);
}

static const struct named_case cases[] = {
    {"delivered", delivered},
    {"suppressed", suppressed},
    {"replaced", replaced},
    {"siginfo_changed", siginfo_changed},
    {"siginfo_of_another_number", siginfo_of_another_number},
    {"replaced_by_a_blocked_one", replaced_by_a_blocked_one},
    {"ignored_is_told", ignored_is_told},
    {"faults", faults},
    {"breakpoints", breakpoints},
    {"trap_delivered", trap_delivered},
    {"queued", queued},
    {"pending_are_told_in_order", pending_are_told_in_order},
    {"masks", masks},
    {"detached_delivering", detached_delivering},
    {"detached_suppressing", detached_suppressing},
    {"detached_replacing", detached_replacing},
    {"attached_into_a_signal", attached_into_a_signal},
    {NULL, NULL},
};

CASES(cases)

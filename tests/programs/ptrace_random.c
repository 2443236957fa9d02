/* A random sequence of ptrace requests, signals and waits, made from a number.
 *
 * The tracer moves one tracee, then waits until all of them stand or sleep; what was told meanwhile it says in the
 * order of its list.  So a sequence says the same each time, but where the kernel itself leaves the order free: whoever compares
 * runs each sequence several times and leaves out what differs there.
 *
 * ptrace_random NUMBER [MOVES] */

#include "ptrace_random_told.h"
#include "ptrace_random_tracee.h"
#include <linux/ptrace.h>

enum { MOVES = 50 };

/* -- what is asked ---------------------------------------------------------------------------------- */

static const char *small(long long value) {
    static char text[4][24];
    static int next;
    char *to = text[next++ % 4];
    if (value > -5000 && value < 300)
        snprintf(to, 24, "%lld", value);
    else
        snprintf(to, 24, "big");
    return to;
}

static void say_call(pid_t tid) {
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    long result = ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info);
    bool entry = info.op == PTRACE_SYSCALL_INFO_ENTRY || info.op == PTRACE_SYSCALL_INFO_SECCOMP;
    say("call: %s op %d number %s result %s", result < 0 ? error_of(-1) : small(result), info.op,
        entry ? small(info.entry.nr) : "-", info.op == PTRACE_SYSCALL_INFO_EXIT ? small(info.exit.rval) : "-");
}

static void say_pending(pid_t tid, unsigned flags) {
    struct __ptrace_peeksiginfo_args arguments = {0, flags, 4};
    siginfo_t infos[4];
    long count = syscall(SYS_ptrace, PTRACE_PEEKSIGINFO, tid, &arguments, infos);
    if (count < 0)
        say("pending: %s", error_of(count));
    for (long i = 0; i < count; i++)
        say("pending%s: %s code %#x", flags ? " for all" : "", signal_name(infos[i].si_signo), infos[i].si_code);
    if (count == 0)
        say("pending%s: none", flags ? " for all" : "");
}

static void say_registers(pid_t tid) {
    struct user_regs_struct registers;
    long result = ptrace(PTRACE_GETREGS, tid, 0, &registers);
    if (result)
        say("registers: %s", error_of(result));
    else
        say("registers: call %s result %s", small(registers.orig_rax), small(registers.rax));
}

static void change_siginfo(pid_t tid) {
    siginfo_t info;
    if (ptrace(PTRACE_GETSIGINFO, tid, 0, &info) == 0) {
        info.si_code = -1 - (int)below(3);
        info.si_pid = 0;
        ASK(PTRACE_SETSIGINFO, tid, 0, &info);
    } else
        say("no siginfo: %s", strerrorname_np(errno));
}

static void change_mask(pid_t tid) {
    static const int signals[] = {SIGUSR1, SIGCONT, SIGTSTP, SIGWINCH};
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= below(3) == 0 ? 1ull << (signals[i] - 1) : 0;
    ASK(PTRACE_SETSIGMASK, tid, sizeof mask, &mask);
}

static void send(const struct tracee *one) {
    static const int signals[] = {SIGUSR1, SIGUSR2, SIGCONT, SIGCONT, SIGSTOP, SIGTSTP, SIGWINCH, SIGTERM};
    int signo = signals[below(8 - (below(4) != 0))];
    if (is_signalled && signo == SIGCONT)
        signo = SIGWINCH;
    bool alone = below(3) == 0;
    long result = alone ? syscall(SYS_tkill, one->tid, signo) : kill(one->tid, signo);
    say("%s %s to %s: %s", alone ? "tkill" : "kill", signal_name(signo), one->name, error_of(result));
}

static int random_options(void) {
    int options = 0;
    for (int bit = 0; bit < 7; bit++)
        options |= below(2) << bit;
    return options;
}

/* It has an address where others have a pid. */
static bool is_fault(const siginfo_t *info) {
    return info->si_signo != SIGCHLD && info->si_code > 0 && info->si_code < 0x80;
}

/* False: what was done may move a tracee that runs, so that answers are a matter of time. */
static bool ask_something(struct tracee *one) {
    uint64_t mask = 0;
    unsigned long message = 0;
    siginfo_t info;
    switch (below(15)) {
    case 0:
    case 1:
        memset(&info, 0, sizeof info);
        if (ptrace(PTRACE_GETSIGINFO, one->tid, 0, &info) == -1)
            say("siginfo: %s", strerrorname_np(errno));
        else
            say("siginfo: %s code %#x pid %s", signal_name(info.si_signo), info.si_code,
                is_fault(&info) ? "none" : who(info.si_pid));
        break;
    case 2:
        say("message: %s %s", error_of(ptrace(PTRACE_GETEVENTMSG, one->tid, 0, &message)), small(message));
        break;
    case 3:
    case 4:
        say_call(one->tid);
        break;
    case 5:
        ASK(PTRACE_SETOPTIONS, one->tid, 0, random_options());
        break;
    case 6:
        ASK(PTRACE_INTERRUPT, one->tid, 0, 0);
        return one->standing == STANDS;
    case 7:
        say_registers(one->tid);
        break;
    case 8:
        say_pending(one->tid, 0);
        say_pending(one->tid, 1);
        break;
    case 9:
        say("mask: %s", error_of(syscall(SYS_ptrace, PTRACE_GETSIGMASK, one->tid, 8, &mask)));
        say("mask: %#lx", (unsigned long)mask);
        break;
    case 10:
        change_mask(one->tid);
        break;
    case 11:
        change_siginfo(one->tid);
        break;
    case 12:
    case 13:
        send(one);
        return one->standing == STANDS;
    default:
        ASK(PTRACE_CONT, one->tid, 0, 65 + below(2));
    }
    return true;
}

/* -- moves ------------------------------------------------------------------------------------------ */

static void let_run(struct tracee *one, long result, enum standing standing) {
    if (result == 0)
        one->standing = standing;
}

static void move_standing(struct tracee *one) {
    int told = one->status >> 8, signo = 0;
    if (told < 0x80 && below(5))
        signo = told == SIGTRAP ? 0 : told;
    else if (below(12) == 0)
        signo = below(2) ? SIGUSR1 : SIGWINCH;
    say("%s goes on with %d", one->name, signo);
    switch (below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        let_run(one, ASK(PTRACE_CONT, one->tid, 0, signo), RUNS);
        break;
    case 5:
    case 6:
        let_run(one, ASK(PTRACE_SINGLESTEP, one->tid, 0, signo), RUNS);
        break;
    case 7:
        let_run(one, ASK(PTRACE_SYSEMU, one->tid, 0, signo), RUNS);
        break;
    case 8:
        let_run(one, ASK(PTRACE_SYSEMU_SINGLESTEP, one->tid, 0, signo), RUNS);
        break;
    case 9:
    case 10:
    case 11:
        let_run(one, ASK(PTRACE_LISTEN, one->tid, 0, 0), LISTENS);
        break;
    case 12:
        if (below(3) == 0) {
            let_run(one, ASK(PTRACE_DETACH, one->tid, 0, signo), FREE);
            if (one->standing == FREE && !one->is_own)
                one->standing = LOST;
        }
        break;
    case 13:
        if (below(6) == 0) {
            say("kill %s: %s", one->name, error_of(kill(one->tid, SIGKILL)));
            one->standing = RUNS;
            is_patient = true;
        }
        break;
    default:
        let_run(one, ASK(PTRACE_SYSCALL, one->tid, 0, signo), RUNS);
    }
}

static void move_sleeping(struct tracee *one) {
    switch (below(one->standing == FREE ? 4 : 6)) {
    case 0:
    case 1:
        send(one);
        break;
    case 2:
        say("gate: %s", error_of(write(gate[1], "x", 1)));
        break;
    case 3:
        if (one->standing == FREE && one->is_own && state_of(one->tid) != 'Z') {
            one->is_seized = below(2);
            let_run(one,
                    one->is_seized ? ASK(PTRACE_SEIZE, one->tid, 0, random_options()) : ASK(PTRACE_ATTACH, one->tid, 0, 0),
                    RUNS);
            break;
        }
        ASK(PTRACE_CONT, one->tid, 0, 0);
        break;
    default:
        ASK(PTRACE_INTERRUPT, one->tid, 0, 0);
    }
}

/* -- beginnings ------------------------------------------------------------------------------------- */

static uint64_t tracee_seed;

static void be_no_tracer(void) {
    sigset_t none;
    signal(SIGALRM, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void ask_to_be_traced(void) {
    be_no_tracer();
    seed(tracee_seed);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    go_through_all();
}

static void be_attached_to(void) {
    char byte;
    be_no_tracer();
    seed(tracee_seed);
    while (read(gate[0], &byte, 1) != 1)
        ;
    go_through_all();
}

static void begin(const char *name) {
    int how = below(4);
    tracee_seed = below(1 << 20);
    is_never_continued = is_signalled;
    struct tracee *one = add(start(name, how == 0 ? ask_to_be_traced : be_attached_to), name);
    one->is_own = true;
    one->standing = RUNS;
    if (how == 0)
        return;
    until_state(one->tid, 'S');
    if (how == 1) {
        ASK(PTRACE_ATTACH, one->tid, 0, 0);
        return;
    }
    one->is_seized = true;
    ASK(PTRACE_SEIZE, one->tid, 0, random_options());
    if (how == 2)
        ASK(PTRACE_INTERRUPT, one->tid, 0, 0);
}

static void end_all(void) {
    for (int i = 0; i < tracee_count; i++)
        if (tracees[i].standing != GONE)
            kill(tracees[i].tid, SIGKILL);
    for (int status, got; (got = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;)
        if (WIFSTOPPED(status))
            ptrace(PTRACE_CONT, got, 0, 0);
}

static void prepare(void) {
    sigset_t one;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = ring}, NULL);
    setpgid(0, 0);
    if (pipe(gate))
        _exit(94);
    is_signalled = below(2);
    sigemptyset(&one);
    sigaddset(&one, SIGCHLD);
    if (is_signalled)
        sigprocmask(SIG_BLOCK, &one, NULL);
}

int main(int argc, char **argv) {
    if (argc > 5 && !strcmp(argv[1], "again"))
        return again(argv + 2);
    if (argc < 2)
        return 97;
    int moves = argc > 2 ? atoi(argv[2]) : MOVES;
    first_pid = getpid();
    seed(strtoul(argv[1], NULL, 10));
    prepare();
    begin("a");
    if (below(3) == 0)
        begin("b");
    for (int i = 0; i < moves; i++) {
        settle(below(LOOKS));
        int alive = 0;
        for (int k = 0; k < tracee_count; k++)
            alive += tracees[k].standing < LOST;
        if (!alive)
            break;
        int chosen = below(alive);
        struct tracee *one = tracees;
        while (one->standing >= LOST || chosen--)
            one++;
        bool is_still = true;
        for (int asked = below(4); asked && is_still; asked--)
            is_still = ask_something(one);
        if (!is_still)
            continue;
        if (one->standing == STANDS)
            move_standing(one);
        else
            move_sleeping(one);
    }
    end_all();
    return 0;
}

/* Two tracers on one program; they say what each is told of the other's steps.
 *
 * The first has a watchpoint on a variable of the tracee.  The argument names the case:
 *   step_over     the second steps the tracee over the instruction that changes the variable;
 *   lent_step     likewise, while the first holds that thread and steps another, which the second holds.
 * The kernel alone gives a task one tracer: this runs under `utrace run` only. */
#include "ptrace_say.h"

#include <sys/mman.h>

#define DEBUG_REGISTER(number) offsetof(struct user, u_debugreg[number])
enum { LOCAL_0 = 1, WRITES_OF_4_0 = 0xd << 16, SINGLE_STEP = 1 << 14, HITS = 0xf };

static volatile int watched;
static volatile int *threads;
static int turns[2][2];

__attribute__((noinline)) static void change(void) {
    __asm__ volatile("int3\n\tmovl $1, %0\n\tnop\n\tnop" : "=m"(watched));
}

static void *another(void *arg) {
    threads[1] = gettid();
    for (;;)
        pause();
    return arg;
}

static void tracee_body(void) {
    pthread_t thread;
    threads[0] = gettid();
    pthread_create(&thread, NULL, another, NULL);
    while (!threads[1])
        short_while();
    threads[2] = 1;
    for (;;)
        pause();
}

static void pass(int to) {
    if (write(turns[to][1], "", 1) != 1)
        _exit(97);
}

static void take(int mine) {
    char byte;
    if (read(turns[mine][0], &byte, 1) != 1)
        _exit(96);
}

static void attach(pid_t tid, const char *name) {
    name_task(tid, name);
    ptrace(PTRACE_ATTACH, tid, 0, 0);
    waitpid(tid, NULL, __WALL);
}

static unsigned long debug_register(pid_t pid, int number) {
    return ptrace(PTRACE_PEEKUSER, pid, DEBUG_REGISTER(number), 0);
}

/* What a stopped thread is about, as a debugger finds it out. */
static void say_trap(pid_t tid) {
    siginfo_t info;
    struct user_regs_struct registers;
    int value = (int)ptrace(PTRACE_PEEKDATA, tid, &watched, 0);
    unsigned long dr6 = debug_register(tid, 6);
    ptrace(PTRACE_GETSIGINFO, tid, 0, &info);
    ptrace(PTRACE_GETREGS, tid, 0, &registers);
    say("%s: %s code %d, hits %#lx, step %d, watched %d", who(tid), signal_name(info.si_signo), info.si_code, dr6 & HITS,
        (dr6 & SINGLE_STEP) != 0, value);
}

/* Put a stopped thread to where the variable is changed next. */
static void lead_to_change(pid_t tid) {
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, tid, 0, &registers);
    registers.rip = (unsigned long)change;
    while ((ptrace(PTRACE_PEEKTEXT, tid, registers.rip, 0) & 0xff) != 0xcc)
        registers.rip++;
    registers.rip++;
    registers.orig_rax = -1;
    ptrace(PTRACE_SETREGS, tid, 0, &registers);
}

static void watch(pid_t tid) {
    ptrace(PTRACE_POKEUSER, tid, DEBUG_REGISTER(0), &watched);
    ptrace(PTRACE_POKEUSER, tid, DEBUG_REGISTER(7), LOCAL_0 | WRITES_OF_4_0);
}

static void second(int lent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    take(1);
    attach(threads[0], "thread 1");
    attach(threads[1], "thread 2");
    pass(0);
    take(1);
    /* In the second case the first holds thread 1, and is about to step thread 2. */
    ptrace(PTRACE_SINGLESTEP, threads[0], 0, 0);
    await(threads[0], __WALL);
    say_trap(threads[0]);
    if (!lent)
        pass(0);
    ptrace(PTRACE_DETACH, threads[1], 0, 0);
    if (lent)
        take(1);
    ptrace(PTRACE_DETACH, threads[0], 0, 0);
    _exit(0);
}

int main(int argc, char **argv) {
    int lent = argc > 1 && !strcmp(argv[1], "lent_step");
    first_pid = getpid();
    alarm(ALARM_S);
    threads = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pipe(turns[0]) || pipe(turns[1]))
        return 1;
    start("tracee", tracee_body);
    while (!threads[2])
        short_while();
    pid_t other = fork();
    if (other == 0)
        second(lent);
    attach(threads[0], "thread 1");
    attach(threads[1], "thread 2");
    watch(threads[0]);
    lead_to_change(threads[0]);
    pass(1);
    take(0);
    if (lent) {
        lead_to_change(threads[1]);
        ptrace(PTRACE_SINGLESTEP, threads[1], 0, 0);
        pass(1);
        await(threads[1], __WALL);
        ptrace(PTRACE_CONT, threads[0], 0, 0);
        pass(1);
    } else {
        ptrace(PTRACE_CONT, threads[0], 0, 0);
        pass(1);
        take(0);
    }
    await(threads[0], __WALL);
    say_trap(threads[0]);
    return 0;
}

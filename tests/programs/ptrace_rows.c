/* What ptrace(2) has in its smaller rows: requests that are rarely made, and LISTEN where there is no group-stop. */

#include "ptrace_say.h"

static void stop_and_call(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    syscall(SYS_getppid);
    _exit(3);
}

static pid_t stopped_child(void) {
    pid_t child = start("child", stop_and_call);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    return child;
}

static void arch_prctl_of(void) {
    enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS };
    pid_t child = stopped_child();
    unsigned long fs = 0, gs = 1, again = 0;
    const long arch_prctl = 30;
    say("GET_FS: %s", error_of(syscall(SYS_ptrace, arch_prctl, child, &fs, GET_FS)));
    say("as ours: %d", fs == (unsigned long)pthread_self());
    say("GET_GS: %s %#lx", error_of(syscall(SYS_ptrace, arch_prctl, child, &gs, GET_GS)), gs);
    say("SET_GS: %s", error_of(syscall(SYS_ptrace, arch_prctl, child, 0x1234000, SET_GS)));
    say("GET_GS: %s %#lx", error_of(syscall(SYS_ptrace, arch_prctl, child, &again, GET_GS)), again);
    say("SET_FS: %s", error_of(syscall(SYS_ptrace, arch_prctl, child, ~0UL, SET_FS)));
    say("GET_FS: %s", error_of(syscall(SYS_ptrace, arch_prctl, child, 8, GET_FS)));
    say("unknown: %s", error_of(syscall(SYS_ptrace, arch_prctl, child, &again, 0x77)));
    end_task(child);
}

static void thread_areas(void) {
    pid_t child = stopped_child();
    unsigned char area[64];
    for (long number = 11; number < 17; number++) {
        memset(area, 0xee, sizeof area);
        long result = syscall(SYS_ptrace, 25, child, number, area);
        say("GET %ld: %s, %d", number, error_of(result), area[15] != 0xee && area[16] == 0xee);
        say("SET %ld: %s", number, error_of(syscall(SYS_ptrace, 26, child, number, area)));
    }
    say("GET: %s", error_of(syscall(SYS_ptrace, 25, child, 12, 8)));
    say("SET: %s", error_of(syscall(SYS_ptrace, 26, child, 12, 8)));
    end_task(child);
}

static void sized(void) {
    pid_t child = stopped_child();
    unsigned char buffer[128];
    const long requests[] = {0x420f, 0x4211, 0x4210};
    for (int i = 0; i < 3; i++)
        for (unsigned long size = 0; size <= 64; size += 8) {
            if (requests[i] != 0x4210)
                memset(buffer, 0xee, sizeof buffer);
            long result = syscall(SYS_ptrace, requests[i], child, size, buffer);
            int length = sizeof buffer;
            while (length && buffer[length - 1] == 0xee)
                length--;
            say("%#lx of %lu: %ld %s, not more than asked for: %d", requests[i], size, result, error_of(result),
                requests[i] == 0x4210 || length <= (int)size);
            say("%#lx to nowhere: %s", requests[i], error_of(syscall(SYS_ptrace, requests[i], child, size, 8)));
        }
    for (unsigned long size = 0; size <= 16; size += 4)
        for (long request = PTRACE_GETSIGMASK; request <= PTRACE_SETSIGMASK; request++)
            say("%#lx of %lu: %s", request, size, error_of(syscall(SYS_ptrace, request, child, size, buffer)));
    end_task(child);
}

static char words[32] = "what the child has in its memory";

static void say_transfer(const char *name, ssize_t result) {
    say("%s: %zd %s", name, result, result < 0 ? error_of(-1) : "ok");
}

static void by_vectors(void) {
    pid_t child = start("child", pause_for_ever);
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, 0);
    char first[8] = "", second[64] = "";
    struct iovec own[2] = {{first, 5}, {second, 20}}, remote[3] = {{words, 9}, {words + 9, 23}, {(void *)8, 8}};
    struct iovec nowhere = {(void *)8, 8}, none = {words, 0};
    say_transfer("read", process_vm_readv(child, own, 2, remote, 2, 0));
    say("%.5s|%.20s", first, second);
    own[1].iov_len = 60;
    say_transfer("read past the end", process_vm_readv(child, own, 2, remote, 3, 0));
    say("%.5s|%.27s", first, second);
    say_transfer("read nowhere", process_vm_readv(child, own, 2, &nowhere, 1, 0));
    say_transfer("read to nowhere", process_vm_readv(child, &nowhere, 1, remote, 2, 0));
    say_transfer("read none", process_vm_readv(child, own, 2, &none, 1, 0));
    say_transfer("read to none", process_vm_readv(child, &none, 1, remote, 1, 0));
    say_transfer("read no vectors", process_vm_readv(child, own, 0, remote, 0, 0));
    say_transfer("read with flags", process_vm_readv(child, own, 2, remote, 2, 1));
    say_transfer("read too many", process_vm_readv(child, own, 1025, remote, 2, 0));
    say_transfer("read bad vectors", process_vm_readv(child, (void *)8, 1, remote, 2, 0));
    own[0] = (struct iovec){(char[]){"WHAT"}, 4};
    say_transfer("write", process_vm_writev(child, own, 1, remote, 1, 0));
    say_transfer("write to code", process_vm_writev(child, own, 1, &(struct iovec){by_vectors, 4}, 1, 0));
    long word = ptrace(PTRACE_PEEKDATA, child, words, 0);
    say("%.8s", (char *)&word);
    end_task(child);
}

static void work_and_stop(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    while (clock() < CLOCKS_PER_SEC / 20)
        ;
    raise(SIGUSR1);
    _exit(4);
}

static siginfo_t of_child;
static void note_child(int signo UNUSED, siginfo_t *info, void *context UNUSED) { of_child = *info; }

/* Where the machine is busy a task may be off its CPU at every tick of the clock that counts. */
static void child_times(void) {
    int worked_at_stop = 0, worked_at_end = 0;
    sigaction(SIGCHLD, &(struct sigaction){.sa_sigaction = note_child, .sa_flags = SA_SIGINFO | SA_RESTART}, NULL);
    for (int i = 0; i < 25 && !(worked_at_stop && worked_at_end); i++) {
        int status = 0;
        pid_t child = start("child", work_and_stop);
        waitpid(child, &status, 0);
        long ticks = of_child.si_utime + of_child.si_stime;
        worked_at_stop |= of_child.si_code == CLD_TRAPPED && ticks >= 2 && ticks < 200;
        ptrace(PTRACE_CONT, child, 0, 0);
        waitpid(child, &status, 0);
        ticks = of_child.si_utime + of_child.si_stime;
        worked_at_end |= of_child.si_code == CLD_EXITED && ticks >= 2 && ticks < 200;
    }
    say("SIGCHLD tells of work: at a stop %d, at the end %d", worked_at_stop, worked_at_end);
}

static void block_steps(void) {
    pid_t child = stopped_child();
    for (int i = 0; i < 3; i++) {
        say("SINGLEBLOCK: %s", error_of(syscall(SYS_ptrace, 33, child, 0, 0)));
        await(child, 0);
        say_siginfo(child);
    }
    say("SINGLEBLOCK: %s", error_of(syscall(SYS_ptrace, 33, child, 0, 65)));
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static long call_of(pid_t pid) { return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.orig_rax), 0); }

static void emulated_steps(void) {
    pid_t child = stopped_child();
    int steps = 0, status = 0;
    while (steps < 20000) {
        if (syscall(SYS_ptrace, 32, child, 0, 0) || waitpid(child, &status, 0) != child)
            break;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            break;
        steps++;
    }
    say_status(child, status);
    say("after steps: %d, before getppid or another: %d", steps > 3, call_of(child) >= 0);
    syscall(SYS_ptrace, 32, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    end_task(child);
}

static void call_and_exit_by_it(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    long first = syscall(SYS_getppid), second = syscall(SYS_getppid), third = syscall(SYS_getppid);
    _exit(first == -ENOSYS || first == -1 ? second + third : 99);
}

static void say_registers(pid_t child) {
    say("call %ld result %ld", ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.orig_rax), 0),
        ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rax), 0));
}

/* What an emulator does: it makes the call itself, and puts the result where the call would. */
static void results_of_emulated_calls(void) {
    pid_t child = start("child", call_and_exit_by_it);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSEMU, child, 0, 0);
    await(child, 0);
    say_registers(child);
    ASK(PTRACE_SYSEMU, child, 0, 0);
    await(child, 0);
    ptrace(PTRACE_POKEUSER, child, offsetof(struct user, regs.rax), 30L);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_registers(child);
    ASK(PTRACE_SYSEMU, child, 0, 0);
    await(child, 0);
    struct user_regs_struct regs;
    ptrace(PTRACE_GETREGS, child, 0, &regs);
    regs.rax = 12;
    ptrace(PTRACE_SETREGS, child, 0, &regs);
    kill(child, SIGUSR1);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_registers(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

/* Each call of such a child is emulated by a step: the kernel of an emulator looks for one that it knows. */
static void results_of_emulated_steps(void) {
    const long sysemu_singlestep = 32;
    pid_t child = start("child", call_and_exit_by_it);
    int status = 0, calls = 0;
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    for (int i = 0; i < 20000 && calls < 3; i++) {
        syscall(SYS_ptrace, sysemu_singlestep, child, 0, 0);
        waitpid(child, &status, 0);
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
            ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.orig_rax), 0) == SYS_getppid)
            ptrace(PTRACE_POKEUSER, child, offsetof(struct user, regs.rax), calls++ ? 20L + calls : -1L);
    }
    say_registers(child);
    ASK(PTRACE_SYSEMU, child, 0, 0);
    await(child, 0);
    say("exit_group: %d of %ld", ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.orig_rax), 0) == SYS_exit_group,
        ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rdi), 0));
    end_task(child);
}

static void changed_by_structure(void) {
    pid_t child = stopped_child();
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
    for (size_t size = 0; size <= sizeof info; size += 8)
        say("of %zu: %s", size, error_of(syscall(SYS_ptrace, 0x4212, child, size, &info)));
    info.entry.nr = SYS_exit_group;
    info.entry.args[0] = 42;
    ((uint16_t *)&info)[1] = 1;
    say("flags: %s", error_of(syscall(SYS_ptrace, 0x4212, child, sizeof info, &info)));
    ((uint16_t *)&info)[1] = 0;
    info.op = PTRACE_SYSCALL_INFO_EXIT;
    say("another op: %s", error_of(syscall(SYS_ptrace, 0x4212, child, sizeof info, &info)));
    info.op = PTRACE_SYSCALL_INFO_ENTRY;
    say("nowhere: %s", error_of(syscall(SYS_ptrace, 0x4212, child, sizeof info, 8)));
    say("entry: %s", error_of(syscall(SYS_ptrace, 0x4212, child, sizeof info, &info)));
    say("now %ld", call_of(child));
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void result_by_structure(void) {
    pid_t child = stopped_child();
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    for (int i = 0; i < 2; i++) {
        ASK(PTRACE_SYSCALL, child, 0, 0);
        await(child, 0);
    }
    ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
    info.exit.rval = -ENOENT;
    info.exit.is_error = 1;
    say("exit: %s", error_of(syscall(SYS_ptrace, 0x4212, child, sizeof info, &info)));
    say("result %ld", ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rax), 0));
    info.op = PTRACE_SYSCALL_INFO_NONE;
    say("none: %s", error_of(syscall(SYS_ptrace, 0x4212, child, sizeof info, &info)));
    end_task(child);
}

static void info_by_the_stop_not_the_options(void) {
    pid_t child = stopped_child();
    struct __ptrace_syscall_info info;
    const long options[] = {0, PTRACE_O_TRACESYSGOOD, 0, PTRACE_O_TRACESYSGOOD};
    for (int i = 0; i < 4; i++) {
        ASK(PTRACE_SYSCALL, child, 0, 0);
        await(child, 0);
        ASK(PTRACE_SETOPTIONS, child, 0, options[i]);
        memset(&info, 0, sizeof info);
        say("size %ld", syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info));
        say("op %d", info.op);
    }
    end_task(child);
}

static void step_from_a_group_stop(void) {
    pid_t child = stopped_child();
    for (int i = 0; i < 2; i++) {
        kill(child, SIGSTOP);
        ASK(PTRACE_CONT, child, 0, i ? 0 : SIGSTOP);
        await(child, 0);
        if (i)
            ASK(PTRACE_CONT, child, 0, SIGSTOP);
        if (i)
            await(child, 0);
        say_siginfo(child);
        unsigned long before = ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rip), 0);
        ASK(PTRACE_SINGLESTEP, child, 0, 0);
        await(child, 0);
        say_siginfo(child);
        say("moved: %d", before != (unsigned long)ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rip), 0));
    }
    end_task(child);
}

static int go[2];

static void run_at_a_word(void) {
    char byte;
    if (read(go[0], &byte, 1) != 1)
        _exit(9);
    raise(SIGUSR1);
    pause_for_ever();
}

/* An interrupt has happened when the call returns: nothing of the program's runs after it. */
static void interrupted_at_once(void) {
    for (int i = 0; i < 8; i++) {
        if (pipe(go))
            return;
        pid_t child = start("child", run_at_a_word);
        until_state(child, 'S');
        ASK(PTRACE_SEIZE, child, 0, 0);
        ASK(PTRACE_INTERRUPT, child, 0, 0);
        if (write(go[1], "x", 1) != 1)
            return;
        await(child, 0);
        say_siginfo(child);
        end_task(child);
        close(go[0]);
        close(go[1]);
    }
}

/* -- LISTEN ----------------------------------------------------------------------------------------- */

static void listen_without_group_stop(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    await(child, WNOHANG);
    ASK(PTRACE_CONT, child, 0, 0);
    ASK(PTRACE_GETEVENTMSG, child, 0, 0);
    say("state %c", state_of(child));
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    kill(child, SIGTERM);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    ASK(PTRACE_CONT, child, 0, SIGTERM);
    await(child, 0);
}

static void killed_while_listening(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    end_task(child);
}

static const struct named_case cases[] = {
    {"arch_prctl", arch_prctl_of},
    {"thread_areas", thread_areas},
    {"sized", sized},
    {"by_vectors", by_vectors},
    {"child_times", child_times},
    {"block_steps", block_steps},
    {"emulated_steps", emulated_steps},
    {"results_of_emulated_calls", results_of_emulated_calls},
    {"results_of_emulated_steps", results_of_emulated_steps},
    {"changed_by_structure", changed_by_structure},
    {"result_by_structure", result_by_structure},
    {"listen_without_group_stop", listen_without_group_stop},
    {"info_by_the_stop_not_the_options", info_by_the_stop_not_the_options},
    {"interrupted_at_once", interrupted_at_once},
    {"step_from_a_group_stop", step_from_a_group_stop},
    {"killed_while_listening", killed_while_listening},
    {NULL, NULL},
};

CASES(cases)

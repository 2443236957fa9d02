/* Syscall-stops, steps, registers and memory of a tracee (ptrace(2), "Syscall-stops", PTRACE_SINGLESTEP). */

#include "ptrace_say.h"

static void stop_and_call(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    syscall(SYS_getppid);
    _exit(3);
}

static pid_t stopped_child(unsigned long options) {
    pid_t child = start("child", stop_and_call);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, options);
    return child;
}

static void say_call(pid_t pid) {
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    long size = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    if (size < 0)
        say("call: %s", strerrorname_np(errno));
    else if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        say("call: size %ld arch %#x entry %llu (%s)", size, info.arch, (unsigned long long)info.entry.nr,
            info.entry.nr == SYS_exit_group ? info.entry.args[0] == 3 ? "3" : "?" : "");
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        say("call: size %ld arch %#x exit %s error %d", size, info.arch,
            info.exit.rval > 2 ? who(info.exit.rval) : info.exit.rval ? "error" : "0", info.exit.is_error);
    else
        say("call: size %ld arch %#x op %d", size, info.arch, info.op);
}

static void calls(unsigned long options) {
    pid_t child = stopped_child(options);
    say_call(child);
    int status;
    do {
        if (ptrace(PTRACE_SYSCALL, child, 0, 0))
            say("SYSCALL: %s", strerrorname_np(errno));
        if (waitpid(child, &status, 0) != child)
            break;
        say_status(child, status);
        if (WIFSTOPPED(status)) {
            say_call(child);
            say_message(child);
            say_siginfo(child);
        }
    } while (WIFSTOPPED(status));
}

static void calls_without_sysgood(void) { calls(0); }
static void calls_with_sysgood(void) { calls(PTRACE_O_TRACESYSGOOD); }

static void short_syscall_info(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    unsigned char info[128];
    for (unsigned long size = 0; size <= 128; size += 16) {
        memset(info, 0xee, sizeof info);
        long result = syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, child, size, info);
        size_t written = sizeof info;
        while (written && info[written - 1] == 0xee)
            written--;
        say("size %lu: %ld, at most the size written: %d", size, result, written <= size);
    }
    say("EFAULT: %s", error_of(syscall(SYS_ptrace, PTRACE_GET_SYSCALL_INFO, child, 88, 8)));
    end_task(child);
}

static void change_a_call(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax), SYS_getpid);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_call(child);
    end_task(child);
}

static void skip_a_call(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax), -1L);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    struct user_regs_struct regs;
    ptrace((enum __ptrace_request)12, child, 0, &regs);
    say("result %lld", (long long)regs.rax);
    regs.rax = 77;
    ptrace((enum __ptrace_request)13, child, 0, &regs);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_call(child);
    end_task(child);
}

static void change_an_exit(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    for (int i = 0; i < 3; i++) {
        ASK(PTRACE_SYSCALL, child, 0, 0);
        await(child, 0);
    }
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.rdi), 42);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void signal_at_a_call(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_SYSCALL, child, 0, SIGUSR1);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void emulated_calls(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSEMU, child, 0, 0);
    await(child, 0);
    say_call(child);
    ASK(PTRACE_SYSEMU, child, 0, 0);
    await(child, 0);
    say_call(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

/* -- steps ------------------------------------------------------------------------------------- */

static unsigned long pc_of(pid_t pid) {
    return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0);
}

static void say_step(pid_t child, unsigned long before) {
    struct user_regs_struct regs;
    ptrace((enum __ptrace_request)12, child, 0, &regs);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    long result = ptrace(PTRACE_GETSIGINFO, child, 0, &info);
    say("moved %d code %#x %s call %lld flags %#llx", regs.rip != before, info.si_code, result ? "no siginfo" : "",
        (long long)regs.orig_rax, regs.eflags & 0x100);
}

static void step_once(pid_t child, long request) {
    unsigned long before = pc_of(child);
    ask_for(request == PTRACE_SINGLESTEP ? "PTRACE_SINGLESTEP" : "PTRACE_OTHERSTEP", request, child, 0, 0);
    int status = 0;
    waitpid(child, &status, 0);
    say_status(child, status);
    if (WIFSTOPPED(status))
        say_step(child, before);
}

static void steps(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    for (int i = 0; i < 40; i++)
        step_once(child, PTRACE_SINGLESTEP);
    end_task(child);
}

static void step_from_entry(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    step_once(child, PTRACE_SINGLESTEP);
    step_once(child, PTRACE_SINGLESTEP);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_call(child);
    end_task(child);
}

static void step_from_exit(void) {
    pid_t child = stopped_child(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    step_once(child, PTRACE_SINGLESTEP);
    step_once(child, PTRACE_SINGLESTEP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static volatile sig_atomic_t handled;
static void on_signal(int signo UNUSED) { handled++; }

static void stop_with_a_handler(void) {
    signal(SIGUSR1, on_signal);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGUSR1);
    _exit(handled);
}

static void step_into_a_handler(void) {
    pid_t child = start("child", stop_with_a_handler);
    await(child, 0);
    unsigned long before = pc_of(child);
    ASK(PTRACE_SINGLESTEP, child, 0, SIGUSR1);
    await(child, 0);
    say("at the handler: %d", pc_of(child) == (unsigned long)on_signal);
    say_step(child, before);
    step_once(child, PTRACE_SINGLESTEP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void step_without_the_signal(void) {
    pid_t child = start("child", stop_with_a_handler);
    await(child, 0);
    step_once(child, PTRACE_SINGLESTEP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void fork_once(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    pid_t pid = syscall(SYS_fork);
    if (pid == 0)
        _exit(5);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static void step_from_a_fork(void) {
    pid_t child = start("child", fork_once);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    pid_t grandchild = name_task(message_of(child), "grandchild");
    await(grandchild, __WALL);
    ASK(PTRACE_DETACH, grandchild, 0, 0);
    step_once(child, PTRACE_SINGLESTEP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, SIGCHLD);
    await(child, 0);
}

static void call_from_a_fork(void) {
    pid_t child = start("child", fork_once);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    pid_t grandchild = name_task(message_of(child), "grandchild");
    await(grandchild, __WALL);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_call(child);
    ASK(PTRACE_KILL, grandchild, 0, 0);
    await(grandchild, __WALL);
    end_task(child);
}

static void step_and_interrupt(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    unsigned long before = pc_of(child);
    ASK(PTRACE_SINGLESTEP, child, 0, 0);
    await(child, 0);
    say_step(child, before);
    end_task(child);
}

/* -- registers, memory ----------------------------------------------------------------------------- */

static volatile long in_memory = 0x1122334455667788;

static void memory(void) {
    pid_t child = stopped_child(0);
    long word = 0;
    ASK(PTRACE_PEEKDATA, child, &in_memory, &word);
    say("%#lx", word);
    ASK(PTRACE_PEEKTEXT, child, (char *)&in_memory + 3, &word);
    ASK(PTRACE_PEEKDATA, child, 8, &word);
    ASK(PTRACE_PEEKDATA, child, &in_memory, 8);
    ASK(PTRACE_POKEDATA, child, &in_memory, 0x55);
    ASK(PTRACE_PEEKDATA, child, &in_memory, &word);
    say("%#lx, mine %#lx", word, in_memory);
    ASK(PTRACE_POKETEXT, child, stop_and_call, 0x66);
    ASK(PTRACE_PEEKTEXT, child, stop_and_call, &word);
    say("%#lx", word);
    ASK(PTRACE_POKEDATA, child, 8, 0x55);
    end_task(child);
}

static void user_area(void) {
    pid_t child = stopped_child(0);
    long word = 0;
    ASK(PTRACE_PEEKUSER, child, offsetof(struct user, regs.orig_rax), &word);
    say("orig_rax %ld", word);
    ASK(PTRACE_PEEKUSER, child, 3, &word);
    ASK(PTRACE_PEEKUSER, child, 8192, &word);
    ASK(PTRACE_PEEKUSER, child, sizeof(struct user_regs_struct) - 8, &word);
    ASK(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg[0]), 8);
    ASK(PTRACE_POKEUSER, child, 3, 1);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.cs), 0);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.rbx), 99);
    ASK(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rbx), &word);
    say("rbx %ld", word);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[7]), 1);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[4]), 1);
    end_task(child);
}

static void registers(void) {
    pid_t child = stopped_child(0);
    struct user_regs_struct regs, again;
    struct user_fpregs_struct fpregs;
    long result = syscall(SYS_ptrace, 12, child, 0, &regs);
    say("GETREGS %s orig_rax %lld", error_of(result), (long long)regs.orig_rax);
    regs.r12 = 0x1234;
    result = syscall(SYS_ptrace, 13, child, 0, &regs);
    say("SETREGS %s", error_of(result));
    ptrace((enum __ptrace_request)12, child, 0, &again);
    say("same %d", !memcmp(&regs, &again, sizeof regs));
    say("GETREGS %s", error_of(syscall(SYS_ptrace, 12, child, 0, 8)));
    say("SETREGS %s", error_of(syscall(SYS_ptrace, 13, child, 0, 8)));
    say("GETFPREGS %s", error_of(syscall(SYS_ptrace, 14, child, 0, &fpregs)));
    say("SETFPREGS %s", error_of(syscall(SYS_ptrace, 15, child, 0, &fpregs)));
    regs.cs = 0;
    say("SETREGS of a bad cs %s", error_of(syscall(SYS_ptrace, 13, child, 0, &regs)));
    end_task(child);
}

static void regset(pid_t child, long kind, size_t length) {
    static char buffer[16384];
    struct iovec vector = {buffer, length};
    long result = syscall(SYS_ptrace, PTRACE_GETREGSET, child, kind, &vector);
    say("GETREGSET %#lx of %zu: %s, %zu", kind, length, error_of(result), vector.iov_len);
    if (result == 0) {
        result = syscall(SYS_ptrace, PTRACE_SETREGSET, child, kind, &vector);
        say("SETREGSET: %s, %zu", error_of(result), vector.iov_len);
    }
}

static void regsets(void) {
    pid_t child = stopped_child(0);
    const long kinds[] = {NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE, 0x200, 0x201, 0x204, 0x4711};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        regset(child, kinds[i], 16384);
        regset(child, kinds[i], 64);
        regset(child, kinds[i], 7);
        regset(child, kinds[i], 0);
    }
    struct iovec bad = {(void *)8, 64};
    ASK(PTRACE_GETREGSET, child, NT_PRSTATUS, &bad);
    ASK(PTRACE_SETREGSET, child, NT_PRSTATUS, &bad);
    ASK(PTRACE_GETREGSET, child, NT_PRSTATUS, 8);
    end_task(child);
}

static void say_all(pid_t pid, const char *state) {
    char buffer[4096];
    say("-- %s", state);
    for (int request = 1; request < 34; request++)
        if (request != 7 && request != 8 && request != 9 && request != 16 && request != 17 && request != 24 &&
            request < 31)
            say("%d: %s", request, error_of(syscall(SYS_ptrace, request, pid, 0, buffer)));
    for (int request = 0x4200; request < 0x4218; request++)
        if (request != 0x4206 && request != 0x4207 && request != 0x4208)
            say("%#x: %s", request, error_of(syscall(SYS_ptrace, request, pid, 0, buffer)));
}

static void every_request_with_nothing(void) {
    pid_t other = start("other", pause_for_ever);
    say_all(other, "not mine");
    end_task(other);
    say_all(other, "gone");
    pid_t child = start("child", stop_and_call);
    await(child, 0);
    say_all(child, "stopped");
    end_task(child);
}

static void every_request_while_running(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    say_all(child, "running");
    ASK(PTRACE_CONT, child, 0, 0);
    ASK(PTRACE_CONT, child, 0, 1000);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    ASK(PTRACE_SINGLESTEP, child, 0, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    ASK(PTRACE_DETACH, child, 0, 0);
    ASK(PTRACE_KILL, child, 0, 0);
    end_task(child);
}

static void bad_signals(void) {
    pid_t child = stopped_child(0);
    ASK(PTRACE_CONT, child, 0, 65);
    ASK(PTRACE_CONT, child, 0, 1000);
    ASK(PTRACE_CONT, child, 0, -1);
    ASK(PTRACE_SYSCALL, child, 0, 65);
    ASK(PTRACE_SINGLESTEP, child, 0, 65);
    ASK(PTRACE_DETACH, child, 0, 65);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static const struct named_case cases[] = {
    {"calls_without_sysgood", calls_without_sysgood},
    {"calls_with_sysgood", calls_with_sysgood},
    {"short_syscall_info", short_syscall_info},
    {"change_a_call", change_a_call},
    {"skip_a_call", skip_a_call},
    {"change_an_exit", change_an_exit},
    {"signal_at_a_call", signal_at_a_call},
    {"emulated_calls", emulated_calls},
    {"steps", steps},
    {"step_from_entry", step_from_entry},
    {"step_from_exit", step_from_exit},
    {"step_into_a_handler", step_into_a_handler},
    {"step_without_the_signal", step_without_the_signal},
    {"step_from_a_fork", step_from_a_fork},
    {"call_from_a_fork", call_from_a_fork},
    {"step_and_interrupt", step_and_interrupt},
    {"memory", memory},
    {"user_area", user_area},
    {"registers", registers},
    {"regsets", regsets},
    {"every_request_with_nothing", every_request_with_nothing},
    {"every_request_while_running", every_request_while_running},
    {"bad_signals", bad_signals},
    {NULL, NULL},
};

CASES(cases)

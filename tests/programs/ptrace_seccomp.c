/* A tracee's own seccomp filter: PTRACE_EVENT_SECCOMP and its place among the stops of a call
 * (seccomp(2) "SECCOMP_RET_TRACE", ptrace(2) "PTRACE_EVENT_SECCOMP stops"). */

#include "ptrace_say.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* What the filter answers for one call; all others are allowed. */
static void filter(int nr, unsigned answer) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(90);
}

static void say_result(const char *name, long result) {
    if (result == -1)
        say("%s: %s", name, strerrorname_np(errno));
    else
        say("%s: %s", name, result == getpid() ? "itself" : result == 7 ? "7" : "another");
}

static void call_and_tell(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    filter(SYS_getppid, SECCOMP_RET_TRACE | 0x123);
    raise(SIGSTOP);
    say_result("getppid", syscall(SYS_getppid));
    say_result("getppid again", syscall(SYS_getppid));
    _exit(3);
}

static void untraced(void) {
    filter(SYS_getppid, SECCOMP_RET_TRACE | 0x123);
    say_result("getppid", syscall(SYS_getppid));
    filter(SYS_wait4, SECCOMP_RET_TRACE);
    say_result("wait4", syscall(SYS_wait4, -1, 0, 0, 0));
    filter(SYS_ptrace, SECCOMP_RET_TRACE);
    say_result("ptrace", syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
}

static pid_t filtered(unsigned long options) {
    pid_t child = start("child", call_and_tell);
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
    else if (info.op == PTRACE_SYSCALL_INFO_SECCOMP)
        say("call: size %ld seccomp %llu data %#x", size, (unsigned long long)info.seccomp.nr, info.seccomp.ret_data);
    else
        say("call: size %ld op %d %llu", size, info.op, info.op == 1 ? (unsigned long long)info.entry.nr : 0);
}

static void say_all(pid_t pid) {
    say_message(pid);
    say_siginfo(pid);
    say_call(pid);
}

static void to_the_end(pid_t child) {
    int status;
    ptrace(PTRACE_CONT, child, 0, 0);
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        say_status(child, status);
        ptrace(PTRACE_CONT, child, 0, 0);
    }
    say_status(child, status);
}

static void told_by_cont(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_all(child);
    to_the_end(child);
}

static void told_by_syscall(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    for (int i = 0; i < 8; i++) {
        ASK(PTRACE_SYSCALL, child, 0, 0);
        await(child, 0);
        say_all(child);
    }
    to_the_end(child);
}

static void exit_alone(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_all(child);
    to_the_end(child);
}

static void not_asked_for(void) {
    pid_t child = filtered(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void not_asked_for_by_syscall(void) {
    pid_t child = filtered(PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    say_call(child);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    struct user_regs_struct regs;
    ptrace((enum __ptrace_request)12, child, 0, &regs);
    say("result %lld", (long long)regs.rax);
    to_the_end(child);
}

static void skipped(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax), -1L);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.rax), 7);
    to_the_end(child);
}

static void changed(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax), SYS_getpid);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    to_the_end(child);
}

/* Changed at the entry into one that the filter lets pass: there is no event. */
static void changed_at_entry(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_POKEUSER, child, offsetof(struct user, regs.orig_rax), SYS_getpid);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    to_the_end(child);
}

static void cont_at_entry(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_call(child);
    to_the_end(child);
}

static void stepped(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_SINGLESTEP, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_SINGLESTEP, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    to_the_end(child);
}

static void killed_at_it(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    end_task(child);
}

static void let_go_at_it(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, 0);
    await(child, 0);
}

static void signal_at_it(void) {
    pid_t child = filtered(PTRACE_O_TRACESECCOMP);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGTERM);
    await(child, 0);
    say_siginfo(child);
    to_the_end(child);
}

static void fail_and_trap(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    filter(SYS_getppid, SECCOMP_RET_TRACE | 1);
    filter(SYS_getpgrp, SECCOMP_RET_ERRNO | ENOTTY);
    filter(SYS_getpgrp, SECCOMP_RET_TRACE | 2);
    filter(SYS_getppid, SECCOMP_RET_TRACE | 3);
    filter(SYS_wait4, SECCOMP_RET_ERRNO | ENOTTY);
    filter(SYS_getsid, SECCOMP_RET_TRAP);
    say_result("getppid", syscall(SYS_getppid));
    say_result("getpgrp", syscall(SYS_getpgrp));
    say_result("wait4", syscall(SYS_wait4, -1, 0, 0, 0));
    say_result("getsid", syscall(SYS_getsid, 0));
    _exit(4);
}

static void several_filters(int request) {
    pid_t child = start("child", fail_and_trap);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    int status = 0;
    for (int events = 0; events < 4;) {
        ptrace(request, child, 0, 0);
        if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            break;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            say_status(child, status);
            say_all(child);
            events++;
        }
    }
    end_task(child);
}

static void filters_by_cont(void) { several_filters(PTRACE_CONT); }
static void filters_by_syscall(void) { several_filters(PTRACE_SYSCALL); }

/* A tracer whose own ptrace and wait calls its tracer is told of. */
static void trace_under_a_filter(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    filter(SYS_wait4, SECCOMP_RET_TRACE | 4);
    filter(SYS_ptrace, SECCOMP_RET_TRACE | 5);
    raise(SIGSTOP);
    pid_t child = start("grandchild", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    kill(child, SIGTERM);
    await(child, 0);
    if (ASK(PTRACE_CONT, child, 0, SIGTERM))
        ASK(PTRACE_CONT, child, 0, SIGTERM);
    await(child, 0);
}

static void tracer_of_a_tracer(int request) {
    pid_t tracer = start("second", trace_under_a_filter);
    await(tracer, 0);
    ASK(PTRACE_SETOPTIONS, tracer, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD);
    int status = 0, told[6] = {0}, refused = 0;
    for (;;) {
        ptrace(request, tracer, 0, 0);
        if (waitpid(tracer, &status, 0) != tracer || !WIFSTOPPED(status))
            break;
        if (status >> 16 == PTRACE_EVENT_SECCOMP) {
            unsigned long data = message_of(tracer);
            told[data < 6 ? data : 0]++;
            if (data == 5 && told[5] == 4) {
                /* The fourth of its ptrace calls, CONT, fails; it says so and goes on. */
                refused = 1;
                ptrace(PTRACE_POKEUSER, tracer, offsetof(struct user, regs.orig_rax), -1L);
                ptrace(PTRACE_POKEUSER, tracer, offsetof(struct user, regs.rax), (long)-EIO);
            }
        }
    }
    say_status(tracer, status);
    say("wait4 %d ptrace %d other %d refused %d", told[4] > 1, told[5] > 3, told[0], refused);
}

static void tracer_under_cont(void) { tracer_of_a_tracer(PTRACE_CONT); }
static void tracer_under_syscall(void) { tracer_of_a_tracer(PTRACE_SYSCALL); }

static void stop_filtered(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    filter(SYS_getppid, SECCOMP_RET_TRACE);
    filter(SYS_getpgrp, SECCOMP_RET_LOG);
    raise(SIGSTOP);
    _exit(3);
}

static void what_filters(void) {
    pid_t child = start("child", stop_filtered);
    await(child, 0);
    struct sock_filter code[64];
    for (unsigned long i = 0; i < 4; i++) {
        memset(code, 0, sizeof code);
        long length = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, child, i, 0);
        long again = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, child, i, code);
        say("filter %lu: %ld %ld %s, of call %u", i, length, again, again < 0 ? strerrorname_np(errno) : "ok", code[1].k);
        struct seccomp_metadata {
            uint64_t filter_off, flags;
        } data = {i, 99};
        long size = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_METADATA, child, sizeof data, &data);
        say("metadata %ld %s flags %llu", size, error_of(size), (unsigned long long)data.flags);
    }
    end_task(child);
}

static const struct named_case cases[] = {
    {"untraced", untraced},
    {"told_by_cont", told_by_cont},
    {"told_by_syscall", told_by_syscall},
    {"exit_alone", exit_alone},
    {"not_asked_for", not_asked_for},
    {"not_asked_for_by_syscall", not_asked_for_by_syscall},
    {"skipped", skipped},
    {"changed", changed},
    {"changed_at_entry", changed_at_entry},
    {"cont_at_entry", cont_at_entry},
    {"stepped", stepped},
    {"killed_at_it", killed_at_it},
    {"let_go_at_it", let_go_at_it},
    {"signal_at_it", signal_at_it},
    {"filters_by_cont", filters_by_cont},
    {"filters_by_syscall", filters_by_syscall},
    {"tracer_under_cont", tracer_under_cont},
    {"tracer_under_syscall", tracer_under_syscall},
    {"what_filters", what_filters},
    {NULL, NULL},
};

CASES(cases)

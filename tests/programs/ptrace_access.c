/* Who may trace whom: users, capabilities, dumpability (ptrace(2), "Ptrace access mode checking").
 * As root it tries it all; others change no user, and get the same answer twice. */

#include "ptrace_say.h"
#include <linux/capability.h>

#define NOBODY 65534

static pid_t relative;
static int word[2], back[2];

static void be_nobody(void) {
    if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
        say("not root");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void drop_capabilities(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    if (syscall(SYS_capset, &head, none))
        say("capset: %s", strerrorname_np(errno));
}

static void keep_only(int capability) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct some[2] = {{.permitted = 1u << capability, .effective = 1u << capability}, {0}};
    if (syscall(SYS_capset, &head, some))
        say("capset: %s", strerrorname_np(errno));
}

static void pass(int fd) {
    if (write(fd, "x", 1) != 1)
        _exit(9);
}

static void wait_at(int fd) {
    char byte;
    if (read(fd, &byte, 1) != 1)
        _exit(9);
}

static void say_attempts(void) {
    name_task(relative, "relative");
    if (ASK(PTRACE_SEIZE, relative, 0, 0) == 0) {
        ASK(PTRACE_INTERRUPT, relative, 0, 0);
        await(relative, 0);
        ASK(PTRACE_DETACH, relative, 0, 0);
    }
    if (ASK(PTRACE_ATTACH, relative, 0, 0) == 0)
        await(relative, 0);
}

/* A tracee and a tracer, each made into somebody; then the tracer tries. */
static void (*tracee_becomes)(void), (*tracer_becomes)(void);

static void tracee(void) {
    if (tracee_becomes)
        tracee_becomes();
    pass(back[1]);
    pause_for_ever();
}

static void tracer(void) {
    if (tracer_becomes)
        tracer_becomes();
    say_attempts();
}

static void between(void (*of_tracee)(void), void (*of_tracer)(void)) {
    if (pipe(word) || pipe(back))
        return;
    tracee_becomes = of_tracee;
    tracer_becomes = of_tracer;
    relative = start("relative", tracee);
    wait_at(back[0]);
    pid_t second = start("second", tracer);
    await(second, 0);
    end_task(relative);
}

static void nobody_dumpable(void) {
    be_nobody();
    prctl(PR_SET_DUMPABLE, 1);
}

static void nobody_with_a_saved_root(void) {
    if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, 0))
        say("not root");
    prctl(PR_SET_DUMPABLE, 1);
}

static void not_dumpable(void) { prctl(PR_SET_DUMPABLE, 0); }

static void bare_and_dumpable(void) {
    drop_capabilities();
    prctl(PR_SET_DUMPABLE, 1);
}

static void with_one_capability(void) {
    keep_only(CAP_KILL);
    prctl(PR_SET_DUMPABLE, 1);
}

static void able_to_trace(void) { keep_only(CAP_SYS_PTRACE); }

static void same_user(void) { between(NULL, NULL); }
static void nobody_to_root(void) { between(NULL, be_nobody); }
static void root_to_nobody(void) { between(be_nobody, NULL); }
static void nobody_to_nobody(void) { between(be_nobody, be_nobody); }
static void nobody_to_dumpable_nobody(void) { between(nobody_dumpable, be_nobody); }
static void nobody_to_saved_root(void) { between(nobody_with_a_saved_root, be_nobody); }
static void root_to_not_dumpable(void) { between(not_dumpable, NULL); }
static void bare_root_to_root(void) { between(NULL, drop_capabilities); }
static void bare_root_to_bare_root(void) { between(bare_and_dumpable, drop_capabilities); }
static void bare_root_to_more_capable(void) { between(with_one_capability, drop_capabilities); }
static void equally_capable(void) { between(with_one_capability, with_one_capability); }
static void by_the_capability(void) { between(NULL, able_to_trace); }

static void ask_to_be_traced(void) {
    wait_at(word[0]);
    say("TRACEME: %s", error_of(ptrace(PTRACE_TRACEME, 0, 0, 0)));
    say("TRACEME: %s", error_of(ptrace(PTRACE_TRACEME, 0, 0, 0)));
}

static void ask_twice(void) {
    say("TRACEME: %s", error_of(ptrace(PTRACE_TRACEME, 0, 0, 0)));
    say("TRACEME: %s", error_of(ptrace(PTRACE_TRACEME, 0, 0, 0)));
}

static void ask_as_orphan(void) {
    pid_t parent = getpid();
    if (fork())
        _exit(0);
    while (getppid() == parent)
        short_while();
    ask_twice();
    pass(back[1]);
    _exit(0);
}

static void asked_by_an_orphan(void) {
    if (pipe(back))
        return;
    await(start("parent", ask_as_orphan), 0);
    wait_at(back[0]);
}

static void asked_by(void (*of_parent)(void), void (*of_child)(void)) {
    if (pipe(word) || pipe(back))
        return;
    tracee_becomes = of_child;
    pid_t child = start("child", ask_to_be_traced);
    if (of_parent)
        of_parent();
    pass(word[1]);
    await(child, 0);
}

static void be_a_bare_parent(void) { asked_by(drop_capabilities, NULL); }
static void be_a_parent(void) { asked_by(NULL, NULL); }

static void traced_by_a_less_capable_parent(void) {
    pid_t parent = start("parent", be_a_bare_parent);
    await(parent, 0);
}

static void traced_by_an_equal_parent(void) {
    pid_t parent = start("parent", be_a_parent);
    await(parent, 0);
}

static const struct named_case cases[] = {
    {"same_user", same_user},
    {"nobody_to_root", nobody_to_root},
    {"root_to_nobody", root_to_nobody},
    {"nobody_to_nobody", nobody_to_nobody},
    {"nobody_to_dumpable_nobody", nobody_to_dumpable_nobody},
    {"nobody_to_saved_root", nobody_to_saved_root},
    {"root_to_not_dumpable", root_to_not_dumpable},
    {"bare_root_to_root", bare_root_to_root},
    {"bare_root_to_bare_root", bare_root_to_bare_root},
    {"bare_root_to_more_capable", bare_root_to_more_capable},
    {"equally_capable", equally_capable},
    {"by_the_capability", by_the_capability},
    {"traced_by_a_less_capable_parent", traced_by_a_less_capable_parent},
    {"traced_by_an_equal_parent", traced_by_an_equal_parent},
    {"ask_twice", ask_twice},
    {"asked_by_an_orphan", asked_by_an_orphan},
    {NULL, NULL},
};

CASES(cases)

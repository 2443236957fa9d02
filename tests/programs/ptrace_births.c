/* Children of a tracee: events, options, who is traced (ptrace(2), PTRACE_O_TRACEFORK and its kin). */

#include "ptrace_say.h"
#include <linux/sched.h>

static void begin(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
}

static pid_t begun(void (*body)(void), unsigned long options) {
    pid_t child = start("child", body);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, options);
    return child;
}

static void go(pid_t pid) { ASK(PTRACE_CONT, pid, 0, 0); }

static void fork_and_wait(void) {
    begin();
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = syscall(SYS_fork);
    if (pid == 0)
        _exit(5);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static void vfork_and_wait(void) {
    begin();
    signal(SIGCHLD, SIG_DFL);
    pid_t pid = vfork();
    if (pid == 0)
        _exit(5);
    _exit(4);
}

static void *thread(void *unused UNUSED) { return NULL; }

static void make_a_thread(void) {
    begin();
    pthread_t made;
    pthread_create(&made, NULL, thread, NULL);
    pthread_join(made, NULL);
    _exit(4);
}

static pid_t clone_with(unsigned long flags) {
    pid_t pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
    if (pid == 0)
        _exit(5);
    return pid;
}

static void clone_ptrace(void) {
    begin();
    pid_t pid = clone_with(CLONE_PTRACE | SIGCHLD);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static void clone_untraced(void) {
    begin();
    pid_t pid = clone_with(CLONE_UNTRACED | SIGCHLD);
    int status;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    _exit(WEXITSTATUS(status));
}

static void clone_without_signal(void) {
    begin();
    pid_t pid = clone_with(0);
    waitpid(pid, NULL, __WALL);
    _exit(4);
}

static void clone_by_struct(void) {
    begin();
    struct clone_args args = {.exit_signal = SIGCHLD};
    pid_t pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(5);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static pid_t clone3_with(unsigned long flags) {
    struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
    pid_t pid = syscall(SYS_clone3, &args, sizeof args);
    if (args.flags != flags)
        _exit(8);
    return pid;
}

/* A child that no tracer gets is itself one, as it could be on the kernel. */
static void trace_a_child(void) {
    pid_t pid = fork();
    if (pid == 0)
        begin();
    int status = 0;
    waitpid(pid, &status, 0);
    _exit(WIFSTOPPED(status) && ptrace(PTRACE_KILL, pid, 0, 0) == 0 ? 6 : 7);
}

static void clone3_untraced(void) {
    begin();
    pid_t pid = clone3_with(CLONE_UNTRACED);
    if (pid == 0)
        trace_a_child();
    int status;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    _exit(WEXITSTATUS(status));
}

static void clone3_ptrace(void) {
    begin();
    pid_t pid = clone3_with(CLONE_PTRACE);
    if (pid == 0)
        _exit(5);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static void clone_ptrace_untraced(void) {
    begin();
    pid_t pid = clone_with(CLONE_PTRACE | CLONE_UNTRACED | SIGCHLD);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static void clone3_refused(void) {
    begin();
    struct clone_args args = {.flags = CLONE_UNTRACED | CLONE_SIGHAND, .exit_signal = SIGCHLD};
    long result = syscall(SYS_clone3, &args, sizeof args);
    _exit(result == -1 && errno == EINVAL && args.flags == (CLONE_UNTRACED | CLONE_SIGHAND) ? 4 : 9);
}

static void follow(void (*body)(void), unsigned long options) {
    pid_t child = begun(body, options);
    go(child);
    await(child, 0);
    pid_t born = name_task(message_of(child), "born");
    say_siginfo(child);
    await(born, __WALL);
    say_siginfo(born);
    ASK(PTRACE_SETOPTIONS, born, 0, options | PTRACE_O_TRACEEXIT);
    go(born);
    await(born, __WALL);
    say_message(born);
    go(born);
    go(child);
    int status, got;
    while ((got = waitpid(-1, &status, __WALL)) > 0) {
        if (got == child || !WIFSTOPPED(status))
            say_status(got, status);
        if (WIFSTOPPED(status))
            ptrace(PTRACE_CONT, got, 0, status >> 16 ? 0 : WSTOPSIG(status));
    }
}

/* The born ends before the maker goes on; whether a SIGCHLD is seen then is nobody's promise. */
static void follow_quietly(void (*body)(void), unsigned long options) {
    pid_t child = begun(body, options);
    go(child);
    await(child, 0);
    pid_t born = name_task(message_of(child), "born");
    await(born, __WALL);
    say_siginfo(born);
    go(born);
    await(born, __WALL);
    go(child);
    int status;
    while (waitpid(child, &status, __WALL) == child) {
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGCHLD)
            say_status(child, status);
        if (WIFSTOPPED(status))
            ptrace(PTRACE_CONT, child, 0, status >> 16 ? 0 : WSTOPSIG(status));
    }
}

static void forked(void) { follow_quietly(fork_and_wait, PTRACE_O_TRACEFORK); }
static void forked_by_clone3(void) { follow_quietly(clone_by_struct, PTRACE_O_TRACEFORK); }
static void vforked(void) { follow_quietly(vfork_and_wait, PTRACE_O_TRACEVFORK); }
static void vfork_done(void) { follow_quietly(vfork_and_wait, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE); }
static void thread_made(void) { follow_quietly(make_a_thread, PTRACE_O_TRACECLONE); }
static void cloned_without_signal(void) { follow_quietly(clone_without_signal, PTRACE_O_TRACECLONE); }
static void born_exits_in_an_event(void) { follow(fork_and_wait, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT); }

static void vfork_done_alone(void) {
    pid_t child = begun(vfork_and_wait, PTRACE_O_TRACEVFORKDONE);
    go(child);
    await(child, 0);
    say("message is a pid: %d", message_of(child) > 2);
    go(child);
    int status;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status))
        ptrace(PTRACE_CONT, child, 0, 0);
    say_status(child, status);
}

static void nothing_asked(void) {
    pid_t child = begun(fork_and_wait, 0);
    go(child);
    await(child, __WALL);
    await(-1, __WALL);
}

static void with_ptrace(void (*body)(void), unsigned long options) {
    pid_t child = begun(body, options);
    go(child);
    pid_t born = name_task(waitpid(-1, NULL, __WALL), "born");
    say("the child: %d", born != child);
    say_siginfo(born);
    go(born);
    await(born, __WALL);
    await(child, 0);
    say_siginfo(child);
    go(child);
    await(child, 0);
}

static void cloned_with_ptrace(void) { with_ptrace(clone_ptrace, 0); }
static void cloned3_with_ptrace(void) { with_ptrace(clone3_ptrace, 0); }
static void cloned_with_ptrace_untraced(void) { with_ptrace(clone_ptrace_untraced, PTRACE_O_TRACEFORK); }

static void untraced(void (*body)(void)) {
    pid_t child = begun(body, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK);
    go(child);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void cloned_untraced(void) { untraced(clone_untraced); }
static void cloned3_untraced(void) { untraced(clone3_untraced); }

static void cloned3_refused(void) {
    pid_t child = begun(clone3_refused, PTRACE_O_TRACEFORK);
    go(child);
    await(child, 0);
}

static int release[2];

static void fork_seized(void) {
    char byte;
    if (read(release[0], &byte, 1) != 1)
        _exit(9);
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = syscall(SYS_fork);
    if (pid == 0)
        _exit(5);
    waitpid(pid, NULL, 0);
    _exit(4);
}

static void born_of_seized(void) {
    if (pipe(release))
        return;
    pid_t child = start("child", fork_seized);
    ASK(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEFORK);
    if (write(release[1], "x", 1) != 1)
        return;
    await(child, 0);
    pid_t born = name_task(message_of(child), "born");
    await(born, __WALL);
    say_siginfo(born);
    go(born);
    await(born, __WALL);
    go(child);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void let_go_at_birth(void) {
    pid_t child = begun(fork_and_wait, PTRACE_O_TRACEFORK);
    go(child);
    await(child, 0);
    pid_t born = name_task(message_of(child), "born");
    await(born, __WALL);
    ASK(PTRACE_DETACH, born, 0, 0);
    go(child);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, SIGCHLD);
    await(child, 0);
}

/* A parent that dies before its child is taken up: the child stays traced. */
static void maker_killed(void) {
    pid_t child = begun(fork_and_wait, PTRACE_O_TRACEFORK);
    go(child);
    await(child, 0);
    pid_t born = name_task(message_of(child), "born");
    kill(child, SIGKILL);
    await(child, 0);
    await(born, __WALL);
    go(born);
    await(born, __WALL);
}

/* -- exec by a thread ------------------------------------------------------------------------------ */

static void *exec_in_a_thread(void *unused UNUSED) {
    execl("/bin/true", "true", NULL);
    _exit(9);
}

static void thread_execs(void) {
    begin();
    pthread_t made;
    pthread_create(&made, NULL, exec_in_a_thread, NULL);
    pause_for_ever();
}

static void exec_by_a_thread(void) {
    pid_t child = begun(thread_execs, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    go(child);
    await(child, 0);
    pid_t second = name_task(message_of(child), "second");
    await(second, __WALL);
    go(child);
    go(second);
    await(-1, __WALL);
    say_message(child);
    go(child);
    await(-1, __WALL);
    await(-1, __WALL);
}

static void exec_by_a_thread_with_exits(void) {
    pid_t child = begun(thread_execs, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT);
    go(child);
    await(child, 0);
    pid_t second = name_task(message_of(child), "second");
    await(second, __WALL);
    go(child);
    go(second);
    for (int i = 0; i < 4; i++) {
        pid_t got = await(-1, __WALL);
        if (got > 0)
            say_message(got);
        if (got > 0)
            go(got);
    }
}

/* -- clone-multi-ptrace: many threads born under a tracer, all killed at once ----------------------------- */

static void *sleeping(void *unused UNUSED) {
    pause_for_ever();
    return NULL;
}

static void many_threads(void) {
    begin();
    for (int i = 0; i < 16; i++) {
        pthread_t made;
        pthread_create(&made, NULL, sleeping, NULL);
    }
    pause_for_ever();
}

static void many_killed(void) {
    pid_t child = begun(many_threads, PTRACE_O_TRACECLONE);
    go(child);
    int clones = 0, births = 0, ends = 0, status = 0;
    while (clones < 16 || births < 16) {
        pid_t got = waitpid(-1, &status, __WALL);
        if (status >> 16 == PTRACE_EVENT_CLONE)
            clones++;
        else
            births++;
        ptrace(PTRACE_CONT, got, 0, 0);
    }
    kill(child, SIGKILL);
    for (pid_t got; (got = waitpid(-1, &status, __WALL)) > 0;)
        ends += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    say("clones %d births %d ends %d then %s", clones, births, ends, strerrorname_np(errno));
}

static void *ending(void *unused UNUSED) { return NULL; }

static void threads_end(void) {
    begin();
    for (int i = 0; i < 8; i++) {
        pthread_t made;
        pthread_create(&made, NULL, ending, NULL);
        pthread_join(made, NULL);
    }
    _exit(6);
}

static void many_ended(void) {
    pid_t child = begun(threads_end, PTRACE_O_TRACECLONE);
    go(child);
    int clones = 0, births = 0, ends = 0, status = 0;
    for (pid_t got; (got = waitpid(-1, &status, __WALL)) > 0;) {
        if (WIFSTOPPED(status)) {
            clones += status >> 16 == PTRACE_EVENT_CLONE;
            births += status >> 16 == 0;
            ptrace(PTRACE_CONT, got, 0, 0);
        } else if (got == child)
            say_status(got, status);
        else
            ends++;
    }
    say("clones %d births %d ends %d then %s", clones, births, ends, strerrorname_np(errno));
}

static const struct named_case cases[] = {
    {"forked", forked},
    {"forked_by_clone3", forked_by_clone3},
    {"vforked", vforked},
    {"vfork_done", vfork_done},
    {"vfork_done_alone", vfork_done_alone},
    {"thread_made", thread_made},
    {"cloned_without_signal", cloned_without_signal},
    {"born_exits_in_an_event", born_exits_in_an_event},
    {"nothing_asked", nothing_asked},
    {"cloned_with_ptrace", cloned_with_ptrace},
    {"cloned3_with_ptrace", cloned3_with_ptrace},
    {"cloned_with_ptrace_untraced", cloned_with_ptrace_untraced},
    {"cloned_untraced", cloned_untraced},
    {"cloned3_untraced", cloned3_untraced},
    {"cloned3_refused", cloned3_refused},
    {"born_of_seized", born_of_seized},
    {"let_go_at_birth", let_go_at_birth},
    {"maker_killed", maker_killed},
    {"exec_by_a_thread", exec_by_a_thread},
    {"exec_by_a_thread_with_exits", exec_by_a_thread_with_exits},
    {"many_killed", many_killed},
    {"many_ended", many_ended},
    {NULL, NULL},
};

CASES(cases)

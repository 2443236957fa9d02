/* Tracers that come to a program that nobody has traced: from when on they are told (PTRACE_SEIZE, its options). */

#include "ptrace_say.h"

#define ROUNDS 30

static int release[2];

static void released(void) {
    char byte;
    if (read(release[0], &byte, 1) != 1)
        _exit(9);
}

static void let_go(void) {
    if (write(release[1], "x", 1) != 1)
        _exit(9);
}

static void end_at_once(void) {}

/* A child of one whom nobody traces, or has traced for a while. */
static pid_t start_untraced(const char *name, void (*body)(void)) {
    if (pipe(release))
        _exit(9);
    waitpid(start("dummy", end_at_once), NULL, 0);
    return start(name, body);
}

static void execs(void) {
    released();
    execl("/bin/true", "true", NULL);
    _exit(9);
}

static void execs_after_the_attach(void) {
    pid_t child = start_untraced("child", execs);
    ASK(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT);
    let_go();
    await(child, 0);
    say_message(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void vforks(void) {
    signal(SIGCHLD, SIG_DFL);
    pid_t pid = vfork();
    if (pid == 0) {
        char byte;
        _exit(read(release[0], &byte, 1) == 1 ? 5 : 9);
    }
    _exit(4);
}

/* The parent sleeps where no signal wakes it; what it makes is untraced, and dies with the pipe. */
static void in_a_vfork(unsigned long options) {
    pid_t parent = start_untraced("parent", vforks);
    until_state(parent, 'D');
    ASK(PTRACE_SEIZE, parent, 0, options);
    let_go();
    for (int status; waitpid(parent, &status, 0) == parent;) {
        // The SIGCHLD may come too late.
        if (!WIFSTOPPED(status) || status >> 16)
            say_status(parent, status);
        if (!WIFSTOPPED(status))
            break;
        ptrace(PTRACE_CONT, parent, 0, status >> 16 ? 0 : WSTOPSIG(status));
    }
}

static void vfork_done(void) { in_a_vfork(PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT); }
static void vfork_done_unasked(void) { in_a_vfork(PTRACE_O_TRACEEXIT); }

static void killed_after_the_attach(void) {
    pid_t child = start_untraced("child", pause_for_ever);
    ASK(PTRACE_SEIZE, child, 0, PTRACE_O_TRACEEXIT);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    kill(child, SIGKILL);
    await(child, 0);
    say_message(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

/* A program that executes itself again and again, and shows the how many-th it is. */
static void execute_next(long number) {
    char text[24];
    snprintf(text, sizeof text, "%ld", number + 1);
    execl("/proc/self/exe", "again", "and", text, NULL);
    _exit(9);
}

__attribute__((constructor)) static void again(int argc, char **argv) {
    if (argc == 3)
        execute_next(atol(argv[2]));
}

static void execute_for_ever(void) { execute_next(0); }

static long number_of(pid_t pid) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    for (;;) {
        int fd = open(path, O_RDONLY);
        ssize_t length = read(fd, text, sizeof text - 1);
        close(fd);
        if (length > 0 && !strncmp(text, "again", 6)) {
            text[length] = 0;
            return atol(text + sizeof "again" + sizeof "and");
        }
    }
}

static void attach_at_any_moment(pid_t pid, int nth) {
    nanosleep(&(struct timespec){.tv_nsec = 3000000 + nth * 170000}, NULL);
    if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC))
        _exit(3);
    long before = number_of(pid);
    int status;
    if (waitpid(pid, &status, 0) != pid || status >> 16 != PTRACE_EVENT_EXEC)
        _exit(2);
    int missed = number_of(pid) > before + 1;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
        ;
    _exit(missed);
}

/* One process has a child that is traced once, and is itself seen by nobody before. */
static void attach_once(int nth) {
    int status;
    pid_t pid = start_untraced("busy", execute_for_ever);
    pid_t tracer = fork();
    if (tracer == 0) {
        alarm(ALARM_S);
        attach_at_any_moment(pid, nth);
    }
    waitpid(tracer, &status, 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 9);
}

static void no_program_is_missed(void) {
    int missed = 0, others = 0, status;
    for (int nth = 0; nth < ROUNDS; nth++) {
        pid_t maker = fork();
        if (maker == 0) {
            alarm(ALARM_S);
            attach_once(nth);
        }
        waitpid(maker, &status, 0);
        missed += status == 1 << 8;
        others += status != 0 && status != 1 << 8;
    }
    say("missed %d, other failures %d", missed, others);
}

static const struct named_case cases[] = {
    {"execs_after_the_attach", execs_after_the_attach},
    {"vfork_done", vfork_done},
    {"vfork_done_unasked", vfork_done_unasked},
    {"killed_after_the_attach", killed_after_the_attach},
    {"no_program_is_missed", no_program_is_missed},
    {NULL, NULL},
};

CASES(cases)

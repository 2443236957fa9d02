/* What the ptrace conformance programs share: they say what a tracer is told, in words that are the same
 * from run to run, so that a run on the kernel and one under `utrace run` can be compared.
 *
 * A program is a table of cases; its argument names the one to run.  Tasks are printed by the names given
 * to them, never by number.  What another process than the first says begins with "> ": the order of
 * lines of different processes is nobody's promise. */

#ifndef PTRACE_SAY_H
#define PTRACE_SAY_H

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ALARM_S 20
#define UNUSED __attribute__((unused))

struct named_case {
    const char *name;
    void (*run)(void);
};

static struct {
    pid_t pid;
    const char *name;
} named[32];
static int named_count;
static pid_t first_pid;

UNUSED static pid_t name_task(pid_t pid, const char *name) {
    named[named_count].pid = pid;
    named[named_count++].name = name;
    return pid;
}

UNUSED static const char *who(pid_t pid) {
    static char buffer[8][32];
    static int next;
    if (pid == 0)
        return "none";
    if (pid == getpid())
        return "tracer";
    for (int i = named_count - 1; i >= 0; i--)
        if (named[i].pid == pid)
            return named[i].name;
    char *text = buffer[next++ % 8];
    snprintf(text, 32, pid < 0 ? "%d" : "unknown", pid);
    return text;
}

UNUSED static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
UNUSED static void say(const char *format, ...) {
    char line[512] = "> ";
    int length = getpid() == first_pid ? 0 : 2;
    va_list words;
    va_start(words, format);
    length += vsnprintf(line + length, sizeof line - 3, format, words);
    va_end(words);
    line[length++] = '\n';
    if (write(1, line, length) != length)
        _exit(99);
}

UNUSED static const char *error_of(long result) {
    return result == -1 ? strerrorname_np(errno) : "ok";
}

UNUSED static const char *signal_name(int signo) {
    static char buffer[4][16];
    static int next;
    char *text = buffer[next++ % 4];
    const char *abbreviation = sigabbrev_np(signo);
    if (!abbreviation)
        snprintf(text, 16, "signal %d", signo);
    else
        snprintf(text, 16, "SIG%s", abbreviation);
    return text;
}

static const char *const event_names[] = {"none", "FORK", "VFORK", "CLONE", "EXEC", "VFORK_DONE", "EXIT", "SECCOMP"};

UNUSED static void say_status(pid_t pid, int status) {
    int event = status >> 16;
    if (WIFEXITED(status))
        say("%s exited %d", who(pid), WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        say("%s killed by %s", who(pid), signal_name(WTERMSIG(status)));
    else if (WIFCONTINUED(status))
        say("%s continued", who(pid));
    else
        say("%s stopped by %s%s event %s", who(pid), signal_name(WSTOPSIG(status) & 0x7f),
            WSTOPSIG(status) & 0x80 ? "|0x80" : "", event == 128 ? "STOP" : event_names[event & 7]);
}

/* Wait, and say what was told. */
UNUSED static pid_t await(pid_t pid, int options) {
    int status = 0;
    pid_t got = wait4(pid, &status, options, NULL);
    if (got <= 0)
        say("wait: %s", got == 0 ? "nothing" : strerrorname_np(errno));
    else
        say_status(got, status);
    return got;
}

/* Make a request by the system call itself: what it returns is what is said. */
UNUSED static long ask_for(const char *name, long request, pid_t pid, uintptr_t addr, uintptr_t data) {
    long result = syscall(SYS_ptrace, request, pid, addr, data);
    int error = errno;
    say("%s %s: %s", name + sizeof "PTRACE", who(pid), error_of(result));
    errno = error;
    return result;
}
#define ASK(request, pid, addr, data) ask_for(#request, request, pid, (uintptr_t)(addr), (uintptr_t)(data))

UNUSED static void say_message(pid_t pid) {
    unsigned long message = 0;
    long result = ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    if (result == -1)
        say("message: %s", strerrorname_np(errno));
    else if (message > 2 && strcmp(who(message), "unknown"))
        say("message: %s", who(message));
    else
        say("message: %#lx", message);
}

UNUSED static unsigned long message_of(pid_t pid) {
    unsigned long message = 0;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
    return message;
}

UNUSED static void say_siginfo(pid_t pid) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (ptrace(PTRACE_GETSIGINFO, pid, 0, &info) == -1)
        say("siginfo: %s", strerrorname_np(errno));
    else
        say("siginfo: %s code %#x from %s", signal_name(info.si_signo), info.si_code,
            info.si_code <= 0 ? who(info.si_pid) : "kernel");
}

/* Start a child that dies with this one. */
UNUSED static pid_t start(const char *name, void (*body)(void)) {
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(98);
        alarm(ALARM_S);
        body();
        _exit(0);
    }
    return name_task(pid, name);
}

UNUSED static void pause_for_ever(void) {
    for (;;)
        pause();
}

UNUSED static char state_of(pid_t pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = 0;
    char *end = strrchr(text, ')');
    return end ? end[2] : 0;
}

UNUSED static void short_while(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

UNUSED static void until_state(pid_t pid, char state) {
    while (state_of(pid) != state)
        short_while();
}

/* A traced task looks stopped in /proc for reasons of its own: a request tells. */
UNUSED static void until_stopped(pid_t pid) {
    errno = 0;
    while (ptrace(PTRACE_PEEKUSER, pid, 0, 0) == -1 && errno) {
        short_while();
        errno = 0;
    }
}

UNUSED static void end_task(pid_t pid) {
    int status = 0;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, __WALL) == pid && !WIFEXITED(status) && !WIFSIGNALED(status))
        ;
    say_status(pid, status);
}

UNUSED static int run_case(const struct named_case *cases, int argc, char **argv) {
    first_pid = getpid();
    alarm(ALARM_S);
    for (; argc > 1 && cases->name; cases++)
        if (!strcmp(cases->name, argv[1])) {
            cases->run();
            return 0;
        }
    return 97;
}

/* Print the names of the cases, or run one. */
#define CASES(cases)                                            \
    int main(int argc, char **argv) {                           \
        if (argc == 1) {                                        \
            for (int i = 0; cases[i].name; i++)                 \
                puts(cases[i].name);                            \
            return 0;                                           \
        }                                                       \
        return run_case(cases, argc, argv);                     \
    }

#endif

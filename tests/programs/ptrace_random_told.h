/* What ptrace_random.c's tracer is told: its tracees, its waits. */

#ifndef PTRACE_RANDOM_TOLD_H
#define PTRACE_RANDOM_TOLD_H

#include "ptrace_say.h"
#include <stdbool.h>
#include <sys/time.h>

enum { TRACEES_MAX = 24, QUIET_MS = 50, LIMIT_MS = 3000 };

/* FREE: let go; LOST: let go, and no child of the tracer's. */
enum standing { RUNS, STANDS, LISTENS, FREE, LOST, GONE };

static struct tracee {
    pid_t tid;
    char name[32];
    enum standing standing;
    bool is_own;    /* a child of the tracer's */
    bool is_seized;
    int status;     /* what the last wait told */
    int born;       /* how many were born of it */
    char text[1024];
} tracees[TRACEES_MAX];
static int tracee_count;
static bool is_signalled;
static int told_count;
static bool is_patient; /* somebody may yet be told to die who stands */

static struct tracee *add(pid_t tid, const char *name) {
    if (tracee_count == TRACEES_MAX)
        _exit(95);
    struct tracee *one = &tracees[tracee_count++];
    one->tid = tid;
    snprintf(one->name, sizeof one->name, "%s", name);
    name_task(tid, one->name);
    return one;
}

static struct tracee *find(pid_t tid) {
    for (int i = tracee_count - 1; i >= 0; i--)
        if (tracees[i].tid == tid)
            return &tracees[i];
    return NULL;
}

static void note(struct tracee *one, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct tracee *one, const char *format, ...) {
    size_t length = strlen(one->text);
    va_list words;
    va_start(words, format);
    vsnprintf(one->text + length, sizeof one->text - length, format, words);
    va_end(words);
}

/* -- what is told ----------------------------------------------------------------------------------- */

static const char *status_text(int status) {
    static char text[64];
    int event = status >> 16;
    if (WIFEXITED(status))
        snprintf(text, sizeof text, "exited %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "killed by %s", signal_name(WTERMSIG(status)));
    else if (WIFCONTINUED(status))
        snprintf(text, sizeof text, "continued");
    else
        snprintf(text, sizeof text, "stopped by %s%s event %s", signal_name(WSTOPSIG(status) & 0x7f),
                 WSTOPSIG(status) & 0x80 ? "|0x80" : "", event == 128 ? "STOP" : event_names[event & 7]);
    return text;
}

static int status_of(const siginfo_t *info) {
    switch (info->si_code) {
    case CLD_EXITED:
        return info->si_status << 8;
    case CLD_KILLED:
    case CLD_DUMPED:
        return info->si_status;
    case CLD_CONTINUED:
        return 0xffff;
    default:
        return info->si_status << 8 | 0x7f;
    }
}

static void born_of(struct tracee *parent, int event) {
    unsigned long tid = message_of(parent->tid);
    char name[32];
    if (find(tid) && find(tid)->standing != GONE)
        return;
    snprintf(name, sizeof name, "%.16s.%d", parent->name, ++parent->born);
    struct tracee *child = add(tid, name);
    child->standing = RUNS;
    child->is_seized = parent->is_seized;
    note(parent, "  %s is born, event %d\n", name, event);
}

static void executed(struct tracee *one) {
    unsigned long former = message_of(one->tid);
    struct tracee *caller = find(former);
    note(one, "  it was %s\n", caller ? caller->name : "unknown");
    if (caller && caller != one)
        caller->standing = GONE;
}

/* Take down what a wait has told. */
static void take(struct tracee *one, int status) {
    bool ended = WIFEXITED(status) || WIFSIGNALED(status);
    note(one, "%s %s\n", one->name, status_text(status));
    told_count++;
    is_patient |= ended || status >> 16 == PTRACE_EVENT_EXEC || status >> 16 == PTRACE_EVENT_EXIT;
    if (ended)
        one->standing = GONE;
    if (ended || WIFCONTINUED(status) || one->standing == FREE)
        return;
    one->status = status;
    one->standing = STANDS;
    if (status >> 16 >= PTRACE_EVENT_FORK && status >> 16 <= PTRACE_EVENT_CLONE)
        born_of(one, status >> 16);
    if (status >> 16 == PTRACE_EVENT_EXEC)
        executed(one);
}

enum look { BY_WAIT4, BY_WAITID, BY_PEEK, CONTINUED_BY_WAIT4, CONTINUED_BY_WAITID, OF_ANY, OF_GROUP, OF_OWN_GROUP, BLOCKING, LOOKS };

static void ring(int signo UNUSED) {}

static pid_t wait_blocking(pid_t tid, int *status, int options) {
    const struct itimerval soon = {{0}, {0, QUIET_MS * 4000}}, never = {{0}, {0}};
    setitimer(ITIMER_REAL, &soon, NULL);
    pid_t got = wait4(tid, status, options & ~WNOHANG, NULL);
    int error = errno;
    setitimer(ITIMER_REAL, &never, NULL);
    errno = error;
    return got;
}

static pid_t look_by_waitid(pid_t tid, int *status, int options) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    pid_t got = waitid(P_PID, tid, &info, WEXITED | options);
    if (got == -1)
        return -1;
    *status = info.si_pid ? status_of(&info) : 0;
    return info.si_pid;
}

static pid_t look(enum look how, struct tracee *one, int *status, int options) {
    siginfo_t info;
    switch (how) {
    case BY_WAITID:
        return look_by_waitid(one->tid, status, options);
    case BY_PEEK:
        memset(&info, 0, sizeof info);
        if (waitid(P_PID, one->tid, &info, WEXITED | WNOWAIT | options) == 0 && info.si_pid == 0)
            return 0;
        note(one, "peek: code %d status %#x\n", info.si_code, info.si_status);
        return wait4(one->tid, status, options, NULL);
    case CONTINUED_BY_WAIT4:
        return wait4(one->tid, status, options | WCONTINUED, NULL);
    case CONTINUED_BY_WAITID:
        return look_by_waitid(one->tid, status, options | WCONTINUED);
    case OF_ANY:
        return wait4(-1, status, options, NULL);
    case OF_GROUP:
        return wait4(-getpgrp(), status, options, NULL);
    case OF_OWN_GROUP:
        return wait4(0, status, options, NULL);
    case BLOCKING:
        return wait_blocking(one->tid, status, options);
    default:
        return wait4(one->tid, status, options, NULL);
    }
}

/* Look once whether there is something to tell of a tracee. */
static bool look_at(struct tracee *one, enum look how) {
    int status = 0;
    pid_t got = look(how, one, &status, __WALL | WNOHANG | (one->standing == FREE ? WUNTRACED : 0));
    if (got == 0 || (got == -1 && errno == EINTR))
        return false;
    if (got == -1) {
        note(one, "wait for %s: %s\n", one->name, strerrorname_np(errno));
        one->standing = GONE;
        return true;
    }
    struct tracee *other = find(got);
    if (other)
        take(other, status);
    else
        note(one, "somebody %s\n", status_text(status));
    return true;
}

static bool is_settled(const struct tracee *one) {
    char state = state_of(one->tid);
    return strchr("SDZTX", state) || (state == 't' && one->standing == LISTENS) || state == 0;
}

static void say_child_signals(void) {
    sigset_t one;
    siginfo_t info;
    int got, count = 0;
    sigemptyset(&one);
    sigaddset(&one, SIGCHLD);
    while ((got = sigtimedwait(&one, &info, &(struct timespec){0})) == SIGCHLD)
        if (told_count == 1 && count++ == 0)
            /* The status of a stop is 0 where a wait was quicker (do_notify_parent_cldstop()). */
            say("SIGCHLD code %d of %s status %#x", info.si_code, who(info.si_pid),
                info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED ? 0 : info.si_status);
    if (told_count == 1 && count == 0)
        say("no SIGCHLD");
}

static bool is_open(const struct tracee *one) {
    return one->standing == RUNS || one->standing == LISTENS || one->standing == FREE;
}

static int open_count(void) {
    int count = 0;
    for (int i = 0; i < tracee_count; i++)
        count += is_open(&tracees[i]);
    return count;
}

/* Look at all once; tell whether there was anything to tell. */
static bool look_at_all(enum look how) {
    bool news = false, one_for_all = how >= OF_ANY;
    for (int i = 0; i < tracee_count; i++)
        if (tracees[i].standing < LOST && (!one_for_all || is_open(&tracees[i])))
            news |= look_at(&tracees[i], how);
    return news;
}

static bool all_are_settled(void) {
    for (int i = 0; i < tracee_count; i++)
        if (is_open(&tracees[i]) && !is_settled(&tracees[i]))
            return false;
    return true;
}

static void say_what_was_told(void) {
    for (int i = 0; i < tracee_count; i++) {
        char *rest = tracees[i].text;
        for (char *line; (line = strsep(&rest, "\n")) && *line;)
            say("%s", line);
        tracees[i].text[0] = 0;
    }
}

/* Wait until every tracee stands, sleeps or is gone, and say what was told. */
static void settle(enum look how) {
    /* A continuation is asked for at last: whether it is told before a stop that comes now is a race. */
    enum look last = how;
    bool asks_last = how == CONTINUED_BY_WAIT4 || how == CONTINUED_BY_WAITID;
    if (asks_last)
        how = BY_WAIT4;
    told_count = 0;
    for (int waited = 0, quiet = 0; waited < LIMIT_MS && quiet < QUIET_MS; waited++) {
        int open = open_count();
        if (!open && !is_patient)
            break;
        /* Who waits for all may be told of one again and again; who blocks waits for the only one. */
        bool news = look_at_all(how == BLOCKING && open != 1 ? BY_WAIT4 : how);
        if (how >= OF_ANY && waited >= 2)
            how = BY_WAIT4;
        quiet = news || !all_are_settled() ? 0 : quiet + 1;
        if (!news)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    is_patient = false;
    if (asks_last)
        look_at_all(last);
    say_what_was_told();
    if (is_signalled)
        say_child_signals();
}

#endif

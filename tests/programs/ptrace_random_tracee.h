/* The tracees of ptrace_random.c: each does a random sequence of what a tracer is told of. */

#ifndef PTRACE_RANDOM_TRACEE_H
#define PTRACE_RANDOM_TRACEE_H

#include "ptrace_say.h"
#include <linux/futex.h>
#include <stdbool.h>

static uint64_t random_state;

/* A number below `limit`, the same in each run with the same seed. */
static unsigned below(unsigned limit) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % limit;
}

static void seed(uint64_t number) {
    random_state = number * 7919 + 13;
    for (int i = 0; i < 5; i++)
        below(2);
}

/* Tracees read a byte here to block; who wants them to go on writes one. */
static int gate[2];

enum { STACK_BYTES = 1 << 15, THREADS_MAX = 4, ROUNDS = 7 };

static char stacks[THREADS_MAX + 1][STACK_BYTES] __attribute__((aligned(16)));
static volatile pid_t thread_tids[THREADS_MAX];
static int threads_made;
static volatile int handled;

/* It sends itself no SIGCONT: its parent looks at SIGCHLD, which tells of a continuation by and by. */
static bool is_never_continued;

static void handle(int signo UNUSED) {
    handled++;
}

static void execute_again(void) {
    char number[24];
    snprintf(number, sizeof number, "%lu", (unsigned long)below(1 << 20));
    char read_end[8], write_end[8];
    const char *never = is_never_continued ? "1" : "0";
    snprintf(read_end, sizeof read_end, "%d", gate[0]);
    snprintf(write_end, sizeof write_end, "%d", gate[1]);
    execl("/proc/self/exe", "ptrace_random", "again", number, read_end, write_end, never, (char *)NULL);
    _exit(96);
}

static int thread_body(void *kind) {
    syscall(SYS_getppid);
    switch ((intptr_t)kind) {
    case 0:
        syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
        break;
    case 1:
        syscall(SYS_tgkill, getpid(), gettid(), SIGSTOP);
        break;
    case 2:
        execute_again();
        break;
    case 3:
        syscall(SYS_exit_group, 5);
        break;
    case 4:
        kill(getpid(), SIGUSR2);
        break;
    }
    syscall(SYS_exit, 0);
    return 0;
}

static void make_thread(void) {
    if (threads_made == THREADS_MAX)
        return;
    volatile pid_t *tid = &thread_tids[threads_made];
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    intptr_t kind = below(9);
    clone(thread_body, stacks[threads_made++] + STACK_BYTES, flags, (void *)kind, tid, NULL, tid);
    pid_t there;
    while ((there = *tid) != 0)
        syscall(SYS_futex, tid, FUTEX_WAIT, there, NULL, NULL, 0);
}

static int cloned_body(void *unused UNUSED) {
    syscall(SYS_getppid);
    _exit(6);
}

static void make_child(int kind) {
    pid_t child = kind == 0 ? fork() : kind == 1 ? vfork() : clone(cloned_body, stacks[THREADS_MAX] + STACK_BYTES, SIGUSR2, NULL);
    if (child == 0 && kind == 0) {
        raise(SIGUSR1);
        _exit(3);
    }
    if (child == 0)
        _exit(4);
    int status;
    while (waitpid(child, &status, __WALL) == -1 && errno == EINTR)
        ;
}

static void send_blocked(int signo) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signo);
    sigprocmask(SIG_BLOCK, &one, NULL);
    raise(signo);
    syscall(SYS_getppid);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static void go_through(void) {
    static const int signals[] = {SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGTTIN, SIGCONT};
    char byte;
    switch (below(14)) {
    case 0:
        raise(SIGSTOP);
        break;
    case 1:
    case 2:
        raise(signals[below(6 - is_never_continued)]);
        break;
    case 3:
        send_blocked(below(2) ? SIGUSR1 : SIGTSTP);
        break;
    case 4:
    case 5:
        make_child(below(3));
        break;
    case 6:
    case 7:
        make_thread();
        break;
    case 8:
        if (below(3) == 0)
            execute_again();
        break;
    case 9:
    case 10:
        if (read(gate[0], &byte, 1) != 1)
            syscall(SYS_getppid);
        break;
    case 11:
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        break;
    default:
        syscall(SYS_getppid);
    }
}

static void go_through_all(void) {
    signal(SIGUSR1, handle);
    signal(SIGUSR2, SIG_IGN);
    for (int i = 0; i < ROUNDS; i++)
        go_through();
    if (below(4) == 0)
        raise(SIGTERM);
    if (below(6) == 0)
        raise(SIGSEGV);
    _exit(handled);
}

/* After its execve: the arguments are those of `execute_again`. */
static int again(char **arguments) {
    seed(strtoul(arguments[0], NULL, 10));
    gate[0] = atoi(arguments[1]);
    gate[1] = atoi(arguments[2]);
    is_never_continued = atoi(arguments[3]);
    alarm(ALARM_S);
    go_through_all();
    return 0;
}

#endif

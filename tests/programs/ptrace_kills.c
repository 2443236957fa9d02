/* SIGKILL at random moments: a tracer, its tracee, the tracee's real parent, or one of its threads.
 *
 *     ptrace_kills SEED ROUNDS
 *
 * In each round a parent has a child with two more threads, which makes calls, threads and children; a tracer
 * holds all of them, shows itself every call, and follows.  One of the four is killed; what the others are
 * told is the same whatever the moment was.  It says what was otherwise, and how many rounds there were. */

#include "ptrace_say.h"

enum victim { TRACER, TRACEE, PARENT, THREAD, VICTIMS };
static const char *const victims[] = {"tracer", "tracee", "parent", "thread"};
enum { OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT };

static int ready[2], told[2];
static long round_number;
static enum victim victim;

static void on_alarm(int signo UNUSED) {
    say("round %ld hangs: the %s was killed", round_number, victims[victim]);
    kill(0, SIGKILL);
}

static _Atomic pid_t lasting;

static void *calls(void *unused) {
    lasting = gettid();
    for (;;) {
        syscall(SYS_getppid);
        usleep(200);
    }
    return unused;
}

static void *ends(void *unused) { return unused; }

static void be_tracee(void) {
    pthread_t thread;
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, calls, NULL);
    while (!lasting)
        sched_yield();
    pid_t selves[2] = {getpid(), lasting};
    if (write(ready[1], selves, sizeof selves) != sizeof selves)
        _exit(9);
    for (int i = 0;; i++) {
        if (i % 8 == 0 && !pthread_create(&thread, NULL, ends, NULL))
            pthread_join(thread, NULL);
        pid_t child = i % 8 == 4 ? fork() : 0;
        if (i % 8 == 4 && child == 0)
            _exit(0);
        if (child > 0)
            waitpid(child, NULL, 0);
        syscall(SYS_getppid);
    }
}

static void tell(const char *who, int what) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %d\n", who, what);
    if (write(told[1], line, length) != length)
        _exit(9);
}

static void be_parent(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        be_tracee();
        _exit(0);
    }
    while (waitpid(child, &status, 0) != child)
        if (errno != EINTR)
            _exit(9);
    tell("parent", status);
    _exit(0);
}

/* Tell how the tracee ended when there is nothing left to wait for. */
static void be_tracer(pid_t tracee) {
    int status, end = -1, started = 0;
    if (ptrace(PTRACE_SEIZE, tracee, 0, OPTIONS) || ptrace(PTRACE_INTERRUPT, tracee, 0, 0))
        _exit(9);
    for (pid_t got; (got = waitpid(-1, &status, __WALL)) > 0;) {
        if (!WIFSTOPPED(status)) {
            if (got == tracee)
                end = status;
            continue;
        }
        int event = status >> 16, signo = WSTOPSIG(status);
        if (event || signo == (SIGTRAP | 0x80))
            signo = 0;
        ptrace(PTRACE_SYSCALL, got, 0, signo);
        if (!started++ && write(ready[1], &got, sizeof got) != sizeof got)
            _exit(9);
    }
    tell(errno == ECHILD ? "tracer" : "tracer-failed", end);
    _exit(0);
}

/* Read what was told by `count` of them; in any order.  -1: not told. */
static void hear(int count, int *parent, int *tracer) {
    char text[256] = "";
    size_t length = 0;
    for (int lines = 0; lines < count;) {
        ssize_t got = read(told[0], text + length, sizeof text - 1 - length);
        if (got <= 0)
            break;
        length += got;
        lines = 0;
        for (size_t i = 0; i < length; i++)
            lines += text[i] == '\n';
    }
    *parent = *tracer = -1;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (sscanf(line, "parent %d", parent) != 1 && sscanf(line, "tracer %d", tracer) != 1)
            say("round %ld: %s", round_number, line);
}

static int status_of(pid_t pid) {
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -errno;
}

static int one_round(unsigned *seed) {
    pid_t tracees[2], word;
    int parent_saw, tracer_saw;
    if (pipe2(ready, O_CLOEXEC) || pipe2(told, O_CLOEXEC))
        return 1;
    pid_t parent = fork();
    if (parent == 0)
        be_parent();
    if (read(ready[0], tracees, sizeof tracees) != sizeof tracees)
        return 1;
    pid_t tracee = tracees[0], thread = tracees[1];
    pid_t tracer = fork();
    if (tracer == 0)
        be_tracer(tracee);
    if (read(ready[0], &word, sizeof word) != sizeof word)
        return 1;
    usleep(rand_r(seed) % 30000);
    victim = (enum victim)(rand_r(seed) % VICTIMS);
    int wanted = SIGKILL, wrong = 0;
    if (victim == TRACER || victim == PARENT) {
        pid_t killed = victim == TRACER ? tracer : parent;
        kill(killed, SIGKILL);
        wrong |= status_of(killed) != SIGKILL;
        usleep(rand_r(seed) % 5000);
        wanted = SIGTERM;
        kill(tracee, SIGTERM);
    } else
        syscall(SYS_tgkill, tracee, victim == TRACEE ? tracee : thread, SIGKILL);
    hear(victim == TRACEE || victim == THREAD ? 2 : 1, &parent_saw, &tracer_saw);
    if (victim == PARENT)
        /* It is ours now: we are its subreaper. */
        parent_saw = status_of(tracee);
    wrong |= parent_saw != wanted;
    if (victim != TRACER) {
        wrong |= tracer_saw != wanted;
        wrong |= status_of(tracer) != 0;
    }
    if (victim != PARENT)
        wrong |= status_of(parent) != 0;
    if (wrong)
        say("round %ld: the %s was killed: parent saw %#x, tracer %#x, wanted %#x", round_number, victims[victim],
            parent_saw, tracer_saw, wanted);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(told[i]);
    }
    return wrong;
}

int main(int argc, char **argv) {
    unsigned seed = argc > 2 ? atoi(argv[1]) : 1;
    long rounds = argc > 2 ? atol(argv[2]) : 1, wrong = 0;
    first_pid = getpid();
    setpgid(0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGALRM, on_alarm);
    for (round_number = 0; round_number < rounds; round_number++) {
        alarm(ALARM_S);
        wrong += one_round(&seed);
    }
    say("%ld rounds, %ld not as on the kernel", rounds, wrong);
    return wrong != 0;
}

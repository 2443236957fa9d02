/* Who may not be traced from inside a session: whoever traces the tracer, and whoever the session depends on. */

#include "ptrace_say.h"

static int in[2], out[2];

static void trace_the_first(void) {
    char byte;
    if (read(in[0], &byte, 1) != 1)
        _exit(9);
    name_task(first_pid, "first");
    ASK(PTRACE_SEIZE, first_pid, 0, 0);
    if (write(out[1], "x", 1) != 1)
        _exit(9);
    pause_for_ever();
}

int main(int argc, char **argv) {
    char byte;
    first_pid = getpid();
    alarm(ALARM_S);
    if (argc > 1) {
        /* The session, and what started it. */
        for (int i = 1; i < argc; i++) {
            pid_t pid = name_task(atoi(argv[i]), "ancestor");
            ASK(PTRACE_SEIZE, pid, 0, 0);
            ASK(PTRACE_ATTACH, pid, 0, 0);
        }
        return 0;
    }
    if (pipe(in) || pipe(out))
        return 9;
    pid_t second = start("second", trace_the_first);
    ASK(PTRACE_SEIZE, second, 0, 0);
    if (write(in[1], "x", 1) != 1 || read(out[0], &byte, 1) != 1)
        return 9;
    end_task(second);
    return 0;
}

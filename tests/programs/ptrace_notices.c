/* What a seized tracee tells of job control that comes while it stands in a stop, or runs (ptrace(2),
 * "PTRACE_LISTEN"; kernel/signal.c:ptrace_trap_notify()). */

#include "ptrace_say.h"

static pid_t seized(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    return child;
}

static pid_t seized_in_a_group_stop(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    kill(child, SIGSTOP);
    await(child, WUNTRACED);
    ASK(PTRACE_SEIZE, child, 0, 0);
    return child;
}

/* Everything that is told from here on, each stop ended by PTRACE_CONT with the signal that it is about. */
static void until_it_waits(pid_t child) {
    for (int i = 0; i < 6; i++) {
        int status = 0;
        for (int tries = 0; tries < 20 && waitpid(child, &status, WNOHANG) == 0; tries++)
            short_while();
        if (!status)
            break;
        say_status(child, status);
        say_siginfo(child);
        ASK(PTRACE_CONT, child, 0, status >> 16 ? 0 : WSTOPSIG(status));
    }
    say("state %c", state_of(child));
    end_task(child);
}

static void continued_before_listening(void) {
    pid_t child = seized_in_a_group_stop();
    await(child, 0);
    kill(child, SIGCONT);
    ASK(PTRACE_LISTEN, child, 0, 0);
    until_it_waits(child);
}

static void continued_before_told(void) {
    pid_t child = seized_in_a_group_stop();
    until_state(child, 't');
    kill(child, SIGCONT);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    until_it_waits(child);
}

/* As strace does with a child of its own that waits for it in a SIGSTOP. */
static void interrupted_and_continued(void) {
    pid_t child = seized_in_a_group_stop();
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    kill(child, SIGCONT);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    until_it_waits(child);
}

static void continued_in_a_group_stop(void) {
    pid_t child = seized_in_a_group_stop();
    await(child, 0);
    kill(child, SIGCONT);
    until_it_waits(child);
}

static void continued_and_resumed(void) {
    pid_t child = seized_in_a_group_stop();
    await(child, 0);
    kill(child, SIGCONT);
    ASK(PTRACE_CONT, child, 0, 0);
    until_it_waits(child);
}

static void continued_and_stopped_again(void) {
    pid_t child = seized_in_a_group_stop();
    await(child, 0);
    kill(child, SIGCONT);
    kill(child, SIGSTOP);
    ASK(PTRACE_LISTEN, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    until_it_waits(child);
}

static void continued_while_running(void) {
    pid_t child = seized();
    kill(child, SIGCONT);
    until_it_waits(child);
}

static void continued_in_a_signal_stop(void) {
    pid_t child = seized();
    kill(child, SIGWINCH);
    await(child, 0);
    kill(child, SIGCONT);
    ASK(PTRACE_CONT, child, 0, SIGWINCH);
    until_it_waits(child);
}

static void continued_in_an_event_stop(void) {
    pid_t child = seized();
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    kill(child, SIGCONT);
    ASK(PTRACE_CONT, child, 0, 0);
    until_it_waits(child);
}

static void continued_blocked(void) {
    pid_t child = seized_in_a_group_stop();
    sigset_t all;
    await(child, 0);
    sigfillset(&all);
    ASK(PTRACE_SETSIGMASK, child, sizeof(long), &all);
    kill(child, SIGCONT);
    ASK(PTRACE_LISTEN, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, WNOHANG);
    end_task(child);
}

static void attached_is_not_told(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, 0);
    kill(child, SIGCONT);
    ASK(PTRACE_CONT, child, 0, 0);
    until_it_waits(child);
}

/* -- listening where the group is not stopped ------------------------------------------------------- */

static pid_t listening_alone(void) {
    pid_t child = seized();
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    await(child, WNOHANG);
    return child;
}

static void continued_while_listening_alone(void) {
    pid_t child = listening_alone();
    kill(child, SIGUSR2);
    for (int i = 0; i < 5; i++)
        short_while();
    await(child, WNOHANG);
    kill(child, SIGCONT);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_LISTEN, child, 0, 0);
    kill(child, SIGCONT);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    until_it_waits(child);
}

static void stopped_while_listening_alone(void) {
    pid_t child = listening_alone();
    kill(child, SIGSTOP);
    for (int i = 0; i < 5; i++)
        short_while();
    await(child, WNOHANG);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGSTOP);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    kill(child, SIGCONT);
    until_it_waits(child);
}

static pid_t let_go;

static void listen_and_exit(void) {
    name_task(let_go, "child");
    ASK(PTRACE_SEIZE, let_go, 0, 0);
    ASK(PTRACE_INTERRUPT, let_go, 0, 0);
    await(let_go, 0);
    ASK(PTRACE_LISTEN, let_go, 0, 0);
}

static void tracer_ends_listening_alone(void) {
    let_go = start("child", pause_for_ever);
    until_state(let_go, 'S');
    await(start("tracer", listen_and_exit), 0);
    kill(let_go, SIGTERM);
    await(let_go, 0);
}

static const struct named_case cases[] = {
    {"continued_before_listening", continued_before_listening},
    {"continued_before_told", continued_before_told},
    {"interrupted_and_continued", interrupted_and_continued},
    {"continued_in_a_group_stop", continued_in_a_group_stop},
    {"continued_and_resumed", continued_and_resumed},
    {"continued_and_stopped_again", continued_and_stopped_again},
    {"continued_while_running", continued_while_running},
    {"continued_in_a_signal_stop", continued_in_a_signal_stop},
    {"continued_in_an_event_stop", continued_in_an_event_stop},
    {"continued_blocked", continued_blocked},
    {"attached_is_not_told", attached_is_not_told},
    {"continued_while_listening_alone", continued_while_listening_alone},
    {"stopped_while_listening_alone", stopped_while_listening_alone},
    {"tracer_ends_listening_alone", tracer_ends_listening_alone},
    {NULL, NULL},
};

CASES(cases)

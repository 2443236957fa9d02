/* Attaching, the kinds of stop, and what resumes them (ptrace(2), "Stopped states"). */

#include "ptrace_say.h"

static void traceme_and_exec(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execl("/bin/true", "true", NULL);
}

static void traceme_and_stop(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    syscall(SYS_getppid);
    _exit(3);
}

static void traceme_stop_exec(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execl("/bin/true", "true", NULL);
}

static void exec_trap(void) {
    pid_t child = start("child", traceme_and_exec);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void exec_trap_suppressed_and_delivered(void) {
    pid_t child = start("child", traceme_and_exec);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGTRAP);
    await(child, 0);
}

static void exec_event(void) {
    pid_t child = start("child", traceme_stop_exec);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_message(child);
    say_siginfo(child);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void exec_of_seized(void) {
    int go[2];
    if (pipe(go))
        return;
    pid_t child = fork();
    if (child == 0) {
        char byte;
        if (read(go[0], &byte, 1) != 1)
            _exit(9);
        execl("/bin/true", "true", NULL);
    }
    name_task(child, "child");
    ASK(PTRACE_SEIZE, child, 0, 0);
    if (write(go[1], "x", 1) != 1)
        return;
    await(child, 0);
}

static void traceme_twice(void) {
    say("TRACEME: %s", error_of(ptrace(PTRACE_TRACEME, 0, 0, 0)));
    say("TRACEME again: %s", error_of(ptrace(PTRACE_TRACEME, 0, 0, 0)));
}

static void traceme_is_once(void) {
    pid_t child = start("child", traceme_twice);
    await(child, 0);
}

static void attach(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, WNOHANG);
    kill(child, SIGUSR1);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_DETACH, child, 0, 0);
    await(child, WNOHANG);
    end_task(child);
}

static void attach_refusals(void) {
    pid_t child = start("child", pause_for_ever);
    ASK(PTRACE_ATTACH, getpid(), 0, 0);
    ASK(PTRACE_SEIZE, getpid(), 0, 0);
    ASK(PTRACE_SEIZE, child, 1, 0);
    ASK(PTRACE_SEIZE, child, 0, 0x8000);
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_SEIZE, child, 0, 0);
    ASK(PTRACE_ATTACH, child, 0, 0);
    end_task(child);
    ASK(PTRACE_ATTACH, child, 0, 0);
    ASK(PTRACE_ATTACH, -1, 0, 0);
    ASK(PTRACE_ATTACH, 0, 0, 0);
}

static void end_at_once(void) {}

static void attach_to_zombie(void) {
    pid_t child = start("child", end_at_once);
    until_state(child, 'Z');
    ASK(PTRACE_ATTACH, child, 0, 0);
    ASK(PTRACE_SEIZE, child, 0, 0);
    await(child, 0);
}

static void interrupt(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    await(child, WNOHANG);
    ASK(PTRACE_CONT, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    await(child, WNOHANG);
    ASK(PTRACE_CONT, child, 0, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, 0);
    end_task(child);
}

static void interrupt_of_attached(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void listen_and_continue(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    kill(child, SIGSTOP);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_LISTEN, child, 0, 0);
    ASK(PTRACE_CONT, child, 0, SIGSTOP);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_LISTEN, child, 0, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, WNOHANG);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    kill(child, SIGCONT);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, SIGCONT);
    end_task(child);
}

static void group_stop_of_attached(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGSTOP);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, WNOHANG);
    kill(child, SIGCONT);
    await(child, 0);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, SIGCONT);
    end_task(child);
}

static void stop_signals(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_SEIZE, child, 0, 0);
    for (int signo = SIGTSTP; signo <= SIGTTOU; signo++) {
        kill(child, signo);
        await(child, 0);
        ASK(PTRACE_CONT, child, 0, signo);
        await(child, 0);
        ASK(PTRACE_CONT, child, 0, 0);
    }
    end_task(child);
}

static void attach_to_stopped(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    kill(child, SIGSTOP);
    await(child, WUNTRACED);
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, 0);
    end_task(child);
}

static void seize_of_stopped(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    kill(child, SIGSTOP);
    await(child, WUNTRACED);
    ASK(PTRACE_SEIZE, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    kill(child, SIGCONT);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, 0);
    end_task(child);
}

static void exit_event(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    say_message(child);
    say_siginfo(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void exit_event_of_a_signal(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT);
    ASK(PTRACE_CONT, child, 0, SIGTERM);
    await(child, 0);
    say_message(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void exit_event_of_a_kill(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT);
    kill(child, SIGKILL);
    await(child, 0);
    say_message(child);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static void kill_request(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_KILL, child, 0, 0);
    await(child, 0);
}

static void kill_by_resuming(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, SIGKILL);
    await(child, 0);
}

static void killed_in_a_stop(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    kill(child, SIGKILL);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
}

static void detached_with_a_signal(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, SIGTERM);
    await(child, 0);
}

static void detached_from_a_syscall_with_a_signal(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_SYSCALL, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, SIGUSR1);
    await(child, 0);
}

static void detached_from_an_event_with_a_signal(void) {
    pid_t child = start("child", traceme_stop_exec);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, SIGTERM);
    await(child, 0);
}

static void detached_into_a_stop(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_DETACH, child, 0, SIGSTOP);
    await(child, WUNTRACED);
    kill(child, SIGCONT);
    await(child, 0);
}

static void options_are_checked(void) {
    pid_t child = start("child", traceme_and_stop);
    await(child, 0);
    ASK(PTRACE_SETOPTIONS, child, 0, 0x7f);
    ASK(PTRACE_SETOPTIONS, child, 0, 0x100000 | 0xff);
    ASK(PTRACE_SETOPTIONS, child, 0, 0x100);
    ASK(PTRACE_SETOPTIONS, child, 0, 0x80000000);
    ASK(PTRACE_SETOPTIONS, child, 0, 0);
    ASK(PTRACE_KILL, child, 0, 0);
    await(child, 0);
}

static const struct named_case cases[] = {
    {"exec_trap", exec_trap},
    {"exec_trap_suppressed_and_delivered", exec_trap_suppressed_and_delivered},
    {"exec_event", exec_event},
    {"exec_of_seized", exec_of_seized},
    {"traceme_is_once", traceme_is_once},
    {"attach", attach},
    {"attach_refusals", attach_refusals},
    {"attach_to_zombie", attach_to_zombie},
    {"interrupt", interrupt},
    {"interrupt_of_attached", interrupt_of_attached},
    {"listen_and_continue", listen_and_continue},
    {"group_stop_of_attached", group_stop_of_attached},
    {"stop_signals", stop_signals},
    {"attach_to_stopped", attach_to_stopped},
    {"seize_of_stopped", seize_of_stopped},
    {"exit_event", exit_event},
    {"exit_event_of_a_signal", exit_event_of_a_signal},
    {"exit_event_of_a_kill", exit_event_of_a_kill},
    {"kill_request", kill_request},
    {"kill_by_resuming", kill_by_resuming},
    {"killed_in_a_stop", killed_in_a_stop},
    {"detached_with_a_signal", detached_with_a_signal},
    {"detached_from_a_syscall_with_a_signal", detached_from_a_syscall_with_a_signal},
    {"detached_from_an_event_with_a_signal", detached_from_an_event_with_a_signal},
    {"detached_into_a_stop", detached_into_a_stop},
    {"options_are_checked", options_are_checked},
    {NULL, NULL},
};

CASES(cases)

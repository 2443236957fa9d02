/*
 * ctracer [-i] [-y] PROGRAM [ARG...]: the least that a ptrace tracer has to do, as the yardstick.
 *
 * Every thread and child is seized and resumed with PTRACE_SYSCALL: two stops a system call, one wait
 * and one resume a stop, and nothing else.  With -i PTRACE_GET_SYSCALL_INFO is asked at every
 * syscall-stop, as any tracer has to that knows which call it is at.  With -y the tracer is SCHED_IDLE, so
 * that a tracee takes the CPU from it as soon as it is resumed.
 *
 * At the end the number of syscall-stops is printed on standard error.
 *
 * Reference: ptrace(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

enum {
	SYSCALL_STOP = SIGTRAP | 0x80,
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		  PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL,
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* Start the program, seized; its first stop is PTRACE_EVENT_EXEC. */
static pid_t launch(char **argv)
{
	int gate[2];
	char byte = 0;

	if (pipe(gate) != 0)
		fail("pipe");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 1)
			_exit(2);
		close(gate[0]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(gate[0]);
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) != 0)
		fail("PTRACE_SEIZE");
	if (write(gate[1], &byte, 1) != 1)
		fail("write");
	close(gate[1]);
	return pid;
}

static void yield(void)
{
	struct sched_param param = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &param) != 0)
		fail("sched_setscheduler");
}

static int is_stop_signal(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU;
}

int main(int argc, char **argv)
{
	int with_info = 0, yields = 0, first_word = 1;
	struct ptrace_syscall_info info;
	unsigned long long known = 0;
	long stops = 0;
	int result = 2;

	for (; first_word < argc && argv[first_word][0] == '-'; first_word++) {
		with_info |= strcmp(argv[first_word], "-i") == 0;
		yields |= strcmp(argv[first_word], "-y") == 0;
	}
	if (first_word == argc) {
		fprintf(stderr, "usage: ctracer [-i] [-y] PROGRAM [ARG...]\n");
		return 2;
	}
	pid_t first = launch(argv + first_word);
	if (yields)
		yield();
	for (;;) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0)
			break;
		if (!WIFSTOPPED(status)) {
			if (tid == first)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			continue;
		}
		int signo = WSTOPSIG(status), event = status >> 16, request = PTRACE_SYSCALL;

		if (signo == SYSCALL_STOP) {
			stops++;
			if (with_info && ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) > 0)
				known += info.op == PTRACE_SYSCALL_INFO_ENTRY ? info.entry.nr : 0;
			signo = 0;
		} else if (event != 0) {
			if (event == PTRACE_EVENT_STOP && is_stop_signal(signo))
				request = PTRACE_LISTEN;
			signo = 0;
		}
		/* ESRCH: it was killed; the wait tells. */
		if (ptrace(request, tid, 0, signo) != 0 && errno != ESRCH)
			fail("ptrace");
	}
	fprintf(stderr, "%ld\n", stops);
	return known == 1 ? 2 : result;
}

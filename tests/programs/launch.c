/* launch FD SECONDS PROGRAM [ARG...]: the parent of a program under test.
 *
 * The program dies with us, we die with the test, and its alarm ends it after SECONDS whatever
 * happens.  What a parent learns of it goes to FD, a line each:
 *
 *   pid N          after its execve succeeded
 *   error ERRNO    its execve failed; nothing follows
 *   stopped SIG, continued, exited CODE, killed SIG
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(125);
}

static void report(int fd, const char *word, int value)
{
	dprintf(fd, "%s %d\n", word, value);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 125;
	int fd = atoi(argv[1]);
	int alive[2];
	pid_t self = getpid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (pipe2(alive, O_CLOEXEC) < 0)
		return 125;
	pid_t child = fork();
	if (child < 0)
		return 125;
	if (child == 0) {
		die_with(self);
		alarm(atoi(argv[2]));
		execvp(argv[3], argv + 3);
		int error = errno;
		(void)!write(alive[1], &error, sizeof error);
		_exit(127);
	}
	close(alive[1]);
	int error;
	if (read(alive[0], &error, sizeof error) > 0) {
		report(fd, "error", error);
		return 127;
	}
	/* The pipe to the program must end when the program does. */
	close(0);
	close(1);
	report(fd, "pid", child);
	for (;;) {
		siginfo_t info;

		if (waitid(P_PID, child, &info, WEXITED | WSTOPPED | WCONTINUED) < 0) {
			if (errno == EINTR)
				continue;
			return 125;
		}
		switch (info.si_code) {
		case CLD_EXITED:
			report(fd, "exited", info.si_status);
			return 0;
		case CLD_KILLED:
		case CLD_DUMPED:
			report(fd, "killed", info.si_status);
			return 0;
		case CLD_CONTINUED:
			dprintf(fd, "continued\n");
			break;
		default:
			report(fd, "stopped", info.si_status);
		}
	}
}

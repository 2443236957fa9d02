/* blocks CALL [MS]: says "ready", makes one call that blocks for MS milliseconds, and prints its result, its errno
 * and whether it took as long. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long block(const char *call, long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	if (strcmp(call, "epoll_wait") == 0) {
		struct epoll_event event;

		return epoll_wait(epoll_create1(0), &event, 1, ms);
	}
	if (strcmp(call, "sigtimedwait") == 0) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		return sigtimedwait(&set, NULL, &time);
	}
	if (strcmp(call, "semtimedop") == 0) {
		struct sembuf down = { .sem_num = 0, .sem_op = -1 };
		int set = semget(IPC_PRIVATE, 1, 0600);
		long result = semtimedop(set, &down, 1, &time);
		int error = errno;

		semctl(set, 0, IPC_RMID);
		errno = error;
		return result;
	}
	if (strcmp(call, "recv") == 0) {
		struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
		int pair[2];
		char byte;

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			return -2;
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
		return recv(pair[0], &byte, 1, 0);
	}
	if (strcmp(call, "nanosleep") == 0)
		return nanosleep(&time, NULL);
	if (strcmp(call, "poll") == 0)
		return poll(NULL, 0, ms);
	if (strcmp(call, "futex") == 0) {
		int word = 0;

		return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0);
	}
	return -3;
}

int main(int argc, char **argv)
{
	long ms = argc > 2 ? atol(argv[2]) : 1000;
	struct timespec before, after;

	if (argc < 2)
		return 1;
	puts("ready");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &before);
	errno = 0;
	long result = block(argv[1], ms);
	int error = errno;

	clock_gettime(CLOCK_MONOTONIC, &after);
	long took = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	printf("%ld %d %s\n", result, error, took + 5 >= ms ? "whole" : "short");
	return 0;
}

/* Threads that make system calls all the time: unlink, getppid, gettid.
 *
 * churn THREADS ROUNDS: each thread makes ROUNDS rounds.  Prints how many unlinks failed with EPERM. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long refused;
static long rounds;

static void *churn(void *unused)
{
	(void)unused;
	for (long i = 0; i < rounds; i++) {
		syscall(SYS_getppid);
		if (syscall(SYS_unlink, "/nonexistent/utrace-churn") == -1 && errno == EPERM)
			refused++;
		syscall(SYS_gettid);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 4;
	rounds = argc > 2 ? atol(argv[2]) : 1000;
	pthread_t made[64];
	if (threads < 1 || threads > 64)
		return 2;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&made[i], NULL, churn, NULL))
			return 3;
	for (int i = 0; i < threads; i++)
		pthread_join(made[i], NULL);
	printf("%d threads, %ld unlinks refused\n", threads, (long)refused);
	return 0;
}

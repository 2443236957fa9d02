/* races_to_exit ROUNDS: in each round a child whose five threads all call exit_group at nearly the
 * same moment.  The kernel skips the exit stop of some of them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4 };

static pthread_barrier_t start;

static void *race(void *spins)
{
	pthread_barrier_wait(&start);
	for (volatile long i = 0; i < (long)spins; i++)
		;
	_exit(3);
}

static void round_of(int round)
{
	pthread_t thread;

	pthread_barrier_init(&start, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, race, (void *)((i + round % 7) * 37)))
			_exit(1);
	pthread_barrier_wait(&start);
	_exit(4);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	for (int round = 0; round < rounds; round++) {
		pid_t child = fork();
		if (child < 0)
			return 1;
		if (child == 0)
			round_of(round);
		if (waitpid(child, NULL, 0) != child)
			return 2;
	}
	return 0;
}

/* short_lives PROCESSES THREADS: children and threads that make one getppid call each and end.
 *
 * Up to 16 at a time; succeeds if every child did. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 16, STACK_BYTES = 64 * 1024 };

static void *life(void *unused)
{
	(void)unused;
	syscall(SYS_getppid);
	return NULL;
}

static int processes(int count)
{
	int begun = 0, ended = 0, status;

	while (ended < count) {
		while (begun < count && begun - ended < AT_ONCE) {
			pid_t child = fork();

			if (child < 0)
				return 1;
			if (child == 0) {
				life(NULL);
				_exit(7);
			}
			begun++;
		}
		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
			return 1;
		ended++;
	}
	return 0;
}

static int threads(int count)
{
	pthread_t running[AT_ONCE];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (int begun = 0; begun < count;) {
		int now = count - begun < AT_ONCE ? count - begun : AT_ONCE;

		for (int i = 0; i < now; i++)
			if (pthread_create(&running[i], &attr, life, NULL) != 0)
				return 1;
		for (int i = 0; i < now; i++)
			pthread_join(running[i], NULL);
		begun += now;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	alarm(240);
	return processes(atoi(argv[1])) || threads(atoi(argv[2]));
}

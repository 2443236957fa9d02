/* execs leader|thread: says "ready"; four threads; told by a line on its input, the leader or the last
 * thread executes this program again, which says "executed" and its pid, and exits with 3 at the
 * next line. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *waits(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *executes(void *unused)
{
	char byte;

	(void)unused;
	if (read(0, &byte, 1) == 1)
		execl("/proc/self/exe", "execs", (char *)NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int by_thread = argc > 1 && strcmp(argv[1], "thread") == 0;
	char byte;

	if (argc < 2) {
		printf("executed %d\n", getpid());
		fflush(stdout);
		return read(0, &byte, 1) == 1 ? 3 : 4;
	}
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, by_thread && i == 2 ? executes : waits, NULL))
			return 1;
	puts("ready");
	fflush(stdout);
	if (by_thread)
		waits(NULL);
	executes(NULL);
	return 1;
}

/* spins [THREADS]: says "ready", then every thread makes getppid calls for ever. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *spin(void *unused)
{
	(void)unused;
	for (;;)
		syscall(SYS_getppid);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 1; i < threads; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, spin, NULL))
			return 1;
	}
	puts("ready");
	fflush(stdout);
	spin(NULL);
	return 0;
}

/* Says "ready"; its first thread ends; the other exits the process with 5 at a line on its input. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *last(void *unused)
{
	char byte;

	(void)unused;
	_exit(read(0, &byte, 1) == 1 ? 5 : 6);
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, last, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	pthread_exit(NULL);
}

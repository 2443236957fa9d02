/* makes fork|vfork|thread|untraced|repeat: makes one child of that kind, which ends at once, and waits
 * for it.  Prints "child TID" before it ends and "done" after, when the child's code was 7.
 * repeat: four threads, each making threads for ever; says "ready". */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[64 * 1024] __attribute__((aligned(16)));
static long thread_tid;

static int exits(void *unused)
{
	(void)unused;
	return 7;
}

static void *tells(void *unused)
{
	(void)unused;
	thread_tid = syscall(SYS_gettid);
	return NULL;
}

static void *brief(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++)
		syscall(SYS_getppid);
	return NULL;
}

static void *repeats(void *unused)
{
	(void)unused;
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, brief, NULL) == 0)
			pthread_join(thread, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "fork";
	pthread_t thread;
	pid_t child;
	int status;

	if (strcmp(kind, "repeat") == 0) {
		for (int i = 0; i < 3; i++)
			if (pthread_create(&thread, NULL, repeats, NULL))
				return 1;
		puts("ready");
		fflush(stdout);
		repeats(NULL);
	}
	if (strcmp(kind, "thread") == 0) {
		if (pthread_create(&thread, NULL, tells, NULL) || pthread_join(thread, NULL))
			return 1;
		printf("child %ld\ndone\n", thread_tid);
		return 0;
	}
	if (strcmp(kind, "vfork") == 0)
		child = clone(exits, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	else if (strcmp(kind, "untraced") == 0)
		child = clone(exits, stack + sizeof stack, CLONE_UNTRACED | SIGCHLD, NULL);
	else
		child = fork();
	if (child == 0)
		_exit(7);
	printf("child %d\n", child);
	fflush(stdout);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
		return 2;
	puts("done");
	return 0;
}

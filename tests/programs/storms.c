/* storms SEED DEPTH: a storm of forks, threads, execs, signals and exits, all drawn from SEED.
 *
 * Each process does a few dozen things and ends; children do the same, one level less deep. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEEDS = 24, EXECS_MAX = 3 };

static char *self;
static unsigned seed;
static int depth, execs;

static unsigned draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 12;
}

static void handler(int signo) { (void)signo; }

static void *thread(void *calls)
{
	for (long i = 0; i < (long)calls; i++)
		syscall(SYS_getppid);
	if ((long)calls % 7 == 3)
		syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
	return NULL;
}

static void *thread_that_execs(void *unused)
{
	char text[3][16];

	(void)unused;
	snprintf(text[0], sizeof text[0], "%u", seed);
	snprintf(text[1], sizeof text[1], "%d", depth);
	snprintf(text[2], sizeof text[2], "%d", execs + 1);
	execl(self, self, text[0], text[1], text[2], NULL);
	return NULL;
}

static void deed(void)
{
	pthread_t id;
	pid_t child;

	switch (draw() % 10) {
	case 0:
	case 1:
	case 2:
		if (depth > 0 && (child = fork()) == 0) {
			depth--;
			seed ^= (unsigned)getpid() * 2654435761u;
			for (int i = 0; i < DEEDS / 2; i++)
				deed();
			_exit(3);
		}
		break;
	case 3:
		if (depth > 0 && (child = vfork()) == 0)
			_exit(4);
		break;
	case 4:
	case 5:
	case 6:
		if (pthread_create(&id, NULL, thread, (void *)(long)(draw() % 60)) == 0) {
			if (draw() % 2)
				pthread_join(id, NULL);
			else
				pthread_detach(id);
		}
		break;
	case 7:
		raise(SIGUSR1);
		break;
	case 8:
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		break;
	case 9:
		if (draw() % 6 == 0 && execs < EXECS_MAX) {
			if (pthread_create(&id, NULL, thread_that_execs, NULL) == 0)
				pthread_join(id, NULL);
		} else if (draw() % 16 == 0) {
			_exit(5);
		}
		break;
	}
}

int main(int argc, char **argv)
{
	self = argv[0];
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	depth = argc > 2 ? atoi(argv[2]) : 2;
	execs = argc > 3 ? atoi(argv[3]) : 0;
	signal(SIGUSR1, handler);
	alarm(60);
	for (int i = 0; i < DEEDS; i++)
		deed();
	while (waitpid(-1, NULL, 0) > 0)
		;
	return 0;
}

/*
 * loop [-c CPU] [-t THREADS] [-w] CALLS: make CALLS getppid calls, then print how long they took, in ns.
 *
 * The clock runs around the calls only, so neither start-up nor the birth of threads counts.  A tenth
 * as many calls are made before, which also lets every thread come to rest.
 *
 *   -c CPU      run on this CPU
 *   -t THREADS  have so many more threads, all blocked in pause()
 *   -w          wait for the end of standard input before the calls
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { STACK_BYTES = 64 * 1024, ALARM_S = 120 };

static atomic_int born;

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void *idle(void *unused)
{
	(void)unused;
	atomic_fetch_add(&born, 1);
	for (;;)
		pause();
	return NULL;
}

static void make_threads(int threads)
{
	char *stacks = mmap(NULL, (size_t)threads * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_attr_t attr;

	if (stacks == MAP_FAILED)
		fail("mmap");
	pthread_attr_init(&attr);
	for (int i = 0; i < threads; i++) {
		pthread_t thread;

		pthread_attr_setstack(&attr, stacks + (size_t)i * STACK_BYTES, STACK_BYTES);
		if (pthread_create(&thread, &attr, idle, NULL) != 0)
			fail("pthread_create");
	}
	while (atomic_load(&born) < threads)
		sched_yield();
}

static void make_calls(long calls)
{
	for (long i = 0; i < calls; i++)
		syscall(SYS_getppid);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int threads = 0, wait = 0, option;
	cpu_set_t cpus;

	/* Nothing that was measured outlives the measuring. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(ALARM_S);
	CPU_ZERO(&cpus);
	while ((option = getopt(argc, argv, "c:t:w")) != -1) {
		switch (option) {
		case 'c':
			CPU_SET(atoi(optarg), &cpus);
			if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
				fail("sched_setaffinity");
			break;
		case 't':
			threads = atoi(optarg);
			break;
		case 'w':
			wait = 1;
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: loop [-c CPU] [-t THREADS] [-w] CALLS\n");
		return 2;
	}
	long calls = atol(argv[optind]);
	if (threads > 0)
		make_threads(threads);
	if (wait) {
		char byte;

		if (write(STDOUT_FILENO, "ready\n", 6) != 6)
			fail("write");
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
	}
	make_calls(calls / 10);
	long long start = now_ns();
	make_calls(calls);
	printf("%lld\n", now_ns() - start);
	return 0;
}

/* verifies FILE: four threads work and check their own work for ever: what they send through a pipe and
 * through memory comes back as it was, and no call fails.  Counts rounds, and then faults, in two
 * 8-byte words of FILE. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint64_t *counts;

static uint64_t next(uint64_t state)
{
	return state * 6364136223846793005u + 1442695040888963407u;
}

static void *work(void *seed)
{
	uint64_t state = (uintptr_t)seed;
	double fraction = 1.0;
	pid_t pid = getpid();
	int ends[2];

	if (pipe(ends))
		counts[1]++;
	for (;;) {
		uint64_t sent = state = next(state), got = 0, again = sent;

		for (int i = 0; i < 1000; i++)
			again = next(again);
		if (write(ends[1], &sent, sizeof sent) != sizeof sent)
			counts[1]++;
		if (read(ends[0], &got, sizeof got) != sizeof got || got != sent)
			counts[1]++;
		if (poll(NULL, 0, 1) != 0)
			counts[1]++;
		for (int i = 0; i < 1000; i++)
			got = next(got);
		fraction = fraction * 1.5 / 1.5;
		if (got != again || fraction < 0.99 || fraction > 1.01 || syscall(SYS_getpid) != pid)
			counts[1]++;
		counts[0]++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	pthread_t thread;

	if (fd < 0)
		return 1;
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		return 1;
	for (uintptr_t i = 1; i < 4; i++)
		if (pthread_create(&thread, NULL, work, (void *)i))
			return 1;
	puts("ready");
	fflush(stdout);
	work(NULL);
	return 0;
}

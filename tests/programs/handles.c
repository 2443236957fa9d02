/* Prints "SIGNO SI_SIGNO SI_CODE SI_VALUE" from an SA_SIGINFO handler of SIGUSR1 and SIGUSR2, for ever.
 * SIGWINCH is ignored, SIGTERM has its default.  Prints the handler's address as "ready 0x...". */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void handler(int signo, siginfo_t *info, void *context)
{
	(void)context;
	dprintf(1, "%d %d %d %d\n", signo, info->si_signo, info->si_code, info->si_value.sival_int);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	signal(SIGWINCH, SIG_IGN);
	printf("ready %#lx\n", (unsigned long)handler);
	fflush(stdout);
	for (;;)
		pause();
}

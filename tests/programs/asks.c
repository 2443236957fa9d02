/* asks: prints what getppid returned, and getpid.  With an argument: at every line on its input, for ever. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char byte;

	(void)argv;
	if (argc > 1) {
		puts("ready");
		fflush(stdout);
	}
	do {
		if (argc > 1 && read(0, &byte, 1) != 1)
			return 1;
		long parent = syscall(SYS_getppid);

		printf("%ld %d\n", parent, getpid());
		fflush(stdout);
	} while (argc > 1);
	return 0;
}

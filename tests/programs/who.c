/* Calls getuid, then getpid ROUNDS times, by system call. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	syscall(SYS_getuid);
	for (int round = 0; round < rounds; round++)
		if (syscall(SYS_getpid) <= 0)
			return 1;
	return 0;
}

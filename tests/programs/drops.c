/* Becomes uid and gid 65534, which makes it undumpable, says "ready" and waits. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	prctl(PR_SET_DUMPABLE, 0);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* steps [fork]: makes one getppid (or fork) call by hand, with 20 one-byte instructions behind it, having printed
 * the addresses where they begin and end. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char first[], last[];

int main(int argc, char **argv)
{
	long result;

	(void)argv;
	printf("%lu %lu\n", (unsigned long)first, (unsigned long)last);
	fflush(stdout);
	__asm__ volatile("syscall\n"
			 ".globl first\nfirst:\n"
			 ".rept 20\nnop\n.endr\n"
			 ".globl last\nlast:\nnop\n"
			 : "=a"(result)
			 : "a"((long)(argc > 1 ? SYS_fork : SYS_getppid))
			 : "rcx", "r11", "memory");
	if (argc > 1 && result == 0)
		_exit(0);
	printf("%ld\n", result);
	return 0;
}

/* unlinks [filtered]: unlinks a file that is not there, and prints the result and the errno.
 * filtered: under a seccomp filter that gives EXDEV for a call of number -1. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffffu, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = filter };

	(void)argv;
	if (argc > 1) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			return 1;
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			return 1;
	}
	errno = 0;
	long result = syscall(SYS_unlink, "/nonexistent/utrace-unlinks");
	printf("%ld %d\n", result, errno);
	return 0;
}

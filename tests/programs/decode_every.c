/* Makes every call of x86-64 with all arguments -1, under a filter that refuses them all with ENOSYS:
 * nothing is executed, a tracer sees each entry.  Ends by SIGILL, since exit is refused too. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

/* uretprobe and uprobe: the kernel answers them with a signal, whatever the filter says. */
#define FIRST_PROBE 335
#define FIRST_SHARED 424
#define LAST 469

static long call(long nr)
{
	long result;
	register long r10 __asm__("r10") = -1, r8 __asm__("r8") = -1, r9 __asm__("r9") = -1;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(-1L), "S"(-1L), "d"(-1L), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

int main(void)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38);
	struct sock_fprog program = {1, &refuse};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return 1;
	for (long nr = 0; nr <= LAST; nr++)
		if (nr < FIRST_PROBE || nr >= FIRST_SHARED)
			call(nr);
	__builtin_trap();
}

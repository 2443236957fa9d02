/* filters_itself: filters of the program's own, which answer a call instead of a tracer's.
 *
 * getppid fails with EACCES in a child, in a thread that was there before, and in the child of a child. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];
static pthread_barrier_t begun;

static void filter(int by_prctl, unsigned flags)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, refuse };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (by_prctl)
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
	else
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int refused(void) { return syscall(SYS_getppid) == -1 && errno == EACCES; }

static void *other(void *unused)
{
	char byte;

	(void)unused;
	syscall(SYS_getppid);
	pthread_barrier_wait(&begun);
	return read(ends[0], &byte, 1) == 1 && refused() ? &ends : NULL;
}

static int family(int by_prctl)
{
	int status;
	pid_t child;

	filter(by_prctl, 0);
	child = fork();
	if (child == 0)
		_exit(!refused());
	return !refused() || waitpid(child, &status, 0) != child || status != 0;
}

static int threads(void)
{
	pthread_t thread;
	void *well;

	pthread_barrier_init(&begun, NULL, 2);
	pthread_create(&thread, NULL, other, NULL);
	pthread_barrier_wait(&begun);
	filter(0, SECCOMP_FILTER_FLAG_TSYNC);
	if (write(ends[1], "", 1) != 1 || !refused())
		return 1;
	pthread_join(thread, &well);
	return well == NULL;
}

int main(void)
{
	int failures = 0, status;

	if (pipe(ends) != 0)
		return 2;
	for (int i = 0; i < 3; i++) {
		if (fork() == 0)
			_exit(i < 2 ? family(i) : threads());
		failures += wait(&status) < 0 || status != 0;
	}
	syscall(SYS_getppid);
	return failures;
}

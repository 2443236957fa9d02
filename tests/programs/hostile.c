/* hostile WHAT [COUNT]: calls that are hard on whoever looks at their arguments.
 *
 *   strings  that do not end, that end at unmapped memory, or that are not there
 *   lengths  far beyond what is mapped
 *   changes  another thread rewrites paths, vectors and lengths while COUNT calls are made
 *   signals  COUNT signals to itself, each handled
 *   execs    COUNT times a thread that is not the leader calls execve, among others
 *   traces   PTRACE_TRACEME and PTRACE_SEIZE of what it can find
 *
 * Exits with 0 if every call had the outcome it has without anybody looking. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, GIB = 1 << 30, BIG = 64 << 20 };

static int failures;

static void expect(const char *what, long result, int error)
{
	int found = result == -1 ? errno : 0;

	if (found != error) {
		fprintf(stderr, "%s: %s instead of %s\n", what, strerror(found), strerror(error));
		failures++;
	}
}

static void *before_nothing(void)
{
	char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(two + PAGE, PAGE);
	memset(two, 'x', PAGE);
	return two;
}

static void strings(void)
{
	char *edge = before_nothing();
	char *big = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *arguments[] = { edge + PAGE - 3, NULL };
	char *nowhere[] = { (char *)8, NULL };

	memset(big, '/', BIG);
	expect("a page of path", open(edge, O_RDONLY), ENAMETOOLONG);
	expect("three letters and no end", open(edge + PAGE - 3, O_RDONLY), EFAULT);
	strcpy(edge + PAGE - 5, "/etc");
	expect("a path that ends with its page", open(edge + PAGE - 5, O_RDONLY | O_CLOEXEC) < 0 ? -1 : 0, 0);
	memset(edge, 'x', PAGE);
	expect("64 MiB of path", open(big, O_RDONLY), ENAMETOOLONG);
	expect("a path at 1", open((char *)1, O_RDONLY), EFAULT);
	expect("a path in the kernel", open((char *)0xffffffff81000000, O_RDONLY), EFAULT);
	expect("no path", syscall(SYS_open, NULL, O_RDONLY), EFAULT);
	expect("an unterminated argument", execve("/bin/true", arguments, arguments + 1), EFAULT);
	expect("arguments at 8", execve("/bin/true", nowhere, nowhere + 1), EFAULT);
	expect("argument vector at the edge", execve("/bin/true", (char **)(edge + PAGE - 8), NULL), EFAULT);
	munmap(big, BIG);
}

static void lengths(void)
{
	char *edge = before_nothing();
	int ends[2], nowhere = open("/dev/null", O_RDWR | O_CLOEXEC), pair[2];
	struct iovec vector[2] = { { edge, PAGE }, { edge, (size_t)4 * GIB } };
	struct msghdr message = { .msg_iov = vector, .msg_iovlen = (size_t)1 << 40 };
	struct msghdr named = { .msg_name = edge, .msg_namelen = 0x7fffffff, .msg_iov = vector, .msg_iovlen = 1,
				.msg_control = edge, .msg_controllen = (size_t)1 << 40 };

	expect("pipe", pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	expect("socketpair", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	expect("4 GiB written to nowhere", write(nowhere, edge, (size_t)4 * GIB) < 0 ? -1 : 0, 0);
	expect("more than there is to a pipe", write(ends[1], edge + PAGE - 1, PAGE) < 0 ? -1 : 0, EFAULT);
	expect("a vector of 4 GiB", writev(nowhere, vector, 2) < 0 ? -1 : 0, 0);
	expect("a vector of a billion", syscall(SYS_writev, nowhere, vector, GIB), EINVAL);
	expect("a vector of -1", syscall(SYS_writev, nowhere, vector, -1L), EINVAL);
	expect("2^40 parts of a message", sendmsg(pair[0], &message, 0), EMSGSIZE);
	expect("2^40 bytes of control", sendmsg(pair[0], &named, 0), ENOBUFS);
	expect("2^32-1 descriptors", syscall(SYS_poll, edge, -1, 0), EINVAL);
	expect("2^31-1 events", syscall(SYS_epoll_wait, epoll_create1(EPOLL_CLOEXEC), edge, 0x7fffffff, 0), EINVAL);
	expect("a read of everything", syscall(SYS_read, nowhere, edge, -1L), EFAULT);
	expect("an option of 2 GiB", syscall(SYS_setsockopt, pair[0], SOL_SOCKET, SO_RCVBUF, edge, 0x7fffffff), 0);
	expect("an address of 2 GiB", syscall(SYS_bind, pair[0], edge, 0x7fffffff), EINVAL);
}

static struct {
	char path[64];
	struct iovec vector[4];
	volatile int over;
} shared;

static void *rewrite(void *unused)
{
	(void)unused;
	for (unsigned i = 0; !shared.over; i++) {
		strcpy(shared.path, i % 2 ? "/etc/hostname" : "/nonexistent/and/longer");
		shared.path[63] = (char)(i % 3);
		shared.vector[i % 4].iov_base = i % 5 ? shared.path : (void *)(size_t)i;
		shared.vector[i % 4].iov_len = i % 7 ? i % 64 : (size_t)-1;
	}
	return NULL;
}

static void changes(long count)
{
	pthread_t other;
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	strcpy(shared.path, "/etc/hostname");
	pthread_create(&other, NULL, rewrite, NULL);
	for (long i = 0; i < count; i++) {
		int fd = open(shared.path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
		syscall(SYS_writev, nowhere, shared.vector, 4);
	}
	shared.over = 1;
	pthread_join(other, NULL);
}

static volatile long handled;

static void on_signal(int signo) { (void)signo; handled++; }

static void signals(long count)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	for (long i = 0; i < count; i++)
		syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
	if (handled != count) {
		fprintf(stderr, "%ld signals of %ld handled\n", handled, count);
		failures++;
	}
}

static char *self, left[24];

static void *call(void *unused)
{
	(void)unused;
	for (;;)
		syscall(SYS_getppid);
	return NULL;
}

static void *replace(void *unused)
{
	(void)unused;
	execl(self, self, "execs", left, NULL);
	exit(3);
}

static void execs(long count)
{
	pthread_t other;

	if (count == 0)
		return;
	snprintf(left, sizeof left, "%ld", count - 1);
	for (int i = 0; i < 3; i++)
		pthread_create(&other, NULL, call, NULL);
	pthread_create(&other, NULL, replace, NULL);
	call(NULL);
}

static void traces(void)
{
	/* Traced already: EPERM; the same untraced would succeed, so only that nothing hangs is asked. */
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	expect("itself", ptrace(PTRACE_SEIZE, getpid(), NULL, NULL), EPERM);
	expect("nobody", ptrace(PTRACE_SEIZE, 0x7ffffffe, NULL, NULL), ESRCH);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 1000;

	self = argv[0];
	alarm(300 + count / 1000);
	if (strcmp(what, "strings") == 0)
		strings();
	else if (strcmp(what, "lengths") == 0)
		lengths();
	else if (strcmp(what, "changes") == 0)
		changes(count);
	else if (strcmp(what, "signals") == 0)
		signals(count);
	else if (strcmp(what, "execs") == 0)
		execs(count);
	else if (strcmp(what, "traces") == 0)
		traces();
	else
		return 2;
	return failures != 0;
}

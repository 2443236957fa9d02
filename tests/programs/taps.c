/* Calls that a tap records, in circumstances that are hard for it.
 *
 *   taps threads COUNT   four threads make COUNT getppid and fstat each
 *   taps blocked COUNT   COUNT getppid with all signals blocked, so that no signal makes the program wait
 *   taps traps COUNT     COUNT breakpoints of its own, each behind a hundred getppid
 *   taps mixed COUNT     COUNT getppid, each behind a getpid made as a 32-bit program does
 *   taps pages           openat of a path in a page that nobody has read yet
 *   taps ordered COUNT   COUNT writev, which stop, each behind 1,500 getppid, which do not
 *   taps denied          three getppid that a filter of its own answers with EPERM
 *   taps listing FOLDER  getdents64 of a folder, of which nothing is left in memory afterwards
 *   taps locked          locks of a file, and fcntl whose third argument is no pointer
 *   taps killed          a read that never ends, and a SIGKILL from a thread meanwhile
 *
 * Exits with 0 if all went as it goes without anybody looking. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static volatile long traps;
static long count;

static void trapped(int signo)
{
	traps += signo == SIGTRAP;
}

static void *work(void *unused)
{
	struct stat found;

	for (long i = 0; i < count; i++) {
		syscall(SYS_getppid);
		fstat(0, &found);
	}
	return unused;
}

static int threads(void)
{
	pthread_t others[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&others[i], NULL, work, NULL);
	work(NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(others[i], NULL);
	return 0;
}

static int blocked(void)
{
	sigset_t all, pending;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
	sigpending(&pending);
	return sigismember(&pending, SIGTRAP);
}

static int own_traps(void)
{
	signal(SIGTRAP, trapped);
	for (long i = 0; i < count; i++) {
		for (int j = 0; j < 100; j++)
			syscall(SYS_getppid);
		__asm__ volatile("int3");
	}
	return traps != count;
}

static int mixed(void)
{
	long result;

	for (long i = 0; i < count; i++) {
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
		if (result != getpid())
			return 1;
		syscall(SYS_getppid);
	}
	return 0;
}

static int pages(void)
{
	char name[] = "/tmp/taps.XXXXXX";
	int fd = mkstemp(name);
	const char *path;

	unlink(name);
	if (ftruncate(fd, 4096) || pwrite(fd, "/unread", 8, 1000) != 8)
		return 1;
	path = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	return syscall(SYS_openat, AT_FDCWD, path + 1000, O_RDONLY, 0) != -1;
}

static int ordered(void)
{
	for (long i = 0; i < count; i++) {
		for (int j = 0; j < 1500; j++)
			syscall(SYS_getppid);
		writev(-1, NULL, 0);
	}
	return 0;
}

static int denied(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {4, code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return 1;
	for (int i = 0; i < 3; i++)
		if (syscall(SYS_getppid) != -1)
			return 1;
	return 0;
}

static int listing(const char *folder)
{
	static char entries[32768];
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	long got;

	do {
		got = syscall(SYS_getdents64, fd, entries, sizeof(entries));
		memset(entries, -1, sizeof(entries));
	} while (got > 0);
	return got != 0;
}

static int locked(void)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4};
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	if (fcntl(fd, F_SETLK, &whole) || fcntl(fd, F_OFD_GETLK, &(struct flock){.l_type = F_WRLCK, .l_len = 9}) != 0)
		return 1;
	whole = (struct flock){0};
	return fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETLK, (void *)8) != -1 || fcntl(fd, F_GETFD) != FD_CLOEXEC;
}

static void *ender(void *unused)
{
	nanosleep(&(struct timespec){0, 50 * 1000 * 1000}, NULL);
	kill(getpid(), SIGKILL);
	return unused;
}

static int killed(void)
{
	pthread_t other;
	int ends[2];
	char byte;

	if (pipe(ends))
		return 1;
	pthread_create(&other, NULL, ender, NULL);
	return read(ends[0], &byte, 1) != 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	count = argc > 2 ? atol(argv[2]) : 0;
	if (strcmp(what, "threads") == 0)
		return threads();
	if (strcmp(what, "blocked") == 0)
		return blocked();
	if (strcmp(what, "traps") == 0)
		return own_traps();
	if (strcmp(what, "mixed") == 0)
		return mixed();
	if (strcmp(what, "pages") == 0)
		return pages();
	if (strcmp(what, "ordered") == 0)
		return ordered();
	if (strcmp(what, "denied") == 0)
		return denied();
	if (strcmp(what, "listing") == 0)
		return listing(argv[2]);
	if (strcmp(what, "locked") == 0)
		return locked();
	if (strcmp(what, "killed") == 0)
		return killed();
	return 2;
}

/* The calls that only 32-bit programs make: many calls behind one number, arguments in memory, 64-bit numbers in two
 * registers; with good, bad and NULL arguments.  Without a library: build with bits=32.  Exits with 0. */
#define NULL ((void *)0)
#define BAD ((void *)8)

typedef long word;

static long call6(word nr, word a, word b, word c, word d, word e, word f)
{
	long result;
	struct {
		word nr, f;
	} kept = {nr, f};

	/* The sixth argument is in the register of the frame. */
	__asm__ volatile("push %%ebp\n\tmov 4(%%eax), %%ebp\n\tmov (%%eax), %%eax\n\tint $0x80\n\tpop %%ebp"
			 : "=a"(result)
			 : "a"(&kept), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return result;
}

#define CALL6(nr, a, b, c, d, e, f, ...) call6(nr, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), (word)(f))
#define CALL(nr, ...) CALL6(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define WORDS(...) ((word[]){__VA_ARGS__})

enum {
	ALARM = 27,
	MMAP = 90,
	SELECT = 82,
	SOCKETCALL = 102,
	IPC = 117,
	LLSEEK = 140,
	PREAD64 = 180,
	PWRITE64 = 181,
	MMAP2 = 192,
	TRUNCATE64 = 193,
	FTRUNCATE64 = 194,
	FADVISE64 = 250,
	FADVISE64_64 = 272,
	READAHEAD = 225,
	FALLOCATE = 324,
	SYNC_FILE_RANGE = 314,
	PREADV = 333,
	PWRITEV = 334,
	OPEN = 5,
	WRITE = 4,
	CLOSE = 6,
	STAT = 106,
	OLDSTAT = 18,
	STAT64 = 195,
	FCNTL = 55,
	FCNTL64 = 221,
	WAITPID = 7,
	SIGNAL = 48,
	SIGACTION = 67,
	SIGPROCMASK = 126,
	SIGPENDING = 73,
	GETRLIMIT = 76,
	UGETRLIMIT = 191,
	UNAME = 122,
	TIME = 13,
	STIME = 25,
	NICE = 34,
	UMOUNT = 22,
	READDIR = 89,
	GETGROUPS = 80,
	CHOWN = 182,
	SETUID = 23,
	SENDFILE64 = 239,
	CLOCK_GETTIME64 = 403,
	PPOLL_TIME64 = 414,
	FUTEX_TIME64 = 422,
	UTIMENSAT_TIME64 = 412,
	SEMTIMEDOP_TIME64 = 420,
	RECVMMSG_TIME64 = 417,
	TIMER_SETTIME64 = 409,
	SCHED_RR_TIME64 = 423,
	RT_SIGTIMEDWAIT_TIME64 = 421,
	MQ_TIMEDSEND_TIME64 = 418,
	IO_PGETEVENTS_TIME64 = 416,
	STATFS64 = 268,
	SET_THREAD_AREA = 243,
	GET_THREAD_AREA = 244,
	VM86OLD = 113,
	EXIT_GROUP = 252,
};

enum { SOCKET = 1, BIND, CONNECT, LISTEN, ACCEPT, GETSOCKNAME, GETPEERNAME, SOCKETPAIR, SEND, RECV, SENDTO, RECVFROM,
       SHUTDOWN, SETSOCKOPT, GETSOCKOPT, SENDMSG, RECVMSG, ACCEPT4, RECVMMSG, SENDMMSG };

static char buffer[4096];

static void sockets(void)
{
	struct {
		unsigned short family, port;
		unsigned address;
		char rest[8];
	} in = {2, 0x5000, 0x0100007f, ""};
	struct {
		void *base;
		word length;
	} vector = {"message", 7};
	struct {
		void *name;
		word name_length;
		void *vector;
		word count;
		void *control;
		word control_length, flags;
	} header = {NULL, 0, &vector, 1, NULL, 0, 0};
	int number = 1, pair[2], length = 4;

	word fd = CALL(SOCKETCALL, SOCKET, WORDS(2, 1, 6));
	CALL(SOCKETCALL, SOCKETPAIR, WORDS(1, 2, 0, (word)pair));
	CALL(SOCKETCALL, SETSOCKOPT, WORDS(fd, 1, 2, (word)&number, 4));
	CALL(SOCKETCALL, GETSOCKOPT, WORDS(fd, 1, 4, (word)&number, (word)&length));
	CALL(SOCKETCALL, BIND, WORDS(-1, (word)&in, 16));
	CALL(SOCKETCALL, CONNECT, WORDS(-1, (word)&in, 16));
	CALL(SOCKETCALL, LISTEN, WORDS(-1, 5));
	CALL(SOCKETCALL, ACCEPT, WORDS(-1, 0, 0));
	length = 16;
	CALL(SOCKETCALL, GETSOCKNAME, WORDS(fd, (word)&in, (word)&length));
	CALL(SOCKETCALL, GETPEERNAME, WORDS(fd, (word)&in, (word)&length));
	CALL(SOCKETCALL, SEND, WORDS(pair[0], (word) "text", 4, 0x4000));
	CALL(SOCKETCALL, RECV, WORDS(pair[1], (word)buffer, 100, 0));
	CALL(SOCKETCALL, SENDTO, WORDS(-1, (word) "text", 4, 0, (word)&in, 16));
	CALL(SOCKETCALL, RECVFROM, WORDS(pair[1], (word)buffer, 100, 0x40, 0, 0));
	CALL(SOCKETCALL, SHUTDOWN, WORDS(-1, 2));
	CALL(SOCKETCALL, SENDMSG, WORDS(pair[0], (word)&header, 0));
	vector.base = buffer;
	CALL(SOCKETCALL, RECVMSG, WORDS(pair[1], (word)&header, 0));
	CALL(SOCKETCALL, ACCEPT4, WORDS(-1, 0, 0, 02000000));
	CALL(SOCKETCALL, RECVMMSG, WORDS(-1, 0, 0, 0, 0));
	CALL(SOCKETCALL, SENDMMSG, WORDS(-1, 0, 0, 0));
	CALL(SOCKETCALL, 0, WORDS(1, 2, 3, 4, 5, 6));
	CALL(SOCKETCALL, 77, WORDS(1, 2, 3, 4, 5, 6));
	CALL(SOCKETCALL, SOCKET, BAD);
	CALL(SOCKETCALL, SOCKET, NULL);
}

enum { SEMOP = 1, SEMGET, SEMCTL, SEMTIMEDOP, MSGSND = 11, MSGRCV, MSGGET, MSGCTL, SHMAT = 21, SHMDT, SHMGET, SHMCTL };

static void systemv(void)
{
	struct {
		short number, operation, flags;
	} step = {0, 1, 04000};
	struct {
		word type;
		char text[8];
	} message = {1, "text"};
	word limit[2] = {0, 1}, address = 0, value = 3;

	CALL(IPC, SEMGET, 0x77777777, 1, 0600);
	CALL(IPC, SEMOP, -1, 1, 0, &step);
	CALL(IPC, SEMTIMEDOP, -1, 1, 0, &step, limit);
	CALL(IPC, SEMCTL, -1, 0, 16, &value);
	CALL(IPC, SEMCTL, -1, 0, 0, &value);
	CALL(IPC, MSGGET, 0x77777777, 0600);
	CALL(IPC, MSGSND, -1, 4, 0, &message);
	CALL(IPC, MSGRCV, -1, 4, 0, WORDS((word)&message, 1));
	CALL(IPC, MSGRCV | 1 << 16, -1, 4, 04000, &message, 1);
	CALL(IPC, MSGCTL, -1, 0, 0, NULL);
	CALL(IPC, SHMGET, 0x77777777, 4096, 0600);
	CALL(IPC, SHMAT, -1, 010000, &address, NULL);
	CALL(IPC, SHMDT, 0, 0, 0, BAD);
	CALL(IPC, SHMCTL, -1, 0, 0, NULL);
	CALL(IPC, SHMCTL, -1, 0x102, 0, buffer);
	CALL(IPC, 77, 1, 2, 3, 4, 5);
	CALL(IPC, 0, 1, 2, 3, 4, 5);
}

static void files(void)
{
	struct {
		word seconds, microseconds;
	} limit = {0, 7};
	struct {
		void *base;
		word length;
	} vector = {"message", 7};
	unsigned read_fds = 1;
	long long place = 1, result = 0;

	CALL(MMAP, WORDS(0, 4096, 3, 0x22, -1, 0));
	CALL(MMAP, WORDS(0, 4096, 1, 2, -1, 0x3000));
	CALL(MMAP, BAD);
	CALL(MMAP, NULL);
	CALL(MMAP2, 0, 4096, 3, 0x22, -1, 0);
	CALL(MMAP2, 0, 4096, 1, 2, -1, 3);
	CALL(SELECT, WORDS(0, 0, 0, 0, (word)&limit));
	CALL(SELECT, WORDS(1, (word)&read_fds, 0, 0, (word)&limit));
	CALL(SELECT, BAD);
	word fd = CALL(OPEN, "plain", 02 | 0100, 0600);
	CALL(WRITE, fd, "text", 4);
	CALL(LLSEEK, fd, 0, 2, &result, 0);
	CALL(LLSEEK, fd, -1, -1, &result, 1);
	CALL(LLSEEK, fd, 1, 2, &result, 0);
	CALL(LLSEEK, fd, 0, 2, NULL, 0);
	CALL(PREAD64, fd, buffer, 100, 1, 0);
	CALL(PREAD64, fd, buffer, 100, 1, 2);
	CALL(PREAD64, fd, buffer, 100, -1, -1);
	CALL(PWRITE64, fd, "text", 4, 1, 0);
	CALL(PWRITE64, -1, "text", 4, 1, 0x80000000);
	CALL(TRUNCATE64, "missing", 1, 2);
	CALL(FTRUNCATE64, -1, 1, 2);
	CALL(FTRUNCATE64, -1, -1, -1);
	CALL(FADVISE64, fd, 1, 0, 3, 4);
	CALL(FADVISE64, fd, 1, 2, 3, 77);
	CALL(FADVISE64_64, fd, 1, 2, 3, 4, 4);
	CALL(READAHEAD, -1, 1, 2, 3);
	CALL(FALLOCATE, -1, 1, 1, 2, 3, 4);
	CALL(SYNC_FILE_RANGE, -1, 1, 2, 3, 4, 7);
	CALL(PREADV, -1, &vector, 1, 1, 2);
	CALL(PWRITEV, -1, &vector, 1, 1, 0);
	CALL(SENDFILE64, -1, fd, &place, 4);
	CALL(STAT64, "missing", buffer);
	CALL(OLDSTAT, "missing", buffer);
	CALL(FCNTL, fd, 3);
	CALL(FCNTL64, fd, 13, BAD);
	CALL(FCNTL64, fd, 5, BAD);
	CALL(STATFS64, "missing", 84, buffer);
	CALL(CHOWN, "missing", -1, 0);
	CALL(READDIR, -1, buffer, 1);
	CALL(UMOUNT, "missing");
	CALL(CLOSE, -1);
}

static void tasks(void)
{
	struct {
		void *handler;
		unsigned mask;
		word flags;
		void *restorer;
	} action = {BAD, 1 << 9, 0x10000000, NULL};
	struct {
		unsigned entry;
		void *base;
		unsigned limit, bits;
	} area = {-1, NULL, 0xfffff, 0x51};
	unsigned set = 1 << 9;
	long long time[4] = {1, 2, 3, 4}, soon[2] = {0, 4}, now[2];
	word seconds = 1;

	CALL(WAITPID, -1, NULL, 1);
	CALL(SIGNAL, 10, 1);
	CALL(SIGNAL, 10, BAD);
	CALL(SIGACTION, 12, &action, NULL);
	CALL(SIGACTION, 12, NULL, &action);
	CALL(SIGACTION, 9, BAD, BAD);
	CALL(SIGPROCMASK, 0, &set, NULL);
	CALL(SIGPROCMASK, 2, NULL, &set);
	CALL(SIGPENDING, &set);
	CALL(GETRLIMIT, 4, buffer);
	CALL(UGETRLIMIT, 4, buffer);
	CALL(TIME, NULL);
	CALL(TIME, BAD);
	CALL(STIME, BAD);
	CALL(NICE, 0);
	CALL(GETGROUPS, 0, NULL);
	CALL(SETUID, 65535);
	CALL(CLOCK_GETTIME64, 77, now);
	CALL(PPOLL_TIME64, NULL, 0, soon, NULL, 8);
	CALL(FUTEX_TIME64, &seconds, 0, 7, time, NULL, 0);
	CALL(UTIMENSAT_TIME64, -100, "missing", time, 0);
	CALL(SEMTIMEDOP_TIME64, -1, NULL, 0, time);
	CALL(RECVMMSG_TIME64, -1, NULL, 0, 0, time);
	CALL(TIMER_SETTIME64, 77, 0, time, NULL);
	CALL(SCHED_RR_TIME64, -5, now);
	CALL(RT_SIGTIMEDWAIT_TIME64, BAD, NULL, time, 8);
	CALL(MQ_TIMEDSEND_TIME64, -1, "text", 4, 1, time);
	CALL(SET_THREAD_AREA, &area);
	CALL(GET_THREAD_AREA, &area);
	CALL(SET_THREAD_AREA, BAD);
	CALL(VM86OLD, BAD);
}

void _start(void)
{
	CALL(ALARM, 20);
	sockets();
	systemv();
	files();
	tasks();
	CALL(EXIT_GROUP, 0);
	__builtin_unreachable();
}

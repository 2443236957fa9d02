/* Processes, signals, time, memory, waiting and sockets with good, bad and NULL arguments.
 * Exits with 7. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BAD ((void *)8)
#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static char buffer[4096];

static void on_signal(int number)
{
	(void)number;
}

static void memory(void)
{
	void *map = (void *)CALL(mmap, NULL, 8192L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
	CALL(mmap, NULL, 0L, PROT_NONE, MAP_SHARED | MAP_FIXED_NOREPLACE, 99, 4096L);
	CALL(mmap, NULL, 4096L, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << 26) | MAP_NORESERVE, -1, 0L);
	CALL(mprotect, map, 4096L, PROT_READ);
	CALL(mprotect, BAD, 4096L, PROT_NONE);
	CALL(madvise, map, 4096L, MADV_DONTNEED);
	CALL(madvise, map, 4096L, 12345);
	CALL(mremap, map, 8192L, 4096L, MREMAP_MAYMOVE);
	CALL(mremap, BAD, 8192L, 4096L, MREMAP_MAYMOVE | MREMAP_FIXED, map);
	CALL(msync, map, 4096L, MS_ASYNC | MS_INVALIDATE);
	CALL(mlock, BAD, 4096L);
	CALL(munmap, map, 4096L);
	CALL(brk, NULL);
}

static void signals(void)
{
	struct sigaction_of_kernel {
		void (*handler)(int);
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} act = {on_signal, SA_RESTART, NULL, 1UL << (SIGUSR2 - 1)}, old;
	unsigned long set = 1UL << (SIGUSR1 - 1) | 1UL << (SIGCHLD - 1), all = ~0UL, got;
	stack_t ss = {.ss_sp = buffer, .ss_flags = SS_DISABLE, .ss_size = sizeof buffer};
	siginfo_t info;
	struct timespec now = {0, 0};

	CALL(rt_sigaction, SIGUSR2, &act, &old, 8L);
	CALL(rt_sigaction, SIGUSR2, NULL, &old, 8L);
	CALL(rt_sigaction, SIGKILL, &act, NULL, 8L);
	CALL(rt_sigaction, 70, BAD, BAD, 8L);
	CALL(rt_sigprocmask, SIG_BLOCK, &set, &got, 8L);
	CALL(rt_sigprocmask, SIG_UNBLOCK, &all, NULL, 8L);
	CALL(rt_sigprocmask, SIG_SETMASK, &set, NULL, 8L);
	CALL(rt_sigprocmask, 9, NULL, BAD, 8L);
	CALL(rt_sigpending, &got, 8L);
	CALL(kill, getpid(), SIGUSR1);
	CALL(rt_sigtimedwait, &set, &info, &now, 8L);
	CALL(rt_sigtimedwait, &set, NULL, &now, 8L);
	CALL(sigaltstack, &ss, NULL);
	CALL(sigaltstack, NULL, &ss);
	CALL(kill, -1000000, 0);
	CALL(tgkill, getpid(), getpid(), SIGWINCH);
	CALL(tkill, -5, SIGRTMIN);
	CALL(signalfd4, -1, &set, 8L, 02000000);
	CALL(alarm, 20);
}

static void processes(void)
{
	struct utsname names;
	struct sysinfo info;
	struct rlimit limit = {0, 8192 * 1024};
	struct rusage usage;
	siginfo_t child;
	int status = 0, number;
	char *argv[] = {"program", "one \"two\"", NULL}, *envp[] = {"A=1", "B=2", NULL};

	CALL(getpid);
	CALL(gettid);
	CALL(getppid);
	CALL(getuid);
	CALL(getpgid, 0);
	CALL(getsid, 0);
	CALL(setpgid, -5, 3);
	CALL(getresuid, &number, &number, &number);
	CALL(setresuid, -1, -1, -1);
	CALL(getgroups, 0, NULL);
	CALL(uname, &names);
	CALL(uname, NULL);
	CALL(sysinfo, BAD);
	CALL(sysinfo, &info);
	CALL(prlimit64, 0, RLIMIT_CORE, &limit, NULL);
	CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
	CALL(prlimit64, 0, 77, NULL, NULL);
	CALL(getrlimit, RLIMIT_CORE, &limit);
	CALL(getrusage, RUSAGE_CHILDREN, &usage);
	CALL(getpriority, PRIO_PROCESS, 0);
	CALL(setpriority, PRIO_PGRP, -1, 5);
	CALL(prctl, PR_SET_NAME, "renamed", 0L, 0L, 0L);
	CALL(prctl, PR_GET_NAME, buffer, 0L, 0L, 0L);
	CALL(prctl, PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L);
	CALL(prctl, PR_GET_DUMPABLE, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_NO_NEW_PRIVS, 2L, 0L, 0L, 0L);
	CALL(prctl, 77777, 1L, 2L, 3L, 4L);
	CALL(sched_yield);
	CALL(sched_getscheduler, 0);
	CALL(sched_get_priority_max, SCHED_RR);
	CALL(sched_getaffinity, -5, 128L, buffer);
	CALL(execve, "missing", argv, envp);
	CALL(execve, NULL, NULL, NULL);
	CALL(execve, BAD, BAD, BAD);
	CALL(execveat, 99, "missing", argv, envp, AT_EMPTY_PATH);
	CALL(wait4, -1, &status, WNOHANG, NULL);
	CALL(waitid, P_PID, 1000000, &child, WEXITED | WNOHANG, NULL);
	CALL(unshare, 0x10);
	CALL(setns, 99, CLONE_NEWNET);
	CALL(getrandom, buffer, 3L, 1);
	CALL(getrandom, BAD, 3L, 0);
	CALL(personality, 0xffffffff);
	CALL(ptrace, 0x4206, 1000000, 0L, 0L);
	CALL(pidfd_open, 1000000, 0);
	CALL(capget, NULL, NULL);
	syscall(500, 1L, 2L, 3L, 4L, 5L, 6L);
}

static void waiting(void)
{
	struct timespec ts = {0, 1}, left;
	struct timeval tv = {0, 10};
	struct itimerval timer = {{0, 0}, {0, 0}};
	struct itimerspec spec = {{0, 0}, {1, 2}};
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 7};
	int pipes[2], word = 1, epoll;
	fd_set set;

	CALL(nanosleep, &ts, &left);
	CALL(nanosleep, &ts, NULL);
	CALL(nanosleep, NULL, NULL);
	CALL(nanosleep, BAD, &left);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
	CALL(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
	CALL(clock_gettime, 1234, &ts);
	CALL(clock_getres, CLOCK_BOOTTIME, &ts);
	CALL(clock_settime, 1234, &ts);
	CALL(gettimeofday, BAD, NULL);
	CALL(setitimer, ITIMER_VIRTUAL, &timer, NULL);
	CALL(getitimer, ITIMER_VIRTUAL, &timer);
	int fd = CALL(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC);
	CALL(timerfd_settime, fd, 0, &spec, NULL);
	CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &spec, &spec);
	pipe(pipes);
	struct pollfd polled[2] = {{pipes[0], POLLIN, 0}, {pipes[1], POLLOUT | POLLERR, 0}};
	CALL(poll, polled, 1, 0);
	CALL(poll, polled, 2, 10);
	CALL(poll, NULL, 0, 1);
	CALL(poll, BAD, 2, 1);
	CALL(ppoll, polled, 2, &ts, NULL, 8L);
	FD_ZERO(&set);
	FD_SET(pipes[0], &set);
	CALL(select, pipes[0] + 1, &set, NULL, NULL, &tv);
	FD_SET(pipes[1], &set);
	CALL(select, pipes[1] + 1, NULL, &set, NULL, NULL);
	CALL(select, -1, NULL, NULL, NULL, NULL);
	CALL(pselect6, 0, NULL, NULL, NULL, &ts, NULL);
	epoll = CALL(epoll_create1, EPOLL_CLOEXEC);
	CALL(epoll_ctl, epoll, EPOLL_CTL_ADD, pipes[0], &event);
	event.events = EPOLLOUT;
	CALL(epoll_ctl, epoll, EPOLL_CTL_ADD, pipes[1], &event);
	CALL(epoll_ctl, epoll, EPOLL_CTL_DEL, pipes[0], NULL);
	CALL(epoll_ctl, 99, 77, pipes[0], &event);
	CALL(epoll_wait, epoll, &event, 1, 0);
	CALL(epoll_pwait, epoll, &event, 1, 0, NULL, 8L);
	CALL(epoll_wait, 99, &event, 1, 0);
	CALL(futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
	CALL(futex, &word, FUTEX_WAIT, 0, NULL);
	CALL(futex, &word, FUTEX_WAIT_PRIVATE, 1, &ts);
	CALL(futex, &word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, 0xffffffff);
	CALL(futex, &word, FUTEX_REQUEUE_PRIVATE, 1, 2, &word);
	CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &word, 9);
}

static void sockets(void)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "missing.socket"};
	struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0utrace-decode"};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(1)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	struct linger linger = {1, 5};
	struct timeval tv = {1, 500};
	int pair[2], number = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, NULL);
	int fd = CALL(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_IP);
	int udp = CALL(socket, AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
	CALL(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	CALL(socket, 77, 78, 79);
	CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &number, 4);
	CALL(setsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	CALL(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	CALL(setsockopt, fd, SOL_TCP, TCP_NODELAY, &number, 4);
	CALL(setsockopt, fd, SOL_IPV6, IPV6_V6ONLY, &number, 4);
	CALL(setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, NULL, 4);
	length = 4;
	CALL(getsockopt, fd, SOL_SOCKET, SO_ERROR, &number, &length);
	CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, BAD, &length);
	length = sizeof buffer;
	CALL(getsockopt, pair[0], SOL_SOCKET, SO_PEERCRED, buffer, &length);
	CALL(connect, fd, &in, sizeof in);
	CALL(connect, fd, &in6, sizeof in6);
	CALL(connect, pair[0], &local, sizeof local);
	CALL(connect, fd, NULL, 16);
	CALL(connect, fd, BAD, 16);
	CALL(bind, pair[1], &abstract, 2 + 14);
	CALL(bind, 99, &nl, sizeof nl);
	CALL(listen, 99, 5);
	length = sizeof peer;
	CALL(getsockname, udp, &peer, &length);
	length = sizeof peer;
	CALL(getpeername, pair[0], &peer, &length);
	CALL(getpeername, fd, &peer, &length);
	CALL(accept4, 99, &peer, &length, SOCK_CLOEXEC);
	CALL(accept, 99, NULL, NULL);
	CALL(sendto, pair[0], "datagram", 8L, MSG_NOSIGNAL, NULL, 0);
	CALL(recvfrom, pair[1], buffer, 100L, MSG_DONTWAIT, NULL, NULL);
	CALL(recvfrom, pair[1], buffer, 100L, MSG_DONTWAIT, NULL, NULL);
	CALL(sendto, 99, BAD, 8L, 0, &in, sizeof in);

	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {"message", 7};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
	memset(control, 0, sizeof control);
	cmsg = CMSG_FIRSTHDR(&header);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &pair[0], sizeof(int));
	CALL(sendmsg, pair[0], &header, 0);
	CALL(sendmsg, 99, NULL, 0);
	iov.iov_base = buffer;
	iov.iov_len = 100;
	CALL(recvmsg, pair[1], &header, MSG_DONTWAIT);
	CALL(recvmsg, pair[1], &header, MSG_DONTWAIT);
	CALL(shutdown, pair[0], SHUT_RDWR);
	CALL(shutdown, 99, 9);
}

int main(void)
{
	alarm(20);
	memory();
	processes();
	signals();
	waiting();
	sockets();
	CALL(exit_group, 7);
}

/* Children, waiting, prctl, scheduling, capabilities, ptrace, namespaces: with good, bad and NULL arguments.
 * Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static char buffer[4096];

static void children(void)
{
	struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .exit_signal = SIGCHLD};
	struct rusage usage;
	siginfo_t info;
	int status, pidfd, tid;

	args.pidfd = (uint64_t)&pidfd;
	args.parent_tid = (uint64_t)&tid;
	if (CALL(clone3, &args, sizeof args) == 0)
		_exit(3);
	CALL(waitid, P_PIDFD, pidfd, &info, WEXITED | WNOWAIT, &usage);
	CALL(pidfd_send_signal, pidfd, 0, NULL, 0);
	CALL(pidfd_getfd, pidfd, 0, 0);
	CALL(wait4, tid, &status, __WALL, &usage);
	pid_t stopped = CALL(clone, SIGCHLD, NULL, NULL, NULL, 0L);
	if (stopped == 0)
		raise(SIGSTOP);
	CALL(wait4, -1, &status, WUNTRACED, NULL);
	CALL(waitid, P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG, NULL);
	CALL(waitid, P_ALL, 0, NULL, 0, NULL);
	kill(stopped, SIGKILL);
	CALL(wait4, stopped, &status, __WALL, NULL);
	CALL(waitid, 7, 0, BAD, WEXITED, BAD);
	CALL(kill, info.si_pid ? info.si_pid : 0, 0);
	CALL(clone3, NULL, 64L);
	CALL(clone3, BAD, 88L);
	args.flags = 1L << 63 | 0x80;
	CALL(clone3, &args, sizeof args);
	CALL(clone, CLONE_VM | CLONE_THREAD | CLONE_SETTLS, BAD, BAD, BAD, 8L);
	CALL(unshare, CLONE_FILES | CLONE_FS);
	CALL(unshare, 0);
	CALL(setns, -1, 0);
	CALL(setns, 0, CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWTIME);
	CALL(pidfd_open, 1, 04000);
	NUMBER(448, -1, 0);
}

static void prctls(void)
{
	int number;
	unsigned long word;
	static struct {
		uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start, arg_end, env_start, env_end, auxv;
		uint32_t size, exe;
	} map = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, -1};

	CALL(prctl, PR_SET_PDEATHSIG, 0L);
	CALL(prctl, PR_GET_PDEATHSIG, &number);
	CALL(prctl, PR_GET_PDEATHSIG, NULL);
	CALL(prctl, PR_SET_DUMPABLE, 1L);
	CALL(prctl, PR_GET_UNALIGN, &number);
	CALL(prctl, PR_SET_UNALIGN, 1L);
	CALL(prctl, PR_GET_KEEPCAPS);
	CALL(prctl, PR_SET_KEEPCAPS, 1L);
	CALL(prctl, PR_GET_FPEMU, &number);
	CALL(prctl, PR_SET_FPEMU, 1L);
	CALL(prctl, PR_GET_FPEXC, &number);
	CALL(prctl, PR_SET_FPEXC, 0x30000L);
	CALL(prctl, PR_GET_TIMING);
	CALL(prctl, PR_SET_TIMING, 0L);
	CALL(prctl, PR_SET_NAME, "name of sixteen and more");
	CALL(prctl, PR_GET_ENDIAN, &number);
	CALL(prctl, PR_SET_ENDIAN, 1L);
	CALL(prctl, PR_GET_SECCOMP);
	CALL(prctl, PR_SET_SECCOMP, 77L, NULL);
	CALL(prctl, PR_SET_SECCOMP, 2L, NULL);
	CALL(prctl, PR_CAPBSET_READ, 21L);
	CALL(prctl, PR_CAPBSET_DROP, 77L);
	CALL(prctl, PR_GET_TSC, &number);
	CALL(prctl, PR_SET_TSC, 1L);
	CALL(prctl, PR_GET_SECUREBITS);
	CALL(prctl, PR_SET_SECUREBITS, 0x3L);
	CALL(prctl, PR_SET_SECUREBITS, 0L);
	CALL(prctl, PR_SET_TIMERSLACK, 50000L);
	CALL(prctl, PR_GET_TIMERSLACK);
	CALL(prctl, PR_TASK_PERF_EVENTS_DISABLE);
	CALL(prctl, PR_MCE_KILL, 1L, 2L, 0L, 0L);
	CALL(prctl, PR_MCE_KILL_GET, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_MM, 8L, 4096L, 0L, 0L);
	CALL(prctl, PR_SET_MM, 14L, &map, sizeof map, 0L);
	CALL(prctl, PR_SET_PTRACER, -1L);
	CALL(prctl, PR_SET_PTRACER, 1L);
	CALL(prctl, PR_SET_CHILD_SUBREAPER, 0L);
	CALL(prctl, PR_GET_CHILD_SUBREAPER, &number);
	CALL(prctl, PR_SET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_GET_TID_ADDRESS, &word);
	CALL(prctl, PR_SET_THP_DISABLE, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_GET_THP_DISABLE, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_FP_MODE, 1L);
	CALL(prctl, PR_GET_FP_MODE);
	CALL(prctl, PR_CAP_AMBIENT, 1L, 21L, 0L, 0L);
	CALL(prctl, PR_CAP_AMBIENT, 4L, 0L, 0L, 0L);
	CALL(prctl, PR_SVE_SET_VL, 16L);
	CALL(prctl, PR_SVE_GET_VL);
	CALL(prctl, PR_GET_SPECULATION_CTRL, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_SPECULATION_CTRL, 1L, 2L, 0L, 0L);
	CALL(prctl, PR_PAC_RESET_KEYS, 3L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_TAGGED_ADDR_CTRL, 1L, 0L, 0L, 0L);
	CALL(prctl, PR_GET_TAGGED_ADDR_CTRL, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_IO_FLUSHER, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_GET_IO_FLUSHER, 0L, 0L, 0L, 0L);
	CALL(prctl, PR_SET_SYSCALL_USER_DISPATCH, 0L, 0L, 0L, 0L);
	CALL(prctl, 62, 0L, 1L, 0L, &word);
	CALL(prctl, 65, 0L, 0L, 0L, 0L);
	CALL(prctl, 0x53564d41, 0L, 4096L, 4096L, "named");
	CALL(arch_prctl, 0x1003, &word);
	CALL(arch_prctl, 0x1001, 5L);
	CALL(arch_prctl, 0x1011, 0L);
	CALL(arch_prctl, 0x1012, 1L);
	CALL(arch_prctl, 0x1021, &word);
	CALL(arch_prctl, 77, 5L);
}

static void scheduling(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
		uint32_t util_min, util_max;
	} attr = {.size = 48, .policy = SCHED_BATCH, .flags = 1};
	struct sched_param param = {0};
	struct timespec ts;
	unsigned long cpus = 1;
	unsigned node;

	CALL(sched_setscheduler, 0, SCHED_OTHER | 0x40000000, &param);
	CALL(sched_setscheduler, 0, 77, NULL);
	CALL(sched_getparam, 0, &param);
	CALL(sched_setparam, 0, &param);
	CALL(sched_setparam, 0, BAD);
	CALL(sched_getattr, 0, &attr, sizeof attr, 0);
	CALL(sched_setattr, 0, &attr, 0);
	attr.size = 5;
	CALL(sched_setattr, 0, &attr, 1);
	CALL(sched_setattr, 0, NULL, 0);
	CALL(sched_getattr, -1, BAD, 48, 0);
	CALL(sched_rr_get_interval, 0, &ts);
	CALL(sched_getaffinity, 0, 8L, &cpus);
	CALL(sched_setaffinity, 0, 8L, &cpus);
	CALL(sched_setaffinity, 0, 8L, NULL);
	CALL(getcpu, NULL, &node, NULL); /* which CPU it is differs from run to run */
	CALL(ioprio_get, 1, 0);
	CALL(ioprio_set, 1, 0, 2 << 13 | 4);
	CALL(ioprio_set, 7, 1, 9 << 13 | 9);
	CALL(getpriority, 77, 0);
	CALL(setpriority, PRIO_PROCESS, 0, 0);
	CALL(setrlimit, RLIMIT_CORE, BAD);
	CALL(prlimit64, 1, RLIMIT_AS, NULL, &attr);
	CALL(getrusage, RUSAGE_SELF, NULL);
	CALL(getrusage, 77, BAD);
	CALL(times, NULL);
}

static void capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{1 << CAP_CHOWN | 1 << CAP_SYS_PTRACE, 0, 0}, {1 << (CAP_BPF - 32), 0, 0}};

	CALL(capset, &head, data);
	CALL(capget, &head, NULL);
	head.version = 77;
	CALL(capget, &head, data);
	CALL(capset, NULL, BAD);
	CALL(setgroups, 0L, NULL);
	CALL(getgroups, 100, buffer);
	CALL(setfsuid, -1);
	CALL(setreuid, -1, -1);
	CALL(setregid, 0, -1);
}

static void tracing(void)
{
	struct iovec iov = {buffer, sizeof buffer};
	struct user_regs_struct regs;
	struct {
		uint64_t off;
		uint32_t flags;
		int32_t nr;
	} peek = {1, 0, 2};
	siginfo_t info;
	unsigned long message;
	int status;
	pid_t child = fork();

	if (!child) {
		CALL(ptrace, PTRACE_TRACEME, 0, 0L, 0L);
		raise(SIGSTOP);
		_exit(0);
	}
	CALL(wait4, child, &status, __WALL, NULL);
	CALL(ptrace, PTRACE_SETOPTIONS, child, 0L, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	CALL(ptrace, PTRACE_GETSIGINFO, child, 0L, &info);
	CALL(ptrace, PTRACE_GETEVENTMSG, child, 0L, &message);
	CALL(ptrace, PTRACE_PEEKTEXT, child, buffer, &message);
	CALL(ptrace, PTRACE_POKEDATA, child, buffer, 5L);
	CALL(ptrace, PTRACE_PEEKUSER, child, 120L, &message);
	CALL(ptrace, PTRACE_PEEKUSER, child, 848L, &message);
	CALL(ptrace, PTRACE_POKEUSER, child, 5L, 7L);
	CALL(ptrace, PTRACE_GETREGS, child, 0L, &regs);
	CALL(ptrace, PTRACE_GETREGSET, child, 2L, &iov);
	CALL(ptrace, PTRACE_GETREGSET, child, 77L, &iov);
	CALL(ptrace, PTRACE_SETREGSET, child, 1L, BAD);
	CALL(ptrace, PTRACE_PEEKSIGINFO, child, &peek, &info);
	CALL(ptrace, PTRACE_GETSIGMASK, child, 8L, &message);
	CALL(ptrace, PTRACE_SETSIGMASK, child, 8L, &message);
	CALL(ptrace, PTRACE_SECCOMP_GET_FILTER, child, 0L, NULL);
	CALL(ptrace, 0x420d, child, 16L, buffer);
	CALL(ptrace, 0x420e, child, 88L, buffer);
	CALL(ptrace, 0x420f, child, 24L, buffer);
	CALL(ptrace, PTRACE_SYSCALL, child, 0L, 0L);
	CALL(wait4, child, &status, __WALL, NULL);
	CALL(ptrace, 0x420e, child, 88L, buffer);
	CALL(ptrace, PTRACE_CONT, child, 0L, SIGTERM);
	CALL(wait4, child, &status, __WALL, NULL);
	CALL(ptrace, PTRACE_DETACH, child, 1L, SIGKILL);
	CALL(ptrace, PTRACE_ATTACH, 1000000, 0L, 0L);
	CALL(ptrace, 77777, 1, 2L, 3L);
	CALL(wait4, child, &status, __WALL, NULL);
}

static void others(void)
{
	struct iovec local = {"local", 5}, remote = {buffer, 5};

	CALL(kcmp, getpid(), getpid(), 0, 0L, 1L);
	CALL(kcmp, getpid(), getpid(), 1, 0L, 0L);
	CALL(kcmp, 1, 2, 77, 3L, 4L);
	CALL(kcmp, 1, 2, 7, 3L, BAD);
	CALL(process_vm_writev, getpid(), &local, 1L, &remote, 1L, 0L);
	CALL(process_vm_readv, getpid(), &remote, 1L, &local, 1L, 0L);
	CALL(process_vm_readv, -1, NULL, 1L, BAD, 1L, 7L);
	CALL(process_madvise, -1, &remote, 1L, 20, 0);
	CALL(membarrier, 0, 0, 0);
	CALL(membarrier, 77, 1, 0);
	CALL(get_robust_list, 0, buffer, buffer + 8);
	CALL(set_robust_list, BAD, 24L);
	NUMBER(334, BAD, 32, 1, 0x53053053);
	CALL(sethostname, NULL, 5L);
	CALL(setdomainname, BAD, -1L);
	CALL(uname, BAD);
	CALL(sysinfo, NULL);
	CALL(personality, 0x0040000 | 8);
	CALL(personality, 0L);
	CALL(modify_ldt, 0, buffer, 16L);
	CALL(iopl, 0);
	CALL(ioperm, 1L, 2L, 0);
	CALL(getrandom, NULL, 0L, 7);
	CALL(syslog, 10, NULL, 0);
	CALL(reboot, 1, 2, 3, NULL);
	CALL(delete_module, "missing", O_NONBLOCK);
	CALL(finit_module, -1, "a=1", 3);
	CALL(init_module, NULL, 0L, "");
}

int main(void)
{
	alarm(20);
	signal(SIGCHLD, SIG_DFL);
	children();
	prctls();
	scheduling();
	tracing();
	others();
	capabilities();
	CALL(exit_group, 0);
}

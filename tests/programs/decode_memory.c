/* Memory, policies, System V IPC, message queues and timers: with good, bad and NULL arguments.  Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/timex.h>
#include <time.h>

static char buffer[4096];

static void memory(void)
{
	unsigned long nodes[2] = {1, 0};
	int mode, status = 0;
	char *map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *pages[1] = {map};

	CALL(mincore, map, 8192L, buffer);
	CALL(mincore, BAD, 1L, NULL);
	CALL(mlock2, BAD, 4096L, 1);
	CALL(munlock, BAD, 4096L);
	CALL(mlockall, 77);
	CALL(munlockall);
	CALL(pkey_alloc, 0L, 1L);
	CALL(pkey_free, 77);
	CALL(pkey_mprotect, map, 4096L, PROT_READ, -1);
	CALL(remap_file_pages, map, 4096L, 0, 0L, 0);
	CALL(mbind, map, 4096L, 2 | 1 << 15, nodes, 64L, 1);
	CALL(mbind, BAD, 0L, 77, NULL, 0L, 0);
	CALL(set_mempolicy, 0, NULL, 0L);
	CALL(get_mempolicy, &mode, nodes, 64L, NULL, 0L);
	CALL(get_mempolicy, NULL, NULL, 0L, map, 2L);
	CALL(migrate_pages, 0, 64L, nodes, nodes);
	CALL(move_pages, 0, 1L, pages, NULL, &status, 2);
	CALL(move_pages, 0, 1L, BAD, BAD, BAD, 0);
	NUMBER(450, map, 4096L, 0L, 0L);
	NUMBER(447, 0);
	NUMBER(462, map, 0L, 0L);
	NUMBER(453, 0L, 4096L, 1);
	CALL(madvise, map, 4096L, 102);
}

static void shared(void)
{
	struct shmid_ds shm;
	struct semid_ds sem;
	struct msqid_ds msq;
	struct sembuf ops[1] = {{0, 1, SEM_UNDO | IPC_NOWAIT}};
	struct timespec ts = {0, 1};
	struct {
		long type;
		char text[8];
	} message = {5, "message"};

	int id = CALL(shmget, IPC_PRIVATE, 4096L, IPC_CREAT | 0600);
	CALL(shmctl, id, IPC_STAT, &shm);
	void *at = (void *)CALL(shmat, id, NULL, SHM_RDONLY);
	CALL(shmdt, at);
	CALL(shmctl, id, IPC_SET, &shm);
	CALL(shmctl, id, SHM_LOCK, NULL);
	CALL(shmctl, id, IPC_RMID, NULL);
	CALL(shmctl, -1, IPC_STAT, BAD);
	CALL(shmget, 0x1234, 1L, IPC_EXCL);
	id = CALL(semget, IPC_PRIVATE, 2, IPC_CREAT | 0600);
	CALL(semop, id, ops, 1);
	CALL(semtimedop, id, ops, 1, &ts);
	CALL(semctl, id, 0, IPC_STAT, &sem);
	CALL(semctl, id, 0, GETVAL, 0L);
	CALL(semctl, id, 1, SETVAL, 3L);
	CALL(semctl, id, 0, IPC_RMID, 0L);
	CALL(semctl, -1, 0, 77, 5L);
	CALL(semop, -1, NULL, 1);
	id = CALL(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
	CALL(msgsnd, id, &message, 7L, IPC_NOWAIT);
	CALL(msgctl, id, IPC_STAT, &msq);
	CALL(msgrcv, id, &message, 8L, 5L, IPC_NOWAIT | MSG_NOERROR);
	CALL(msgrcv, id, &message, 8L, 0L, IPC_NOWAIT);
	CALL(msgctl, id, IPC_RMID, NULL);
	CALL(msgsnd, -1, NULL, 1L, 0);
}

static void queues(void)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	struct timespec ts = {1, 2};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	unsigned priority;

	int queue = CALL(mq_open, "utrace-decode", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
	CALL(mq_getsetattr, queue, NULL, &attr);
	CALL(mq_getsetattr, queue, &attr, NULL);
	CALL(mq_timedsend, queue, "text", 4L, 3, &ts);
	CALL(mq_timedreceive, queue, buffer, 8L, &priority, NULL);
	CALL(mq_timedreceive, queue, buffer, 8L, NULL, NULL);
	CALL(mq_notify, queue, &event);
	CALL(mq_notify, queue, NULL);
	CALL(mq_unlink, "utrace-decode");
	CALL(mq_open, "utrace-missing", O_RDONLY);
	CALL(mq_unlink, NULL);
}

static void timers(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR2};
	struct itimerspec spec = {{0, 0}, {100, 0}};
	struct timex tx = {.modes = 0};
	int timer;

	event._sigev_un._tid = getpid();
	event.sigev_value.sival_int = 7;
	CALL(timer_create, CLOCK_MONOTONIC, &event, &timer);
	CALL(timer_settime, timer, 0, &spec, NULL);
	CALL(timer_gettime, timer, &spec);
	CALL(timer_getoverrun, timer);
	CALL(timer_delete, timer);
	CALL(timer_create, 77, NULL, NULL);
	event.sigev_notify = SIGEV_NONE;
	CALL(timer_create, CLOCK_REALTIME, &event, &timer);
	CALL(timer_create, CLOCK_REALTIME, BAD, &timer);
	CALL(adjtimex, &tx);
	tx.modes = ADJ_OFFSET_SINGLESHOT;
	CALL(clock_adjtime, CLOCK_MONOTONIC, &tx);
	CALL(clock_adjtime, CLOCK_REALTIME, NULL);
	CALL(settimeofday, BAD, NULL);
	CALL(time, NULL);
	CALL(times, BAD);
}

static void signals(void)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	unsigned long set = 1UL << (SIGUSR1 - 1) | 1UL << (SIGRTMIN - 1);
	struct timespec none = {0, 0};

	info.si_pid = getpid();
	info.si_value.sival_ptr = BAD;
	CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8L);
	CALL(rt_sigqueueinfo, getpid(), SIGUSR1, &info);
	CALL(rt_sigtimedwait, &set, &info, &none, 8L);
	CALL(rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN, NULL);
	CALL(rt_sigqueueinfo, -1, SIGUSR1, BAD);
	CALL(signalfd, -1, &set, 8L);
	CALL(rt_sigsuspend, NULL, 5L);
}

int main(void)
{
	alarm(20);
	memory();
	shared();
	queues();
	timers();
	signals();
	CALL(exit_group, 0);
}

/* Asynchronous I/O, loading another kernel, and the return from a signal handler: with good, bad and NULL arguments.
 * Run in an empty folder; makes its files there.  Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/kexec.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>

static void on_signal(int signo)
{
	(void)signo;
}

int main(void)
{
	char text[64] = "text";
	aio_context_t context = 0;
	struct io_event events[3];
	struct timespec limit = {0, 1000};
	struct iovec vector = {text, 4};
	struct kexec_segment segment = {text, 4, (void *)4096, 4096};
	int ends[2];
	struct sigaction action = {.sa_handler = on_signal};

	alarm(20);
	int file = CALL(open, "plain", O_RDWR | O_CREAT, 0600);
	struct iocb written = {.aio_data = 7, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = file,
			       .aio_buf = (long)text, .aio_nbytes = 4, .aio_offset = 1};
	struct iocb read = written, many = written, waits = written, flushes = written;
	struct iocb *good[] = {&written, &many}, *bad[] = {&read, &waits, &flushes, NULL};

	read.aio_lio_opcode = IOCB_CMD_PREAD;
	read.aio_flags = IOCB_FLAG_RESFD;
	read.aio_resfd = 99;
	read.aio_reqprio = 5;
	many.aio_lio_opcode = IOCB_CMD_PWRITEV;
	many.aio_buf = (long)&vector;
	many.aio_nbytes = 1;
	waits.aio_lio_opcode = IOCB_CMD_POLL;
	waits.aio_buf = 1;
	flushes.aio_lio_opcode = IOCB_CMD_FSYNC;

	CALL(io_setup, 2, &context);
	CALL(io_setup, 2, BAD);
	CALL(io_submit, context, 2L, good);
	CALL(io_submit, context, 4L, bad);
	CALL(io_submit, context, 1L, BAD);
	CALL(io_submit, context, 1L, NULL);
	CALL(io_getevents, context, 1L, 3L, events, &limit);
	CALL(io_getevents, context, 0L, 3L, BAD, NULL);
	CALL(io_pgetevents, context, 0L, 3L, events, &limit, NULL);
	CALL(io_cancel, context, &written, events);
	CALL(io_cancel, context, BAD, BAD);
	CALL(io_destroy, context);
	CALL(io_destroy, 0L);
	CALL(kexec_load, 0x1000L, 1L, &segment, 0x3e0001L);
	CALL(kexec_load, 0L, 0L, NULL, 0L);
	CALL(kexec_load, 0L, 1L, BAD, 0x3e0002L);
	CALL(kexec_file_load, -1, -1, 5L, "quiet", 4L);

	CALL(pipe, ends);
	CALL(close, ends[0]);
	sigaction(SIGPIPE, &action, NULL);
	sigaddset(&action.sa_mask, SIGHUP);
	CALL(write, ends[1], "x", 1L);
	sigprocmask(SIG_SETMASK, &action.sa_mask, NULL);
	CALL(write, ends[1], "x", 1L);
	CALL(exit_group, 0);
}

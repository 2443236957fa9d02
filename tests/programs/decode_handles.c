/* Handles, locks, attributes, events of files, splices, directories: with good, bad and NULL arguments.
 * Run in an empty folder; makes its files there.  Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>

static char buffer[8192];

static void fcntls(int fd)
{
	struct flock64 lock = {.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = 3, .l_len = 4};
	struct f_owner_ex owner = {F_OWNER_PID, getpid()};
	uint64_t hint = 3;
	int pipes[2];

	CALL(fcntl, fd, F_OFD_SETLK, &lock);
	CALL(fcntl, fd, F_OFD_GETLK, &lock);
	CALL(fcntl, fd, F_OFD_SETLKW, NULL);
	CALL(fcntl, fd, F_SETLEASE, F_RDLCK);
	CALL(fcntl, fd, F_SETLEASE, F_UNLCK);
	CALL(fcntl, fd, F_GETLEASE);
	CALL(fcntl, fd, F_SETOWN, getpid());
	CALL(fcntl, fd, F_GETOWN);
	CALL(fcntl, fd, F_SETOWN_EX, &owner);
	CALL(fcntl, fd, F_GETOWN_EX, &owner);
	CALL(fcntl, fd, F_GETOWN_EX, BAD);
	CALL(fcntl, fd, F_SETSIG, SIGUSR1);
	CALL(fcntl, fd, F_GETSIG);
	CALL(fcntl, fd, F_SETSIG, 0);
	CALL(fcntl, fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
	CALL(fcntl, fd, F_GET_RW_HINT, &hint);
	CALL(fcntl, fd, F_SET_RW_HINT, &hint);
	CALL(fcntl, fd, F_GET_FILE_RW_HINT, BAD);
	pipe2(pipes, 0);
	CALL(fcntl, pipes[0], F_GETPIPE_SZ);
	CALL(fcntl, pipes[0], F_SETPIPE_SZ, 4096);
	CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE);
	CALL(fcntl, fd, F_GET_SEALS);
	CALL(fcntl, fd, F_DUPFD, 70);
	close(pipes[0]);
	close(pipes[1]);
}

static void handles(int fd)
{
	struct {
		struct file_handle head;
		char more[128];
	} handle = {.head = {.handle_bytes = 128}};
	int mount_id = 0;

	CALL(name_to_handle_at, AT_FDCWD, "plain", &handle, &mount_id, 0);
	CALL(open_by_handle_at, fd, &handle, O_RDONLY | O_CLOEXEC);
	handle.head.handle_bytes = 0;
	CALL(name_to_handle_at, AT_FDCWD, "plain", &handle, &mount_id, AT_SYMLINK_FOLLOW);
	CALL(name_to_handle_at, AT_FDCWD, "missing", NULL, NULL, AT_EMPTY_PATH);
	CALL(open_by_handle_at, -1, NULL, O_RDWR);
	CALL(open_by_handle_at, -1, BAD, O_RDWR);
}

static void moves(int fd)
{
	int64_t from = 1, to = 2;
	int pipes[2], other[2];
	struct iovec iov = {"vector", 6};

	pipe2(pipes, 0);
	pipe2(other, 0);
	CALL(write, pipes[1], "0123456789", 10L);
	CALL(tee, pipes[0], other[1], 4L, SPLICE_F_NONBLOCK);
	CALL(splice, pipes[0], NULL, fd, &to, 4L, SPLICE_F_MOVE | SPLICE_F_MORE);
	CALL(splice, fd, &from, other[1], BAD, 4L, 0);
	CALL(vmsplice, pipes[1], &iov, 1L, SPLICE_F_GIFT);
	CALL(vmsplice, -1, NULL, 1L, 0);
	CALL(sendfile, pipes[1], fd, &from, 2L);
	CALL(copy_file_range, fd, &from, fd, &to, 1L, 0);
	CALL(sync_file_range, fd, 0L, 5L, SYNC_FILE_RANGE_WRITE);
	CALL(readahead, fd, 0L, 5L);
	CALL(preadv2, fd, &iov, 1L, -1L, -1L, RWF_NOWAIT | RWF_HIPRI);
	close(pipes[0]);
	close(pipes[1]);
	close(other[0]);
	close(other[1]);
}

static void times(void)
{
	struct utimbuf stamp = {1, 2};
	struct timeval tv[2] = {{3, 4}, {5, 6}};
	struct timespec ts[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};

	CALL(utime, "plain", &stamp);
	CALL(utime, "missing", NULL);
	CALL(utime, "missing", BAD);
	CALL(utimes, "plain", tv);
	CALL(utimes, "missing", BAD);
	CALL(futimesat, AT_FDCWD, "plain", tv);
	CALL(utimensat, AT_FDCWD, "plain", ts, 0);
	CALL(utimensat, AT_FDCWD, NULL, ts, AT_EMPTY_PATH);
}

static void attributes(int fd)
{
	CALL(setxattr, "plain", "user.utrace", "value", 5L, 1);
	CALL(getxattr, "plain", "user.utrace", buffer, 100L);
	CALL(fgetxattr, fd, "user.utrace", NULL, 0L);
	CALL(listxattr, "plain", buffer, 100L);
	CALL(flistxattr, fd, NULL, 0L);
	CALL(lremovexattr, "plain", "user.utrace");
	CALL(removexattr, NULL, BAD);
}

static void events(int fd)
{
	int watcher = CALL(inotify_init1, 0);
	CALL(inotify_add_watch, watcher, ".", IN_ALL_EVENTS | IN_MASK_ADD);
	CALL(inotify_rm_watch, watcher, 1);
	int fan = CALL(fanotify_init, FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_REPORT_FID, O_RDONLY | O_LARGEFILE);
	CALL(fanotify_init, FAN_CLASS_CONTENT | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE, O_RDWR);
	CALL(fanotify_mark, fan, FAN_MARK_ADD | FAN_MARK_ONLYDIR, (uint64_t)FAN_CREATE | FAN_ONDIR, AT_FDCWD, ".");
	CALL(fanotify_mark, -1, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0L, -1, NULL);
	CALL(eventfd2, 5, 1);
	CALL(dup, fd);
}

static void folders(void)
{
	int folder = CALL(open, ".", O_RDONLY | O_DIRECTORY);
	CALL(getdents64, folder, buffer, 8192);
	CALL(getdents64, folder, buffer, 8192);
	CALL(lseek, folder, 0L, SEEK_SET);
	CALL(getdents, folder, buffer, 8192);
	CALL(getdents64, -1, NULL, 100);
	CALL(getcwd, buffer, sizeof buffer);
	CALL(fchdir, folder);
	CALL(fchdir, -1);
	CALL(chroot, NULL);
	CALL(close, folder);
}

static void systems(int fd)
{
	char stats[512];

	CALL(statfs, "/proc", stats);
	CALL(statfs, "missing", stats);
	CALL(statfs, BAD, NULL);
	CALL(fstatfs, fd, NULL);
	CALL(ustat, 0x801, stats);
	CALL(ustat, 0, NULL);
	CALL(sysfs, 1, "ext4");
	CALL(sysfs, 2, 0, buffer);
	CALL(sysfs, 3);
	CALL(sync);
	CALL(syncfs, -1);
	CALL(acct, "missing");
	CALL(quotactl, 0x80000700, "/dev/missing", 0, buffer);
	CALL(quotactl, 0x80000100, NULL, 0, NULL);
	CALL(quotactl, 0x80000801, "/dev/missing", 5, buffer);
	CALL(quotactl, 0x80000200, "/dev/missing", 2, "file");
	CALL(quotactl_fd, -1, 0x80000702, 5, buffer);
}

int main(void)
{
	alarm(20);
	int fd = CALL(open, "plain", O_RDWR | O_CREAT, 0600);
	CALL(write, fd, "some text for the file", 22L);
	fcntls(fd);
	handles(fd);
	moves(fd);
	times();
	attributes(fd);
	events(fd);
	folders();
	systems(fd);
	CALL(exit_group, 0);
}

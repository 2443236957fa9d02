/* Calls on files and descriptors with good, bad and NULL arguments.
 * Run in an empty folder; makes its files there.  Exits with 0. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#define BAD ((void *)8)
#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static char buffer[8192];

int main(void)
{
	struct stat st;
	struct statx stx;
	struct statfs sfs;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2};
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	struct termios tios;
	struct winsize ws;
	int pipes[2] = {-1, -1}, number = 1;
	char text[] = "tab\tquote\"back\\slash nul\0 esc\033[1m \3777 high\377 end";

	alarm(20);
	CALL(openat, AT_FDCWD, "plain", O_RDWR | O_CREAT | O_TRUNC, 0640);
	CALL(open, "plain", O_WRONLY | O_APPEND | O_NONBLOCK);
	CALL(openat, -5, NULL, O_PATH | O_DIRECTORY);
	CALL(openat, AT_FDCWD, BAD, O_RDONLY);
	CALL(open, "missing/file", O_RDONLY | O_NOFOLLOW | O_SYNC);
	CALL(openat2, AT_FDCWD, "plain", &how, sizeof how);
	CALL(openat2, AT_FDCWD, "plain", NULL, sizeof how);
	CALL(openat2, AT_FDCWD, "plain", &how, 0);
	CALL(creat, "created", 0600);
	CALL(write, 3, text, sizeof text);
	CALL(write, 3, text, 0);
	CALL(write, 3, BAD, 10);
	CALL(write, -1, NULL, 10);
	memset(buffer, 'x', sizeof buffer);
	CALL(write, 3, buffer, 33);
	CALL(write, 3, buffer, 32);
	CALL(pwrite64, 3, "abc", 3, 100L);
	CALL(pread64, 3, buffer, 20, 0L);
	CALL(pread64, 3, buffer, 20, 100000L);
	CALL(lseek, 3, 0L, SEEK_SET);
	CALL(lseek, 3, -1L, 77);
	CALL(read, 3, buffer, sizeof buffer);
	CALL(read, 3, buffer, 1);
	CALL(read, 99, buffer, 1);
	CALL(read, 3, BAD, 5);
	struct iovec iov[3] = {{text, 4}, {NULL, 0}, {text + 4, 20}};
	CALL(writev, 3, iov, 3);
	CALL(writev, 3, iov, 0);
	CALL(writev, 3, BAD, 2);
	CALL(writev, 3, NULL, 2);
	CALL(lseek, 3, 0L, SEEK_SET);
	CALL(readv, 3, iov, 3);
	CALL(preadv, 3, iov, 1, 5L, 0L);
	CALL(pwritev2, 3, iov, 1, 5L, 0L, 2);
	CALL(stat, "plain", &st);
	CALL(stat, "missing", &st);
	CALL(stat, "/dev/null", &st);
	CALL(lstat, ".", &st);
	CALL(fstat, 3, &st);
	CALL(fstat, 3, NULL);
	CALL(newfstatat, AT_FDCWD, "plain", &st, 0);
	CALL(newfstatat, 3, "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	CALL(statx, AT_FDCWD, "plain", AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx);
	CALL(statx, AT_FDCWD, "missing", 0, STATX_MODE | STATX_SIZE, &stx);
	CALL(fstatfs, 99, &sfs);
	CALL(access, "plain", R_OK | W_OK);
	CALL(access, "plain", F_OK);
	CALL(faccessat, AT_FDCWD, "plain", X_OK);
	CALL(faccessat2, AT_FDCWD, "missing", R_OK, AT_EACCESS);
	CALL(pipe, pipes);
	CALL(pipe2, pipes, O_CLOEXEC | O_NONBLOCK);
	CALL(pipe2, NULL, 0);
	CALL(pipe2, BAD, O_CLOEXEC);
	CALL(dup, 3);
	CALL(dup2, 3, 40);
	CALL(dup3, 3, 41, O_CLOEXEC);
	CALL(dup3, 3, 3, 0);
	CALL(fcntl, 3, F_GETFD);
	CALL(fcntl, 3, F_SETFD, FD_CLOEXEC);
	CALL(fcntl, 3, F_GETFD);
	CALL(fcntl, 3, F_GETFL);
	CALL(fcntl, 3, F_SETFL, O_APPEND | O_NONBLOCK);
	CALL(fcntl, 3, F_DUPFD_CLOEXEC, 50);
	CALL(fcntl, 3, F_SETLK, &lock);
	CALL(fcntl, 3, F_GETLK, &lock);
	CALL(fcntl, 3, F_SETLK, NULL);
	CALL(fcntl, 3, F_OFD_SETLK, BAD);
	CALL(fcntl, 99, 12345, 7L);
	CALL(flock, 3, LOCK_EX | LOCK_NB);
	CALL(flock, 3, LOCK_UN);
	CALL(ioctl, 3, TCGETS, &tios);
	CALL(ioctl, 3, TIOCGWINSZ, &ws);
	CALL(ioctl, 3, FIONREAD, &number);
	CALL(ioctl, 3, FIONBIO, &number);
	CALL(ioctl, 3, FIOCLEX);
	CALL(ioctl, 3, 0x12345678, 0x10);
	CALL(ioctl, -1, 0x80045430, BAD);
	CALL(truncate, "plain", 10L);
	CALL(ftruncate, 3, 5L);
	CALL(fallocate, 3, FALLOC_FL_KEEP_SIZE, 0L, 4096L);
	CALL(fadvise64, 3, 0L, 10L, POSIX_FADV_SEQUENTIAL);
	CALL(fsync, 99);
	CALL(mkdir, "folder", 0755);
	CALL(mkdirat, AT_FDCWD, "folder", 0700);
	CALL(open, "folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CALL(getcwd, buffer, 1L);
	CALL(chdir, "folder");
	CALL(chdir, "..");
	CALL(rename, "created", "renamed");
	CALL(renameat, AT_FDCWD, "renamed", AT_FDCWD, "again");
	CALL(renameat2, AT_FDCWD, "again", AT_FDCWD, "plain", RENAME_NOREPLACE);
	CALL(link, "plain", "linked");
	CALL(linkat, AT_FDCWD, "plain", AT_FDCWD, "linked", AT_SYMLINK_FOLLOW);
	CALL(symlink, "plain", "symbolic");
	CALL(symlinkat, "plain", AT_FDCWD, "symbolic");
	CALL(readlink, "symbolic", buffer, 100L);
	CALL(readlinkat, AT_FDCWD, "plain", buffer, 100L);
	CALL(chmod, "plain", 0644);
	CALL(chmod, "plain", 04755);
	CALL(fchmod, 3, 0600);
	CALL(fchmodat, AT_FDCWD, "missing", 0);
	CALL(chown, "plain", -1, -1);
	CALL(fchown, 99, 1, 2);
	CALL(fchownat, AT_FDCWD, "plain", -1, -1, AT_SYMLINK_NOFOLLOW);
	CALL(umask, 027);
	CALL(umask, 022);
	CALL(utimensat, AT_FDCWD, "plain", NULL, 0);
	struct timespec times[2] = {{1, 2}, {0, UTIME_OMIT}};
	CALL(utimensat, AT_FDCWD, "missing", times, AT_SYMLINK_NOFOLLOW);
	CALL(mknod, "fifo", S_IFIFO | 0600, 0);
	CALL(mknod, "missing/x", S_IFCHR | 0600, 0x103);
	CALL(unlink, "fifo");
	CALL(unlinkat, AT_FDCWD, "linked", 0);
	CALL(unlinkat, AT_FDCWD, "folder", AT_REMOVEDIR);
	CALL(rmdir, "folder");
	CALL(unlink, NULL);
	CALL(unlink, BAD);
	CALL(inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
	CALL(inotify_add_watch, 99, "plain", IN_CREATE | IN_DELETE | IN_ONLYDIR);
	CALL(inotify_rm_watch, 99, 1);
	CALL(eventfd2, 3, 02004000);
	CALL(getxattr, "plain", "user.none", buffer, 10L);
	CALL(setxattr, "missing", "user.x", "value", 5L, 1);
	CALL(sendfile, 3, 99, NULL, 10L);
	CALL(copy_file_range, 99, NULL, 3, NULL, 10L, 0);
	CALL(splice, 99, NULL, 3, NULL, 10L, 1);
	CALL(memfd_create, "memory", 1);
	CALL(close_range, 1000, 2000, 0);
	CALL(close, 3);
	CALL(close, -1);
	CALL(exit_group, 0);
}

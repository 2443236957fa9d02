/* The mount calls and the youngest calls on files, with good, bad and NULL arguments; in a mount namespace
 * of its own.  Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>

static char buffer[4096];

int main(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, .propagation = 1 << 18};
	struct {
		uint32_t size, spare;
		uint64_t mnt_id, param, ns;
	} request = {.size = 24, .mnt_id = ~0UL, .param = 3};
	struct {
		uint64_t off, len;
	} range = {0, 4096};
	struct {
		uint64_t value;
		uint32_t size, flags;
	} xattr = {(uint64_t)buffer, 100, 0};
	uint64_t ids[8];
	uint64_t file[3] = {0};

	alarm(20);
	CALL(unshare, CLONE_NEWNS);
	CALL(mount, "none", "/proc", "proc", 1L << 18 | 16384, "data");
	CALL(mount, "none", "/missing", "tmpfs", 1L | 2 | 4 | 8 | 1024, "size=1m");
	CALL(mount, NULL, BAD, NULL, 32L, NULL);
	CALL(mount, "a", "/missing", NULL, 4096L, NULL);
	CALL(umount2, "/missing", 2 | 8);
	CALL(umount2, NULL, 0);
	int fs = CALL(fsopen, "tmpfs", FSOPEN_CLOEXEC);
	CALL(fsopen, NULL, 0);
	CALL(fsconfig, fs, FSCONFIG_SET_STRING, "size", "1m", 0);
	CALL(fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	CALL(fsconfig, fs, FSCONFIG_SET_BINARY, "blob", "\1\2\3", 3);
	CALL(fsconfig, fs, FSCONFIG_SET_PATH, "path", "/tmp", AT_FDCWD);
	CALL(fsconfig, fs, FSCONFIG_SET_PATH_EMPTY, "path", "", 5);
	CALL(fsconfig, fs, FSCONFIG_SET_FD, "fd", NULL, 1);
	CALL(fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	CALL(fsconfig, fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	CALL(fsconfig, -1, 77, BAD, BAD, 1);
	int mounted = CALL(fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	CALL(fsmount, -1, 0, 0);
	CALL(move_mount, mounted, "", AT_FDCWD, "/missing", MOVE_MOUNT_F_EMPTY_PATH);
	CALL(move_mount, -1, NULL, -1, BAD, 0x77);
	CALL(open_tree, AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	CALL(open_tree, -1, NULL, 0);
	CALL(fspick, AT_FDCWD, "/missing", FSPICK_NO_AUTOMOUNT);
	CALL(mount_setattr, mounted, "", AT_EMPTY_PATH, &attr, sizeof attr);
	CALL(mount_setattr, -1, NULL, 0, NULL, 0L);
	CALL(mount_setattr, -1, NULL, 0, BAD, 32L);
	CALL(pivot_root, "missing", "missing/old");
	CALL(swapon, "missing", 0x8000 | 5);
	CALL(swapoff, "missing");
	int fd = CALL(open, ".", O_RDONLY);
	NUMBER(451, fd, &range, buffer, 0);
	NUMBER(451, -1, NULL, NULL, 0);
	NUMBER(452, AT_FDCWD, "missing", 0644, AT_SYMLINK_NOFOLLOW);
	NUMBER(457, &request, buffer, sizeof buffer, 0);
	NUMBER(457, NULL, BAD, 5L, 0);
	NUMBER(458, &request, ids, 8L, 0);
	NUMBER(458, BAD, NULL, 0L, 1);
	NUMBER(463, AT_FDCWD, "missing", AT_SYMLINK_NOFOLLOW, "user.x", &xattr, sizeof xattr);
	NUMBER(464, AT_FDCWD, "missing", 0, "user.x", &xattr, sizeof xattr);
	NUMBER(465, AT_FDCWD, "missing", 0, buffer, 100L);
	NUMBER(466, AT_FDCWD, "missing", 0, "user.x");
	NUMBER(467, AT_FDCWD, "missing", OPEN_TREE_CLOEXEC, &attr, sizeof attr);
	NUMBER(468, AT_FDCWD, ".", file, sizeof file, 0);
	NUMBER(469, AT_FDCWD, "missing", file, sizeof file, 0);
	NUMBER(470, NULL, NULL, 0L, 0);
	CALL(exit_group, 0);
}

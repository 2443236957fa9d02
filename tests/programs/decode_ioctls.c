/* ioctl by command on files, sockets, namespaces, randomness and counters: with good, bad and NULL arguments.
 * Run in an empty folder; makes its files there.  Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
	struct fsxattr attributes;
	struct ifreq interface = {.ifr_name = "lo"};
	struct file_clone_range range = {-1, 1, 2, 3};
	long flags = 0;
	int number = 0;
	uint64_t id = 0;

	alarm(20);
	int file = CALL(open, "plain", O_RDWR | O_CREAT, 0600);
	int net = CALL(socket, AF_INET, SOCK_DGRAM, 0);
	int space = CALL(open, "/proc/self/ns/uts", O_RDONLY);
	int random = CALL(open, "/dev/urandom", O_RDONLY);

	CALL(ioctl, file, FIGETBSZ, &number);
	CALL(ioctl, file, FIGETBSZ, BAD);
	CALL(ioctl, file, FS_IOC_GETFLAGS, &flags);
	CALL(ioctl, file, FS_IOC_GETVERSION, &number);
	CALL(ioctl, file, FS_IOC_FSGETXATTR, &attributes);
	CALL(ioctl, file, FS_IOC_FSGETXATTR, NULL);
	CALL(ioctl, file, FICLONE, -1);
	CALL(ioctl, file, FICLONERANGE, &range);
	CALL(ioctl, file, FICLONERANGE, BAD);
	CALL(ioctl, net, SIOCGIFINDEX, &interface);
	CALL(ioctl, net, SIOCGIFINDEX, NULL);
	CALL(ioctl, net, SIOCGIFMTU, &interface);
	CALL(ioctl, space, NS_GET_NSTYPE);
	CALL(ioctl, space, NS_GET_OWNER_UID, &number);
	CALL(ioctl, random, RNDGETENTCNT, &number);
	CALL(ioctl, file, PERF_EVENT_IOC_ENABLE, 0);
	CALL(ioctl, file, PERF_EVENT_IOC_ID, &id);
	CALL(ioctl, file, BLKGETSIZE64, &id);
	CALL(ioctl, file, BLKSSZGET, &number);
	CALL(ioctl, file, 0xc0045878, &number);
	CALL(ioctl, -1, 0xffffffff, BAD);
	CALL(exit_group, 0);
}

/* ioctl on terminals, network interfaces, files and devices that need not be there, and the names of commands: with
 * good, bad and NULL arguments.  Run in an empty folder; makes its files there.  Exits with 0. */
#include "decode.h"
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/input.h>
#include <linux/loop.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <linux/watchdog.h>
#include <netinet/in.h>
#include <stddef.h>
#include <asm/ioctls.h>
#include <sys/socket.h>

struct window {
	unsigned short row, col, x, y;
};

static void terminals(int master)
{
	struct termios modes, strange = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 3, "abcdefghijklmnopq"};
	struct termios2 wide;
	struct termios cooked = {BRKINT | ICRNL | IXON, OPOST | ONLCR, B9600 | CS7 | CREAD | HUPCL | PARENB,
				 ISIG | ICANON | ECHO | ECHOE, 0, {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26}};
	struct window size = {24, 80, 1, 2};
	unsigned char old[32] = {1, 2, 3};
	int number = 0;

	CALL(ioctl, master, TCGETS, &modes);
	CALL(ioctl, master, TCGETS, BAD);
	CALL(ioctl, master, TCGETS, NULL);
	CALL(ioctl, -1, TCGETS, &modes);
	CALL(ioctl, -1, TCSETS, &modes);
	CALL(ioctl, -1, TCSETS, &cooked);
	CALL(ioctl, -1, TCSETSW, &strange);
	CALL(ioctl, -1, TCSETSF, BAD);
	CALL(ioctl, -1, TCSETSF, NULL);
	memset(&strange, 0, sizeof strange);
	CALL(ioctl, -1, TCSETS, &strange);
	strange.c_lflag = ISIG | ECHO;
	CALL(ioctl, -1, TCSETS, &strange);
	strange.c_cflag = 0x1234;
	strange.c_iflag = 0x20000;
	CALL(ioctl, -1, TCSETS, &strange);
	CALL(ioctl, master, TCGETS2, &wide);
	CALL(ioctl, -1, TCSETS2, &wide);
	CALL(ioctl, -1, TCSETSW2, BAD);
	CALL(ioctl, master, TCGETA, old);
	CALL(ioctl, -1, TCSETA, old);
	CALL(ioctl, -1, TCSETAW, BAD);
	CALL(ioctl, master, TIOCSWINSZ, &size);
	CALL(ioctl, master, TIOCGWINSZ, &size);
	CALL(ioctl, master, TIOCGWINSZ, NULL);
	CALL(ioctl, -1, TIOCGWINSZ, &size);
	CALL(ioctl, master, TIOCGPTN, &number);
	CALL(ioctl, master, TIOCSPTLCK, &number);
	CALL(ioctl, master, TIOCSPTLCK, BAD);
	CALL(ioctl, master, TIOCGPTLCK, &number);
	CALL(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CALL(ioctl, master, TIOCGPGRP, &number);
	CALL(ioctl, -1, TIOCSPGRP, &number);
	CALL(ioctl, -1, TIOCSPGRP, BAD);
	CALL(ioctl, master, TIOCGSID, &number);
	CALL(ioctl, master, FIONREAD, &number);
	CALL(ioctl, master, TIOCOUTQ, &number);
	CALL(ioctl, master, TIOCPKT, &number);
	CALL(ioctl, master, TIOCGPKT, &number);
	CALL(ioctl, master, TIOCGETD, &number);
	CALL(ioctl, -1, TIOCSETD, &number);
	number = 6;
	CALL(ioctl, -1, TIOCMGET, &number);
	CALL(ioctl, -1, TIOCMSET, &number);
	CALL(ioctl, -1, TIOCMBIS, &number);
	CALL(ioctl, -1, TIOCMBIC, BAD);
	CALL(ioctl, -1, TIOCGSOFTCAR, &number);
	CALL(ioctl, -1, TIOCSSOFTCAR, &number);
	CALL(ioctl, -1, TIOCSCTTY, 1);
	CALL(ioctl, -1, TIOCNOTTY);
	CALL(ioctl, master, TIOCEXCL);
	CALL(ioctl, master, TIOCNXCL);
	CALL(ioctl, master, TIOCGEXCL, &number);
	CALL(ioctl, -1, TIOCSTI, "x");
	CALL(ioctl, -1, TIOCSTI, BAD);
	CALL(ioctl, -1, TIOCSIG, 2);
	CALL(ioctl, -1, TIOCCONS);
	CALL(ioctl, -1, TIOCSBRK);
	CALL(ioctl, -1, TIOCCBRK);
	CALL(ioctl, -1, TIOCVHANGUP);
	CALL(ioctl, -1, TIOCLINUX, "\x06");
	CALL(ioctl, -1, TIOCGSERIAL, &modes);
	CALL(ioctl, -1, TIOCGICOUNT, &modes);
	CALL(ioctl, -1, TIOCMIWAIT, 3);
	CALL(ioctl, -1, TIOCGLCKTRMIOS, &modes);
	CALL(ioctl, -1, TIOCSLCKTRMIOS, &cooked);
	CALL(ioctl, -1, TIOCGDEV, &number);
	CALL(ioctl, -1, TCSBRK, 1);
	CALL(ioctl, -1, TCSBRKP, 2);
	CALL(ioctl, -1, TCXONC, 1);
	CALL(ioctl, -1, TCXONC, 9);
	CALL(ioctl, master, TCFLSH, 2);
	CALL(ioctl, -1, TCFLSH, 9);
	CALL(ioctl, -1, FIONBIO, &number);
	CALL(ioctl, -1, FIOASYNC, BAD);
	CALL(ioctl, -1, FIOCLEX);
	CALL(ioctl, -1, FIONCLEX);
	CALL(ioctl, -1, FIOQSIZE, BAD);
}

static void interfaces(int net)
{
	struct ifreq request = {.ifr_name = "lo"}, many[2];
	struct ifconf list = {.ifc_len = sizeof many, .ifc_req = many};
	struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
	char pair[16] = "lo";
	int number = 1;
	static const unsigned get[] = {SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR, SIOCGIFDSTADDR,
				       SIOCGIFMETRIC, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFMAP,
				       SIOCGIFTXQLEN, SIOCGIFSLAVE, SIOCGIFNAME};
	static const unsigned set[] = {SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFBRDADDR, SIOCSIFDSTADDR,
				       SIOCSIFMETRIC, SIOCSIFMTU, SIOCSIFHWADDR, SIOCSIFTXQLEN, SIOCSIFNAME,
				       SIOCSIFMAP, SIOCADDMULTI, SIOCDELMULTI, SIOCSIFSLAVE, SIOCSIFHWBROADCAST,
				       SIOCGIFPFLAGS, SIOCSIFPFLAGS, SIOCETHTOOL, SIOCGMIIPHY, SIOCBRADDBR,
				       SIOCBRDELBR, SIOCBRADDIF, SIOCSIFPFLAGS, SIOCADDRT, SIOCDELRT, SIOCDARP};

	for (unsigned i = 0; i < sizeof get / sizeof *get; i++) {
		memset(&request, 0, sizeof request);
		strcpy(request.ifr_name, "lo");
		if (get[i] == SIOCGIFNAME)
			request.ifr_ifindex = 1;
		CALL(ioctl, net, get[i], &request);
		CALL(ioctl, -1, get[i], &request);
		CALL(ioctl, net, get[i], BAD);
	}
	memset(&request, 0, sizeof request);
	strcpy(request.ifr_name, "eth7");
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (unsigned i = 0; i < sizeof set / sizeof *set; i++) {
		CALL(ioctl, -1, set[i], &request);
		CALL(ioctl, -1, set[i], BAD);
	}
	request.ifr_flags = 0x1043;
	CALL(ioctl, -1, SIOCSIFFLAGS, &request);
	CALL(ioctl, net, SIOCGIFCONF, &list);
	list.ifc_req = NULL;
	CALL(ioctl, net, SIOCGIFCONF, &list);
	CALL(ioctl, net, SIOCGIFCONF, NULL);
	CALL(ioctl, net, SIOCGIFCONF, BAD);
	CALL(ioctl, -1, SIOCGIFCONF, &list);
	CALL(ioctl, -1, SIOCGPGRP, &number);
	CALL(ioctl, -1, FIOSETOWN, &number);
	CALL(ioctl, -1, SIOCATMARK, &number);
	CALL(ioctl, -1, SIOCGSTAMP, pair);
	CALL(ioctl, -1, SIOCOUTQNSD, &number);
	CALL(ioctl, -1, TUNSETIFF, &request);
	CALL(ioctl, -1, TUNSETIFF, BAD);
	CALL(ioctl, -1, TUNGETIFF, &request);
	CALL(ioctl, -1, TUNSETPERSIST, 1);
	CALL(ioctl, -1, TUNGETFEATURES, &number);
	CALL(ioctl, -1, TUNSETOWNER, 7);
}

static void files(int file)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extents[2];
	} map = {.map = {.fm_length = -1, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 2}};
	struct file_dedupe_range *same = (void *)&map;
	struct fstrim_range trim = {0, -1, 4096};
	struct loop_info64 loop = {.lo_number = 7, .lo_flags = LO_FLAGS_READ_ONLY, .lo_file_name = "image"};
	struct loop_info old = {.lo_number = 7, .lo_flags = LO_FLAGS_AUTOCLEAR, .lo_name = "image"};
	struct loop_config config = {3, 512, {.lo_flags = LO_FLAGS_DIRECT_IO}, {0}};
	unsigned long long range[2] = {4096, 8192};
	char label[256] = "label";
	int number = 1;

	CALL(write, file, "some text", 9L);
	CALL(ioctl, file, FS_IOC_FIEMAP, &map);
	map.map.fm_extent_count = 0;
	CALL(ioctl, file, FS_IOC_FIEMAP, &map);
	CALL(ioctl, file, FS_IOC_FIEMAP, BAD);
	CALL(ioctl, -1, FS_IOC_FIEMAP, NULL);
	memset(&map, 0, sizeof map);
	same->src_length = 4096;
	same->dest_count = 1;
	same->info[0].dest_fd = -1;
	CALL(ioctl, file, FIDEDUPERANGE, same);
	CALL(ioctl, file, FIDEDUPERANGE, BAD);
	CALL(ioctl, -1, FITRIM, &trim);
	CALL(ioctl, -1, FITRIM, BAD);
	CALL(ioctl, -1, FIFREEZE, 0);
	CALL(ioctl, -1, FITHAW, 0);
	CALL(ioctl, -1, FIBMAP, &number);
	CALL(ioctl, -1, FS_IOC_GETFSLABEL, label);
	CALL(ioctl, -1, FS_IOC_SETFSLABEL, label);
	CALL(ioctl, -1, FS_IOC_SETFLAGS, range);
	CALL(ioctl, -1, BLKROSET, &number);
	CALL(ioctl, -1, BLKROGET, &number);
	CALL(ioctl, -1, BLKRRPART);
	CALL(ioctl, -1, BLKFLSBUF, 0);
	CALL(ioctl, -1, BLKRASET, 128);
	CALL(ioctl, -1, BLKRAGET, &number);
	CALL(ioctl, -1, BLKBSZGET, &number);
	CALL(ioctl, -1, BLKBSZSET, &number);
	CALL(ioctl, -1, BLKDISCARD, range);
	CALL(ioctl, -1, BLKSECDISCARD, BAD);
	CALL(ioctl, -1, BLKZEROOUT, range);
	CALL(ioctl, -1, BLKIOMIN, &number);
	CALL(ioctl, -1, BLKPBSZGET, &number);
	CALL(ioctl, -1, BLKSECTGET, &number);
	CALL(ioctl, -1, BLKROTATIONAL, &number);
	CALL(ioctl, -1, BLKGETSIZE, range);
	CALL(ioctl, -1, BLKALIGNOFF, &number);
	CALL(ioctl, -1, LOOP_SET_FD, 3);
	CALL(ioctl, -1, LOOP_CLR_FD, 0);
	CALL(ioctl, -1, LOOP_SET_STATUS64, &loop);
	CALL(ioctl, -1, LOOP_GET_STATUS64, &loop);
	CALL(ioctl, -1, LOOP_SET_STATUS, &old);
	CALL(ioctl, -1, LOOP_SET_STATUS, BAD);
	CALL(ioctl, -1, LOOP_CONFIGURE, &config);
	CALL(ioctl, -1, LOOP_SET_CAPACITY, 0);
	CALL(ioctl, -1, LOOP_SET_DIRECT_IO, 1);
	CALL(ioctl, -1, LOOP_SET_BLOCK_SIZE, 4096);
	CALL(ioctl, -1, LOOP_CTL_ADD, 3);
	CALL(ioctl, -1, LOOP_CTL_REMOVE, 3);
	CALL(ioctl, -1, LOOP_CTL_GET_FREE);
}

static void devices(void)
{
	struct rtc_time time = {1, 2, 3, 4, 5, 100, 0, 0, 0};
	struct rtc_wkalrm wake = {1, 0, {1, 2, 3, 4, 5, 100, 0, 0, 0}};
	struct uffdio_api api = {UFFD_API, 0, 0};
	struct uffdio_register region = {{0x10000, 0x1000}, UFFDIO_REGISTER_MODE_MISSING, 0};
	struct uffdio_copy copy = {0x10000, 0x20000, 0x1000, UFFDIO_COPY_MODE_DONTWAKE, 0};
	struct uffdio_zeropage zero = {{0x10000, 0x1000}, 0, 0};
	struct input_id id;
	int numbers[2] = {1, 2};
	long rate = 64;

	CALL(ioctl, -1, RTC_RD_TIME, &time);
	CALL(ioctl, -1, RTC_SET_TIME, &time);
	CALL(ioctl, -1, RTC_SET_TIME, BAD);
	CALL(ioctl, -1, RTC_ALM_SET, &time);
	CALL(ioctl, -1, RTC_WKALM_SET, &wake);
	CALL(ioctl, -1, RTC_WKALM_RD, &wake);
	CALL(ioctl, -1, RTC_IRQP_SET, rate);
	CALL(ioctl, -1, RTC_IRQP_READ, &rate);
	CALL(ioctl, -1, RTC_UIE_ON, 0);
	CALL(ioctl, -1, RTC_AIE_OFF, 0);
	CALL(ioctl, -1, RTC_VL_READ, numbers);
	CALL(ioctl, -1, UFFDIO_API, &api);
	CALL(ioctl, -1, UFFDIO_API, BAD);
	CALL(ioctl, -1, UFFDIO_REGISTER, &region);
	CALL(ioctl, -1, UFFDIO_UNREGISTER, &region);
	CALL(ioctl, -1, UFFDIO_WAKE, &region);
	CALL(ioctl, -1, UFFDIO_COPY, &copy);
	CALL(ioctl, -1, UFFDIO_ZEROPAGE, &zero);
	int faults = CALL(userfaultfd, O_CLOEXEC);
	CALL(ioctl, faults, UFFDIO_API, &api);
	CALL(ioctl, -1, WDIOC_KEEPALIVE, 0);
	CALL(ioctl, -1, WDIOC_SETTIMEOUT, numbers);
	CALL(ioctl, -1, WDIOC_GETTIMEOUT, numbers);
	CALL(ioctl, -1, WDIOC_SETOPTIONS, numbers);
	CALL(ioctl, -1, WDIOC_GETSUPPORT, numbers);
	CALL(ioctl, -1, EVIOCGVERSION, numbers);
	CALL(ioctl, -1, EVIOCGID, &id);
	CALL(ioctl, -1, EVIOCGREP, numbers);
	CALL(ioctl, -1, EVIOCSREP, numbers);
	CALL(ioctl, -1, EVIOCGNAME(64), &region);
	CALL(ioctl, -1, EVIOCGBIT(0, 8), numbers);
	CALL(ioctl, -1, EVIOCGBIT(EV_KEY, 8), numbers);
	CALL(ioctl, -1, EVIOCGABS(1), numbers);
	CALL(ioctl, -1, EVIOCGRAB, 1);
	CALL(ioctl, -1, EVIOCGKEY(8), numbers);
}

int main(void)
{
	alarm(20);
	int file = CALL(open, "plain", O_RDWR | O_CREAT, 0600);
	int master = CALL(open, "/dev/ptmx", O_RDWR | O_NOCTTY);
	int net = CALL(socket, AF_INET, SOCK_DGRAM, 0);
	terminals(master);
	interfaces(net);
	files(file);
	devices();
	CALL(exit_group, 0);
}

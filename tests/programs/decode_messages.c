/* Messages of sockets: their addresses, flags and control messages, and what netlink sockets say; with good, bad and
 * NULL arguments.  Exits with 0. */
#include "decode.h"
#include <linux/audit.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <linux/if_alg.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static char buffer[16384];
static char control[512], arriving[512];

static struct cmsghdr *put(struct msghdr *header, int level, int type, const void *data, size_t length)
{
	struct cmsghdr *cmsg = (void *)(control + header->msg_controllen);

	header->msg_control = control;
	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(length);
	memcpy(CMSG_DATA(cmsg), data, length);
	header->msg_controllen += CMSG_SPACE(length);
	return cmsg;
}

static void addresses(void)
{
	struct sockaddr_un named = {AF_UNIX, "missing"};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(1), .sin6_flowinfo = htonl(7), .sin6_scope_id = 1};
	struct sockaddr_ll card = {AF_PACKET, htons(0x800), 1, 1, PACKET_BROADCAST, 6, {1, 2, 3, 4, 5, 6}};
	struct sockaddr_alg alg = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = 2, .svm_port = 80};
	struct sockaddr_nl nl = {AF_NETLINK, 0, 7, 1};
	struct sockaddr other = {77, "something"};

	CALL(connect, -1, &named, sizeof named);
	CALL(connect, -1, &named, 4);
	CALL(connect, -1, &named, 2);
	CALL(connect, -1, &in6, sizeof in6);
	in6.sin6_addr.s6_addr[0] = 0xfe;
	in6.sin6_addr.s6_addr[1] = 0x80;
	CALL(connect, -1, &in6, sizeof in6);
	CALL(connect, -1, &in6, 24);
	CALL(connect, -1, &in6, 20);
	CALL(bind, -1, &card, sizeof card);
	CALL(bind, -1, &card, 12);
	CALL(bind, -1, &alg, sizeof alg);
	CALL(connect, -1, &vm, sizeof vm);
	CALL(bind, -1, &nl, sizeof nl);
	CALL(bind, -1, &nl, 8);
	CALL(bind, -1, &other, sizeof other);
	CALL(bind, -1, &other, 1);
	CALL(bind, -1, &other, -1);
	CALL(bind, -1, &other, 1000000);
}

static void controls(int pair[2])
{
	struct iovec vector = {"message", 7};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	struct ucred who = {1, 2, 3};
	struct timeval time = {1, 2};
	struct timespec fine[3] = {{1, 2}, {3, 4}, {5, 6}};
	struct in_pktinfo info = {1, {htonl(INADDR_LOOPBACK)}, {htonl(INADDR_LOOPBACK)}};
	struct in6_pktinfo info6 = {IN6ADDR_LOOPBACK_INIT, 1};
	int number = 64, descriptors[3] = {pair[0], pair[1], -1};

	put(&header, SOL_SOCKET, SCM_RIGHTS, descriptors, 8);
	put(&header, SOL_SOCKET, SCM_CREDENTIALS, &who, sizeof who);
	CALL(sendmsg, -1, &header, MSG_NOSIGNAL);
	header.msg_controllen = 0;
	put(&header, SOL_SOCKET, SCM_RIGHTS, descriptors, 12);
	put(&header, SOL_SOCKET, 3, "label", 6);
	put(&header, SOL_SOCKET, 29, &time, sizeof time);
	put(&header, SOL_SOCKET, 35, fine, sizeof *fine);
	put(&header, SOL_SOCKET, 37, fine, sizeof fine);
	CALL(sendmsg, -1, &header, MSG_OOB | MSG_DONTWAIT);
	header.msg_controllen = 0;
	put(&header, SOL_IP, IP_PKTINFO, &info, sizeof info);
	put(&header, SOL_IP, IP_TTL, &number, 4);
	put(&header, SOL_IP, IP_TOS, "\x10", 1);
	put(&header, SOL_IP, IP_RETOPTS, "\x01\x01\x01", 3);
	put(&header, SOL_IP, IP_ORIGDSTADDR, &(struct sockaddr_in){AF_INET, htons(80), {0}, {0}}, 16);
	put(&header, SOL_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
	put(&header, SOL_IPV6, IPV6_HOPLIMIT, &number, 4);
	CALL(sendmsg, -1, &header, 0);
	header.msg_controllen = 0;
	put(&header, SOL_UDP, 103, &number, 2);
	put(&header, SOL_UDP, 104, &number, 4);
	put(&header, SOL_ALG, ALG_SET_OP, &number, 4);
	put(&header, SOL_TCP, 1, &number, 4);
	put(&header, 77, 78, &number, 4);
	put(&header, SOL_SOCKET, SCM_RIGHTS, &number, 2);
	put(&header, SOL_SOCKET, SCM_CREDENTIALS, &number, 4);
	put(&header, SOL_SOCKET, SCM_RIGHTS, &number, 0);
	put(&header, SOL_SOCKET, 99, &number, 4);
	CALL(sendmsg, -1, &header, 0);
	struct cmsghdr *broken = (void *)control;
	broken->cmsg_len = 7;
	CALL(sendmsg, -1, &header, 0);
	broken->cmsg_len = 4000;
	CALL(sendmsg, -1, &header, 0);
	header.msg_controllen = 5;
	CALL(sendmsg, -1, &header, 0);
	header.msg_control = BAD;
	header.msg_controllen = 100;
	CALL(sendmsg, -1, &header, 0);
	header.msg_control = NULL;
	CALL(sendmsg, -1, &header, 0);
	header.msg_name = BAD;
	header.msg_namelen = 16;
	header.msg_controllen = 0;
	CALL(sendmsg, -1, &header, 0);
	header.msg_name = NULL;
	header.msg_iov = BAD;
	CALL(sendmsg, -1, &header, 0);
	header.msg_iov = NULL;
	header.msg_iovlen = 0;
	CALL(sendmsg, -1, &header, 0);
}

static void received(int pair[2])
{
	struct iovec vector = {"message", 7}, out = {buffer, 100};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	struct msghdr into = {.msg_iov = &out, .msg_iovlen = 1, .msg_control = arriving, .msg_controllen = sizeof arriving};
	struct mmsghdr two[2] = {{.msg_hdr = header}, {.msg_hdr = header}};
	struct mmsghdr back[2] = {{.msg_hdr = into}, {.msg_hdr = into}};
	struct timespec limit = {0, 0};
	int on = 1;

	CALL(setsockopt, pair[1], SOL_SOCKET, SO_PASSCRED, &on, 4);
	put(&header, SOL_SOCKET, SCM_RIGHTS, pair, 8);
	CALL(sendmsg, pair[0], &header, 0);
	CALL(recvmsg, pair[1], &into, MSG_CMSG_CLOEXEC);
	into.msg_controllen = 4;
	CALL(sendmsg, pair[0], &header, 0);
	CALL(recvmsg, pair[1], &into, 0);
	into.msg_controllen = 0;
	out.iov_len = 3;
	CALL(sendmsg, pair[0], &header, 0);
	CALL(recvmsg, pair[1], &into, MSG_PEEK | MSG_TRUNC);
	CALL(recvmsg, pair[1], &into, 0);
	CALL(recvmsg, pair[1], &into, MSG_DONTWAIT);
	CALL(recvmsg, pair[1], BAD, MSG_DONTWAIT);
	CALL(recvmsg, pair[1], NULL, MSG_DONTWAIT);
	out.iov_len = 100;
	CALL(sendmmsg, pair[0], two, 2, MSG_NOSIGNAL);
	back[0].msg_hdr.msg_controllen = back[1].msg_hdr.msg_controllen = 0;
	CALL(recvmmsg, pair[1], back, 2, MSG_DONTWAIT, NULL);
	CALL(recvmmsg, pair[1], back, 2, MSG_DONTWAIT, NULL);
	CALL(sendmmsg, pair[0], two, 1, 0);
	CALL(recvmmsg, pair[1], back, 2, MSG_DONTWAIT, &limit);
	CALL(recvmmsg, pair[1], BAD, 2, MSG_DONTWAIT, BAD);
	CALL(sendmmsg, -1, two, 2, 0);
	CALL(sendmmsg, pair[0], BAD, 2, 0);
	CALL(sendmmsg, pair[0], NULL, 0, 0);
}

struct request {
	struct nlmsghdr head;
	char body[256];
};

static struct request request;

static struct request *begin(int type, int flags, const void *body, size_t length)
{
	memset(&request, 0, sizeof request);
	request.head = (struct nlmsghdr){NLMSG_LENGTH(length), type, flags, 5, 0};
	memcpy(request.body, body, length);
	return &request;
}

static void add(int type, const void *data, size_t length)
{
	struct rtattr *attribute = (void *)((char *)&request + NLMSG_ALIGN(request.head.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	memcpy(RTA_DATA(attribute), data, length);
	request.head.nlmsg_len = NLMSG_ALIGN(request.head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static void talk(int fd)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct sockaddr_storage from;
	struct iovec vector = {&request, request.head.nlmsg_len}, out = {buffer, sizeof buffer};
	struct msghdr header = {&kernel, sizeof kernel, &vector, 1, NULL, 0, 0};
	struct msghdr into = {&from, sizeof from, &out, 1, NULL, 0, 0};

	CALL(sendmsg, fd, &header, 0);
	CALL(recvmsg, fd, &into, MSG_DONTWAIT);
}

static void routes(int fd)
{
	struct ifinfomsg link = {.ifi_index = 1};
	struct ifaddrmsg address = {.ifa_family = AF_INET, .ifa_prefixlen = 8, .ifa_flags = IFA_F_PERMANENT, .ifa_index = 1};
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST};
	struct ndmsg neighbour = {.ndm_family = AF_INET, .ndm_ifindex = 1, .ndm_state = NUD_REACHABLE};
	struct rtgenmsg any = {AF_INET};
	struct sockaddr_nl from;
	socklen_t length = sizeof from;
	unsigned ip = htonl(INADDR_LOOPBACK), number = 7;

	begin(RTM_GETLINK, NLM_F_REQUEST, &link, sizeof link);
	add(IFLA_EXT_MASK, &number, 4);
	talk(fd);
	begin(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, &any, sizeof any);
	CALL(sendto, fd, &request, (long)request.head.nlmsg_len, 0, NULL, 0);
	CALL(recvfrom, fd, buffer, sizeof buffer, MSG_DONTWAIT, &from, &length);
	while (CALL(recvfrom, fd, buffer, sizeof buffer, MSG_DONTWAIT, NULL, NULL) > 0)
		;
	begin(RTM_GETROUTE, NLM_F_REQUEST, &route, sizeof route);
	add(RTA_DST, &ip, 4);
	talk(fd);
	begin(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &address, sizeof address);
	add(IFA_LOCAL, &ip, 4);
	add(IFA_LABEL, "lo", 3);
	CALL(sendto, -1, &request, (long)request.head.nlmsg_len, 0, NULL, 0);
	begin(RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK, &neighbour, sizeof neighbour);
	add(NDA_DST, &ip, 4);
	talk(fd);
	begin(RTM_GETLINK, NLM_F_REQUEST, &link, 3);
	talk(fd);
	begin(9999, NLM_F_REQUEST, &link, sizeof link);
	talk(fd);
	request.head.nlmsg_len = 3;
	CALL(sendto, fd, &request, 20L, 0, NULL, 0);
	CALL(sendto, fd, &request, 7L, 0, NULL, 0);
	CALL(sendto, fd, BAD, 20L, 0, NULL, 0);
	CALL(sendto, fd, NULL, 20L, 0, NULL, 0);
	begin(NLMSG_NOOP, 0, "", 0);
	CALL(write, fd, &request, 16L);
}

static void generic(int fd)
{
	struct genlmsghdr head = {CTRL_CMD_GETFAMILY, 1, 0};

	begin(GENL_ID_CTRL, NLM_F_REQUEST, &head, sizeof head);
	add(CTRL_ATTR_FAMILY_NAME, "nlctrl", 7);
	talk(fd);
	begin(GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_ACK, &head, sizeof head);
	add(CTRL_ATTR_FAMILY_NAME, "missing", 8);
	talk(fd);
}

static void diagnosis(int fd)
{
	struct inet_diag_req_v2 sockets = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = -1,
					   .id = {.idiag_sport = htons(1)}};
	struct unix_diag_req local = {.sdiag_family = AF_UNIX, .udiag_states = -1, .udiag_ino = 1,
				      .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER, .udiag_cookie = {-1, -1}};

	begin(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, &local, sizeof local);
	talk(fd);
	begin(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, &sockets, sizeof sockets);
	talk(fd);
}

int main(void)
{
	int pair[2];
	static const int protocols[] = {NETLINK_ROUTE, NETLINK_GENERIC, NETLINK_SOCK_DIAG, NETLINK_AUDIT, NETLINK_KOBJECT_UEVENT};
	int links[5];

	alarm(20);
	CALL(getpid);
	CALL(socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	addresses();
	controls(pair);
	received(pair);
	for (int i = 0; i < 5; i++)
		links[i] = CALL(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocols[i]);
	routes(links[0]);
	generic(links[1]);
	diagnosis(links[2]);
	begin(AUDIT_GET, NLM_F_REQUEST | NLM_F_ACK, "", 0);
	talk(links[3]);
	begin(AUDIT_USER, NLM_F_REQUEST, "text", 5);
	CALL(sendto, links[3], &request, 5L, 0, NULL, 0);
	CALL(exit_group, 0);
}

/* Socket options: their names at every level, values set and got, with good, bad and NULL arguments.
 * Exits with 0. */
#include "decode.h"
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SET(fd, level, name, value) CALL(setsockopt, fd, level, name, value, sizeof *(value))

static const int levels[] = {0, 1, 6, 17, 41, 132, 255, 263, 270, 271, 274, 279, 282, 283};

static void names(void)
{
	for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++)
		for (int name = 0; name < 82; name++)
			CALL(setsockopt, -1, levels[i], name, NULL, 0);
	CALL(setsockopt, -1, 0, 128, NULL, 0);
	CALL(setsockopt, -1, -1, -1, NULL, -1);
}

static void general(int tcp, int pair)
{
	struct linger linger = {1, 5};
	struct timeval limit = {2, 500};
	struct sock_filter code[] = {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x800}, {6, 0, 0, 0xffff}, {6, 0, 0, 0}};
	struct sock_fprog program = {4, code};
	struct ucred who = {1, 2, 3};
	char bytes[64] = "lo";
	int number = 1;
	socklen_t length;

	SET(tcp, SOL_SOCKET, SO_LINGER, &linger);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_LINGER, &linger, 4);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_LINGER, &linger, 12);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_LINGER, BAD, sizeof linger);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_SNDTIMEO, &limit, 4);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_BINDTODEVICE, bytes, 16);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_BINDTODEVICE, NULL, 0);
	SET(pair, SOL_SOCKET, SO_ATTACH_FILTER, &program);
	CALL(setsockopt, pair, SOL_SOCKET, SO_ATTACH_FILTER, BAD, sizeof program);
	CALL(setsockopt, pair, SOL_SOCKET, SO_ATTACH_FILTER, &program, 4);
	SET(pair, SOL_SOCKET, SO_PEERCRED, &who);
	SET(tcp, SOL_SOCKET, SO_REUSEPORT, &number);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_REUSEPORT, &number, 2);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_REUSEPORT, &number, 0);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_REUSEPORT, bytes, 8);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_REUSEPORT, BAD, 4);
	CALL(setsockopt, tcp, SOL_SOCKET, SO_REUSEPORT, &number, -1);
	for (int name = 1; name < 72; name++) {
		if (name == SO_PEERCRED || name == SO_INCOMING_CPU || name == SO_INCOMING_NAPI_ID || name == SO_COOKIE)
			continue;
		length = sizeof bytes;
		CALL(getsockopt, tcp, SOL_SOCKET, name, bytes, &length);
		length = 4;
		CALL(getsockopt, pair, SOL_SOCKET, name, bytes, &length);
	}
	length = 2;
	CALL(getsockopt, tcp, SOL_SOCKET, SO_LINGER, &linger, &length);
	length = 3;
	CALL(getsockopt, tcp, SOL_SOCKET, SO_RCVBUF, bytes, &length);
	CALL(getsockopt, tcp, SOL_SOCKET, SO_RCVBUF, bytes, NULL);
	CALL(getsockopt, tcp, SOL_SOCKET, SO_RCVBUF, NULL, &length);
	CALL(getsockopt, tcp, SOL_SOCKET, SO_RCVBUF, BAD, BAD);
	length = -1;
	CALL(getsockopt, tcp, SOL_SOCKET, SO_RCVBUF, bytes, &length);
}

static void internet(int tcp, int udp, int udp6)
{
	struct ip_mreq group = {{inet_addr("224.0.0.3")}, {htonl(INADDR_LOOPBACK)}};
	struct ip_mreqn by_index = {{inet_addr("224.0.0.4")}, {htonl(INADDR_LOOPBACK)}, 1};
	struct ip_mreq_source source = {{inet_addr("232.0.0.3")}, {htonl(INADDR_LOOPBACK)}, {inet_addr("10.0.0.1")}};
	struct ipv6_mreq group6 = {IN6ADDR_LOOPBACK_INIT, 1};
	struct group_req any = {.gr_interface = 1};
	struct in_addr address = {htonl(INADDR_LOOPBACK)};
	char bytes[512];
	int number = 64, probe = IP_PMTUDISC_DO;
	socklen_t length;

	group6.ipv6mr_multiaddr.s6_addr[0] = 0xff;
	any.gr_group.ss_family = AF_INET;
	SET(udp, SOL_IP, IP_ADD_MEMBERSHIP, &group);
	SET(udp, SOL_IP, IP_DROP_MEMBERSHIP, &group);
	SET(udp, SOL_IP, IP_ADD_MEMBERSHIP, &by_index);
	CALL(setsockopt, udp, SOL_IP, IP_ADD_MEMBERSHIP, &group, 4);
	CALL(setsockopt, udp, SOL_IP, IP_ADD_MEMBERSHIP, BAD, 8);
	SET(udp, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &source);
	SET(udp, SOL_IP, IP_MULTICAST_IF, &by_index);
	SET(udp, SOL_IP, IP_MULTICAST_IF, &address);
	SET(udp, SOL_IP, IP_TTL, &number);
	SET(udp, SOL_IP, IP_MTU_DISCOVER, &probe);
	SET(udp, SOL_IP, IP_RECVERR, &number);
	CALL(setsockopt, udp, SOL_IP, IP_TOS, "\x10", 1);
	CALL(setsockopt, udp, SOL_IP, IP_OPTIONS, "\x01\x01\x01\x01", 4);
	SET(udp, SOL_IP, MCAST_JOIN_GROUP, &any);
	CALL(setsockopt, udp, SOL_IP, MCAST_JOIN_GROUP, &any, 4);
	SET(udp6, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &group6);
	SET(udp6, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &group6);
	CALL(setsockopt, udp6, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &group6, 16);
	SET(udp6, SOL_IPV6, IPV6_MULTICAST_IF, &number);
	SET(udp6, SOL_IPV6, IPV6_MTU_DISCOVER, &probe);
	SET(udp, SOL_UDP, UDP_CORK, &number);
	SET(tcp, SOL_TCP, TCP_KEEPIDLE, &number);
	CALL(setsockopt, tcp, SOL_TCP, TCP_CONGESTION, "reno", 4);
	CALL(setsockopt, tcp, SOL_TCP, TCP_CONGESTION, "reno", 5);
	CALL(setsockopt, tcp, SOL_TCP, TCP_CONGESTION, NULL, 4);
	CALL(setsockopt, tcp, SOL_TCP, TCP_ULP, "none", 4);
	for (int name = 1; name < 60; name++) {
		length = 16;
		CALL(getsockopt, udp, SOL_IP, name, bytes, &length);
	}
	for (int name = 1; name < 80; name++) {
		length = 24;
		if (name != IPV6_MTU)
			CALL(getsockopt, udp6, SOL_IPV6, name, bytes, &length);
	}
	for (int name = 1; name < 40; name++) {
		length = 16;
		if (name != TCP_INFO && name != TCP_TIMESTAMP && name != TCP_CC_INFO)
			CALL(getsockopt, tcp, SOL_TCP, name, bytes, &length);
	}
	length = 7;
	CALL(getsockopt, tcp, SOL_TCP, TCP_INFO, bytes, &length);
	length = 104;
	CALL(getsockopt, tcp, SOL_TCP, TCP_INFO, bytes, &length);
	length = sizeof bytes;
	CALL(getsockopt, tcp, SOL_TCP, TCP_INFO, bytes, &length);
	CALL(getsockopt, tcp, SOL_TCP, TCP_INFO, bytes, NULL);
}

static void others(int netlink)
{
	struct packet_mreq card = {1, PACKET_MR_MULTICAST, 6, {1, 0, 94, 0, 0, 3}};
	struct tpacket_req ring = {4096, 1, 2048, 2};
	struct {
		unsigned a, b, c, d;
	} bytes;
	int number = 1, name;
	socklen_t length;

	SET(netlink, 270, 1, &number);
	for (name = 1; name < 13; name++) {
		length = 8;
		CALL(getsockopt, netlink, 270, name, &bytes, &length);
	}
	SET(-1, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &card);
	CALL(setsockopt, -1, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &card, 8);
	CALL(setsockopt, -1, SOL_PACKET, PACKET_ADD_MEMBERSHIP, BAD, 16);
	SET(-1, SOL_PACKET, PACKET_RX_RING, &ring);
	CALL(setsockopt, -1, SOL_PACKET, PACKET_RX_RING, &ring, 8);
	SET(-1, SOL_PACKET, PACKET_VERSION, &number);
	SET(-1, SOL_PACKET, PACKET_FANOUT, &number);
	CALL(setsockopt, -1, SOL_ALG, 1, "0123456789abcdef", 16);
	CALL(setsockopt, -1, SOL_ALG, 5, NULL, 16);
	CALL(setsockopt, -1, 282, 1, "0123456789abcdef", 16);
	int packet = CALL(socket, AF_PACKET, SOCK_RAW, 0);
	struct tpacket_stats stats;
	length = sizeof stats;
	CALL(getsockopt, packet, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
	length = 4;
	CALL(getsockopt, packet, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
	length = 4;
	CALL(getsockopt, packet, SOL_PACKET, PACKET_VERSION, &number, &length);
}

int main(void)
{
	int pair[2];

	alarm(20);
	int tcp = CALL(socket, AF_INET, SOCK_STREAM, 0);
	int udp = CALL(socket, AF_INET, SOCK_DGRAM, 0);
	int udp6 = CALL(socket, AF_INET6, SOCK_DGRAM, 0);
	int netlink = CALL(socket, AF_NETLINK, SOCK_RAW, 0);
	CALL(socketpair, AF_UNIX, SOCK_DGRAM, 0, pair);
	names();
	general(tcp, pair[0]);
	internet(tcp, udp, udp6);
	others(netlink);
	CALL(exit_group, 0);
}

/* What the kernel's user-space headers take from the C library's. */
typedef unsigned short sa_family_t;

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};

/* See sys/socket.h. */
#define __BYTE_ORDER __LITTLE_ENDIAN

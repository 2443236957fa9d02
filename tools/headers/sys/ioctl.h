/* See socket.h. */
#include <linux/ioctl.h>

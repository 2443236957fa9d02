/* See socket.h. */
#include <linux/time.h>

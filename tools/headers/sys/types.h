/* See socket.h. */
#include <linux/types.h>

/* Loses 1234 bytes; LeakSanitizer, when linked in, traces the program at its end to find them. */

#include <stdlib.h>

static void *volatile kept;

int main(void) {
    kept = malloc(1234);
    kept = NULL;
    return 0;
}

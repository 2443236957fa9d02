/* Three threads that make a getppid and a short sleep, over and over, for at most a minute; says "ready". */

#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *tick(void *unused) {
    for (;;) {
        syscall(SYS_getppid);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return unused;
}

int main(void) {
    alarm(60);
    for (int i = 0; i < 2; i++) {
        pthread_t made;
        pthread_create(&made, NULL, tick, NULL);
    }
    puts("ready");
    fflush(stdout);
    tick(NULL);
}

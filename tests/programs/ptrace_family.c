/* A thread, a signal, a child by fork, a program by vfork: what `strace -f` is tried on. */

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_signal(int signo) { (void)signo; }

static void *thread(void *unused) {
    syscall(SYS_getppid);
    return unused;
}

int main(void) {
    int status;
    pthread_t made;

    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    pthread_create(&made, NULL, thread, NULL);
    pthread_join(made, NULL);
    if (fork() == 0) {
        syscall(SYS_getppid);
        _exit(3);
    }
    wait(&status);
    if (vfork() == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    wait(&status);
    return 7;
}

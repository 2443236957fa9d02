// A threaded server: each line that it reads is answered by how often its workers have worked so far.
#pragma GCC optimize("O0")
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

enum { WORKERS = 3, LIFETIME_S = 100, PAUSE_US = 3000 };

volatile long worked;

void work(void) {
  __atomic_fetch_add(&worked, 1, __ATOMIC_SEQ_CST);
  getppid();
}

static void *worker(void *arg) {
  for (;;) {
    work();
    usleep(PAUSE_US);
  }
  return arg;
}

int main(void) {
  char line[16];
  alarm(LIFETIME_S);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0; i < WORKERS; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, worker, NULL);
  }
  while (fgets(line, sizeof line, stdin) != NULL)
    printf("%ld\n", worked);
  return 0;
}

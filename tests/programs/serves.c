// A threaded server: each line that it reads is answered by how often its workers have worked, connected to a
// socket of its own, and been refused.
#pragma GCC optimize("O0")
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WORKERS = 3, LIFETIME_S = 100, PAUSE_US = 3000 };

volatile long worked;
static long dialled, refused;
static struct sockaddr_un place = {.sun_family = AF_UNIX};
static socklen_t place_length = sizeof(sa_family_t);

int dial(long round) {
  int there = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int result = connect(there, (struct sockaddr *)&place, place_length);
  close(there);
  return result ? -1 : (int)(round % 5);
}

long work(long round) {
  __atomic_fetch_add(&worked, 1, __ATOMIC_SEQ_CST);
  return round + 1;
}

static void *worker(void *arg) {
  for (long round = 0;; round = work(round)) {
    int told = dial(round);
    __atomic_fetch_add(&dialled, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&refused, told < 0, __ATOMIC_SEQ_CST);
    usleep(PAUSE_US);
  }
  return arg;
}

int main(void) {
  char line[16];
  alarm(LIFETIME_S);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  int listening = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // An address of the kernel's choice (unix(7), "Autobind feature").
  bind(listening, (struct sockaddr *)&place, place_length);
  place_length = sizeof place;
  getsockname(listening, (struct sockaddr *)&place, &place_length);
  for (int i = 0; i < WORKERS; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, worker, NULL);
  }
  while (fgets(line, sizeof line, stdin) != NULL)
    printf("%ld %ld %ld\n", worked, dialled, refused);
  return 0;
}

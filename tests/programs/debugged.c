// A program to debug: debugged MODE does one thing that a debugger can follow, the same way every time.
#pragma GCC optimize("O0")
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, LIFETIME_S = 60 };

struct point {
  int x;
  double y;
  char name[8];
};

int watched;
int rounds = 5;
volatile int released;
volatile int ticks[THREADS];
struct point here = {3, 2.5, "here"};

int add(int a, int b) {
  int sum = a + b;
  return sum;
}

int factorial(int n) {
  if (n <= 1)
    return 1;
  return n * factorial(n - 1);
}

double half(double x) {
  return x / 2;
}

void handler(int signo) {
  watched += signo;
}

static void say(const char *line) {
  if (write(1, line, strlen(line)) < 0)
    _exit(111);
}

static int plain(void) {
  int total = 0;
  for (int i = 0; i < rounds; i++) {
    total = add(total, i);
    watched = total;
  }
  int product = factorial(4);
  say("plain is over\n");
  return (total + product) & 0x7f;
}

static int forks(void) {
  pid_t pid = fork();
  if (pid == 0) {
    watched = add(1, 2);
    _exit(4);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  watched = add(watched, WEXITSTATUS(status));
  return watched;
}

static int vforks(void) {
  pid_t pid = vfork();
  if (pid == 0)
    _exit(5);
  int status = 0;
  waitpid(pid, &status, 0);
  return add(WEXITSTATUS(status), 1);
}

static int execs(char *self) {
  execl(self, self, "plain", (char *)NULL);
  return 112;
}

static int spawns(char *self) {
  pid_t pid = fork();
  if (pid == 0)
    _exit(execs(self));
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}

static int signals(void) {
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  watched = add(watched, 1);
  raise(SIGUSR1);
  return watched;
}

static int dies_of_usr2(void) {
  raise(SIGUSR2);
  return 0;
}

static int crashes(void) {
  int *volatile nowhere = NULL;
  return *nowhere;
}

static int writes(void) {
  say("one\n");
  say("two\n");
  return getppid() == 0;
}

// Waits until a thread sleeps in the system call whose number begins this text.
static void wait_for_call(pid_t tid, const char *number) {
  char name[64], call[8] = "";
  snprintf(name, sizeof name, "/proc/%d/syscall", tid);
  while (strncmp(call, number, strlen(number)) != 0) {
    FILE *file = fopen(name, "r");
    if (file == NULL || fgets(call, sizeof call, file) == NULL)
      call[0] = 0;
    if (file != NULL)
      fclose(file);
  }
}

static volatile pid_t tids[THREADS];

static void *tick(void *arg) {
  long me = (long)arg;
  tids[me] = gettid();
  while (!released)
    usleep(100000);
  for (int i = 0; i < 3; i++)
    ticks[me] = add(ticks[me], 1);
  return NULL;
}

static pthread_t threads[THREADS];

static void gathered(void) {
}

static int thread_ends(void) {
  for (long i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, tick, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    while (tids[i] == 0)
      usleep(100);
    wait_for_call(tids[i], "230 ");
  }
  gathered();
  released = 1;
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  return ticks[0] + ticks[1] + ticks[2];
}

void *lone(void *arg) {
  watched = add(10, 20);
  *(int *)arg = 1;
  return NULL;
}

static int one_thread(void) {
  int done = 0;
  pthread_t thread;
  pthread_create(&thread, NULL, lone, &done);
  pthread_join(thread, NULL);
  return add(watched, done);
}

void *wait_for_ever(void *arg) {
  while (!released)
    pause();
  return arg;
}

static int serves(void) {
  for (long i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, wait_for_ever, NULL);
  say("ready\n");
  wait_for_ever(NULL);
  return 0;
}

// A child sends the debugger SIGINT, as a terminal does, when this process sleeps in pause(2).
static int interrupts(void) {
  pid_t me = getpid(), debugger = getppid();
  if (fork() == 0) {
    wait_for_call(me, "34 ");
    kill(debugger, SIGINT);
    _exit(0);
  }
  while (!released)
    pause();
  return 9;
}

static int blocks(void) {
  while (!released)
    pause();
  return 8;
}

static int handles_once(void) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESETHAND};
  sigaction(SIGALRM, &action, NULL);
  raise(SIGALRM);
  return watched;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "plain";
  alarm(LIFETIME_S);
  if (strcmp(mode, "plain") == 0) return plain();
  if (strcmp(mode, "fork") == 0) return forks();
  if (strcmp(mode, "vfork") == 0) return vforks();
  if (strcmp(mode, "exec") == 0) return execs(argv[0]);
  if (strcmp(mode, "spawn") == 0) return spawns(argv[0]);
  if (strcmp(mode, "signal") == 0) return signals();
  if (strcmp(mode, "usr2") == 0) return dies_of_usr2();
  if (strcmp(mode, "crash") == 0) return crashes();
  if (strcmp(mode, "write") == 0) return writes();
  if (strcmp(mode, "threads") == 0) return thread_ends();
  if (strcmp(mode, "thread") == 0) return one_thread();
  if (strcmp(mode, "serve") == 0) return serves();
  if (strcmp(mode, "interrupt") == 0) return interrupts();
  if (strcmp(mode, "block") == 0) return blocks();
  if (strcmp(mode, "once") == 0) return handles_once();
  return half(2.0) > 0 ? 113 : 114;
}

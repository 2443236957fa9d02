// Runs a guest program: guest FILE NAME runs the steps of `program NAME { ... }` in FILE, the text form
// of utrace.testing.guest_text, on the real kernel.
//
// Each step makes exactly the system call that the simulated kernel makes for it.  Everything before the
// first step (reading the text) ends with the MARKER call; everything after uses no C library.
// Every task runs on a stack of its own, so that a signal handler finds its task by its stack pointer.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MARKER = 10000, TASKS = 64, STACK = 65536, STEPS = 1024, BORN = 64, ARGS = 6, WORDS = 12 };
enum { NOBODY = 0x3fffffff, THREAD_FLAGS = 0x50f00, VFORK_FLAGS = 0x4100, CHILD_SETTID = 0x1000000 };

enum operation {
  USER, SYSCALL, FORK, VFORK, THREAD, EXEC, EXIT, EXIT_GROUP, KILL, TGKILL, HANDLE, IGNORE, DEFAULT, BLOCK,
  UNBLOCK, WAIT, PAUSE, LOOP
};

static const char *const OPERATIONS[] = {
  "user", "syscall", "fork", "vfork", "thread", "exec", "exit", "exit_group", "kill", "tgkill", "handle",
  "ignore", "default", "block", "unblock", "wait", "pause", "loop", NULL
};

static const struct { const char *name; long number; } CALLS[] = {
  {"read", 0}, {"write", 1}, {"open", 2}, {"close", 3}, {"sched_yield", 24}, {"nanosleep", 35},
  {"getpid", 39}, {"unlink", 87}, {"getuid", 102}, {"getppid", 110}, {"gettid", 186},
  {"epoll_wait", 232}, {"openat", 257}, {"unlinkat", 263}, {NULL, 0}
};

struct step {
  enum operation operation;
  long number;
  long args[ARGS];
  int blocking, restart;
  const char *word;
  struct step *body, *next;
};

struct process {
  int pid, parent;
  int children[BORN], threads[BORN];
  int children_made, threads_made;
};

struct task {
  _Alignas(16) char stack[STACK];
  struct process *process;
  struct process own;
  struct step *steps;
  int tid, is_leader;
};

static struct task tasks[TASKS];
static int tasks_made;
static struct step steps[STEPS];
static int steps_made;
static struct step *handlers[65];
static struct { const char *name; struct step *steps; } programs[16];
static int programs_made;
static char *guest_path, *text_path;
static int silent_pipe[2], silent_epoll;

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// --------------------------------------------------------------------------------------- running

static void run(struct task *task, struct step *step);

__attribute__((noreturn, used)) static void live(struct task *task)
{
  run(task, task->steps);
  call(task->is_leader ? 231 : 60, 0, 0, 0, 0, 0, 0);
  __builtin_trap();
}

// Start `live(task)` on the task's stack in a new task; 0 flags: in this one.
__attribute__((noinline)) static long start(long flags, struct task *task)
{
  long *top = (long *)(task->stack + STACK);
  *--top = 0;
  *--top = (long)task;
  register long ctid __asm__("r10") = (long)&task->tid;
  register long tls __asm__("r8") = 0;
  long result = 0;
  if (flags == 0)
    __asm__ volatile("mov %0, %%rsp\n\tpop %%rdi\n\tcall live" : : "r"(top) : "memory");
  __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tpop %%rdi\n\tcall live\n1:"
                   : "=a"(result)
                   : "a"(56L), "D"(flags | CHILD_SETTID), "S"(top), "d"(0L), "r"(ctid), "r"(tls)
                   : "rcx", "r11", "memory");
  return result;
}

static long born(struct task *parent, struct step *step, long flags)
{
  struct task *child = &tasks[__atomic_fetch_add(&tasks_made, 1, __ATOMIC_SEQ_CST)];
  int is_thread = step->operation == THREAD;
  child->steps = step->body;
  child->is_leader = !is_thread;
  child->process = is_thread ? parent->process : &child->own;
  child->own.parent = parent->process->pid;
  struct process *process = parent->process;
  int *made = is_thread ? process->threads : process->children;
  int index = __atomic_fetch_add(is_thread ? &process->threads_made : &process->children_made, 1,
                                 __ATOMIC_SEQ_CST);
  long tid = start(flags, child);
  made[index] = tid;
  return tid;
}

static int resolve(struct task *task, const char *target)
{
  struct process *process = task->process;
  int pid = task->is_leader ? task->tid : process->pid;
  if (target[0] == 's') return task->tid;
  if (target[0] == 'l') return pid;
  if (target[0] == 'p') return process->parent;
  int is_thread = target[0] == 't';
  int index = 0;
  for (const char *digit = target + (is_thread ? 6 : 5); *digit; digit++) index = index * 10 + *digit - '0';
  if (index < 1 || index > (is_thread ? process->threads_made : process->children_made)) return NOBODY;
  return (is_thread ? process->threads : process->children)[index - 1];
}

static void handle(int signo)
{
  char here;
  int index = (int)((&here - (char *)tasks) / (long)sizeof tasks[0]);
  run(&tasks[index], handlers[signo]);
}

// rt_sigreturn without a stack frame of its own.
__asm__(".text\nguest_restorer:\n\tmov $15, %eax\n\tsyscall\n");
extern void guest_restorer(void);

static void set_disposition(struct step *step)
{
  struct { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; } action;
  action.handler = step->operation == HANDLE ? handle : step->operation == IGNORE ? SIG_IGN : SIG_DFL;
  action.flags = 0x04000000 | (step->restart ? 0x10000000 : 0);
  action.restorer = guest_restorer;
  action.mask = 0;
  if (step->operation == HANDLE) handlers[step->number] = step->body;
  call(13, step->number, (long)&action, 0, 8, 0, 0);
}

static void set_mask(struct step *step)
{
  unsigned long mask = 1UL << (step->number - 1);
  call(14, step->operation == BLOCK ? 0 : 1, (long)&mask, 0, 8, 0, 0);
}

static void plain_call(struct step *step)
{
  static const struct timespec hour = {3600, 0};
  struct epoll_event event;
  long *args = step->args;
  char byte;
  if (!step->blocking)
    call(step->number, args[0], args[1], args[2], args[3], args[4], args[5]);
  else if (step->number == 0)
    call(0, silent_pipe[0], (long)&byte, 1, 0, 0, 0);
  else if (step->number == 35)
    call(35, (long)&hour, 0, 0, 0, 0, 0);
  else
    call(232, silent_epoll, (long)&event, 1, -1, 0, 0);
}

static void execute(const char *name)
{
  const char *path = "/nonexistent/program";
  for (int i = 0; i < programs_made; i++)
    if (!strcmp(programs[i].name, name)) path = guest_path;
  const char *argv[] = {guest_path, text_path, name, NULL};
  const char *envp[] = {NULL};
  call(59, (long)path, (long)argv, (long)envp, 0, 0, 0);
}

static void take(struct task *task, struct step *step)
{
  switch (step->operation) {
    case USER: for (volatile long i = 0; i < step->number; i++); break;
    case SYSCALL: plain_call(step); break;
    case FORK: born(task, step, SIGCHLD); break;
    case VFORK: born(task, step, VFORK_FLAGS | SIGCHLD); break;
    case THREAD: born(task, step, THREAD_FLAGS); break;
    case EXEC: execute(step->word); break;
    case EXIT: call(60, step->number, 0, 0, 0, 0, 0); break;
    case EXIT_GROUP: call(231, step->number, 0, 0, 0, 0, 0); break;
    case KILL: call(62, resolve(task, step->word), step->number, 0, 0, 0, 0); break;
    case TGKILL:
      call(234, resolve(task, "leader"), resolve(task, step->word), step->number, 0, 0, 0);
      break;
    case HANDLE: case IGNORE: case DEFAULT: set_disposition(step); break;
    case BLOCK: case UNBLOCK: set_mask(step); break;
    case WAIT: call(61, -1, 0, 0, 0, 0, 0); break;
    case PAUSE: call(34, 0, 0, 0, 0, 0, 0); break;
    case LOOP: for (long i = 0; i < step->number; i++) run(task, step->body); break;
  }
}

static void run(struct task *task, struct step *step)
{
  if (task->is_leader) task->own.pid = task->tid;
  for (; step; step = step->next) take(task, step);
}

// --------------------------------------------------------------------------------------- reading

__attribute__((noreturn)) static void complain(const char *what, const char *word)
{
  fprintf(stderr, "guest: %s: %s\n", what, word);
  exit(125);
}

static long call_number(const char *word)
{
  for (int i = 0; CALLS[i].name; i++)
    if (!strcmp(CALLS[i].name, word)) return CALLS[i].number;
  if (word[0] < '0' || word[0] > '9') complain("no such call", word);
  return atol(word);
}

static long signal_number(const char *word)
{
  if (word[0] >= '0' && word[0] <= '9') return atol(word);
  for (int signo = 1; signo < 32; signo++) {
    const char *name = sigabbrev_np(signo);
    if (name && !strncmp(word, "SIG", 3) && !strcmp(word + 3, name)) return signo;
  }
  complain("no such signal", word);
}

static void read_call(struct step *step, char **words, int count)
{
  int args = 0;
  step->number = call_number(words[1]);
  for (int i = 2; i < count && strcmp(words[i], "->"); i++) {
    if (words[i][0] == '"') {
      words[i][strlen(words[i]) - 1] = 0;
      step->args[args++] = (long)(words[i] + 1);
    } else if ((words[i][0] >= '0' && words[i][0] <= '9') || words[i][0] == '-') {
      step->args[args++] = strtol(words[i], NULL, 0);
    } else {
      step->blocking = 1;
    }
  }
}

static struct step *read_step(char **words, int count)
{
  struct step *step = &steps[steps_made++];
  int operation = 0;
  while (OPERATIONS[operation] && strcmp(OPERATIONS[operation], words[0])) operation++;
  if (!OPERATIONS[operation]) complain("no such step", words[0]);
  step->operation = operation;
  switch (step->operation) {
    case SYSCALL: read_call(step, words, count); break;
    case USER: case EXIT: case EXIT_GROUP: case LOOP: step->number = atol(words[1]); break;
    case EXEC: step->word = words[1]; break;
    case KILL: case TGKILL: step->word = words[1]; step->number = signal_number(words[2]); break;
    case HANDLE: step->restart = count > 2 && !strcmp(words[2], "restart"); __attribute__((fallthrough));
    case IGNORE: case DEFAULT: case BLOCK: case UNBLOCK: step->number = signal_number(words[1]); break;
    default: break;
  }
  return step;
}

static struct step *read_block(char **text)
{
  struct step *first = NULL, **link = &first;
  for (char *line; (line = strsep(text, "\n"));) {
    char *words[WORDS];
    int count = 0;
    for (char *word; count < WORDS && (word = strsep(&line, " "));)
      if (*word) words[count++] = word;
    if (!count) continue;
    if (!strcmp(words[0], "}")) break;
    int opens = !strcmp(words[count - 1], "{");
    if (!strcmp(words[0], "program")) {
      int index = programs_made++;
      programs[index].name = words[1];
      programs[index].steps = read_block(text);
      continue;
    }
    struct step *step = read_step(words, count - opens);
    if (opens) step->body = read_block(text);
    *link = step;
    link = &step->next;
  }
  return first;
}

int main(int argc, char **argv)
{
  static char text[1 << 16];
  if (argc != 3) complain("usage", "guest FILE NAME");
  guest_path = argv[0];
  text_path = argv[1];
  FILE *file = fopen(text_path, "r");
  if (!file) complain("cannot open", text_path);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  char *rest = text;
  read_block(&rest);
  silent_epoll = epoll_create1(EPOLL_CLOEXEC);
  if (silent_epoll < 0 || pipe2(silent_pipe, 02000000)) complain("cannot open", "descriptors");
  struct task *task = &tasks[tasks_made++];
  task->is_leader = 1;
  task->process = &task->own;
  task->tid = getpid();
  task->own.pid = task->tid;
  task->own.parent = getppid();
  int found = 0;
  for (int i = 0; i < programs_made; i++)
    if (!strcmp(programs[i].name, argv[2])) { task->steps = programs[i].steps; found = 1; }
  if (!found) complain("no such program", argv[2]);
  call(MARKER, 0, 0, 0, 0, 0, 0);
  start(0, task);
}

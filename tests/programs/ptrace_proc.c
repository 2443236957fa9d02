/* What /proc/PID/status and stat tell of a tracer, and of the state of what it traces. */

#include "ptrace_say.h"

static void say_text(const char *path, const char *text, ssize_t length) {
    char *end = strrchr(text, ')');
    if (length <= 0)
        say("%s: empty", path);
    else if (end)
        say("stat: %c", end[2]);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        int tracer, filters;
        if (!strncmp(line, "State:", 6))
            say("%.*s", (int)strcspn(line, "\n"), line);
        else if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            say("TracerPid: %s", who(tracer));
        else if (sscanf(line, "Seccomp_filters: %d", &filters) == 1 && strstr(path, "self"))
            say("Seccomp_filters: %d", filters);
    }
}

static void say_file(int folder, const char *path) {
    static char text[8192];
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        say("%s: %s", path, error_of(-1));
        return;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    say_text(path, text, length);
    say("again: %zd", read(fd, text, 1));
    say("close on exec: %d", fcntl(fd, F_GETFD));
    close(fd);
}

static void say_of(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    say_file(AT_FDCWD, path);
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, pid);
    say_file(AT_FDCWD, path);
}

/* Of one that stops or goes on by itself. */
static void say_when(pid_t pid, char state) {
    until_state(pid, state);
    say_of(pid);
}

static pid_t attached(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ASK(PTRACE_ATTACH, child, 0, 0);
    await(child, __WALL);
    return child;
}

static void of_tracee(void) {
    pid_t child = attached();
    say_of(child);
    ASK(PTRACE_CONT, child, 0, 0);
    say_when(child, 'S');
    kill(child, SIGUSR1);
    await(child, __WALL);
    say_of(child);
    ASK(PTRACE_DETACH, child, 0, 0);
    say_when(child, 'S');
    end_task(child);
}

static void of_stopped(void) {
    pid_t child = attached();
    ASK(PTRACE_CONT, child, 0, SIGSTOP);
    await(child, __WALL);
    say_of(child);
    ASK(PTRACE_DETACH, child, 0, SIGSTOP);
    say_when(child, 'T');
    end_task(child);
}

static void by_folder(void) {
    pid_t child = attached();
    char name[32], path[64];
    int proc = open("/proc", O_PATH | O_DIRECTORY);
    snprintf(name, sizeof name, "%d/status", child);
    say_file(proc, name);
    say("%s", error_of(chdir("/proc")));
    say_file(AT_FDCWD, name);
    snprintf(path, sizeof path, "/proc/self/../%d//task/./%d/status", child, child);
    say_file(AT_FDCWD, path);
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", getpid(), child);
    int fd = open(path, O_RDONLY);
    say("of another: %s", error_of(fd));
    say("nowhere: %s", error_of(syscall(SYS_open, 8, O_RDONLY)));
    end_task(child);
}

static void own(void) {
    say_file(AT_FDCWD, "/proc/self/status");
    say_file(AT_FDCWD, "/proc/thread-self/stat");
}

static void *own_of_thread(void *nothing) {
    say_file(AT_FDCWD, "/proc/thread-self/status");
    return nothing;
}

static void of_itself(void) {
    pthread_t thread;
    own();
    pthread_create(&thread, NULL, own_of_thread, NULL);
    pthread_join(thread, NULL);
}

static void look_at_itself(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    own();
}

static void of_traced_itself(void) {
    name_task(getpid(), "tracer");
    pid_t child = start("child", look_at_itself);
    await(child, 0);
    ASK(PTRACE_CONT, child, 0, 0);
    await(child, 0);
}

static pid_t looked_at;

static void look_at_another(void) {
    say_of(looked_at);
}

static void by_third(void) {
    name_task(getpid(), "tracer");
    pid_t child = looked_at = start("child", pause_for_ever);
    until_state(child, 'S');
    await(start("looker", look_at_another), 0);
    ASK(PTRACE_SEIZE, child, 0, 0);
    await(start("looker", look_at_another), 0);
    ASK(PTRACE_INTERRUPT, child, 0, 0);
    await(child, 0);
    await(start("looker", look_at_another), 0);
    ASK(PTRACE_LISTEN, child, 0, 0);
    say_of(child);
    end_task(child);
}

static void of_waiting(void) {
    pid_t child = start("child", pause_for_ever);
    pid_t parent = looked_at = getpid();
    name_task(parent, "parent");
    pid_t looker = fork();
    if (looker == 0) {
        say_when(parent, 'S');
        kill(child, SIGKILL);
        _exit(0);
    }
    await(child, 0);
    await(name_task(looker, "looker"), 0);
}

static void of_continued(void) {
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    kill(child, SIGSTOP);
    await(child, WUNTRACED);
    say_of(child);
    kill(child, SIGCONT);
    await(child, WCONTINUED);
    say_when(child, 'S');
    kill(child, SIGKILL);
    say_when(child, 'Z');
    await(child, 0);
}

static void use_up_descriptors(void) {
    rlim_t limit = 8;
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit, limit});
    while (dup(0) >= 0)
        ;
    int fd = open("/proc/self/status", O_RDONLY);
    say("too many: %s", error_of(fd));
}

static const struct named_case cases[] = {
    {"of_tracee", of_tracee},
    {"of_stopped", of_stopped},
    {"by_folder", by_folder},
    {"of_itself", of_itself},
    {"of_traced_itself", of_traced_itself},
    {"by_third", by_third},
    {"of_waiting", of_waiting},
    {"of_continued", of_continued},
    {"use_up_descriptors", use_up_descriptors},
    {NULL, NULL},
};

CASES(cases)

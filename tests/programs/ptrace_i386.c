/* A tracer that calls as an i386 program does, by int $0x80, and i386 tracees of either kind of tracer.
 * The i386 program to trace is named by EXITS32.  ptrace(2), wait4(2), waitid(2). */

#include "ptrace_say.h"
#include <sys/mman.h>

enum { I386_WAITPID = 7, I386_PTRACE = 26, I386_WAIT4 = 114, I386_WAITID = 284 };

/* What an i386 call points to has to be below 4 GiB. */
static struct low {
    unsigned char buffer[4096];
    unsigned int words[64];
    int status;
    unsigned char usage[160];
    volatile unsigned int here[4];
} *low;

static long i386(long number, long a, long b, long c, long d, long e) {
    long result;
    __asm__ volatile("xchg %%rbx, %2\n int $0x80\n xchg %%rbx, %2"
                     : "=a"(result)
                     : "a"(number), "r"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory", "r8", "r9", "r10", "r11");
    if ((int)result < 0 && (int)result > -4096) {
        errno = -(int)result;
        return -1;
    }
    return (int)result;
}

static long ask(const char *name, long request, pid_t pid, unsigned long addr, void *data) {
    long result = i386(I386_PTRACE, request, pid, addr, (long)data, 0);
    int error = errno;
    say("%s: %s", name, error_of(result));
    errno = error;
    return result;
}

/* One vector on each side; the sixth argument, no flags, is in ebp. */
static long vectors_of_i386(long number, pid_t pid, long own, long remote) {
    long result;
    __asm__ volatile("push %%rbp\n xchg %%rbx, %2\n xor %%ebp, %%ebp\n int $0x80\n xchg %%rbx, %2\n pop %%rbp"
                     : "=a"(result)
                     : "a"(number), "r"((long)pid), "c"(own), "d"(1L), "S"(remote), "D"(1L)
                     : "memory", "r8", "r9", "r10", "r11");
    if ((int)result >= 0)
        return (int)result;
    errno = -(int)result;
    return -1;
}

static void prepare(void) {
    low = mmap(NULL, sizeof *low, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        _exit(96);
}

static void mark(void) { memset(low->buffer, 0xee, sizeof low->buffer); }

/* How much of the buffer was written: what is behind it is as it was. */
static int written(void) {
    int size = sizeof low->buffer;
    while (size && low->buffer[size - 1] == 0xee)
        size--;
    return size;
}

static int told_value;
static void on_signal(int signo UNUSED, siginfo_t *info, void *context UNUSED) {
    told_value = info->si_value.sival_int + info->si_pid;
}

static void stop_and_handle(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    raise(SIGUSR1);
    _exit(told_value);
}

static void exec_i386(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    execl(getenv("EXITS32"), "exits32", NULL);
    _exit(95);
}

static pid_t stopped(void (*body)(void)) {
    prepare();
    pid_t child = start("child", body);
    await(child, 0);
    return child;
}

static void memory_of(void) {
    prepare();
    low->here[0] = 0x11111111;
    low->here[1] = 0x22222222;
    low->here[2] = 0x33333333;
    pid_t child = stopped(stop_and_handle);
    (void)child;
    mark();
    ask("PEEKDATA", PTRACE_PEEKDATA, child, (long)&low->here[0], low->buffer);
    say("%d bytes", written());
    ask("POKEDATA", PTRACE_POKEDATA, child, (long)&low->here[0], (void *)0x44444444);
    ask("PEEKDATA", PTRACE_PEEKDATA, child, (long)&low->here[0], low->words);
    ask("PEEKDATA", PTRACE_PEEKDATA, child, (long)&low->here[1], low->words + 1);
    say("%#x %#x", low->words[0], low->words[1]);
    ask("PEEKDATA", PTRACE_PEEKDATA, child, 8, low->words);
    ask("PEEKDATA", PTRACE_PEEKDATA, child, (long)&low->here[0], (void *)8);
    ask("POKEDATA", PTRACE_POKEDATA, child, 8, NULL);
    end_task(child);
}

enum { I386_PREAD = 180, I386_PWRITE, I386_READV = 347, I386_WRITEV };

/* An i386 debugger's other ways to memory: the file, by an offset in two registers, and vectors of i386. */
static void memory_by_file(void) {
    char path[32];
    pid_t child = stopped(stop_and_handle);
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int fd = open(path, O_RDWR);
    low->here[0] = 0x55555555;
    const long shared = (long)&low->here[0];
    /* Who writes so is a debugger. */
    ask("POKEDATA", PTRACE_POKEDATA, child, (long)&low->here[1], NULL);
    say("read %ld", i386(I386_PREAD, fd, (long)low->words, 8, shared, 0));
    say("as it was: %d", low->words[0] == 0);
    say("write %ld", i386(I386_PWRITE, fd, (long)&low->here[0], 4, shared, 0));
    say("read %ld", i386(I386_PREAD, fd, (long)low->words, 8, shared, 0));
    say("as written: %d", low->words[0] == 0x55555555);
    say("read far off: %s", error_of(i386(I386_PREAD, fd, (long)low->words, 8, shared, 0x10000)));
    unsigned long code = (unsigned long)stop_and_handle;
    say("read code %ld", i386(I386_PREAD, fd, (long)low->words, 8, code & 0xffffffff, code >> 32));
    say("as ours: %d", !memcmp(low->words, stop_and_handle, 8));
    say("write code %ld", i386(I386_PWRITE, fd, (long)low->words, 8, code & 0xffffffff, code >> 32));
    unsigned int vectors[4] = {(unsigned)(long)low->words, 12, (unsigned)shared, 12};
    memcpy(low->buffer, vectors, sizeof vectors);
    long own = (long)low->buffer, remote = own + 8;
    say("by vectors %ld", vectors_of_i386(I386_READV, child, own, remote));
    say("by vectors %ld", vectors_of_i386(I386_WRITEV, child, own, remote));
    say("by no vectors: %s", error_of(vectors_of_i386(I386_READV, child, own, 8)));
    end_task(child);
}

static void registers_of(pid_t child) {
    mark();
    ask("PEEKUSER", PTRACE_PEEKUSER, child, 44, low->buffer);
    say("%d bytes, orig_eax %d", written(), *(int *)low->buffer);
    for (int at = 0; at < 300; at += 36)
        ask("PEEKUSER", PTRACE_PEEKUSER, child, at, low->words);
    ask("PEEKUSER", PTRACE_PEEKUSER, child, 3, low->words);
    ask("PEEKUSER", PTRACE_PEEKUSER, child, 4096, low->words);
    ask("POKEUSER", PTRACE_POKEUSER, child, 0, (void *)0x55);
    ask("POKEUSER", PTRACE_POKEUSER, child, 3, (void *)0x55);
    ask("POKEUSER", PTRACE_POKEUSER, child, 13 * 4, NULL);
    ask("POKEUSER", PTRACE_POKEUSER, child, 252, low->words);
    ask("POKEUSER", PTRACE_POKEUSER, child, 252 + 7 * 4, (void *)1);
    ask("PEEKUSER", PTRACE_PEEKUSER, child, 252, low->words);
    ask("PEEKUSER", PTRACE_PEEKUSER, child, 252 + 7 * 4, low->words + 1);
    say("debug registers: %d %#x", low->words[0] == (unsigned int)(long)low->words, low->words[1]);
    ask("POKEUSER", PTRACE_POKEUSER, child, 252 + 4 * 4, NULL);
    const struct {
        const char *name;
        long get, set;
    } sets[] = {{"REGS", 12, 13}, {"FPREGS", 14, 15}, {"FPXREGS", 18, 19}};
    for (int i = 0; i < 3; i++) {
        mark();
        ask(sets[i].name, sets[i].get, child, 0, low->buffer);
        say("%d bytes", written());
        if (sets[i].get == 12)
            say("ebx %#x", *(int *)low->buffer);
        ask(sets[i].name, sets[i].set, child, 0, low->buffer);
        ask(sets[i].name, sets[i].get, child, 0, (void *)8);
        ask(sets[i].name, sets[i].set, child, 0, (void *)8);
    }
    const long kinds[] = {NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE, 0x200, 0x46e62b7f, 0x4711};
    for (int i = 0; i < 6; i++)
        for (int length = 2048; length >= 3; length = length / 8 - length / 64) {
            mark();
            low->words[0] = (unsigned int)(long)low->buffer;
            low->words[1] = length;
            low->words[2] = 0x12345678;
            long result = i386(I386_PTRACE, PTRACE_GETREGSET, child, kinds[i], (long)low->words, 0);
            say("GETREGSET %#lx of %d: %s %u %s", kinds[i], length, error_of(result), low->words[1],
                low->words[2] == 0x12345678 ? "" : "too far");
        }
}

static void registers(void) {
    pid_t child = stopped(stop_and_handle);
    registers_of(child);
    end_task(child);
}

static void registers_of_i386(void) {
    pid_t child = stopped(exec_i386);
    registers_of(child);
    end_task(child);
}

static void say_words(const char *what, int count) {
    char text[256] = "";
    for (int i = 0; i < count; i++) {
        int word = ((int *)low->buffer)[i];
        const char *name = who(word);
        sprintf(text + strlen(text), " %s", word > 2 && strcmp(name, "unknown") ? name : "");
        if (word <= 2 || !strcmp(name, "unknown"))
            sprintf(text + strlen(text), "%#x", word);
    }
    say("%s:%s", what, text);
}

static void signals(void) {
    pid_t child = stopped(stop_and_handle);
    mark();
    ask("GETSIGINFO", PTRACE_GETSIGINFO, child, 0, low->buffer);
    say("%d bytes", written());
    say_words("siginfo", 6);
    ask("CONT", PTRACE_CONT, child, 0, NULL);
    await(child, 0);
    ask("GETSIGINFO", PTRACE_GETSIGINFO, child, 0, low->buffer);
    ((int *)low->buffer)[2] = SI_QUEUE;
    ((int *)low->buffer)[3] = 2;
    ((int *)low->buffer)[5] = 40;
    ask("SETSIGINFO", PTRACE_SETSIGINFO, child, 0, low->buffer);
    mark();
    ask("GETSIGINFO", PTRACE_GETSIGINFO, child, 0, low->buffer);
    say_words("siginfo", 6);
    ask("GETSIGINFO", PTRACE_GETSIGINFO, child, 0, (void *)8);
    ask("SETSIGINFO", PTRACE_SETSIGINFO, child, 0, (void *)8);
    ask("CONT", PTRACE_CONT, child, 0, (void *)65);
    ask("CONT", PTRACE_CONT, child, 0, (void *)SIGUSR1);
    await(child, 0);
}

static void waits(void) {
    pid_t child = stopped(stop_and_handle);
    ask("SETOPTIONS", PTRACE_SETOPTIONS, child, 0, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT));
    ask("SYSCALL", PTRACE_SYSCALL, child, 0, NULL);
    memset(low->usage, 0xee, sizeof low->usage);
    say("wait4: %s", who(i386(I386_WAIT4, child, (long)&low->status, 0, (long)low->usage, 0)));
    say_status(child, low->status);
    say("usage of 72 bytes: %d", low->usage[71] != 0xee && low->usage[72] == 0xee);
    mark();
    say("info: %ld", i386(I386_PTRACE, PTRACE_GET_SYSCALL_INFO, child, 88, (long)low->buffer, 0));
    say_words("info", 2);
    ask("SYSCALL", PTRACE_SYSCALL, child, 0, NULL);
    mark();
    say("waitid: %s", error_of(i386(I386_WAITID, P_PID, child, (long)low->buffer, WSTOPPED, (long)low->usage)));
    say("%d bytes", written());
    say_words("siginfo", 6);
    mark();
    say("waitid: %s", error_of(i386(I386_WAITID, P_PID, child, (long)low->buffer, WSTOPPED | WNOHANG, 0)));
    say("%d bytes", written());
    ask("CONT", PTRACE_CONT, child, 0, (void *)SIGTERM);
    say("waitpid: %s", who(i386(I386_WAITPID, child, (long)&low->status, 0, 0, 0)));
    say_status(child, low->status);
    mark();
    ask("GETEVENTMSG", PTRACE_GETEVENTMSG, child, 0, low->buffer);
    say("%d bytes", written());
    ask("CONT", PTRACE_CONT, child, 0, (void *)SIGTERM);
    say("waitpid: %s", who(i386(I386_WAITPID, child, (long)&low->status, 0, 0, 0)));
    say_status(child, low->status);
    ask("CONT", PTRACE_CONT, child, 0, NULL);
    say("waitpid: %s", who(i386(I386_WAITPID, child, (long)&low->status, 0, 0, 0)));
    say_status(child, low->status);
    say("waitpid: %s", error_of(i386(I386_WAITPID, child, (long)&low->status, 0, 0, 0)));
}

static void seize_and_interrupt(void) {
    prepare();
    pid_t child = start("child", pause_for_ever);
    until_state(child, 'S');
    ask("SEIZE", PTRACE_SEIZE, child, 0, (void *)0x400);
    ask("SEIZE", PTRACE_SEIZE, child, 4, NULL);
    ask("SEIZE", PTRACE_SEIZE, child, 0, (void *)PTRACE_O_TRACESYSGOOD);
    ask("INTERRUPT", PTRACE_INTERRUPT, child, 0, NULL);
    say("wait4: %s", who(i386(I386_WAIT4, -1, (long)&low->status, __WALL, 0, 0)));
    say_status(child, low->status);
    ask("DETACH", PTRACE_DETACH, child, 0, NULL);
    end_task(child);
}

static void every_request(void) {
    pid_t child = stopped(stop_and_handle);
    for (long request = 10; request < 34; request++)
        if (request != 16 && request != 17 && request != 24 && request < 31) {
            say("%ld", request);
            ask("  answers", request, child, 0, low->buffer);
        }
    for (long request = 0x4200; request < 0x4218; request++)
        if (request < 0x4206 || request > 0x4208) {
            say("%#lx", request);
            ask("  answers", request, child, 0, low->buffer);
        }
    end_task(child);
}

/* -- an i386 program under a 64-bit tracer ------------------------------------------------------- */

static void i386_tracee(void) {
    pid_t child = stopped(exec_i386);
    static char buffer[4096];
    const long kinds[] = {NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE, 0x200, 0x201, 0x46e62b7f};
    for (int i = 0; i < 6; i++)
        for (size_t length = 4096; length; length = length > 200 ? 68 : length > 67 ? 66 : length > 8 ? 4 : 0) {
            struct iovec vector = {buffer, length};
            long result = syscall(SYS_ptrace, PTRACE_GETREGSET, child, kinds[i], &vector);
            say("GETREGSET %#lx of %zu: %s %zu", kinds[i], length, error_of(result), vector.iov_len);
            if (result == 0 && kinds[i] == NT_PRSTATUS)
                say("SETREGSET: %s", error_of(syscall(SYS_ptrace, PTRACE_SETREGSET, child, kinds[i], &vector)));
        }
    struct user_regs_struct regs;
    memset(&regs, 0xee, sizeof regs);
    say("GETREGS: %s", error_of(syscall(SYS_ptrace, 12, child, 0, &regs)));
    say("cs %#llx, high halves: %d", regs.cs, regs.rip >> 32 || regs.rsp >> 32);
    say("SETREGS: %s", error_of(syscall(SYS_ptrace, 13, child, 0, &regs)));
    ASK(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
    for (int i = 0; i < 2; i++) {
        ASK(PTRACE_SYSCALL, child, 0, 0);
        await(child, 0);
        struct __ptrace_syscall_info info;
        memset(&info, 0, sizeof info);
        long size = ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
        say("size %ld op %d arch %#x nr %lld first %lld", size, info.op, info.arch,
            info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long long)info.entry.nr : 0,
            info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long long)info.entry.args[0] : 0);
    }
    ASK(PTRACE_SINGLESTEP, child, 0, 0);
    await(child, 0);
}

static const struct named_case cases[] = {
    {"memory", memory_of},
    {"memory_by_file", memory_by_file},
    {"registers", registers},
    {"registers_of_i386", registers_of_i386},
    {"signals", signals},
    {"waits", waits},
    {"seize_and_interrupt", seize_and_interrupt},
    {"every_request", every_request},
    {"i386_tracee", i386_tracee},
    {NULL, NULL},
};

CASES(cases)

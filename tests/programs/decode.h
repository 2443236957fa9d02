/* What the programs of decoding share: calls by name or by number, whatever the C library knows. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD ((void *)8)
#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define NUMBER(number, ...) syscall(number, ##__VA_ARGS__)

/* Filters, programs, keys, sandboxes, rings and counters of the kernel: with good, bad and NULL arguments.
 * Exits with 0. */
#include "decode.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>

static char buffer[4096];

static void filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 9999, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};
	uint16_t sizes[3];
	uint32_t action = SECCOMP_RET_TRAP;

	CALL(seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG | 0x80, &program);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
	CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, sizes);
	CALL(seccomp, 77, 1, BAD);
	CALL(prctl, 22, 2L, &program);
	CALL(prctl, 38, 1L, 0L, 0L, 0L);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static void programs(void)
{
	union bpf_attr attr;
	struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1}, {.code = BPF_JMP | BPF_EXIT}};

	memset(&attr, 0, sizeof attr);
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 2;
	strcpy(attr.map_name, "utrace");
	CALL(bpf, BPF_MAP_CREATE, &attr, 72);
	memset(&attr, 0, sizeof attr);
	attr.map_fd = -1;
	attr.key = (uint64_t)buffer;
	CALL(bpf, BPF_MAP_LOOKUP_ELEM, &attr, 32);
	CALL(bpf, BPF_MAP_DELETE_ELEM, &attr, 16);
	memset(&attr, 0, sizeof attr);
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insn_cnt = 2;
	attr.insns = (uint64_t)code;
	attr.license = (uint64_t)"GPL";
	CALL(bpf, BPF_PROG_LOAD, &attr, 48);
	memset(&attr, 0, sizeof attr);
	attr.pathname = (uint64_t)"/missing";
	attr.bpf_fd = -1;
	CALL(bpf, BPF_OBJ_GET, &attr, 16);
	CALL(bpf, BPF_PROG_LOAD, NULL, 48);
	CALL(bpf, 777, BAD, 16);
}

static void keys(void)
{
	CALL(add_key, "user", "utrace:none", "payload", 7L, -77);
	CALL(add_key, NULL, NULL, NULL, 0L, -2);
	CALL(request_key, "user", "utrace:none", NULL, -3);
	CALL(keyctl, 0, -3, 0);
	CALL(keyctl, 1, "utrace");
	CALL(keyctl, 2, -99);
	CALL(keyctl, 3, -99);
	CALL(keyctl, 4, -99, 1, 2);
	CALL(keyctl, 5, -99, 0x3f3f0000);
	CALL(keyctl, 6, -99, NULL, 0L);
	CALL(keyctl, 7, -99);
	CALL(keyctl, 8, -99, -98);
	CALL(keyctl, 9, -99, -98);
	CALL(keyctl, 10, -99, "user", "utrace:none", 0);
	CALL(keyctl, 11, -99, buffer, 100L);
	CALL(keyctl, 14, 99);
	CALL(keyctl, 15, -99, 5);
	CALL(keyctl, 77, 1L, 2L, 3L, 4L);
}

static void sandboxes(void)
{
	uint64_t rules[3] = {LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE, 3, 1};
	struct landlock_path_beneath_attr path = {LANDLOCK_ACCESS_FS_READ_FILE, -1};
	uint64_t port[2] = {1, 80};

	CALL(landlock_create_ruleset, NULL, 0L, 1);
	CALL(landlock_create_ruleset, rules, 8L, 0);
	CALL(landlock_create_ruleset, rules, 24L, 8);
	CALL(landlock_add_rule, -1, LANDLOCK_RULE_PATH_BENEATH, &path, 0);
	CALL(landlock_add_rule, -1, 2, port, 0);
	CALL(landlock_add_rule, -1, 7, BAD, 1);
	CALL(landlock_restrict_self, -1, 0);
	CALL(userfaultfd, 1 | O_CLOEXEC);
}

static void rings(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, .cq_entries = 8};
	int files[2] = {0, -1};
	struct {
		uint64_t address;
		uint32_t value, flags;
		uint64_t more[2];
	} futexes[2] = {{(uint64_t)buffer, 0, 2, {0}}, {8, 1, 0, {0}}};
	struct timespec {
		long sec, nsec;
	} ts = {0, 1};

	int ring = CALL(io_uring_setup, 4, &params);
	CALL(io_uring_setup, 0, NULL);
	CALL(io_uring_setup, 1, BAD);
	CALL(io_uring_enter, ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 8L);
	CALL(io_uring_register, ring, IORING_REGISTER_FILES, files, 2);
	CALL(io_uring_register, ring, IORING_UNREGISTER_FILES, NULL, 0);
	CALL(io_uring_register, ring, IORING_REGISTER_EVENTFD, files, 1);
	CALL(io_uring_register, -1, 77, BAD, 1);
	NUMBER(449, futexes, 1, 0, &ts, 1);
	NUMBER(449, NULL, 0, 7, NULL, 77);
	NUMBER(454, buffer, 1L, 1, 2);
	NUMBER(455, buffer, 5L, 0xffffffffL, 2 | 128, NULL, 1);
	NUMBER(456, futexes, 0, 1, 1);
}

static void counters(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_TASK_CLOCK, .disabled = 1, .exclude_kernel = 1, .read_format = PERF_FORMAT_ID};

	CALL(perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	CALL(perf_event_open, NULL, -1, 0, -1, 0L);
	attr.size = 5;
	CALL(perf_event_open, &attr, 0, -1, -1, 77L);
}

int main(void)
{
	alarm(20);
	programs();
	keys();
	sandboxes();
	rings();
	counters();
	filters();
	CALL(exit_group, 0);
}

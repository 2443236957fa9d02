"""From ptrace-stops to utrace semantics and back, pure: it speaks to a kernel only through the seam.

Reading order: tracee (the record), tracee_life (one tracee's way through the kernel), then a file
for each kind of stop: syscalls, signals, group_stop, births, execve, deaths; tracees routes facts.

Reference: ptrace(2); Linux 6.18 kernel/signal.c, kernel/ptrace.c; the spec's section 7.
"""

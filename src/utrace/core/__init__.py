"""utrace semantics, pure: no I/O, no clock, no randomness, no threads.

Reading order: events, verdicts, engine_life, task_life, reporting, signals, control, attach,
examine, laws.  Every rule stands in docs/semantics.md.

Reference: kernel/utrace.c and include/linux/utrace.h (UTRACE_API_VERSION 20091216).
"""

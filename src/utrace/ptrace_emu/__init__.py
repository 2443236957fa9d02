"""ptrace(2) and wait(2) for unmodified tracers inside a session (D12).

A tracer under a session is itself a traced program.  Its ptrace and wait calls are caught at their entry
and answered from ptrace engines (`utrace.engines.ptrace`), one for each pair of tracer and tracee: so that
several tracers, and engines in Python, hold one process at once.

Reading order: registry, requests, waiting, interpose.
"""

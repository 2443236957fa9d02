"""The inside of `utrace.testing.SimKernel`: Linux's task, signal and ptrace code, as generators."""

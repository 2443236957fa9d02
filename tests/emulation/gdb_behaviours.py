"""What gdb does: scripts, each run natively and under a session, for `test_gdb`.

`MODE: script` pairs on tests/programs/debugged.c; `SHELL` are whole command lines, for what needs more than
one program.  In both, gdb is started as `GDB`.
"""

# ruff: noqa: E501 — a script is one line

from __future__ import annotations

from typing import Final

#: By name: the program's mode, and the commands.
SCRIPTS: Final[dict[str, tuple[str, str]]] = {
    # -- breakpoints ------------------------------------------------------------------------------
    "break": ("plain", "break add\nrun\nbt\ncontinue\ninfo breakpoints\n"),
    "break_line_of_file": ("plain", "break debugged.c:factorial\nrun\nbt\n"),
    "break_condition": ("plain", "break add if b == 3\nrun\nbt\ninfo breakpoints\n"),
    "break_address": ("plain", "break main\nrun\nbreak *add\ncontinue\nx/i $pc\nbt 1\n"),
    "condition_changed": (
        "plain",
        "break add\ncondition 1 b == 4\nrun\nprint b\ncondition 1\nrun\nprint b\n",
    ),
    "ignore_count": ("plain", "break add\nignore 1 3\nrun\nprint b\ninfo breakpoints\n"),
    "tbreak": ("plain", "tbreak add\nrun\ninfo breakpoints\ncontinue\n"),
    "disable_enable": (
        "plain",
        "break add\nrun\ndisable 1\nbreak factorial\ncontinue\nbt 1\nenable 1\ndelete 2\ncontinue\n",
    ),
    "enable_once": ("plain", "break add\nenable once 1\nrun\nprint b\ncontinue\n"),
    "delete": ("plain", "break add\nrun\ndelete 1\ncontinue\nprint $_exitcode\n"),
    "break_commands": (
        "plain",
        'break add\ncommands\nsilent\nprintf "b is %d\\n", b\ncontinue\nend\nrun\nprint $_exitcode\n',
    ),
    "hbreak": (
        "plain",
        "break main\nrun\nhbreak factorial\ncontinue\nbt\ncontinue\nprint n\ninfo breakpoints\n",
    ),
    "two_breaks_at_one_address": ("plain", "break add\nbreak add\nrun\ninfo breakpoints\ncontinue\n"),
    "rbreak_and_bt_full": ("plain", "break factorial if n == 1\nrun\nbt full\n"),
    # -- running ----------------------------------------------------------------------------------
    "run_to_the_end": ("plain", "run\nprint $_exitcode\ninfo program\n"),
    "start": ("plain", "start\nbt\nnext\ncontinue\n"),
    "starti": ("plain", "starti\nx/i $pc\ninfo inferiors\nkill\n"),
    "run_twice": ("plain", "tbreak main\nrun\nrun\nbt\ntbreak add\nrun\nbt\ncontinue\n"),
    "kill": ("plain", "break add\nrun\nkill\ninfo inferiors\nrun\nbt\n"),
    "next": ("plain", "break plain\nrun\nnext\nnext\nnext\nnext\ninfo locals\n"),
    "step": ("plain", "break plain\nrun\nstep\nstep\nstep\nstep\nbt\nstep\nstep\nstep\ninfo locals\n"),
    "step_count": ("plain", "break plain\nrun\nstep 9\nbt\nnext 5\n"),
    "until": ("plain", "break add\nrun\nuntil\nuntil\nuntil\ndelete\nuntil 74\ninfo locals\n"),
    "advance": ("plain", "break plain\nrun\nadvance factorial\nbt\nadvance say\n"),
    "finish": ("plain", "break add\nrun\nfinish\nprint $\ncontinue\nfinish\n"),
    "finish_deep": ("plain", "break factorial if n == 1\nrun\nfinish\nfinish\nup\ninfo frame\n"),
    "return": ("plain", "break add if b == 2\nrun\nreturn 40\nnext\ninfo locals\ncontinue\n"),
    "stepi": (
        "plain",
        "break add\nrun\nstepi\nx/i $pc\nstepi 3\nx/2i $pc\nnexti\nx/i $pc\ninfo registers rip\n",
    ),
    "step_over_the_syscall": ("write", "break getppid\nrun\nstepi 4\nx/i $pc\nfinish\n"),
    "stepi_into_a_call": ("plain", "break plain\nrun\nstepi 20\nx/i $pc\nbt\n"),
    "jump": ("plain", "break factorial\nrun\ntbreak say\njump 36\nbt\n"),
    "call_site_reverse_is_refused": ("plain", "break add\nrun\nreverse-step\nbt\n"),
    "record_full": (
        "plain",
        "break add\nrun\nrecord\nnext\nnext\nreverse-next\nreverse-next\nprint sum\nrecord stop\n",
    ),
    "checkpoint": ("plain", "break add\nrun\ncheckpoint\ncontinue\nrestart 1\nprint b\nbt\nkill\n"),
    # -- data -------------------------------------------------------------------------------------
    "registers": ("plain", "break add\nrun\ninfo registers\n"),
    "all_registers": (
        "plain",
        "break half\nrun none\nfinish\ninfo registers xmm0 mxcsr st0 ymm0\ninfo registers float\n",
    ),
    "set_register": (
        "plain",
        "break factorial\nrun\nset $rdi = 9\nprint $rdi\nset $xmm3.v4_int32[2] = 77\nprint $xmm3.v4_int32\nset $st0 = 2.5\nprint $st0\n",
    ),
    "print": (
        "plain",
        "break add\nrun\nprint a\nprint here\nprint &here\nprint sizeof(here)\np/x watched\nptype here\n",
    ),
    "set_var": (
        "plain",
        'break add if b == 2\nrun\nset var b = 50\nset var here.name = "abc\\0\\0\\0\\0"\nprint here\nfinish\n',
    ),
    "examine": (
        "plain",
        "break add\nrun\nx/6i add\nx/s here.name\nx/4xw &here\nx/2gx &rounds\ndisassemble add\n",
    ),
    "find": ("plain", "break add\nrun\nfind &here, +sizeof(here), 'h', 'e', 'r', 'e'\nx/i 8\n"),
    "call": (
        "plain",
        "break plain\nrun\nprint add(20, 3)\ncall factorial(5)\nprint half(5.0)\nnext\nnext\ninfo locals\n",
    ),
    "call_with_a_breakpoint": ("plain", "break plain\nrun\nbreak add\nprint add(2, 2)\nbt\nfinish\nbt\n"),
    "call_of_libc": (
        "plain",
        'break plain\nrun\nprint (int)strlen("four")\nprint (int)getppid() > 0\nprint $_strlen("five5")\n',
    ),
    "call_that_crashes": ("plain", "break plain\nrun\nset unwindonsignal on\nprint crashes()\nbt\n"),
    "display": ("plain", "break add\nrun\ndisplay b\ndisplay/i $pc\nnext\nnext\ncontinue\ninfo display\n"),
    "info_proc_files": ("plain", "break add\nrun\ninfo auxv\ninfo sharedlibrary\ninfo files\n"),
    "frames": (
        "plain",
        "break factorial if n == 2\nrun\nup\ninfo args\ndown\nframe 2\ninfo locals\nframe function main\n",
    ),
    # -- watchpoints ------------------------------------------------------------------------------
    "watch": ("plain", "break plain\nrun\nwatch watched\ncontinue\ncontinue\nbt\ninfo watchpoints\n"),
    "watch_condition": ("plain", "break plain\nrun\nwatch watched if watched > 5\ncontinue\nprint watched\n"),
    "watch_local_goes_out_of_scope": (
        "plain",
        "break add\nrun\nwatch sum\ndelete 1\ncontinue\ncontinue\ncontinue\n",
    ),
    "rwatch": ("plain", "break plain\nrun\nrwatch rounds\ncontinue\ncontinue\nbt\n"),
    "awatch": ("plain", "break plain\nrun\nawatch watched\ncontinue\ncontinue\ninfo watchpoints\n"),
    "watch_in_software": (
        "plain",
        "break plain\nrun\nset can-use-hw-watchpoints 0\nwatch watched\ncontinue\ncontinue\n",
    ),
    "watch_deleted": ("plain", "break plain\nrun\nwatch watched\ncontinue\ndelete 2\ncontinue\n"),
    "watch_too_many": (
        "plain",
        "break plain\nrun\nwatch watched\nwatch rounds\nwatch here.x\nwatch ticks[0]\nwatch ticks[2]\ncontinue\n",
    ),
    "watch_in_a_thread": ("thread", "break main\nrun\nwatch watched\ncontinue\nbt\ncontinue\n"),
    # -- catchpoints ------------------------------------------------------------------------------
    "catch_syscall": ("write", "catch syscall write\nrun\nbt 1\ncontinue\ncontinue\ninfo breakpoints\n"),
    "catch_syscall_every": ("write", "break writes\nrun\ncatch syscall\ncontinue\ncontinue\ncontinue\n"),
    "catch_syscall_group": ("exec", "catch syscall execve\nrun\ncontinue\ncontinue\n"),
    "catch_fork": ("fork", "catch fork\nrun\nbt 2\ncontinue\n"),
    "catch_vfork": ("vfork", "catch vfork\nrun\nbt 1\ncontinue\n"),
    "catch_exec": ("exec", "catch exec\nrun\nbreak add\ncontinue\nbt\n"),
    "catch_signal": ("signal", "catch signal SIGUSR1\nrun\nbt 2\ncontinue\ncontinue\n"),
    "catch_load": ("plain", "catch load\nrun\ninfo sharedlibrary\n"),
    # -- forks ------------------------------------------------------------------------------------
    "follow_parent": ("fork", "set follow-fork-mode parent\nbreak add\nrun\nbt\ncontinue\n"),
    "follow_child": ("fork", "set follow-fork-mode child\nbreak add\nrun\nbt\ninfo inferiors\ncontinue\n"),
    "no_detach": (
        "fork",
        "set detach-on-fork off\nbreak forks\nrun\nnext\ninfo inferiors\ninferior 2\nbreak add\ncontinue\nbt\ncontinue\ninferior 1\ncontinue\n",
    ),
    "follow_child_no_detach": (
        "fork",
        "set detach-on-fork off\nset follow-fork-mode child\nrun\ninfo inferiors\ninferior 1\ncontinue\n",
    ),
    "follow_vfork_child": ("vfork", "set follow-fork-mode child\nbreak _exit\nrun\nbt 2\ncontinue\n"),
    "vfork_parent": ("vfork", "break add\nrun\nbt\ncontinue\n"),
    "follow_exec_same": ("exec", "break add\nrun\nbt\ninfo inferiors\n"),
    "follow_exec_new": ("exec", "set follow-exec-mode new\nbreak add\nrun\nbt\ninfo inferiors\n"),
    "spawn_child": ("spawn", "set follow-fork-mode child\nbreak plain\nrun\nbt\ncontinue\n"),
    "schedule_multiple": ("fork", "set detach-on-fork off\nset schedule-multiple on\nrun\ninfo inferiors\n"),
    # -- signals ----------------------------------------------------------------------------------
    "signal_passes": (
        "signal",
        "run\nbt 2\nprint $_siginfo.si_signo\ncontinue\ncontinue\nprint $_exitcode\n",
    ),
    "handle_nostop": ("signal", "handle SIGUSR1 nostop noprint pass\nrun\nprint $_exitcode\n"),
    "handle_nopass": (
        "signal",
        "handle SIGUSR1 stop print nopass\nrun\ncontinue\ncontinue\nprint $_exitcode\n",
    ),
    "signal_0": ("signal", "run\nsignal 0\nsignal 0\nprint $_exitcode\n"),
    "signal_another": ("usr2", "run\nsignal SIGTERM\n"),
    "queue_signal": ("plain", "break add\nrun\nqueue-signal SIGUSR2\ncontinue\n"),
    "killed_by_a_signal": ("usr2", "run\ncontinue\nprint $_exitsignal\ninfo program\n"),
    "set_siginfo": (
        "signal",
        "run\nset var $_siginfo._sifields._kill.si_pid = 5\nprint $_siginfo._sifields._kill.si_pid\ncontinue\n",
    ),
    "break_in_a_handler": (
        "signal",
        "handle SIGUSR1 nostop noprint\nbreak handler\nrun\nbt -past-main on\nfinish\ncontinue\n",
    ),
    "step_into_a_handler": (
        "signal",
        "break handler\nhandle SIGUSR1 nostop noprint\nrun\nnext\nnext\nnext\n",
    ),
    "step_over_a_handler": (
        "signal",
        "break signals\nhandle SIGUSR1 nostop noprint\nrun\nnext\nnext\nnext\nnext\n",
    ),
    "stepi_with_a_signal": ("signal", "run\nstepi\nbt\nx/i $pc\n"),
    "handler_once": ("once", "run\ncontinue\ncontinue\n"),
    "crash": ("crash", "run\nbt\nprint $_siginfo.si_signo\ninfo registers rip\ncontinue\n"),
    "gcore": ("crash", "run\ngcore DIR/core\nkill\ncore-file DIR/core\nbt\ninfo threads\n"),
    "ctrl_c": ("interrupt", "run\nbt\nprint $_siginfo.si_signo\nkill\n"),
    # -- threads ----------------------------------------------------------------------------------
    "info_threads": ("threads", "break gathered\nrun\ninfo threads\nthread 3\n"),
    "thread_apply_all": (
        "threads",
        "break gathered\nrun\nthread apply all -q print $_thread\nthread apply 2 frame function tick\n",
    ),
    "break_in_threads": (
        "threads",
        "break gathered\nrun\nbreak add if $_thread == 3\ncontinue\ndelete\ncontinue\nprint $_exitcode\n",
    ),
    "break_for_one_thread": (
        "threads",
        "break gathered\nrun\nbreak add thread 3\ncontinue\nprint me\nup\nprint me\ncontinue\nprint $_thread\n",
    ),
    "scheduler_locking": (
        "threads",
        "break gathered\nrun\nset var released = 1\nset scheduler-locking on\nthread 2\nbreak add\ncontinue\nnext\nnext\nnext\nprint ticks\n",
    ),
    "next_in_a_thread": ("thread", "break lone\nrun\nnext\nnext\nbt 1\ncontinue\n"),
    "step_locks_the_scheduler": (
        "threads",
        "break tick thread 2\nbreak gathered\nrun\nset scheduler-locking step\nnext\nbt 1\n",
    ),
    "thread_exits": ("threads", "break gathered\nrun\ncontinue\nprint $_exitcode\n"),
    "call_in_threads": (
        "threads",
        "break gathered\nrun\nset scheduler-locking on\nthread 4\nprint add(7, 8)\nthread 1\nprint factorial(4)\n",
    ),
    "non_stop": ("thread", "set non-stop on\nbreak lone\nrun\ninfo threads\nbt\nkill\n"),
}

#: By name: a command line for sh.
SHELL: Final[dict[str, str]] = {
    "attach": 'GDB -p $PID -ex "info threads" -ex "bt 1" -ex "detach"',
    "attach_and_call": 'GDB -p $PID -ex "print add(1, 2)" -ex "print factorial(5)" -ex "detach"',
    "attach_by_command": 'GDB -ex "attach $PID" -ex "thread apply all frame function wait_for_ever" -ex "detach" -ex "info inferiors"',
    "attach_and_quit": 'GDB -p $PID -ex "print rounds"; GDB -p $PID -ex "print watched"',
    "attach_and_kill": 'GDB -p $PID -ex "kill" -ex "info inferiors"; wait $PID; echo "wait says $?"',
    "attach_and_gcore": 'GDB -p $PID -ex "gcore DIR/core" -ex "detach"; GDB PROGRAM DIR/core -ex "info threads" -ex "bt 2"',
    "attach_and_finish": 'GDB -p $PID -ex "set var released = 1" -ex "queue-signal SIGCONT" -ex "break add" -ex "detach"; kill -0 $PID && echo lives',
    "attach_stopped": 'kill -STOP $PID; GDB -p $PID -ex "bt 1" -ex "detach"; kill -CONT $PID; kill -0 $PID && echo lives',
    "attach_to_nobody": 'GDB -p 4194304 -ex "info inferiors"',
    "attach_twice": 'GDB -p $PID -ex "detach" -ex "attach $PID" -ex "info threads"',
}

"""The one loop that moves tasks and calls engines, and what its users hold.

Reading order: ops (what an engine author writes), engine, task, syscall, signal (what callbacks are
given), callbacks (how one is called, and what happens when it raises), loop, session.
"""

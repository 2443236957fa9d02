"""What the native library has for recorded calls: the seam's other half (see `kernel.api.Recorder`).

`Program` says how the calls of one number are recorded and written, `Batch` is what was recorded, and
`Lines` writes it.
"""

from __future__ import annotations

from utrace._native import Batch, Lines, Program

__all__ = ["Batch", "Lines", "Program"]

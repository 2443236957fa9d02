"""One line of declaration for each call that has more to tell than its C prototype.

A module a topic; each has CALLS, name -> signature.  `compat` has what i386 and aarch64 do otherwise.
"""

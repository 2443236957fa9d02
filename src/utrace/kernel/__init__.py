"""What stands between utrace and a kernel: the seam, and the real kernel behind it."""

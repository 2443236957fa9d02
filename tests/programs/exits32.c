/* A 32-bit program without a library: exits with 42 by int $0x80. */
void _start(void)
{
	__asm__ volatile("int $0x80" : : "a"(1), "b"(42));
	__builtin_unreachable();
}

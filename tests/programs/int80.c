/* A 64-bit program that asks for its pid as a 32-bit one does: number 20, which is writev to 64-bit programs.
 * Prints what it got. */
#include <stdio.h>

int main(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	printf("%ld\n", result);
	return 0;
}

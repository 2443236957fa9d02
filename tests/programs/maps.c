/* Prints the addresses of a string, of a read-only page, and of a page full of 'A' with nothing mapped behind it; then
 * prints the string at every line on its input. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[64] = "as it was";

int main(void)
{
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char byte;

	if (pages == MAP_FAILED)
		return 1;
	memset(pages, 'A', 2 * 4096);
	if (mprotect(pages, 4096, PROT_READ) || munmap(pages + 2 * 4096, 4096))
		return 1;
	printf("%lu %lu %lu\n", (unsigned long)text, (unsigned long)pages, (unsigned long)(pages + 4096));
	fflush(stdout);
	while (read(0, &byte, 1) == 1) {
		puts(text);
		fflush(stdout);
	}
	return 0;
}

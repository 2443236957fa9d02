/* Opens and reads a file two functions deep, then writes what it read: `reads_in_functions FILE`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline)) static int opens(const char *name)
{
	int fd = openat(AT_FDCWD, name, O_RDONLY);

	if (fd < 0)
		printf("errno %d\n", errno);
	return fd;
}

__attribute__((noinline)) static int reads(const char *name)
{
	char text[40];
	int fd = opens(name);
	ssize_t size = read(fd, text, sizeof text);

	if (size > 0)
		printf("%.*s\n", (int)size, text);
	close(fd);
	return fd < 0;
}

int main(int argc, char **argv)
{
	return argc < 2 || reads(argv[1]);
}

/* A bad disk, preloaded into a child: flushes that fail, writes that find no room.

   BAD_FSYNC   SUFFIX:N    the N-th and every later flush of a file of that ending fails with EIO
   FULL_WHILE  PATH        while this file exists, files whose path contains FULL_NAMES cannot grow
   FULL_NAMES  PART        as above
   FULL_UNLESS PATH        a file whose absence gives room again; may be unset
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int fails_to_flush(int fd) {
  static int passes;
  const char *rule = getenv("BAD_FSYNC");
  const char *colon = rule ? strrchr(rule, ':') : NULL;
  char path[4096];
  if (!colon || !path_of(fd, path, sizeof path)) return 0;
  size_t length = strlen(path), wanted = (size_t)(colon - rule);
  if (length < wanted || strncmp(path + length - wanted, rule, wanted)) return 0;
  if (__atomic_add_fetch(&passes, 1, __ATOMIC_SEQ_CST) < atoi(colon + 1)) return 0;
  errno = EIO;
  return 1;
}

static int finds_no_room(int fd, off_t end) {
  const char *flag = getenv("FULL_WHILE"), *names = getenv("FULL_NAMES");
  const char *room = getenv("FULL_UNLESS");
  char path[4096];
  struct stat status;
  if (!flag || !names || access(flag, F_OK) || (room && access(room, F_OK))) return 0;
  if (!path_of(fd, path, sizeof path) || !strstr(path, names)) return 0;
  if (fstat(fd, &status) || !S_ISREG(status.st_mode) || end <= status.st_size) return 0;
  errno = ENOSPC;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) { return fails_to_flush(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails_to_flush(fd) ? -1 : REAL(fdatasync)(fd); }

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return finds_no_room(fd, at + (off_t)size) ? -1 : REAL(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  return finds_no_room(fd, at + (off_t)size) ? -1 : REAL(pwrite64)(fd, data, size, at);
}
ssize_t write(int fd, const void *data, size_t size) {
  off_t at = lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && finds_no_room(fd, at + (off_t)size)) return -1;
  return REAL(write)(fd, data, size);
}
int posix_fallocate(int fd, off_t at, off_t size) {
  return finds_no_room(fd, at + size) ? ENOSPC : REAL(posix_fallocate)(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
  return finds_no_room(fd, at + size) ? ENOSPC : REAL(posix_fallocate64)(fd, at, size);
}

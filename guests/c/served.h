/*
 * SFTP packets, made by hand, to a component that `strongroom` runs: for tests of a storage as its clients see it. They
 * are compiled for the machine itself, `cc test.c served.c`.
 *
 *     const char *options[] = {"--set", "welcome=hello", NULL};
 *     struct served *served = served_start("shelf.wasm", options);
 *     struct served_handle handle;
 *     char data[100], *names;
 *     size_t count;
 *     assert(served_open(served, "/welcome.txt", SERVED_READ, &handle) == SERVED_OK);
 *     assert(served_read(served, &handle, 0, data, sizeof data, &count) == SERVED_OK && count == 6);
 *     assert(served_close(served, &handle) == SERVED_OK);
 *     served_begin(served, 17); // SSH_FXP_STAT is answered by SSH_FXP_ATTRS
 *     served_put_text(served, "/welcome.txt");
 *     assert(served_request(served) == 105);
 *     served_end(served);
 *
 * The program is the one that the environment variable STRONGROOM names, or `strongroom` in the PATH; what it says on
 * standard error goes where the test's own goes. A test ends by abort() if the program ends before it has answered, or
 * answers what is no reply. From the first session on, SIGPIPE is ignored.
 */
#ifndef STRONGROOM_SERVED_H
#define STRONGROOM_SERVED_H

#include <stddef.h>
#include <stdint.h>

struct served;

/* What a STATUS says; others than these are codes of SFTP too. */
enum served_status {
    SERVED_OK = 0,
    SERVED_EOF = 1,
    SERVED_NO_SUCH_FILE = 2,
    SERVED_PERMISSION_DENIED = 3,
    SERVED_FAILURE = 4,
    SERVED_UNSUPPORTED = 8,
};

/* What a file is opened for. */
enum served_flag {
    SERVED_READ = 1,
    SERVED_WRITE = 2,
    SERVED_APPEND = 4,
    SERVED_CREATE = 8,
    SERVED_TRUNCATE = 16,
    SERVED_EXCLUSIVE = 32,
};

/* Of an open file or directory. */
struct served_handle {
    size_t length;
    uint8_t bytes[256];
};

/* Serves the component in `file`, by `strongroom run` with further arguments, which a NULL ends; `options` may be NULL. */
struct served *served_start(const char *file, const char *const *options);
/* Ends the session, and waits for the program to end. */
void served_end(struct served *served);

enum served_status served_open(struct served *served, const char *path, uint32_t flags, struct served_handle *handle);
/* Up to `length` bytes; none at the end. */
enum served_status served_read(struct served *served, const struct served_handle *handle, uint64_t offset, void *data,
                               uint32_t length, size_t *count);
enum served_status served_write(struct served *served, const struct served_handle *handle, uint64_t offset,
                                const void *data, size_t length);
/* Of a file or a directory. */
enum served_status served_close(struct served *served, const struct served_handle *handle);
/* The names in a directory, one a line, in order, with "." and "..", to be freed. */
enum served_status served_list(struct served *served, const char *path, char **names);

/* A request of one's own: its type, its fields one after another, and then the type of the reply. */
void served_begin(struct served *served, uint8_t type);
void served_put_u32(struct served *served, uint32_t value);
void served_put_u64(struct served *served, uint64_t value);
/* Bytes with their length before them. */
void served_put_bytes(struct served *served, const void *bytes, size_t length);
void served_put_text(struct served *served, const char *text);
uint8_t served_request(struct served *served);

/* The fields of the reply in turn, which are there until the next request. */
uint32_t served_take_u32(struct served *served);
const uint8_t *served_take_bytes(struct served *served, size_t *length);

#endif

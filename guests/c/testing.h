/*
 * A client of a storage without a host, a server or WebAssembly: what a storage's own tests are written with. They are
 * compiled for the machine itself, `cc test.c storage.c testing.c`, with files.c if the storage is made of it.
 *
 *     struct strongroom_setting settings[] = {{"bucket", "photos"}};
 *     struct test_client *client;
 *     struct test_file *file;
 *     char data[5];
 *     uint32_t count;
 *     assert(test_connect(settings, 1, &client) == STRONGROOM_OK);
 *     assert(test_open(client, "/hello", STRONGROOM_READ, &file) == STRONGROOM_OK);
 *     assert(test_read(file, 0, data, sizeof data, &count) == STRONGROOM_OK && count == 5);
 *     assert(test_close(file, true) == STRONGROOM_OK);
 *     test_disconnect(client);
 *
 * What the table of functions leaves out answers as it does in the component. A test ends by abort() if a storage breaks
 * the contract, as by a name that is none.
 */
#ifndef STRONGROOM_TESTING_H
#define STRONGROOM_TESTING_H

#include "strongroom.h"

struct test_client;
struct test_file;

/* Connects as the user alice. */
enum strongroom_error test_connect(const struct strongroom_setting *settings, size_t count, struct test_client **client);
/* Ends the session; its files are closed before. */
void test_disconnect(struct test_client *client);
/* The session as the storage knows it, for calls that have no function here. */
void *test_session(struct test_client *client);

/* A file that is created gets the permissions 0644. */
enum strongroom_error test_open(struct test_client *client, const char *path, unsigned flags, struct test_file **file);
enum strongroom_error test_read(struct test_file *file, uint64_t offset, void *data, uint32_t length, uint32_t *count);
enum strongroom_error test_write(struct test_file *file, uint64_t offset, const void *data, size_t length);
enum strongroom_error test_file_stat(struct test_file *file, struct strongroom_attributes *found);
enum strongroom_error test_close(struct test_file *file, bool commit);

/* The names in a directory, one a line, in the storage's order, to be freed. */
enum strongroom_error test_list(struct test_client *client, const char *path, char **names);
enum strongroom_error test_stat(struct test_client *client, const char *path, struct strongroom_attributes *found);
enum strongroom_error test_remove(struct test_client *client, const char *path);
enum strongroom_error test_rename(struct test_client *client, const char *source, const char *destination, bool replace);
enum strongroom_error test_make_directory(struct test_client *client, const char *path);

/* What the storage last said with strongroom_explain; NULL if nothing. */
const char *test_message(void);
const char *test_detail(void);

#endif

/* The client for tests, and what a component gets from the host. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef enum strongroom_error error;

struct test_client { void *session; };
struct test_file { void *own; unsigned flags; };

static const struct strongroom_storage *const storage = &strongroom_storage;
static char *message, *detail;

static void *memory(size_t size) {
    void *new = calloc(1, size);
    if (!new) abort();
    return new;
}

static char *copied(const char *text) { return text ? strcpy(memory(strlen(text) + 1), text) : NULL; }

void strongroom_explain(const char *for_client, const char *for_log) {
    free(message);
    free(detail);
    message = copied(for_client);
    detail = copied(for_log);
}

const char *test_message(void) { return message; }
const char *test_detail(void) { return detail; }

struct strongroom_time strongroom_now(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (struct strongroom_time){now.tv_sec, (uint32_t)now.tv_nsec};
}

static void begin(void) { strongroom_explain(NULL, NULL); }

error test_connect(const struct strongroom_setting *settings, size_t count, struct test_client **client) {
    begin();
    struct strongroom_client who = {.user = "alice", .session_id = "test", .settings = settings, .setting_count = count};
    struct test_client *new = memory(sizeof *new);
    error result = storage->connect ? storage->connect(&who, &new->session) : STRONGROOM_OK;
    if (result == STRONGROOM_OK) *client = new;
    else free(new);
    return result;
}

void test_disconnect(struct test_client *client) {
    begin();
    if (storage->disconnect) storage->disconnect(client->session);
    free(client);
}

void *test_session(struct test_client *client) { return client->session; }

error test_open(struct test_client *client, const char *path, unsigned flags, struct test_file **file) {
    begin();
    const unsigned changing = STRONGROOM_WRITE | STRONGROOM_CREATE | STRONGROOM_TRUNCATE;
    if (!storage->open) return STRONGROOM_UNSUPPORTED;
    if ((flags & changing) && !storage->write) return STRONGROOM_READ_ONLY;
    struct test_file *new = memory(sizeof *new);
    new->flags = flags;
    error result = storage->open(client->session, path, flags, 0644, &new->own);
    if (result == STRONGROOM_OK) *file = new;
    else free(new);
    return result;
}

error test_read(struct test_file *file, uint64_t offset, void *data, uint32_t length, uint32_t *count) {
    begin();
    *count = 0;
    if (!storage->read) return STRONGROOM_UNSUPPORTED;
    if (!(file->flags & STRONGROOM_READ)) return STRONGROOM_FAILURE;
    error result = storage->read(file->own, offset, data, length, count);
    if (*count > length) abort();
    return result;
}

error test_write(struct test_file *file, uint64_t offset, const void *data, size_t length) {
    begin();
    if (!storage->write) return STRONGROOM_READ_ONLY;
    if (!(file->flags & STRONGROOM_WRITE)) return STRONGROOM_FAILURE;
    return storage->write(file->own, offset, data, length);
}

error test_file_stat(struct test_file *file, struct strongroom_attributes *found) {
    begin();
    *found = (struct strongroom_attributes){0};
    return storage->file_stat ? storage->file_stat(file->own, found) : STRONGROOM_UNSUPPORTED;
}

error test_close(struct test_file *file, bool commit) {
    begin();
    error result = storage->close ? storage->close(file->own, commit) : STRONGROOM_OK;
    free(file);
    return result;
}

static void check_name(const char *name) {
    bool is_name = *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
    if (is_name) return;
    fprintf(stderr, "\"%s\" is no name in a directory\n", name);
    abort();
}

static error append_names(void *directory, char *names, size_t length, char **result) {
    for (;;) {
        const char *name = NULL;
        struct strongroom_attributes found = {0};
        error failed = storage->read_directory(directory, &name, &found);
        if (failed) return free(names), failed;
        if (!name) break;
        check_name(name);
        char *grown = realloc(names, length + strlen(name) + 2);
        if (!grown) abort();
        names = grown;
        length += (size_t)sprintf(names + length, "%s\n", name);
    }
    *result = names;
    return STRONGROOM_OK;
}

error test_list(struct test_client *client, const char *path, char **names) {
    begin();
    void *directory = NULL;
    if (!storage->open_directory || !storage->read_directory) return STRONGROOM_UNSUPPORTED;
    error result = storage->open_directory(client->session, path, &directory);
    if (result) return result;
    result = append_names(directory, memory(1), 0, names);
    if (storage->close_directory) storage->close_directory(directory);
    return result;
}

error test_stat(struct test_client *client, const char *path, struct strongroom_attributes *found) {
    begin();
    *found = (struct strongroom_attributes){0};
    return storage->stat ? storage->stat(client->session, path, true, found) : STRONGROOM_UNSUPPORTED;
}

error test_remove(struct test_client *client, const char *path) {
    begin();
    return storage->remove ? storage->remove(client->session, path) : STRONGROOM_READ_ONLY;
}

error test_rename(struct test_client *client, const char *source, const char *destination, bool replace) {
    begin();
    return storage->rename ? storage->rename(client->session, source, destination, replace) : STRONGROOM_READ_ONLY;
}

error test_make_directory(struct test_client *client, const char *path) {
    begin();
    return storage->make_directory ? storage->make_directory(client->session, path, 0755) : STRONGROOM_READ_ONLY;
}

/* Simple: files in memory, for as long as the session lasts. It has every operation that a storage can have. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

STRONGROOM_WANTS(STRONGROOM_NAME("simple", "0.1.0", "Files in memory, for as long as the session lasts"))

/* A session is a table of names. Two names of one node are hard links. */
typedef struct strongroom_names session;

struct file {
    struct strongroom_node *node;
    bool appends;
};

static struct strongroom_room room = {.capacity = 64 << 20};

static enum strongroom_error connect(const struct strongroom_client *client, void **connected) {
    (void)client;
    session *names = *connected = calloc(1, sizeof *names);
    if (!names) return STRONGROOM_NO_SPACE;
    enum strongroom_error error = strongroom_add(names, "/", strongroom_new_node(&room, STRONGROOM_DIRECTORY, 0755));
    if (error) free(names);
    return error;
}

static void disconnect(void *names) {
    strongroom_clear(names);
    free(names);
}

static enum strongroom_error stat(void *names, const char *path, bool follow, struct strongroom_attributes *found) {
    struct strongroom_node *node;
    STRONGROOM_TRY(strongroom_find(names, path, follow, &node));
    *found = node->attributes;
    return STRONGROOM_OK;
}

static enum strongroom_error set_stat(void *names, const char *path, bool follow,
                                      const struct strongroom_attributes *changes) {
    struct strongroom_node *node;
    STRONGROOM_TRY(strongroom_find(names, path, follow, &node));
    return strongroom_change(node, changes);
}

static enum strongroom_error real_path(void *names, const char *path, char *found, size_t size) {
    char resolved[STRONGROOM_PATH_SIZE];
    STRONGROOM_TRY(strongroom_resolve(names, path, true, resolved));
    snprintf(found, size, "%s", resolved);
    return STRONGROOM_OK;
}

static enum strongroom_error make_directory(void *names, const char *path, uint16_t permissions) {
    return strongroom_add(names, path, strongroom_new_node(&room, STRONGROOM_DIRECTORY, permissions));
}

static enum strongroom_error remove_directory(void *names, const char *path) {
    return strongroom_remove(names, path, true);
}

static enum strongroom_error remove_file(void *names, const char *path) {
    return strongroom_remove(names, path, false);
}

static enum strongroom_error rename_path(void *names, const char *source, const char *destination, bool replace) {
    return strongroom_rename(names, source, destination, replace);
}

static enum strongroom_error read_link(void *names, const char *path, char *target, size_t size) {
    struct strongroom_node *link;
    STRONGROOM_TRY(strongroom_find(names, path, false, &link));
    if (link->attributes.kind != STRONGROOM_SYMLINK) return STRONGROOM_INVALID_ARGUMENT;
    target[strongroom_read(link, 0, target, (uint32_t)size - 1)] = '\0';
    return STRONGROOM_OK;
}

static enum strongroom_error make_symlink(void *names, const char *target, const char *path) {
    struct strongroom_node *link = strongroom_new_node(&room, STRONGROOM_SYMLINK, 0777);
    STRONGROOM_TRY(strongroom_add(names, path, link));
    enum strongroom_error error = strongroom_write(link, 0, target, strlen(target));
    if (error) strongroom_remove(names, path, false);
    return error;
}

static enum strongroom_error hard_link(void *names, const char *existing, const char *path) {
    struct strongroom_node *node;
    STRONGROOM_TRY(strongroom_find(names, existing, false, &node));
    if (node->attributes.kind == STRONGROOM_DIRECTORY) return STRONGROOM_IS_A_DIRECTORY;
    return strongroom_add(names, path, node);
}

static enum strongroom_error usage(void *names, const char *path, struct strongroom_usage *found) {
    struct strongroom_node *node;
    STRONGROOM_TRY(strongroom_find(names, path, true, &node));
    *found = strongroom_usage_of(node->room);
    return STRONGROOM_OK;
}

static enum strongroom_error open_directory(void *names, const char *path, void **directory) {
    struct strongroom_listing *listing;
    STRONGROOM_TRY(strongroom_list(names, path, &listing));
    *directory = listing;
    return STRONGROOM_OK;
}

static enum strongroom_error read_directory(void *directory, const char **name, struct strongroom_attributes *found) {
    const struct strongroom_node *node = strongroom_next(directory, name);
    if (node) *found = node->attributes;
    return STRONGROOM_OK;
}

static void close_directory(void *directory) { strongroom_end_list(directory); }

static enum strongroom_error open(void *names, const char *path, unsigned flags, uint16_t permissions, void **opened) {
    char resolved[STRONGROOM_PATH_SIZE];
    struct strongroom_node *node;
    bool creates;
    STRONGROOM_TRY(strongroom_resolve(names, path, !(flags & STRONGROOM_EXCLUSIVE), resolved));
    strongroom_find(names, resolved, false, &node);
    STRONGROOM_TRY(strongroom_must_create(flags, node != NULL, &creates));
    if (creates) {
        node = strongroom_new_node(&room, STRONGROOM_REGULAR, permissions);
        STRONGROOM_TRY(strongroom_add(names, resolved, node));
    }
    if (node->attributes.kind == STRONGROOM_DIRECTORY) return STRONGROOM_IS_A_DIRECTORY;
    const struct strongroom_attributes empty = {.has = STRONGROOM_HAS_SIZE, .size = 0};
    if (flags & STRONGROOM_TRUNCATE) STRONGROOM_TRY(strongroom_change(node, &empty));
    struct file *file = malloc(sizeof *file);
    if (!file) return STRONGROOM_NO_SPACE;
    *file = (struct file){strongroom_hold(node), flags & STRONGROOM_APPEND};
    *opened = file;
    return STRONGROOM_OK;
}

static enum strongroom_error read_file(void *opened, uint64_t offset, void *data, uint32_t length, uint32_t *count) {
    struct file *file = opened;
    *count = strongroom_read(file->node, offset, data, length);
    return STRONGROOM_OK;
}

static enum strongroom_error write_file(void *opened, uint64_t offset, const void *data, size_t length) {
    struct file *file = opened;
    return strongroom_write(file->node, file->appends ? file->node->attributes.size : offset, data, length);
}

static enum strongroom_error file_stat(void *opened, struct strongroom_attributes *found) {
    struct file *file = opened;
    *found = file->node->attributes;
    return STRONGROOM_OK;
}

static enum strongroom_error file_set_stat(void *opened, const struct strongroom_attributes *changes) {
    struct file *file = opened;
    return strongroom_change(file->node, changes);
}

static enum strongroom_error file_usage(void *opened, struct strongroom_usage *found) {
    struct file *file = opened;
    *found = strongroom_usage_of(file->node->room);
    return STRONGROOM_OK;
}

/* What was written is as safe as it will ever be. */
static enum strongroom_error sync_file(void *opened) { return (void)opened, STRONGROOM_OK; }

static enum strongroom_error close_file(void *opened, bool commit) {
    (void)commit;
    struct file *file = opened;
    strongroom_release(file->node);
    free(file);
    return STRONGROOM_OK;
}

const struct strongroom_storage strongroom_storage = {
    .features = STRONGROOM_SYMLINKS | STRONGROOM_HARD_LINKS | STRONGROOM_ATOMIC_REPLACE | STRONGROOM_SYNC
        | STRONGROOM_USAGE | STRONGROOM_PERMISSIONS | STRONGROOM_OWNERSHIP | STRONGROOM_TIMES | STRONGROOM_RANDOM_WRITE,
    .connect = connect, .disconnect = disconnect, .stat = stat, .set_stat = set_stat, .real_path = real_path,
    .make_directory = make_directory, .remove_directory = remove_directory, .remove = remove_file,
    .rename = rename_path, .read_link = read_link, .symlink = make_symlink, .hard_link = hard_link, .usage = usage,
    .open_directory = open_directory, .read_directory = read_directory, .close_directory = close_directory,
    .open = open, .read = read_file, .write = write_file, .file_stat = file_stat, .file_set_stat = file_set_stat,
    .file_usage = file_usage, .sync = sync_file, .close = close_file,
};

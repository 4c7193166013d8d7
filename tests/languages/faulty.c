/* A storage that fails in ways that an author may not have thought of; `/good` is all that works. */
#include "strongroom.h"

#include <string.h>

static enum strongroom_error stat(void *session, const char *path, bool follow, struct strongroom_attributes *found) {
    (void)session, (void)follow;
    bool directory = strcmp(path, "/") == 0 || strcmp(path, "/bad-name") == 0;
    found->kind = directory ? STRONGROOM_DIRECTORY : STRONGROOM_REGULAR;
    return STRONGROOM_OK;
}

static const char *names[2];

static enum strongroom_error open_directory(void *session, const char *path, void **directory) {
    (void)session;
    names[0] = strcmp(path, "/") == 0 ? "good" : "no UTF-8: \xff";
    *directory = names;
    return STRONGROOM_OK;
}

static enum strongroom_error read_directory(void *directory, const char **name, struct strongroom_attributes *found) {
    (void)directory, (void)found;
    *name = names[0];
    names[0] = NULL;
    return STRONGROOM_OK;
}

static enum strongroom_error open(void *session, const char *path, unsigned flags, uint16_t permissions, void **file) {
    (void)session, (void)flags, (void)permissions;
    *file = strcmp(path, "/throws") == 0 ? names : NULL;
    return STRONGROOM_OK;
}

static enum strongroom_error read_file(void *file, uint64_t offset, void *data, uint32_t length, uint32_t *count) {
    (void)offset, (void)data;
    *count = length;
    if (!file) return (enum strongroom_error)999;
    strongroom_explain(NULL, "by mistake");
    return STRONGROOM_FAILURE;
}

static enum strongroom_error remove_file(void *session, const char *path) {
    (void)session, (void)path;
    strongroom_explain(NULL, "for the log only");
    return STRONGROOM_PERMISSION_DENIED;
}

const struct strongroom_storage strongroom_storage = {
    .stat = stat, .open_directory = open_directory, .read_directory = read_directory,
    .open = open, .read = read_file, .file_stat = NULL, .remove = remove_file,
};

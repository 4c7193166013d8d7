/* Simple: files in memory, for as long as the session lasts. It has every operation that a storage can have. */
#include "strongroom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 4096, BLOCK = 4096, BLOCKS = 16384, LINKS_MAX = 40 };

STRONGROOM_WANTS(STRONGROOM_NAME("simple", "0.1.0", "Files in memory, for as long as the session lasts"))

/* What all files together take, in blocks. */
static size_t blocks_used;

struct node {
    struct strongroom_attributes attributes;
    uint8_t *data; /* of a symbolic link, the target and NUL */
    size_t blocks, references; /* names and open files */
};

/* One file, directory or link under one name. A name that is removed leaves a gap, so that listings keep their place. */
struct name {
    char *path; /* NULL for a gap */
    struct node *node;
};

struct session { struct name *names; size_t count; };
struct file { struct node *node; unsigned flags; };
struct directory { struct session *session; char path[PATH_MAX_BYTES]; size_t next; };

#define TRY(call) do { enum strongroom_error error_ = (call); if (error_) return error_; } while (0)

static struct node *new_node(enum strongroom_kind kind, uint16_t permissions) {
    struct node *node = calloc(1, sizeof *node);
    if (!node) return NULL;
    node->attributes = (struct strongroom_attributes){
        .has = STRONGROOM_HAS_SIZE | STRONGROOM_HAS_PERMISSIONS | STRONGROOM_HAS_ACCESSED | STRONGROOM_HAS_MODIFIED
            | STRONGROOM_HAS_LINK_COUNT,
        .kind = kind, .permissions = permissions, .accessed = strongroom_now(), .modified = strongroom_now(),
    };
    return node;
}

static void release(struct node *node) {
    if (--node->references > 0) return;
    blocks_used -= node->blocks;
    free(node->data);
    free(node);
}

/* The name at a resolved path, in which "" is the root. */
static struct name *look(struct session *session, const char *path) {
    for (size_t at = 0; at < session->count; at++)
        if (session->names[at].path && strcmp(session->names[at].path, path) == 0) return &session->names[at];
    return NULL;
}

static enum strongroom_error add(struct session *session, const char *path, struct node *node) {
    if (!node) return STRONGROOM_NO_SPACE;
    struct name *grown = realloc(session->names, (session->count + 1) * sizeof *grown);
    char *kept = strdup(path);
    if (grown) session->names = grown;
    if (!grown || !kept) return free(kept), STRONGROOM_NO_SPACE;
    session->names[session->count++] = (struct name){kept, node};
    node->references++;
    node->attributes.link_count++;
    return STRONGROOM_OK;
}

static void drop(struct name *name) {
    free(name->path);
    name->path = NULL;
    name->node->attributes.link_count--;
    release(name->node);
}

static bool beneath(const char *path, const char *directory) {
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* Writes where a path leads, with links followed on the way and, if `follow`, at the end, and finds what is there. */
static enum strongroom_error resolve(struct session *session, const char *path, bool follow, char *resolved,
                                     struct name **found) {
    char ahead[2 * PATH_MAX_BYTES], *at = ahead;
    if (snprintf(ahead, sizeof ahead, "%s", path) >= PATH_MAX_BYTES) return STRONGROOM_NAME_TOO_LONG;
    *resolved = '\0';
    *found = look(session, "");
    for (int links = 0; at += strspn(at, "/"), *at;) {
        size_t length = strcspn(at, "/"), end = strlen(resolved);
        char *part = at;
        at += length;
        if (length == 1 && part[0] == '.') continue;
        if (length == 2 && strncmp(part, "..", 2) == 0) {
            if (end > 0) *strrchr(resolved, '/') = '\0';
            *found = look(session, resolved);
            continue;
        }
        if (!*found) return STRONGROOM_NO_SUCH_FILE;
        if ((*found)->node->attributes.kind != STRONGROOM_DIRECTORY) return STRONGROOM_NOT_A_DIRECTORY;
        if (end + length + 2 > PATH_MAX_BYTES) return STRONGROOM_NAME_TOO_LONG;
        sprintf(resolved + end, "/%.*s", (int)length, part);
        *found = look(session, resolved);
        if (!*found || (*found)->node->attributes.kind != STRONGROOM_SYMLINK || !(follow || *at)) continue;
        if (++links > LINKS_MAX) return STRONGROOM_LOOP;
        char rest[2 * PATH_MAX_BYTES];
        const char *target = (const char *)(*found)->node->data;
        if (snprintf(rest, sizeof rest, "%s%s", target, at) >= PATH_MAX_BYTES) return STRONGROOM_NAME_TOO_LONG;
        resolved[*target == '/' ? 0 : end] = '\0';
        at = strcpy(ahead, rest);
        *found = look(session, resolved);
    }
    return STRONGROOM_OK;
}

/* As `resolve`, for what must be there. */
static enum strongroom_error find(struct session *session, const char *path, bool follow, struct name **found) {
    char resolved[PATH_MAX_BYTES];
    TRY(resolve(session, path, follow, resolved, found));
    return *found ? STRONGROOM_OK : STRONGROOM_NO_SUCH_FILE;
}

/* Adds a new node at a path where nothing may be. */
static enum strongroom_error make(struct session *session, const char *path, struct node *node) {
    char resolved[PATH_MAX_BYTES];
    struct name *old;
    enum strongroom_error error = resolve(session, path, false, resolved, &old);
    if (!error) error = old ? STRONGROOM_ALREADY_EXISTS : add(session, resolved, node);
    if (error && node && node->references == 0) free(node->data), free(node);
    return error;
}

static bool is(struct name *name, enum strongroom_kind kind) { return name->node->attributes.kind == kind; }

static bool is_empty(struct session *session, struct name *directory) {
    for (size_t at = 0; at < session->count; at++)
        if (session->names[at].path && beneath(session->names[at].path, directory->path)) return false;
    return true;
}

static enum strongroom_error resize(struct node *node, uint64_t size) {
    struct strongroom_attributes *attributes = &node->attributes;
    if (size > (uint64_t)node->blocks * BLOCK) {
        if (size > (uint64_t)BLOCKS * BLOCK) return STRONGROOM_NO_SPACE;
        size_t blocks = (size + size / 4) / BLOCK + 1;
        if (blocks - node->blocks > BLOCKS - blocks_used) return STRONGROOM_NO_SPACE;
        uint8_t *grown = realloc(node->data, blocks * BLOCK);
        if (!grown) return STRONGROOM_NO_SPACE;
        blocks_used += blocks - node->blocks;
        node->blocks = blocks;
        node->data = grown;
    }
    if (size > attributes->size) memset(node->data + attributes->size, 0, size - attributes->size);
    attributes->size = size;
    attributes->modified = strongroom_now();
    return STRONGROOM_OK;
}

static enum strongroom_error change(struct node *node, const struct strongroom_attributes *changes) {
    struct strongroom_attributes *attributes = &node->attributes;
    if (changes->has & STRONGROOM_HAS_SIZE) {
        if (attributes->kind == STRONGROOM_DIRECTORY) return STRONGROOM_IS_A_DIRECTORY;
        if (attributes->kind != STRONGROOM_REGULAR) return STRONGROOM_INVALID_ARGUMENT;
        TRY(resize(node, changes->size));
    }
    attributes->has |= changes->has;
    if (changes->has & STRONGROOM_HAS_PERMISSIONS) attributes->permissions = changes->permissions;
    if (changes->has & STRONGROOM_HAS_ACCESSED) attributes->accessed = changes->accessed;
    if (changes->has & STRONGROOM_HAS_MODIFIED) attributes->modified = changes->modified;
    if (changes->has & STRONGROOM_HAS_UID) attributes->uid = changes->uid;
    if (changes->has & STRONGROOM_HAS_GID) attributes->gid = changes->gid;
    return STRONGROOM_OK;
}

static void disconnect(void *of) {
    struct session *session = of;
    for (size_t at = 0; at < session->count; at++)
        if (session->names[at].path) drop(&session->names[at]);
    free(session->names);
    free(session);
}

static enum strongroom_error connect(const struct strongroom_client *client, void **session) {
    (void)client;
    *session = calloc(1, sizeof(struct session));
    return *session ? add(*session, "", new_node(STRONGROOM_DIRECTORY, 0755)) : STRONGROOM_NO_SPACE;
}

static enum strongroom_error stat(void *session, const char *path, bool follow, struct strongroom_attributes *found) {
    struct name *name;
    TRY(find(session, path, follow, &name));
    *found = name->node->attributes;
    return STRONGROOM_OK;
}

static enum strongroom_error set_stat(void *session, const char *path, bool follow,
                                      const struct strongroom_attributes *changes) {
    struct name *name;
    TRY(find(session, path, follow, &name));
    return change(name->node, changes);
}

static enum strongroom_error real_path(void *session, const char *path, char *resolved, size_t size) {
    char found[PATH_MAX_BYTES];
    struct name *name;
    TRY(resolve(session, path, true, found, &name));
    snprintf(resolved, size, "%s", *found ? found : "/");
    return STRONGROOM_OK;
}

static enum strongroom_error make_directory(void *session, const char *path, uint16_t permissions) {
    return make(session, path, new_node(STRONGROOM_DIRECTORY, permissions));
}

static enum strongroom_error remove_directory(void *session, const char *path) {
    struct name *name;
    TRY(find(session, path, false, &name));
    if (!is(name, STRONGROOM_DIRECTORY)) return STRONGROOM_NOT_A_DIRECTORY;
    if (!*name->path) return STRONGROOM_BUSY;
    if (!is_empty(session, name)) return STRONGROOM_NOT_EMPTY;
    drop(name);
    return STRONGROOM_OK;
}

static enum strongroom_error remove_file(void *session, const char *path) {
    struct name *name;
    TRY(find(session, path, false, &name));
    if (is(name, STRONGROOM_DIRECTORY)) return STRONGROOM_IS_A_DIRECTORY;
    drop(name);
    return STRONGROOM_OK;
}

/* What stands in the way of moving `name` over `old`. */
static enum strongroom_error in_the_way(struct session *session, struct name *name, struct name *old) {
    bool directory = is(name, STRONGROOM_DIRECTORY), replaced = is(old, STRONGROOM_DIRECTORY);
    if (replaced && !directory) return STRONGROOM_IS_A_DIRECTORY;
    if (directory && !replaced) return STRONGROOM_NOT_A_DIRECTORY;
    return replaced && !is_empty(session, old) ? STRONGROOM_NOT_EMPTY : STRONGROOM_OK;
}

static enum strongroom_error rename_path(void *of, const char *source, const char *destination, bool replace) {
    struct session *session = of;
    char from[PATH_MAX_BYTES], to[PATH_MAX_BYTES], moved[2 * PATH_MAX_BYTES];
    struct name *name, *old;
    TRY(resolve(session, source, false, from, &name));
    if (!name) return STRONGROOM_NO_SUCH_FILE;
    if (!*from) return STRONGROOM_BUSY;
    TRY(resolve(session, destination, false, to, &old));
    if (beneath(to, from)) return STRONGROOM_INVALID_ARGUMENT;
    if (old && !replace) return STRONGROOM_ALREADY_EXISTS;
    if (old && old->node == name->node) return STRONGROOM_OK;
    if (old) {
        TRY(in_the_way(session, name, old));
        drop(old);
    }
    for (size_t at = 0; at < session->count; at++) {
        char **path = &session->names[at].path;
        if (!*path || (strcmp(*path, from) != 0 && !beneath(*path, from))) continue;
        snprintf(moved, sizeof moved, "%s%s", to, *path + strlen(from));
        char *kept = strdup(moved);
        if (!kept) return STRONGROOM_NO_SPACE;
        free(*path);
        *path = kept;
    }
    return STRONGROOM_OK;
}

static enum strongroom_error read_link(void *session, const char *path, char *target, size_t size) {
    struct name *name;
    TRY(find(session, path, false, &name));
    if (!is(name, STRONGROOM_SYMLINK)) return STRONGROOM_INVALID_ARGUMENT;
    snprintf(target, size, "%s", (const char *)name->node->data);
    return STRONGROOM_OK;
}

static enum strongroom_error make_symlink(void *session, const char *target, const char *path) {
    struct node *node = new_node(STRONGROOM_SYMLINK, 0777);
    if (!node || !(node->data = (uint8_t *)strdup(target))) return free(node), STRONGROOM_NO_SPACE;
    node->attributes.size = strlen(target);
    return make(session, path, node);
}

static enum strongroom_error hard_link(void *session, const char *existing, const char *path) {
    struct name *name;
    TRY(find(session, existing, false, &name));
    return is(name, STRONGROOM_DIRECTORY) ? STRONGROOM_IS_A_DIRECTORY : make(session, path, name->node);
}

static enum strongroom_error file_usage(void *file, struct strongroom_usage *found) {
    (void)file;
    size_t left = BLOCKS - blocks_used;
    *found = (struct strongroom_usage){
        .block_size = BLOCK, .fragment_size = BLOCK, .blocks = BLOCKS, .blocks_free = left, .blocks_available = left,
        .name_max = 255,
    };
    return STRONGROOM_OK;
}

static enum strongroom_error usage(void *session, const char *path, struct strongroom_usage *found) {
    struct name *name;
    TRY(find(session, path, true, &name));
    return file_usage(NULL, found);
}

static enum strongroom_error open_directory(void *session, const char *path, void **opened) {
    struct directory *directory = calloc(1, sizeof *directory);
    struct name *name;
    if (!directory) return STRONGROOM_NO_SPACE;
    enum strongroom_error error = resolve(session, path, true, directory->path, &name);
    if (!error) error = !name ? STRONGROOM_NO_SUCH_FILE
        : !is(name, STRONGROOM_DIRECTORY) ? STRONGROOM_NOT_A_DIRECTORY : STRONGROOM_OK;
    if (error) return free(directory), error;
    directory->session = session;
    *opened = directory;
    return STRONGROOM_OK;
}

static enum strongroom_error read_directory(void *opened, const char **name, struct strongroom_attributes *found) {
    struct directory *directory = opened;
    size_t skipped = strlen(directory->path) + 1;
    while (directory->next < directory->session->count) {
        struct name *next = &directory->session->names[directory->next++];
        if (!next->path || !beneath(next->path, directory->path) || strchr(next->path + skipped, '/')) continue;
        *name = next->path + skipped;
        *found = next->node->attributes;
        break;
    }
    return STRONGROOM_OK;
}

static enum strongroom_error open(void *session, const char *path, unsigned flags, uint16_t permissions, void **opened) {
    char resolved[PATH_MAX_BYTES];
    struct name *name;
    TRY(resolve(session, path, !(flags & STRONGROOM_EXCLUSIVE), resolved, &name));
    if (name && flags & STRONGROOM_EXCLUSIVE) return STRONGROOM_ALREADY_EXISTS;
    if (name && is(name, STRONGROOM_DIRECTORY)) return STRONGROOM_IS_A_DIRECTORY;
    if (!name && !(flags & STRONGROOM_CREATE)) return STRONGROOM_NO_SUCH_FILE;
    if (!name) TRY(make(session, resolved, new_node(STRONGROOM_REGULAR, permissions)));
    if (!name) TRY(find(session, resolved, false, &name));
    if (flags & STRONGROOM_TRUNCATE) TRY(resize(name->node, 0));
    struct file *file = calloc(1, sizeof *file);
    if (!file) return STRONGROOM_NO_SPACE;
    *file = (struct file){name->node, flags};
    file->node->references++;
    *opened = file;
    return STRONGROOM_OK;
}

static enum strongroom_error read_file(void *file, uint64_t offset, void *data, uint32_t length, uint32_t *count) {
    struct node *node = ((struct file *)file)->node;
    if (offset >= node->attributes.size) return STRONGROOM_OK;
    uint64_t left = node->attributes.size - offset;
    *count = left < length ? left : length;
    memcpy(data, node->data + offset, *count);
    return STRONGROOM_OK;
}

static enum strongroom_error write_file(void *opened, uint64_t offset, const void *data, size_t length) {
    struct file *file = opened;
    uint64_t size = file->node->attributes.size;
    if (file->flags & STRONGROOM_APPEND) offset = size;
    if (length == 0) return STRONGROOM_OK;
    if (offset > (uint64_t)BLOCKS * BLOCK) return STRONGROOM_NO_SPACE;
    TRY(resize(file->node, offset + length > size ? offset + length : size));
    memcpy(file->node->data + offset, data, length);
    return STRONGROOM_OK;
}

static enum strongroom_error file_stat(void *file, struct strongroom_attributes *found) {
    *found = ((struct file *)file)->node->attributes;
    return STRONGROOM_OK;
}

static enum strongroom_error file_set_stat(void *file, const struct strongroom_attributes *changes) {
    return change(((struct file *)file)->node, changes);
}

static enum strongroom_error sync_file(void *file) { return (void)file, STRONGROOM_OK; }

static enum strongroom_error close_file(void *file, bool commit) {
    (void)commit;
    release(((struct file *)file)->node);
    free(file);
    return STRONGROOM_OK;
}

const struct strongroom_storage strongroom_storage = {
    .features = STRONGROOM_SYMLINKS | STRONGROOM_HARD_LINKS | STRONGROOM_ATOMIC_REPLACE | STRONGROOM_SYNC
        | STRONGROOM_USAGE | STRONGROOM_PERMISSIONS | STRONGROOM_OWNERSHIP | STRONGROOM_TIMES | STRONGROOM_RANDOM_WRITE,
    .connect = connect, .disconnect = disconnect, .stat = stat, .set_stat = set_stat, .real_path = real_path,
    .make_directory = make_directory, .remove_directory = remove_directory, .remove = remove_file,
    .rename = rename_path, .read_link = read_link, .symlink = make_symlink, .hard_link = hard_link, .usage = usage,
    .open_directory = open_directory, .read_directory = read_directory, .close_directory = free, .open = open,
    .read = read_file, .write = write_file, .file_stat = file_stat, .file_set_stat = file_set_stat,
    .file_usage = file_usage, .sync = sync_file, .close = close_file,
};

/* Files in memory, for a component and for tests on the machine itself alike. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

/* As many links as Linux follows. */
enum { LINKS_MAX = 40 };

struct strongroom_listing {
    const struct strongroom_names *names;
    char *directory, *told; /* the last path that was told */
};

struct strongroom_node *strongroom_new_node(struct strongroom_room *room, enum strongroom_kind kind, uint16_t permissions) {
    struct strongroom_node *node = calloc(1, sizeof *node);
    if (!node) return NULL;
    struct strongroom_time now = strongroom_now();
    node->room = room;
    node->attributes = (struct strongroom_attributes){
        .has = STRONGROOM_HAS_SIZE | STRONGROOM_HAS_PERMISSIONS | STRONGROOM_HAS_ACCESSED | STRONGROOM_HAS_MODIFIED
            | STRONGROOM_HAS_LINK_COUNT,
        .kind = kind, .permissions = permissions, .accessed = now, .modified = now,
    };
    return node;
}

struct strongroom_node *strongroom_hold(struct strongroom_node *node) {
    node->references++;
    return node;
}

static void free_node(struct strongroom_node *node) {
    node->room->used -= node->attributes.size;
    free(node->data);
    free(node);
}

void strongroom_release(struct strongroom_node *node) {
    if (--node->references == 0) free_node(node);
}

uint32_t strongroom_read(const struct strongroom_node *node, uint64_t offset, void *data, uint32_t length) {
    uint64_t size = node->attributes.size;
    if (offset >= size) return 0;
    uint32_t count = size - offset < length ? (uint32_t)(size - offset) : length;
    memcpy(data, node->data + offset, count);
    return count;
}

/* What is held grows by a quarter, so that small writes stay cheap. */
static enum strongroom_error hold_bytes(struct strongroom_node *node, size_t size) {
    if (size < node->held) return STRONGROOM_OK;
    size_t held = size + size / 4 + 1;
    uint8_t *grown = realloc(node->data, held);
    if (!grown) return STRONGROOM_NO_SPACE;
    node->data = grown;
    node->held = held;
    return STRONGROOM_OK;
}

static enum strongroom_error resize(struct strongroom_node *node, uint64_t size) {
    uint64_t before = node->attributes.size, left = node->room->capacity - node->room->used;
    if (size > before) {
        if (size - before > left || size > SIZE_MAX / 2) return STRONGROOM_NO_SPACE;
        STRONGROOM_TRY(hold_bytes(node, (size_t)size));
        memset(node->data + before, 0, (size_t)(size - before));
    }
    node->room->used = node->room->used - before + size;
    node->attributes.size = size;
    node->attributes.modified = strongroom_now();
    if (node->data) node->data[size] = '\0';
    return STRONGROOM_OK;
}

enum strongroom_error strongroom_write(struct strongroom_node *node, uint64_t offset, const void *data, size_t length) {
    if (length == 0) return STRONGROOM_OK;
    if (length > UINT64_MAX - offset) return STRONGROOM_FILE_TOO_LARGE;
    uint64_t size = node->attributes.size, end = offset + length;
    STRONGROOM_TRY(resize(node, end > size ? end : size));
    memcpy(node->data + offset, data, length);
    return STRONGROOM_OK;
}

enum strongroom_error strongroom_change(struct strongroom_node *node, const struct strongroom_attributes *changes) {
    struct strongroom_attributes *attributes = &node->attributes;
    if (changes->has & STRONGROOM_HAS_SIZE) {
        if (attributes->kind == STRONGROOM_DIRECTORY) return STRONGROOM_IS_A_DIRECTORY;
        if (attributes->kind != STRONGROOM_REGULAR) return STRONGROOM_INVALID_ARGUMENT;
        STRONGROOM_TRY(resize(node, changes->size));
    }
    attributes->has |= changes->has;
    if (changes->has & STRONGROOM_HAS_PERMISSIONS) attributes->permissions = changes->permissions;
    if (changes->has & STRONGROOM_HAS_ACCESSED) attributes->accessed = changes->accessed;
    if (changes->has & STRONGROOM_HAS_MODIFIED) attributes->modified = changes->modified;
    if (changes->has & STRONGROOM_HAS_UID) attributes->uid = changes->uid;
    if (changes->has & STRONGROOM_HAS_GID) attributes->gid = changes->gid;
    return STRONGROOM_OK;
}

/* The first name that is not before `path`. */
static size_t place(const struct strongroom_names *names, const char *path) {
    size_t from = 0, to = names->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(names->names[middle].path, path) < 0) from = middle + 1;
        else to = middle;
    }
    return from;
}

static bool is_at(const struct strongroom_names *names, size_t at, const char *path) {
    return at < names->count && strcmp(names->names[at].path, path) == 0;
}

static struct strongroom_node *node_at(const struct strongroom_names *names, const char *resolved) {
    size_t at = place(names, resolved);
    return is_at(names, at, resolved) ? names->names[at].node : NULL;
}

/* Puts the target of a link in front of what is still ahead. */
static enum strongroom_error prepend(const char *target, char ahead[STRONGROOM_PATH_SIZE], const char *rest) {
    size_t length = strlen(target), left = strlen(rest);
    if (length == 0) return STRONGROOM_NO_SUCH_FILE;
    if (length + left >= STRONGROOM_PATH_SIZE) return STRONGROOM_NAME_TOO_LONG;
    memmove(ahead + length, rest, left + 1);
    memcpy(ahead, target, length);
    return STRONGROOM_OK;
}

/* Goes one component on; ".." at the root stays there. Here the root is "", so that every component has its slash. */
static enum strongroom_error step(char real[STRONGROOM_PATH_SIZE], const char *component, size_t length) {
    size_t end = strlen(real);
    if (length == 1 && *component == '.') return STRONGROOM_OK;
    if (length == 2 && strncmp(component, "..", 2) == 0) {
        if (end > 0) *strrchr(real, '/') = '\0';
        return STRONGROOM_OK;
    }
    if (end + length + 2 > STRONGROOM_PATH_SIZE) return STRONGROOM_NAME_TOO_LONG;
    real[end] = '/';
    memcpy(real + end + 1, component, length);
    real[end + 1 + length] = '\0';
    return STRONGROOM_OK;
}

/* `ahead` is used up. */
static enum strongroom_error walk(const struct strongroom_names *names, char ahead[STRONGROOM_PATH_SIZE], bool follow,
                                  char real[STRONGROOM_PATH_SIZE]) {
    const char *at = ahead;
    *real = '\0';
    for (int links = 0; at += strspn(at, "/"), *at;) {
        size_t length = strcspn(at, "/"), end = strlen(real);
        STRONGROOM_TRY(step(real, at, length));
        at += length;
        bool is_last = at[strspn(at, "/")] == '\0';
        const struct strongroom_node *node = node_at(names, *real ? real : "/");
        if (!node && !is_last) return STRONGROOM_NO_SUCH_FILE;
        if (node && node->attributes.kind == STRONGROOM_SYMLINK && (follow || !is_last)) {
            const char *target = node->data ? (const char *)node->data : "";
            if (++links > LINKS_MAX) return STRONGROOM_LOOP;
            real[*target == '/' ? 0 : end] = '\0';
            STRONGROOM_TRY(prepend(target, ahead, at));
            at = ahead;
        } else if (!is_last && node->attributes.kind != STRONGROOM_DIRECTORY) {
            return STRONGROOM_NOT_A_DIRECTORY;
        }
    }
    return STRONGROOM_OK;
}

enum strongroom_error strongroom_resolve(const struct strongroom_names *names, const char *path, bool follow,
                                         char resolved[STRONGROOM_PATH_SIZE]) {
    char ahead[STRONGROOM_PATH_SIZE];
    if (strlen(path) >= sizeof ahead) return STRONGROOM_NAME_TOO_LONG;
    strcpy(ahead, path);
    STRONGROOM_TRY(walk(names, ahead, follow, resolved));
    if (!*resolved) strcpy(resolved, "/");
    return STRONGROOM_OK;
}

enum strongroom_error strongroom_find(const struct strongroom_names *names, const char *path, bool follow,
                                      struct strongroom_node **found) {
    char resolved[STRONGROOM_PATH_SIZE];
    *found = NULL;
    STRONGROOM_TRY(strongroom_resolve(names, path, follow, resolved));
    *found = node_at(names, resolved);
    return *found ? STRONGROOM_OK : STRONGROOM_NO_SUCH_FILE;
}

static char *copied(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static enum strongroom_error insert(struct strongroom_names *names, const char *path, struct strongroom_node *node) {
    char resolved[STRONGROOM_PATH_SIZE];
    STRONGROOM_TRY(strongroom_resolve(names, path, false, resolved));
    size_t at = place(names, resolved);
    if (is_at(names, at, resolved)) return STRONGROOM_ALREADY_EXISTS;
    char *kept = copied(resolved);
    struct strongroom_name *grown = realloc(names->names, (names->count + 1) * sizeof *grown);
    if (grown) names->names = grown;
    if (!grown || !kept) return free(kept), STRONGROOM_NO_SPACE;
    memmove(grown + at + 1, grown + at, (names->count - at) * sizeof *grown);
    grown[at] = (struct strongroom_name){kept, strongroom_hold(node)};
    names->count++;
    node->attributes.link_count++;
    return STRONGROOM_OK;
}

enum strongroom_error strongroom_add(struct strongroom_names *names, const char *path, struct strongroom_node *node) {
    if (!node) return STRONGROOM_NO_SPACE;
    enum strongroom_error error = insert(names, path, node);
    if (node->references == 0) free_node(node);
    return error;
}

/* Whether a path is in a directory, or in one that is. */
static bool is_beneath(const char *path, const char *directory) {
    size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' && path[length + 1] != '\0';
}

/* Why the name at `at` cannot be removed as a directory, or as something else. */
static enum strongroom_error check_removal(const struct strongroom_names *names, size_t at, bool directory) {
    const struct strongroom_name *name = &names->names[at];
    bool is_directory = name->node->attributes.kind == STRONGROOM_DIRECTORY;
    if (is_directory != directory) return directory ? STRONGROOM_NOT_A_DIRECTORY : STRONGROOM_IS_A_DIRECTORY;
    if (strcmp(name->path, "/") == 0) return STRONGROOM_NOT_EMPTY;
    for (size_t other = at + 1; other < names->count; other++)
        if (is_beneath(names->names[other].path, name->path)) return STRONGROOM_NOT_EMPTY;
    return STRONGROOM_OK;
}

static void drop(struct strongroom_names *names, size_t at) {
    struct strongroom_name dropped = names->names[at];
    names->count--;
    memmove(names->names + at, names->names + at + 1, (names->count - at) * sizeof *names->names);
    dropped.node->attributes.link_count--;
    strongroom_release(dropped.node);
    free(dropped.path);
}

enum strongroom_error strongroom_remove(struct strongroom_names *names, const char *path, bool directory) {
    char resolved[STRONGROOM_PATH_SIZE];
    STRONGROOM_TRY(strongroom_resolve(names, path, false, resolved));
    size_t at = place(names, resolved);
    if (!is_at(names, at, resolved)) return STRONGROOM_NO_SUCH_FILE;
    STRONGROOM_TRY(check_removal(names, at, directory));
    drop(names, at);
    return STRONGROOM_OK;
}

static int by_path(const void *one, const void *other) {
    return strcmp(((const struct strongroom_name *)one)->path, ((const struct strongroom_name *)other)->path);
}

/* `to` in place of `from` at the beginning of a path, to be freed. NULL without memory. */
static char *moved(const char *path, const char *from, const char *to) {
    const char *rest = path + strlen(from);
    char *made = malloc(strlen(to) + strlen(rest) + 1);
    return made ? strcat(strcpy(made, to), rest) : NULL;
}

/* The new path of each name that moves, in an array to be freed; NULL without memory. */
static char **moved_paths(const struct strongroom_names *names, const char *from, const char *to) {
    char **paths = calloc(names->count, sizeof *paths);
    for (size_t at = 0; paths && at < names->count; at++) {
        const char *path = names->names[at].path;
        if (strcmp(path, from) != 0 && !is_beneath(path, from)) continue;
        if ((paths[at] = moved(path, from, to))) continue;
        while (at > 0) free(paths[--at]);
        free(paths);
        return NULL;
    }
    return paths;
}

/* Of resolved paths, where nothing but what is dropped for it stands in the way. */
static enum strongroom_error move(struct strongroom_names *names, const char *from, const char *to) {
    char **paths = moved_paths(names, from, to);
    if (!paths) return STRONGROOM_NO_SPACE;
    size_t replaced = place(names, to);
    bool replaces = is_at(names, replaced, to);
    for (size_t at = 0; at < names->count; at++) {
        if (!paths[at]) continue;
        free(names->names[at].path);
        names->names[at].path = paths[at];
    }
    free(paths);
    if (replaces) drop(names, replaced);
    qsort(names->names, names->count, sizeof *names->names, by_path);
    return STRONGROOM_OK;
}

enum strongroom_error strongroom_rename(struct strongroom_names *names, const char *source, const char *destination,
                                        bool replace) {
    char from[STRONGROOM_PATH_SIZE], to[STRONGROOM_PATH_SIZE];
    STRONGROOM_TRY(strongroom_resolve(names, source, false, from));
    STRONGROOM_TRY(strongroom_resolve(names, destination, false, to));
    const struct strongroom_node *node = node_at(names, from), *old = node_at(names, to);
    if (!node) return STRONGROOM_NO_SUCH_FILE;
    if (is_beneath(to, from)) return STRONGROOM_INVALID_ARGUMENT;
    if (old && !replace) return STRONGROOM_ALREADY_EXISTS;
    if (old == node) return STRONGROOM_OK;
    if (old) STRONGROOM_TRY(check_removal(names, place(names, to), node->attributes.kind == STRONGROOM_DIRECTORY));
    return move(names, from, to);
}

void strongroom_clear(struct strongroom_names *names) {
    while (names->count > 0) drop(names, names->count - 1);
    free(names->names);
    names->names = NULL;
}

enum strongroom_error strongroom_list(const struct strongroom_names *names, const char *path,
                                      struct strongroom_listing **opened) {
    char resolved[STRONGROOM_PATH_SIZE];
    STRONGROOM_TRY(strongroom_resolve(names, path, true, resolved));
    const struct strongroom_node *node = node_at(names, resolved);
    if (!node) return STRONGROOM_NO_SUCH_FILE;
    if (node->attributes.kind != STRONGROOM_DIRECTORY) return STRONGROOM_NOT_A_DIRECTORY;
    struct strongroom_listing *listing = calloc(1, sizeof *listing);
    if (!listing) return STRONGROOM_NO_SPACE;
    *listing = (struct strongroom_listing){names, copied(resolved), copied(resolved)};
    if (!listing->directory || !listing->told) return strongroom_end_list(listing), STRONGROOM_NO_SPACE;
    *opened = listing;
    return STRONGROOM_OK;
}

static bool is_directly_in(const char *path, const char *directory) {
    size_t parent = (size_t)(strrchr(path, '/') - path);
    return is_beneath(path, directory) && parent == (strcmp(directory, "/") == 0 ? 0 : strlen(directory));
}

struct strongroom_node *strongroom_next(struct strongroom_listing *listing, const char **name) {
    const struct strongroom_names *names = listing->names;
    size_t at = place(names, listing->told);
    if (is_at(names, at, listing->told)) at++;
    while (at < names->count && !is_directly_in(names->names[at].path, listing->directory)) at++;
    char *told = at < names->count ? copied(names->names[at].path) : NULL;
    if (!told) return NULL;
    free(listing->told);
    listing->told = told;
    *name = strrchr(told, '/') + 1;
    return names->names[at].node;
}

void strongroom_end_list(struct strongroom_listing *listing) {
    free(listing->directory);
    free(listing->told);
    free(listing);
}

struct strongroom_usage strongroom_usage_of(const struct strongroom_room *room) {
    enum { BLOCK = 4096 };
    uint64_t left = (room->capacity - room->used) / BLOCK;
    return (struct strongroom_usage){
        .block_size = BLOCK, .fragment_size = BLOCK, .blocks = room->capacity / BLOCK, .blocks_free = left,
        .blocks_available = left, .name_max = 255,
    };
}

enum strongroom_error strongroom_must_create(unsigned flags, bool is_there, bool *creates) {
    *creates = !is_there;
    if (is_there) return flags & STRONGROOM_EXCLUSIVE ? STRONGROOM_ALREADY_EXISTS : STRONGROOM_OK;
    return flags & STRONGROOM_CREATE ? STRONGROOM_OK : STRONGROOM_NO_SUCH_FILE;
}

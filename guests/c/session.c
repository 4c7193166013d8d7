/* The exports of a session: all operations on paths. */
#include "exports.h"

#include <stdlib.h>
#include <string.h>

/* Operations on one path that answer nothing. */
#define ON_PATH(name, member, missing, ...) do { \
    begin(); \
    char *text = taken(path); \
    error result = storage->member ? STRONGROOM_NO_SPACE : (missing); \
    if (storage->member && text) result = storage->member(__VA_ARGS__); \
    free(text); \
    TELL_NOTHING(name, result); \
} while (0)

/* Operations on two paths, `first` and `second`. */
#define ON_PATHS(name, member, missing, one, two, ...) do { \
    begin(); \
    char *first = taken(one), *second = taken(two); \
    error result = storage->member ? STRONGROOM_NO_SPACE : (missing); \
    if (storage->member && first && second) result = storage->member(__VA_ARGS__); \
    free(first); \
    free(second); \
    TELL_NOTHING(name, result); \
} while (0)

static error make_client(TYPE(client) *client, contract_list_tuple2_string_string_t *settings, void **session) {
    if (!storage->connect) return STRONGROOM_OK;
    struct strongroom_setting *set = calloc(settings->len + 1, sizeof *set);
    if (!set) return STRONGROOM_NO_SPACE;
    for (size_t at = 0; at < settings->len; at++) {
        set[at].name = taken(&settings->ptr[at].f0);
        set[at].value = taken(&settings->ptr[at].f1);
    }
    char *user = taken(&client->user), *id = taken(&client->session_id);
    char *address = client->address.is_some ? taken(&client->address.val) : NULL;
    struct strongroom_client told_client = {user, address, id, set, settings->len};
    error result = storage->connect(&told_client, session);
    for (size_t at = 0; at < settings->len; at++) {
        free((char *)set[at].name);
        free((char *)set[at].value);
    }
    free(user);
    free(id);
    free(address);
    free(set);
    return result;
}

NEVER_WAITS(connect)
contract_callback_code_t EXPORT(connect)(TYPE(client) *client, contract_list_tuple2_string_string_t *settings) {
    begin();
    struct EXPORT(session_t) *session = calloc(1, sizeof *session);
    error result = session ? make_client(client, settings, &session->own) : STRONGROOM_NO_SPACE;
    EXPORT(connected_t) connected = {.features = storage->features, .transfer_size = storage->transfer_size};
    contract_string_set(&connected.home, "/");
    if (result == STRONGROOM_OK) connected.session = EXPORT(session_new)(session);
    else free(session);
    TELL(connect, connected, result, connected);
    return DONE;
}

NEVER_WAITS(method_session_open)
contract_callback_code_t EXPORT(method_session_open)(
    struct EXPORT(session_t) *self, string *path, TYPE(open_flags) flags, uint16_t permissions) {
    begin();
    const unsigned changing = STRONGROOM_WRITE | STRONGROOM_CREATE | STRONGROOM_TRUNCATE;
    struct EXPORT(file_t) *file = calloc(1, sizeof *file);
    char *text = taken(path);
    error result = !storage->open ? STRONGROOM_UNSUPPORTED
        : (flags & changing) && !storage->write ? STRONGROOM_READ_ONLY
        : !file || !text ? STRONGROOM_NO_SPACE
        : storage->open(self->own, text, flags, permissions, &file->own);
    free(text);
    EXPORT(opened_t) opened = {.native = {.is_some = false}};
    if (result == STRONGROOM_OK) {
        file->flags = flags;
        opened.file = EXPORT(file_new)(file);
    } else {
        free(file);
    }
    TELL(method_session_open, opened, result, opened);
    return DONE;
}

NEVER_WAITS(method_session_open_directory)
contract_callback_code_t EXPORT(method_session_open_directory)(struct EXPORT(session_t) *self, string *path) {
    begin();
    struct EXPORT(directory_t) *directory = calloc(1, sizeof *directory);
    char *text = taken(path);
    error result = !storage->open_directory || !storage->read_directory ? STRONGROOM_UNSUPPORTED
        : !directory || !text ? STRONGROOM_NO_SPACE
        : storage->open_directory(self->own, text, &directory->own);
    free(text);
    EXPORT(own_directory_t) opened = {0};
    if (result == STRONGROOM_OK) opened = EXPORT(directory_new)(directory);
    else free(directory);
    TELL(method_session_open_directory, own_directory, result, opened);
    return DONE;
}

NEVER_WAITS(method_session_stat)
contract_callback_code_t EXPORT(method_session_stat)(struct EXPORT(session_t) *self, string *path, bool follow) {
    begin();
    struct strongroom_attributes found = {0};
    char *text = taken(path);
    error result = !storage->stat ? STRONGROOM_UNSUPPORTED
        : !text ? STRONGROOM_NO_SPACE
        : storage->stat(self->own, text, follow, &found);
    free(text);
    TELL(method_session_stat, attributes, result, attributes(&found));
    return DONE;
}

NEVER_WAITS(method_session_set_stat)
contract_callback_code_t EXPORT(method_session_set_stat)(
    struct EXPORT(session_t) *self, string *path, bool follow, TYPE(attribute_changes) *asked) {
    begin();
    bool refused;
    struct strongroom_attributes wanted = changes(asked, &refused), found = {0};
    char *text = taken(path);
    error result = !text ? STRONGROOM_NO_SPACE
        : storage->set_stat ? storage->set_stat(self->own, text, follow, &wanted)
        : storage->stat ? storage->stat(self->own, text, follow, &found)
        : STRONGROOM_UNSUPPORTED;
    free(text);
    refused |= wanted.has && !storage->set_stat;
    TELL_NOTHING(method_session_set_stat, result == STRONGROOM_OK && refused ? STRONGROOM_UNSUPPORTED : result);
}

/* As it stands, if the directory that it is in is there. */
static error plain_path(void *session, char *path) {
    char *slash = strrchr(path, '/');
    if (!slash || slash == path || !storage->stat) return STRONGROOM_OK;
    struct strongroom_attributes parent = {0};
    *slash = '\0';
    error result = storage->stat(session, path, true, &parent);
    *slash = '/';
    return result == STRONGROOM_OK && parent.kind != STRONGROOM_DIRECTORY ? STRONGROOM_NOT_A_DIRECTORY : result;
}

NEVER_WAITS(method_session_real_path)
contract_callback_code_t EXPORT(method_session_real_path)(struct EXPORT(session_t) *self, string *path) {
    begin();
    char *text = taken(path), *resolved = calloc(1, PATH_SIZE);
    error result = !text || !resolved ? STRONGROOM_NO_SPACE
        : storage->real_path ? storage->real_path(self->own, text, resolved, PATH_SIZE)
        : plain_path(self->own, text);
    string found = {NULL, 0};
    if (result == STRONGROOM_OK && !as_string(storage->real_path ? resolved : text, &found)) result = STRONGROOM_FAILURE;
    TELL(method_session_real_path, string, result, found);
    free(text);
    free(resolved);
    return DONE;
}

NEVER_WAITS(method_session_make_directory)
contract_callback_code_t EXPORT(method_session_make_directory)(
    struct EXPORT(session_t) *self, string *path, uint16_t permissions) {
    ON_PATH(method_session_make_directory, make_directory, STRONGROOM_READ_ONLY, self->own, text, permissions);
}

NEVER_WAITS(method_session_remove_directory)
contract_callback_code_t EXPORT(method_session_remove_directory)(struct EXPORT(session_t) *self, string *path) {
    ON_PATH(method_session_remove_directory, remove_directory, STRONGROOM_READ_ONLY, self->own, text);
}

NEVER_WAITS(method_session_remove)
contract_callback_code_t EXPORT(method_session_remove)(struct EXPORT(session_t) *self, string *path) {
    ON_PATH(method_session_remove, remove, STRONGROOM_READ_ONLY, self->own, text);
}

NEVER_WAITS(method_session_rename)
contract_callback_code_t EXPORT(method_session_rename)(
    struct EXPORT(session_t) *self, string *source, string *destination, bool replace) {
    ON_PATHS(method_session_rename, rename, STRONGROOM_READ_ONLY, source, destination,
             self->own, first, second, replace);
}

NEVER_WAITS(method_session_read_link)
contract_callback_code_t EXPORT(method_session_read_link)(struct EXPORT(session_t) *self, string *path) {
    begin();
    char *text = taken(path), *target = calloc(1, PATH_SIZE);
    error result = !storage->read_link ? STRONGROOM_UNSUPPORTED
        : !text || !target ? STRONGROOM_NO_SPACE
        : storage->read_link(self->own, text, target, PATH_SIZE);
    string found = {NULL, 0};
    if (result == STRONGROOM_OK && !as_string(target, &found)) result = STRONGROOM_FAILURE;
    TELL(method_session_read_link, string, result, found);
    free(text);
    free(target);
    return DONE;
}

NEVER_WAITS(method_session_symlink)
contract_callback_code_t EXPORT(method_session_symlink)(struct EXPORT(session_t) *self, string *target, string *path) {
    ON_PATHS(method_session_symlink, symlink, STRONGROOM_UNSUPPORTED, target, path, self->own, first, second);
}

NEVER_WAITS(method_session_hard_link)
contract_callback_code_t EXPORT(method_session_hard_link)(
    struct EXPORT(session_t) *self, string *existing, string *path) {
    ON_PATHS(method_session_hard_link, hard_link, STRONGROOM_UNSUPPORTED, existing, path, self->own, first, second);
}

NEVER_WAITS(method_session_usage)
contract_callback_code_t EXPORT(method_session_usage)(struct EXPORT(session_t) *self, string *path) {
    begin();
    struct strongroom_usage found = {0};
    char *text = taken(path);
    error result = !storage->usage ? STRONGROOM_UNSUPPORTED
        : !text ? STRONGROOM_NO_SPACE
        : storage->usage(self->own, text, &found);
    free(text);
    TELL(method_session_usage, usage, result, usage(&found));
    return DONE;
}

NEVER_WAITS(method_session_close)
contract_callback_code_t EXPORT(method_session_close)(struct EXPORT(session_t) *self) {
    begin();
    if (storage->disconnect) storage->disconnect(self->own);
    TELL_NOTHING(method_session_close, STRONGROOM_OK);
}

void EXPORT(session_destructor)(struct EXPORT(session_t) *self) { free(self); }

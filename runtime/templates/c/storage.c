/*
 * Notes in one directory, which are written, read, renamed and removed, and live as long as the session. Put what you
 * serve in place of the list.
 *
 * Setting: `welcome`, the text of the note `welcome.txt`, which is there from the beginning.
 */
#include "strongroom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTE_MAX = 16 << 20 };

/* It lives as long as it has a name or is open. */
struct note {
    uint8_t *text;
    size_t size, room, references;
    struct strongroom_time modified;
};

/* A name that is removed leaves a gap, so that listings keep their place. */
struct name { char *path; struct note *note; };
struct session { struct name *names; size_t count; };
struct file { struct note *note; bool appends; };
struct directory { struct session *session; size_t next; };

static bool is_root(const char *path) { return strcmp(path, "/") == 0; }

static struct name *find(struct session *session, const char *path) {
    for (size_t at = 0; at < session->count; at++)
        if (session->names[at].path && strcmp(session->names[at].path, path) == 0) return &session->names[at];
    return NULL;
}

static void release(struct note *note) {
    if (--note->references > 0) return;
    free(note->text);
    free(note);
}

static void drop(struct name *name) {
    free(name->path);
    name->path = NULL;
    release(name->note);
}

/* Whether a note could have this path: there is one directory. */
static enum strongroom_error check_place(struct session *session, const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == path) return STRONGROOM_OK;
    size_t length = (size_t)(slash - path);
    for (size_t at = 0; at < session->count; at++) {
        const char *note = session->names[at].path;
        if (note && strncmp(note, path, length) == 0 && note[length] == '\0') return STRONGROOM_NOT_A_DIRECTORY;
    }
    return STRONGROOM_NO_SUCH_FILE;
}

static enum strongroom_error create(struct session *session, const char *path, struct note **created) {
    enum strongroom_error error = check_place(session, path);
    if (error) return error;
    struct name *grown = realloc(session->names, (session->count + 1) * sizeof *grown);
    if (!grown) return STRONGROOM_NO_SPACE;
    session->names = grown;
    struct note *note = calloc(1, sizeof *note);
    char *kept = strdup(path);
    if (!note || !kept) return free(note), free(kept), STRONGROOM_NO_SPACE;
    note->references = 1;
    note->modified = strongroom_now();
    session->names[session->count++] = (struct name){kept, note};
    *created = note;
    return STRONGROOM_OK;
}

/* What is added is zeros; what is held grows by halves, so that small writes stay cheap. */
static enum strongroom_error resize(struct note *note, uint64_t size) {
    if (size > NOTE_MAX) return STRONGROOM_FILE_TOO_LARGE;
    if (size > note->room) {
        size_t room = (size_t)size + (size_t)size / 2;
        uint8_t *grown = realloc(note->text, room);
        if (!grown) return STRONGROOM_NO_SPACE;
        note->text = grown;
        note->room = room;
    }
    if (size > note->size) memset(note->text + note->size, 0, (size_t)size - note->size);
    note->size = (size_t)size;
    note->modified = strongroom_now();
    return STRONGROOM_OK;
}

static enum strongroom_error write_note(struct note *note, uint64_t offset, const void *data, size_t length) {
    if (length == 0) return STRONGROOM_OK;
    if (offset > NOTE_MAX) return STRONGROOM_FILE_TOO_LARGE;
    uint64_t end = offset + length;
    enum strongroom_error error = resize(note, end > note->size ? end : note->size);
    if (!error) memcpy(note->text + offset, data, length);
    return error;
}

static enum strongroom_error write_welcome(struct session *session, const char *text) {
    struct note *note;
    enum strongroom_error error = create(session, "/welcome.txt", &note);
    if (!error) error = write_note(note, 0, text, strlen(text));
    return error ? error : write_note(note, note->size, "\n", 1);
}

static void disconnect(void *of) {
    struct session *session = of;
    for (size_t at = 0; at < session->count; at++)
        if (session->names[at].path) drop(&session->names[at]);
    free(session->names);
    free(session);
}

static enum strongroom_error connect(const struct strongroom_client *client, void **connected) {
    const char *welcome = NULL;
    for (size_t at = 0; at < client->setting_count; at++) {
        const struct strongroom_setting *setting = &client->settings[at];
        if (strcmp(setting->name, "welcome") != 0) {
            char detail[200];
            snprintf(detail, sizeof detail, "the setting '%.99s' is unknown to this storage", setting->name);
            strongroom_explain(NULL, detail);
            return STRONGROOM_INVALID_ARGUMENT;
        }
        welcome = setting->value;
    }
    struct session *session = calloc(1, sizeof *session);
    if (!session) return STRONGROOM_NO_SPACE;
    enum strongroom_error error = welcome ? write_welcome(session, welcome) : STRONGROOM_OK;
    if (error) disconnect(session);
    else *connected = session;
    return error;
}

static void describe(const struct note *note, struct strongroom_attributes *found) {
    *found = (struct strongroom_attributes){
        .has = STRONGROOM_HAS_SIZE | STRONGROOM_HAS_MODIFIED, .size = note->size, .modified = note->modified,
    };
}

/* Of what a client may ask, the host passes on what `features` say; for notes that is the size. */
static enum strongroom_error change(struct note *note, const struct strongroom_attributes *changes) {
    return changes->has & STRONGROOM_HAS_SIZE ? resize(note, changes->size) : STRONGROOM_OK;
}

static enum strongroom_error stat(void *session, const char *path, bool follow, struct strongroom_attributes *found) {
    (void)follow;
    if (is_root(path)) return found->kind = STRONGROOM_DIRECTORY, STRONGROOM_OK;
    struct name *name = find(session, path);
    if (!name) return STRONGROOM_NO_SUCH_FILE;
    describe(name->note, found);
    return STRONGROOM_OK;
}

static enum strongroom_error set_stat(void *session, const char *path, bool follow,
                                      const struct strongroom_attributes *changes) {
    (void)follow;
    if (is_root(path)) return changes->has & STRONGROOM_HAS_SIZE ? STRONGROOM_IS_A_DIRECTORY : STRONGROOM_OK;
    struct name *name = find(session, path);
    return name ? change(name->note, changes) : STRONGROOM_NO_SUCH_FILE;
}

static enum strongroom_error open_directory(void *session, const char *path, void **opened) {
    if (!is_root(path)) return find(session, path) ? STRONGROOM_NOT_A_DIRECTORY : STRONGROOM_NO_SUCH_FILE;
    struct directory *directory = calloc(1, sizeof *directory);
    if (!directory) return STRONGROOM_NO_SPACE;
    directory->session = session;
    *opened = directory;
    return STRONGROOM_OK;
}

static enum strongroom_error read_directory(void *opened, const char **name, struct strongroom_attributes *found) {
    struct directory *directory = opened;
    while (directory->next < directory->session->count) {
        struct name *next = &directory->session->names[directory->next++];
        if (!next->path) continue;
        *name = next->path + 1;
        describe(next->note, found);
        break;
    }
    return STRONGROOM_OK;
}

static enum strongroom_error open(void *session, const char *path, unsigned flags, uint16_t permissions, void **opened) {
    (void)permissions;
    if (is_root(path)) return STRONGROOM_IS_A_DIRECTORY;
    struct name *name = find(session, path);
    struct note *note = name ? name->note : NULL;
    enum strongroom_error error = STRONGROOM_OK;
    if (!note) error = flags & STRONGROOM_CREATE ? create(session, path, &note) : STRONGROOM_NO_SUCH_FILE;
    else if (flags & STRONGROOM_EXCLUSIVE) error = STRONGROOM_ALREADY_EXISTS;
    if (!error && flags & STRONGROOM_TRUNCATE) error = resize(note, 0);
    if (error) return error;
    struct file *file = calloc(1, sizeof *file);
    if (!file) return STRONGROOM_NO_SPACE;
    *file = (struct file){note, flags & STRONGROOM_APPEND};
    note->references++;
    *opened = file;
    return STRONGROOM_OK;
}

static enum strongroom_error read_file(void *file, uint64_t offset, void *data, uint32_t length, uint32_t *count) {
    struct note *note = ((struct file *)file)->note;
    if (offset >= note->size) return STRONGROOM_OK;
    uint64_t left = note->size - offset;
    *count = left < length ? (uint32_t)left : length;
    memcpy(data, note->text + offset, *count);
    return STRONGROOM_OK;
}

static enum strongroom_error write_file(void *opened, uint64_t offset, const void *data, size_t length) {
    struct file *file = opened;
    return write_note(file->note, file->appends ? file->note->size : offset, data, length);
}

static enum strongroom_error file_stat(void *file, struct strongroom_attributes *found) {
    describe(((struct file *)file)->note, found);
    return STRONGROOM_OK;
}

static enum strongroom_error file_set_stat(void *file, const struct strongroom_attributes *changes) {
    return change(((struct file *)file)->note, changes);
}

static enum strongroom_error close_file(void *file, bool commit) {
    (void)commit;
    release(((struct file *)file)->note);
    free(file);
    return STRONGROOM_OK;
}

static enum strongroom_error remove_file(void *session, const char *path) {
    if (is_root(path)) return STRONGROOM_IS_A_DIRECTORY;
    struct name *name = find(session, path);
    if (!name) return STRONGROOM_NO_SUCH_FILE;
    drop(name);
    return STRONGROOM_OK;
}

static enum strongroom_error rename_file(void *session, const char *source, const char *destination, bool replace) {
    if (is_root(source) || is_root(destination)) return STRONGROOM_INVALID_ARGUMENT;
    struct name *name = find(session, source), *old = find(session, destination);
    if (!name) return STRONGROOM_NO_SUCH_FILE;
    if (old && !replace) return STRONGROOM_ALREADY_EXISTS;
    if (old == name) return STRONGROOM_OK;
    enum strongroom_error error = check_place(session, destination);
    if (error) return error;
    char *kept = strdup(destination);
    if (!kept) return STRONGROOM_NO_SPACE;
    if (old) drop(old);
    free(name->path);
    name->path = kept;
    return STRONGROOM_OK;
}

static enum strongroom_error make_directory(void *session, const char *path, uint16_t permissions) {
    (void)permissions;
    return is_root(path) || find(session, path) ? STRONGROOM_ALREADY_EXISTS : STRONGROOM_UNSUPPORTED;
}

static enum strongroom_error remove_directory(void *session, const char *path) {
    if (is_root(path)) return STRONGROOM_BUSY;
    return find(session, path) ? STRONGROOM_NOT_A_DIRECTORY : STRONGROOM_NO_SUCH_FILE;
}

const struct strongroom_storage strongroom_storage = {
    .features = STRONGROOM_ATOMIC_REPLACE | STRONGROOM_RANDOM_WRITE,
    .connect = connect, .disconnect = disconnect, .stat = stat, .set_stat = set_stat,
    .open_directory = open_directory, .read_directory = read_directory, .close_directory = free,
    .open = open, .read = read_file, .write = write_file, .file_stat = file_stat, .file_set_stat = file_set_stat,
    .close = close_file, .remove = remove_file, .rename = rename_file,
    .make_directory = make_directory, .remove_directory = remove_directory,
};

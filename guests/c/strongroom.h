/*
 * Storages for Strongroom in C: an author defines `strongroom_storage`, a table of functions. What is left NULL answers
 * that it is unsupported or, where it would change something, that the storage is read-only.
 *
 * Paths are absolute, normalised and UTF-8; bytes that are not UTF-8 are escaped as wit/types.wit says. What a function
 * is given is good until it returns. One function runs at a time.
 */
#ifndef STRONGROOM_H
#define STRONGROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0, or one more than the contract's `error-code`; wit/types.wit has the status that the client gets. */
enum strongroom_error {
    STRONGROOM_OK,
    STRONGROOM_NO_SUCH_FILE,
    STRONGROOM_NOT_A_DIRECTORY,
    STRONGROOM_LOOP,
    STRONGROOM_PERMISSION_DENIED,
    STRONGROOM_READ_ONLY,
    STRONGROOM_INVALID_ARGUMENT,
    STRONGROOM_NAME_TOO_LONG,
    STRONGROOM_UNSUPPORTED,
    STRONGROOM_ALREADY_EXISTS,
    STRONGROOM_IS_A_DIRECTORY,
    STRONGROOM_NOT_EMPTY,
    STRONGROOM_NO_SPACE,
    STRONGROOM_QUOTA_EXCEEDED,
    STRONGROOM_FILE_TOO_LARGE,
    STRONGROOM_TOO_MANY_LINKS,
    STRONGROOM_TOO_MANY_OPEN,
    STRONGROOM_CROSS_DEVICE,
    STRONGROOM_BUSY,
    STRONGROOM_CONFLICT,
    STRONGROOM_CORRUPT,
    STRONGROOM_UNAVAILABLE,
    STRONGROOM_TIMED_OUT,
    STRONGROOM_NOT_AUTHENTICATED,
    STRONGROOM_FAILURE,
};

enum strongroom_kind {
    STRONGROOM_REGULAR,
    STRONGROOM_DIRECTORY,
    STRONGROOM_SYMLINK,
    STRONGROOM_FIFO,
    STRONGROOM_CHARACTER_DEVICE,
    STRONGROOM_BLOCK_DEVICE,
    STRONGROOM_SOCKET,
    STRONGROOM_OTHER,
};

/* What a storage can do beyond the operations that every storage has; wit/types.wit says what each promises. */
enum strongroom_feature {
    STRONGROOM_SYMLINKS = 1 << 0,
    STRONGROOM_HARD_LINKS = 1 << 1,
    STRONGROOM_ATOMIC_REPLACE = 1 << 2,
    STRONGROOM_SYNC = 1 << 3,
    STRONGROOM_USAGE = 1 << 4,
    STRONGROOM_PERMISSIONS = 1 << 5,
    STRONGROOM_OWNERSHIP = 1 << 6,
    STRONGROOM_TIMES = 1 << 7,
    STRONGROOM_RANDOM_WRITE = 1 << 9,
    STRONGROOM_ATOMIC_UPLOAD = 1 << 10,
};

enum strongroom_open {
    STRONGROOM_READ = 1 << 0,
    STRONGROOM_WRITE = 1 << 1,
    STRONGROOM_APPEND = 1 << 2,
    STRONGROOM_CREATE = 1 << 3,
    STRONGROOM_TRUNCATE = 1 << 4,
    STRONGROOM_EXCLUSIVE = 1 << 5,
};

/* Which members of `strongroom_attributes` are set; the kind always is. */
enum strongroom_has {
    STRONGROOM_HAS_SIZE = 1 << 0,
    STRONGROOM_HAS_PERMISSIONS = 1 << 1,
    STRONGROOM_HAS_UID = 1 << 2,
    STRONGROOM_HAS_GID = 1 << 3,
    STRONGROOM_HAS_ACCESSED = 1 << 4,
    STRONGROOM_HAS_MODIFIED = 1 << 5,
    STRONGROOM_HAS_LINK_COUNT = 1 << 6,
};

/* Since 1970; `nanoseconds` is below 1,000,000,000 and counts forward. */
struct strongroom_time {
    int64_t seconds;
    uint32_t nanoseconds;
};

/* Of a file, or what a client asked to change. */
struct strongroom_attributes {
    unsigned has;
    enum strongroom_kind kind;
    uint64_t size;
    uint16_t permissions;
    uint32_t uid, gid;
    struct strongroom_time accessed, modified;
    uint64_t link_count;
};

/* As statvfs(3) tells it; blocks are counted in units of `fragment_size`. */
struct strongroom_usage {
    uint64_t block_size, fragment_size, blocks, blocks_free, blocks_available;
    uint64_t files, files_free, files_available, filesystem_id, name_max;
    bool read_only, no_setuid;
};

struct strongroom_setting {
    const char *name, *value;
};

/* Who is connected and what the operator set; `address` may be NULL. */
struct strongroom_client {
    const char *user, *address, *session_id;
    const struct strongroom_setting *settings;
    size_t setting_count;
};

/* One session of one client is whatever `connect` hands out, an open file and an open directory likewise. */
struct strongroom_storage {
    unsigned features;      /* of enum strongroom_feature */
    uint32_t transfer_size; /* how many bytes reads and writes are best made of; 0 for no wish */

    enum strongroom_error (*connect)(const struct strongroom_client *client, void **session);
    void (*disconnect)(void *session);

    /* Of a symbolic link itself unless `follow`. */
    enum strongroom_error (*stat)(void *session, const char *path, bool follow, struct strongroom_attributes *found);
    /* Size, permissions, times, owner, in this order. A missing path fails even with no changes. */
    enum strongroom_error (*set_stat)(void *session, const char *path, bool follow,
                                      const struct strongroom_attributes *changes);
    /* With symbolic links resolved; the last component may be missing. Written to `resolved`, of `size` bytes. NULL for
     * a storage without links. */
    enum strongroom_error (*real_path)(void *session, const char *path, char *resolved, size_t size);
    enum strongroom_error (*make_directory)(void *session, const char *path, uint16_t permissions);
    enum strongroom_error (*remove_directory)(void *session, const char *path);
    enum strongroom_error (*remove)(void *session, const char *path);
    /* Without `replace`, STRONGROOM_ALREADY_EXISTS for anything that is there. */
    enum strongroom_error (*rename)(void *session, const char *source, const char *destination, bool replace);
    /* The target as it is kept, written to `target`, of `size` bytes; STRONGROOM_INVALID_ARGUMENT for no link. */
    enum strongroom_error (*read_link)(void *session, const char *path, char *target, size_t size);
    enum strongroom_error (*symlink)(void *session, const char *target, const char *path);
    enum strongroom_error (*hard_link)(void *session, const char *existing, const char *path);
    enum strongroom_error (*usage)(void *session, const char *path, struct strongroom_usage *found);

    /* Called for each entry in turn, without "." and ".."; `*name` is NULL at the end, and good until the next call. */
    enum strongroom_error (*open_directory)(void *session, const char *path, void **directory);
    enum strongroom_error (*read_directory)(void *directory, const char **name, struct strongroom_attributes *found);
    void (*close_directory)(void *directory);

    /* `flags` of enum strongroom_open; `permissions` are for a file that is created. Never called for writing if
     * `write` is NULL. */
    enum strongroom_error (*open)(void *session, const char *path, unsigned flags, uint16_t permissions, void **file);
    /* At most `length` bytes to `data`; `*count` is 0 only at or past the end. */
    enum strongroom_error (*read)(void *file, uint64_t offset, void *data, uint32_t length, uint32_t *count);
    /* All of it. Of a file that was opened with STRONGROOM_APPEND, at the end, whatever `offset` says. */
    enum strongroom_error (*write)(void *file, uint64_t offset, const void *data, size_t length);
    enum strongroom_error (*file_stat)(void *file, struct strongroom_attributes *found);
    enum strongroom_error (*file_set_stat)(void *file, const struct strongroom_attributes *changes);
    enum strongroom_error (*file_usage)(void *file, struct strongroom_usage *found);
    enum strongroom_error (*sync)(void *file);
    /* Called once for each file. Without `commit` the client is gone or a write had failed: a storage with
     * STRONGROOM_ATOMIC_UPLOAD forgets what was written, another keeps it. */
    enum strongroom_error (*close)(void *file, bool commit);
};

extern const struct strongroom_storage strongroom_storage;

/*
 * What the storage wants of whoever runs it, for `strongroom inspect`; it grants nothing. Once, outside of functions, with
 * no commas between the parts:
 *
 *     STRONGROOM_WANTS(
 *         STRONGROOM_NAME("photos", "1.0.0", "Photographs by year")
 *         STRONGROOM_SETTING("bucket", "required", "The bucket's name")
 *         STRONGROOM_SETTING("port", "=443", "The server's port")
 *         STRONGROOM_ADDRESS("s3.example.com:{port}", "required", "The bucket's server"))
 *
 * Each need is "required" or "optional", of a setting also "=" and its default. All texts are one line.
 */
#define STRONGROOM_WANTS(parts) STRONGROOM_WANTS_SECTION(parts)
#define STRONGROOM_NAME(name, version, about) "name\t" name "\nversion\t" version "\nabout\t" about "\n"
#define STRONGROOM_SETTING(name, need, help) "setting\t" name "\t" need "\t" help "\n"
/* A setting whose value belongs in a file: --set name=@FILE. */
#define STRONGROOM_SECRET(name, need, help) "secret\t" name "\t" need "\t" help "\n"
/* `access` is "ro" or "rw". */
#define STRONGROOM_GRANTED_DIRECTORY(path, access, need, reason) \
    "directory\t" path "\t" access "\t" need "\t" reason "\n"
/* "HOST:PORT", or "{setting}" for what that setting names; either part may be a "{setting}" as well. */
#define STRONGROOM_ADDRESS(address, need, reason) "address\t" address "\t" need "\t" reason "\n"
#define STRONGROOM_VARIABLE(name, need, reason) "variable\t" name "\t" need "\t" reason "\n"
/* In C alone no custom section can be written. On the machine itself, where tests run, there is none. */
#ifdef __wasm__
#define STRONGROOM_WANTS_SECTION(parts) \
    __asm__(".section \".custom_section.strongroom-wants\",\"\",@\n" \
            ".ascii \"strongroom-wants 1\\n\"\n" \
            ".ascii " #parts "\n" \
            ".section .text,\"\",@\n");
#else
#define STRONGROOM_WANTS_SECTION(parts) _Static_assert(sizeof parts > 1, "what the storage wants");
#endif

/* Says more about the error that the function at work is about to return: `message` to the client, without a host, a
 * credential or a path but the client's own, `detail` to the operator's log. Either may be NULL; both are copied. */
void strongroom_explain(const char *message, const char *detail);

struct strongroom_time strongroom_now(void);

#endif

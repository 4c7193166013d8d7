/*
 * Files in memory, for storages that have some: names with links that are followed, bytes that grow, attributes that
 * change. What a storage serves from elsewhere needs none of it.
 */
#ifndef STRONGROOM_FILES_H
#define STRONGROOM_FILES_H

#include "strongroom.h"

/* Returns from the function at work with the error of a call, if it is one. */
#define STRONGROOM_TRY(call) do { enum strongroom_error error_ = (call); if (error_) return error_; } while (0)

/* The longest path here, with its NUL. */
enum { STRONGROOM_PATH_SIZE = 4096 };

/* How many bytes several files may take. */
struct strongroom_room { uint64_t capacity, used; };

/* A file, a directory, or a link whose bytes are its target. It lives as long as it has a name or is open. */
struct strongroom_node {
    struct strongroom_attributes attributes;
    struct strongroom_room *room;
    uint8_t *data; /* NULL, or `attributes.size` bytes and a NUL */
    size_t held, references;
};

struct strongroom_listing;

/* What there is, by paths on which no links are. Zeroed, it is empty, and wants a directory at "/" first. */
struct strongroom_names {
    struct strongroom_name { char *path; struct strongroom_node *node; } *names; /* in order */
    size_t count;
};

/* A new node of this kind, or NULL without memory. */
struct strongroom_node *strongroom_new_node(struct strongroom_room *room, enum strongroom_kind kind, uint16_t permissions);
/* Each open file holds its node, and releases it in the end. */
struct strongroom_node *strongroom_hold(struct strongroom_node *node);
void strongroom_release(struct strongroom_node *node);

/* How many bytes were read, none at or past the end. */
uint32_t strongroom_read(const struct strongroom_node *node, uint64_t offset, void *data, uint32_t length);
/* All or nothing; what lies between the end and `offset` is zeros. */
enum strongroom_error strongroom_write(struct strongroom_node *node, uint64_t offset, const void *data, size_t length);
/* In the contract's order: size, permissions, times, owner. */
enum strongroom_error strongroom_change(struct strongroom_node *node, const struct strongroom_attributes *changes);

/* The functions below follow the links on the way to a path. One at its end is followed if `follow`, and not by those that
 * do not ask. This one writes where a path leads, whose last component may be missing. */
enum strongroom_error strongroom_resolve(const struct strongroom_names *names, const char *path, bool follow,
                                         char resolved[STRONGROOM_PATH_SIZE]);
/* What is there, or an error and NULL. */
enum strongroom_error strongroom_find(const struct strongroom_names *names, const char *path, bool follow,
                                      struct strongroom_node **found);
/* Names a node where nothing is; a new one that gets no name is freed. NULL is STRONGROOM_NO_SPACE. */
enum strongroom_error strongroom_add(struct strongroom_names *names, const char *path, struct strongroom_node *node);
/* Of an empty directory if `directory`, and of anything else if not. */
enum strongroom_error strongroom_remove(struct strongroom_names *names, const char *path, bool directory);
/* With what is beneath it, whole or not at all. */
enum strongroom_error strongroom_rename(struct strongroom_names *names, const char *source, const char *destination,
                                        bool replace);
/* Takes all names away. */
void strongroom_clear(struct strongroom_names *names);

/* Opens a directory, whose names come in order, and may come and go meanwhile. */
enum strongroom_error strongroom_list(const struct strongroom_names *names, const char *path,
                                      struct strongroom_listing **listing);
/* The next node, whose name is good until the next call; NULL at the end. */
struct strongroom_node *strongroom_next(struct strongroom_listing *listing, const char **name);
void strongroom_end_list(struct strongroom_listing *listing);

struct strongroom_usage strongroom_usage_of(const struct strongroom_room *room);
/* Whether `open` is to create the file, by its flags and by whether something `is_there`; or why it must fail. */
enum strongroom_error strongroom_must_create(unsigned flags, bool is_there, bool *creates);

#endif

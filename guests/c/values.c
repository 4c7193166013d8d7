/* The contract's values from an author's and back. */
#include "exports.h"

#include <stdlib.h>
#include <string.h>

static char *explained_message, *explained_detail;

static char *copied(const char *text) { return text ? strdup(text) : NULL; }

void strongroom_explain(const char *message, const char *detail) {
    free(explained_message);
    free(explained_detail);
    explained_message = copied(message);
    explained_detail = copied(detail);
}

struct strongroom_time strongroom_now(void) {
    wasi_clocks_wall_clock_datetime_t now;
    wasi_clocks_wall_clock_now(&now);
    return (struct strongroom_time){(int64_t)now.seconds, now.nanoseconds};
}

static bool is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* How long the character at `at` is; 0 if it is none. */
static size_t character(const uint8_t *at) {
    if (at[0] < 0x80) return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
    size_t length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    for (size_t next = 1; next < length; next++)
        if (!is_continuation(at[next])) return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] > 0x9f;
    bool beyond = at[0] == 0xf4 && at[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

bool as_string(const char *text, string *found) {
    const uint8_t *at = (const uint8_t *)text;
    for (size_t length; *at; at += length)
        if ((length = character(at)) == 0) return false;
    contract_string_set(found, text);
    return true;
}

/* An error that is none of the enum's is a failure. */
TYPE(error) told(error code) {
    bool known = code > STRONGROOM_OK && code <= STRONGROOM_FAILURE;
    TYPE(error) answer = {.code = (known ? code : STRONGROOM_FAILURE) - 1};
    if (explained_message) as_string(explained_message, &answer.message);
    answer.detail.is_some = explained_detail && as_string(explained_detail, &answer.detail.val);
    return answer;
}

char *taken(string *argument) {
    char *text = malloc(argument->len + 1);
    if (text) {
        memcpy(text, argument->ptr, argument->len);
        text[argument->len] = '\0';
    }
    contract_string_free(argument);
    return text;
}

static contract_option_u64_t some_u64(bool has, uint64_t value) { return (contract_option_u64_t){has, value}; }
static contract_option_u32_t some_u32(bool has, uint32_t value) { return (contract_option_u32_t){has, value}; }
static TYPE(option_timestamp) some_time(bool has, struct strongroom_time time) {
    return (TYPE(option_timestamp)){has, {time.seconds, time.nanoseconds}};
}

TYPE(attributes) attributes(const struct strongroom_attributes *found) {
    return (TYPE(attributes)){
        .kind = found->kind <= STRONGROOM_OTHER ? found->kind : STRONGROOM_OTHER,
        .size = some_u64(found->has & STRONGROOM_HAS_SIZE, found->size),
        .permissions = {found->has & STRONGROOM_HAS_PERMISSIONS, found->permissions},
        .uid = some_u32(found->has & STRONGROOM_HAS_UID, found->uid),
        .gid = some_u32(found->has & STRONGROOM_HAS_GID, found->gid),
        .accessed = some_time(found->has & STRONGROOM_HAS_ACCESSED, found->accessed),
        .modified = some_time(found->has & STRONGROOM_HAS_MODIFIED, found->modified),
        .link_count = some_u64(found->has & STRONGROOM_HAS_LINK_COUNT, found->link_count),
    };
}

/* In the order in which attributes are set, up to the first that the storage does not claim to keep. */
static unsigned claimed(unsigned has, bool *refused) {
    const struct { unsigned has, feature; } order[] = {
        {STRONGROOM_HAS_PERMISSIONS, STRONGROOM_PERMISSIONS},
        {STRONGROOM_HAS_ACCESSED | STRONGROOM_HAS_MODIFIED, STRONGROOM_TIMES},
        {STRONGROOM_HAS_UID | STRONGROOM_HAS_GID, STRONGROOM_OWNERSHIP},
    };
    for (size_t at = 0; at < sizeof order / sizeof *order; at++) {
        *refused |= (has & order[at].has) && !(storage->features & order[at].feature);
        if (*refused) has &= ~order[at].has;
    }
    return has;
}

struct strongroom_attributes changes(TYPE(attribute_changes) *asked, bool *refused) {
    struct strongroom_attributes changes = {
        .has = (asked->size.is_some ? STRONGROOM_HAS_SIZE : 0)
            | (asked->permissions.is_some ? STRONGROOM_HAS_PERMISSIONS : 0)
            | (asked->uid.is_some ? STRONGROOM_HAS_UID : 0)
            | (asked->gid.is_some ? STRONGROOM_HAS_GID : 0)
            | (asked->accessed.is_some ? STRONGROOM_HAS_ACCESSED : 0)
            | (asked->modified.is_some ? STRONGROOM_HAS_MODIFIED : 0),
        .size = asked->size.val,
        .permissions = asked->permissions.val,
        .uid = asked->uid.val,
        .gid = asked->gid.val,
        .accessed = {asked->accessed.val.seconds, asked->accessed.val.nanoseconds},
        .modified = {asked->modified.val.seconds, asked->modified.val.nanoseconds},
    };
    *refused = false;
    changes.has = claimed(changes.has, refused);
    *refused |= asked->extended.len > 0;
    strongroom_storage_types_attribute_changes_free(asked);
    return changes;
}

TYPE(usage) usage(const struct strongroom_usage *found) {
    return (TYPE(usage)){
        found->block_size, found->fragment_size, found->blocks, found->blocks_free, found->blocks_available,
        found->files, found->files_free, found->files_available, found->filesystem_id,
        found->read_only, found->no_setuid, found->name_max,
    };
}

/* The exports of open files and directories. */
#include "exports.h"

#include <stdlib.h>
#include <string.h>

/* An answer stays of bounded size, whatever is asked for. */
enum { ENTRIES_MAX = 1024 };

NEVER_WAITS(method_file_read)
contract_callback_code_t EXPORT(method_file_read)(struct EXPORT(file_t) *self, uint64_t offset, uint32_t length) {
    begin();
    uint32_t count = 0;
    uint8_t *data = malloc(length + (size_t)1);
    error result = !storage->read ? STRONGROOM_UNSUPPORTED
        : !(self->flags & STRONGROOM_READ) ? STRONGROOM_FAILURE
        : !data ? STRONGROOM_NO_SPACE
        : storage->read(self->own, offset, data, length, &count);
    contract_list_u8_t found = {data, count <= length ? count : length};
    TELL(method_file_read, list_u8, result, found);
    free(data);
    return DONE;
}

NEVER_WAITS(method_file_write)
contract_callback_code_t EXPORT(method_file_write)(
    struct EXPORT(file_t) *self, uint64_t offset, contract_list_u8_t *data) {
    begin();
    error result = !storage->write ? STRONGROOM_READ_ONLY
        : !(self->flags & STRONGROOM_WRITE) ? STRONGROOM_FAILURE
        : storage->write(self->own, offset, data->ptr, data->len);
    contract_list_u8_free(data);
    TELL_NOTHING(method_file_write, result);
}

NEVER_WAITS(method_file_stat)
contract_callback_code_t EXPORT(method_file_stat)(struct EXPORT(file_t) *self) {
    begin();
    struct strongroom_attributes found = {0};
    error result = storage->file_stat ? storage->file_stat(self->own, &found) : STRONGROOM_UNSUPPORTED;
    TELL(method_file_stat, attributes, result, attributes(&found));
    return DONE;
}

NEVER_WAITS(method_file_set_stat)
contract_callback_code_t EXPORT(method_file_set_stat)(struct EXPORT(file_t) *self, TYPE(attribute_changes) *asked) {
    begin();
    bool refused;
    struct strongroom_attributes wanted = changes(asked, &refused);
    error result = storage->file_set_stat ? storage->file_set_stat(self->own, &wanted) : STRONGROOM_UNSUPPORTED;
    TELL_NOTHING(method_file_set_stat, result == STRONGROOM_OK && refused ? STRONGROOM_UNSUPPORTED : result);
}

NEVER_WAITS(method_file_usage)
contract_callback_code_t EXPORT(method_file_usage)(struct EXPORT(file_t) *self) {
    begin();
    struct strongroom_usage found = {0};
    error result = storage->file_usage ? storage->file_usage(self->own, &found) : STRONGROOM_UNSUPPORTED;
    TELL(method_file_usage, usage, result, usage(&found));
    return DONE;
}

NEVER_WAITS(method_file_sync)
contract_callback_code_t EXPORT(method_file_sync)(struct EXPORT(file_t) *self) {
    begin();
    TELL_NOTHING(method_file_sync, storage->sync ? storage->sync(self->own) : STRONGROOM_UNSUPPORTED);
}

NEVER_WAITS(method_file_close)
contract_callback_code_t EXPORT(method_file_close)(struct EXPORT(file_t) *self, TYPE(ending) ending) {
    begin();
    bool commit = ending == STRONGROOM_STORAGE_TYPES_ENDING_COMMIT;
    TELL_NOTHING(method_file_close, storage->close ? storage->close(self->own, commit) : STRONGROOM_OK);
}

/* Appends the next entry to `entries`; `*more` is false at the end. */
static error add_entry(void *directory, EXPORT(list_directory_entry_t) *entries, bool *more) {
    const char *name = NULL;
    struct strongroom_attributes found = {0};
    error result = storage->read_directory(directory, &name, &found);
    *more = result == STRONGROOM_OK && name != NULL;
    if (!*more) return result;
    char *kept = strdup(name);
    TYPE(directory_entry) *entry = &entries->ptr[entries->len];
    *entry = (TYPE(directory_entry)){.attributes = attributes(&found)};
    if (!kept || !as_string(kept, &entry->name)) {
        free(kept);
        return kept ? STRONGROOM_FAILURE : STRONGROOM_NO_SPACE;
    }
    entries->len++;
    return STRONGROOM_OK;
}

NEVER_WAITS(method_directory_read)
contract_callback_code_t EXPORT(method_directory_read)(struct EXPORT(directory_t) *self, uint32_t max) {
    begin();
    size_t most = max < ENTRIES_MAX ? max : ENTRIES_MAX;
    EXPORT(list_directory_entry_t) entries = {calloc(most + 1, sizeof *entries.ptr), 0};
    error result = entries.ptr ? STRONGROOM_OK : STRONGROOM_NO_SPACE;
    for (bool more = true; result == STRONGROOM_OK && more && entries.len < most;)
        result = add_entry(self->own, &entries, &more);
    TELL(method_directory_read, list_directory_entry, result, entries);
    for (size_t at = 0; at < entries.len; at++) free(entries.ptr[at].name.ptr);
    free(entries.ptr);
    return DONE;
}

NEVER_WAITS(method_directory_close)
contract_callback_code_t EXPORT(method_directory_close)(struct EXPORT(directory_t) *self) {
    begin();
    if (storage->close_directory) storage->close_directory(self->own);
    EXPORT(method_directory_close_return)();
    return DONE;
}

void EXPORT(file_destructor)(struct EXPORT(file_t) *self) { free(self); }
void EXPORT(directory_destructor)(struct EXPORT(directory_t) *self) { free(self); }

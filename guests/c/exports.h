/*
 * What the files that make up the exports share: short names, values there and back, answers.
 *
 * No export waits, so each tells its answer before it returns. The generated code frees nothing: what came as an
 * argument belongs to the export, and so does its answer once it is told.
 */
#ifndef STRONGROOM_EXPORTS_H
#define STRONGROOM_EXPORTS_H

#include "contract.h"
#include "strongroom.h"

/* Short names for what wit-bindgen calls by the whole of package, interface and function. */
#define EXPORT(name) exports_strongroom_storage_storage_##name
#define TYPE(name) strongroom_storage_types_##name##_t
#define DONE CONTRACT_CALLBACK_CODE_EXIT
#define NEVER_WAITS(name) \
    contract_callback_code_t EXPORT(name##_callback)(contract_event_t *event) { (void)event; return DONE; }

typedef enum strongroom_error error;
typedef contract_string_t string;

/* Room for any path that a client can send. */
enum { PATH_SIZE = 65536 };

struct EXPORT(session_t) { void *own; };
struct EXPORT(file_t) { void *own; unsigned flags; };
struct EXPORT(directory_t) { void *own; };

static const struct strongroom_storage *const storage = &strongroom_storage;

/* The string as C has it, or NULL without memory for it. The argument is freed. */
char *taken(string *argument);
/* The text as the contract has it, which does not free it; false if it is no UTF-8, which would trap. */
bool as_string(const char *text, string *found);
TYPE(error) told(error code);
TYPE(attributes) attributes(const struct strongroom_attributes *found);
/* What is to be set, and whether an attribute after that is to be refused as `unsupported`. Frees `asked`. */
struct strongroom_attributes changes(TYPE(attribute_changes) *asked, bool *refused);
TYPE(usage) usage(const struct strongroom_usage *found);

/* The first thing that an export does. */
static inline void begin(void) { strongroom_explain(NULL, NULL); }

/* Tells what the author's function said, and returns. */
#define TELL_NOTHING(name, code) do { \
    error code_ = (code); \
    EXPORT(result_void_error_t) answer = {.is_err = code_ != STRONGROOM_OK}; \
    if (answer.is_err) answer.val.err = told(code_); \
    EXPORT(name##_return)(answer); \
    return DONE; \
} while (0)

/* Tells `value` unless the author's function failed; does not return, since `value` may have to be freed. */
#define TELL(name, result, code, value) do { \
    error code_ = (code); \
    EXPORT(result_##result##_error_t) answer = {.is_err = code_ != STRONGROOM_OK}; \
    if (answer.is_err) answer.val.err = told(code_); else answer.val.ok = (value); \
    EXPORT(name##_return)(answer); \
} while (0)

#endif

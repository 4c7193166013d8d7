/* What a client sees of the storage, without WebAssembly: make test. */
#undef NDEBUG
#include "testing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) assert((call) == STRONGROOM_OK)

static const unsigned create = STRONGROOM_READ | STRONGROOM_WRITE | STRONGROOM_CREATE;
static const struct strongroom_setting welcome = {"welcome", "hello"};

static struct test_file *opened(struct test_client *client, const char *path, unsigned flags) {
    struct test_file *file;
    OK(test_open(client, path, flags, &file));
    return file;
}

static void assert_reads(struct test_file *file, uint64_t offset, const char *expected) {
    char data[100];
    uint32_t count;
    OK(test_read(file, offset, data, sizeof data, &count));
    assert(count == strlen(expected) && memcmp(data, expected, count) == 0);
}

static void a_note_is_opened_read_and_closed(struct test_client *client) {
    struct test_file *note = opened(client, "/welcome.txt", STRONGROOM_READ);
    assert_reads(note, 0, "hello\n");
    OK(test_close(note, true));
}

static void assert_lists(struct test_client *client, const char *expected) {
    char *names;
    OK(test_list(client, "/", &names));
    assert(strcmp(names, expected) == 0);
    free(names);
}

static void notes_are_written_listed_renamed_and_removed(struct test_client *client) {
    struct test_file *note = opened(client, "/milk", create);
    OK(test_write(note, 0, "two bottles", 11));
    OK(test_close(note, true));
    assert_lists(client, "welcome.txt\nmilk\n");
    struct strongroom_attributes found;
    OK(test_stat(client, "/milk", &found));
    assert(found.size == 11);
    OK(test_rename(client, "/milk", "/welcome.txt", true));
    note = opened(client, "/welcome.txt", STRONGROOM_READ);
    assert_reads(note, 0, "two bottles");
    OK(test_close(note, true));
    OK(test_remove(client, "/welcome.txt"));
    assert_lists(client, "");
}

static void a_note_is_changed_in_the_middle_and_at_its_end(struct test_client *client) {
    struct test_file *note = opened(client, "/note", create);
    OK(test_write(note, 4, "four", 4));
    OK(test_write(note, 0, "zero", 4));
    struct test_file *end = opened(client, "/note", STRONGROOM_WRITE | STRONGROOM_APPEND);
    OK(test_write(end, 0, "!", 1));
    OK(test_close(end, true));
    assert_reads(note, 0, "zerofour!");
    OK(test_remove(client, "/note"));
    assert_reads(note, 8, "!"); /* an open note outlives its name */
    OK(test_close(note, false));
}

static void what_cannot_be_says_why(struct test_client *client) {
    struct test_file *file;
    char *names;
    assert(test_open(client, "/missing", STRONGROOM_READ, &file) == STRONGROOM_NO_SUCH_FILE);
    assert(test_open(client, "/", STRONGROOM_READ, &file) == STRONGROOM_IS_A_DIRECTORY);
    assert(test_open(client, "/welcome.txt/note", create, &file) == STRONGROOM_NOT_A_DIRECTORY);
    assert(test_open(client, "/welcome.txt", create | STRONGROOM_EXCLUSIVE, &file) == STRONGROOM_ALREADY_EXISTS);
    assert(test_list(client, "/welcome.txt", &names) == STRONGROOM_NOT_A_DIRECTORY);
    assert(test_make_directory(client, "/folder") == STRONGROOM_UNSUPPORTED);
    file = opened(client, "/huge", create);
    assert(test_write(file, (uint64_t)1 << 40, "x", 1) == STRONGROOM_FILE_TOO_LARGE);
    OK(test_close(file, true));
    struct test_client *other;
    struct strongroom_setting misspelt = {"wellcome", "hello"};
    assert(test_connect(&misspelt, 1, &other) == STRONGROOM_INVALID_ARGUMENT);
    assert(strcmp(test_detail(), "the setting 'wellcome' is unknown to this storage") == 0);
}

#define RUN(test) do { \
    struct test_client *client; \
    OK(test_connect(&welcome, 1, &client)); \
    test(client); \
    test_disconnect(client); \
    puts("ok " #test); \
} while (0)

int main(void) {
    RUN(a_note_is_opened_read_and_closed);
    RUN(notes_are_written_listed_renamed_and_removed);
    RUN(a_note_is_changed_in_the_middle_and_at_its_end);
    RUN(what_cannot_be_says_why);
}

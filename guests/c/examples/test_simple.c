/*
 * What a client sees of simple.c, on the machine itself and without WebAssembly:
 *
 *     cc -std=c11 -I . -o test_simple examples/test_simple.c examples/simple.c files.c testing.c && ./test_simple
 */
#undef NDEBUG
#include "testing.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) assert((call) == STRONGROOM_OK)

static const unsigned create = STRONGROOM_READ | STRONGROOM_WRITE | STRONGROOM_CREATE;
static const struct strongroom_storage *const storage = &strongroom_storage;

static void put(struct test_client *client, const char *path, const char *text) {
    struct test_file *file;
    OK(test_open(client, path, create | STRONGROOM_TRUNCATE, &file));
    OK(test_write(file, 0, text, strlen(text)));
    OK(test_close(file, true));
}

static void assert_holds(struct test_client *client, const char *path, const char *expected, size_t length) {
    struct test_file *file;
    char data[100];
    uint32_t count;
    OK(test_open(client, path, STRONGROOM_READ, &file));
    OK(test_read(file, 0, data, sizeof data, &count));
    assert(count == length && memcmp(data, expected, length) == 0);
    OK(test_close(file, true));
}

static void assert_lists(struct test_client *client, const char *path, const char *expected) {
    char *names;
    OK(test_list(client, path, &names));
    assert(strcmp(names, expected) == 0);
    free(names);
}

static struct strongroom_attributes link_at(struct test_client *client, const char *path) {
    struct strongroom_attributes found = {0};
    OK(storage->stat(test_session(client), path, false, &found));
    return found;
}

static void open_read_close(struct test_client *client) {
    struct test_file *file;
    char data[10];
    uint32_t count;
    put(client, "/services", "ssh 22/tcp\n");
    OK(test_open(client, "/services", STRONGROOM_READ, &file));
    OK(test_read(file, 0, data, sizeof data, &count));
    assert(count == 10 && memcmp(data, "ssh 22/tcp", 10) == 0);
    OK(test_close(file, true));
}

static void a_file_is_written_anywhere_appended_to_and_cut(struct test_client *client) {
    struct test_file *file, *end;
    OK(test_open(client, "/f", create, &file));
    OK(test_write(file, 4, "four", 4));
    OK(test_write(file, 0, "ze", 2));
    OK(test_open(client, "/f", STRONGROOM_WRITE | STRONGROOM_APPEND, &end));
    OK(test_write(end, 0, "!", 1));
    OK(test_close(end, true));
    assert_holds(client, "/f", "ze\0\0four!", 9);
    struct strongroom_attributes cut = {.has = STRONGROOM_HAS_SIZE, .size = 5}, grown = {.has = STRONGROOM_HAS_SIZE, .size = 7};
    OK(storage->set_stat(test_session(client), "/f", true, &cut));
    OK(storage->set_stat(test_session(client), "/f", true, &grown));
    assert_holds(client, "/f", "ze\0\0f\0\0", 7);
    assert(test_write(file, (uint64_t)1 << 40, "x", 1) == STRONGROOM_NO_SPACE);
    assert(test_write(file, UINT64_MAX, "x", 1) == STRONGROOM_FILE_TOO_LARGE);
    OK(test_remove(client, "/f"));
    OK(test_write(file, 0, "open without a name", 19));
    OK(test_close(file, true));
}

static void opening_says_why_not(struct test_client *client) {
    struct test_file *file;
    put(client, "/f", "f");
    OK(storage->symlink(test_session(client), "nowhere", "/dangling"));
    assert(test_open(client, "/missing", STRONGROOM_READ, &file) == STRONGROOM_NO_SUCH_FILE);
    assert(test_open(client, "/missing/f", create, &file) == STRONGROOM_NO_SUCH_FILE);
    assert(test_open(client, "/f/f", create, &file) == STRONGROOM_NOT_A_DIRECTORY);
    assert(test_open(client, "/", STRONGROOM_READ, &file) == STRONGROOM_IS_A_DIRECTORY);
    assert(test_open(client, "/f", create | STRONGROOM_EXCLUSIVE, &file) == STRONGROOM_ALREADY_EXISTS);
    assert(test_open(client, "/dangling", create | STRONGROOM_EXCLUSIVE, &file) == STRONGROOM_ALREADY_EXISTS);
    put(client, "/dangling", "somewhere");
    assert_holds(client, "/nowhere", "somewhere", 9);
}

static void directories_list_what_is_in_them(struct test_client *client) {
    OK(test_make_directory(client, "/d"));
    OK(test_make_directory(client, "/d-e"));
    put(client, "/d/two", "");
    put(client, "/d/one", "");
    assert_lists(client, "/", "d\nd-e\n");
    assert_lists(client, "/d", "one\ntwo\n");
    assert(test_make_directory(client, "/d") == STRONGROOM_ALREADY_EXISTS);
    assert(test_remove(client, "/d") == STRONGROOM_IS_A_DIRECTORY);
    assert(storage->remove_directory(test_session(client), "/d") == STRONGROOM_NOT_EMPTY);
    assert(storage->remove_directory(test_session(client), "/d/one") == STRONGROOM_NOT_A_DIRECTORY);
    OK(storage->remove_directory(test_session(client), "/d-e"));
    assert_lists(client, "/", "d\n");
}

static void a_listing_goes_on_while_names_go(struct test_client *client) {
    void *listing;
    const char *name = NULL;
    struct strongroom_attributes found;
    put(client, "/a", "");
    put(client, "/b", "");
    put(client, "/c", "");
    OK(storage->open_directory(test_session(client), "/", &listing));
    OK(storage->read_directory(listing, &name, &found));
    assert(strcmp(name, "a") == 0);
    OK(test_remove(client, "/a"));
    OK(test_remove(client, "/b"));
    OK(storage->read_directory(listing, &name, &found));
    assert(strcmp(name, "c") == 0);
    storage->close_directory(listing);
}

static void renaming_moves_what_is_inside_and_replaces_only_if_it_may(struct test_client *client) {
    OK(test_make_directory(client, "/a"));
    OK(test_make_directory(client, "/ab"));
    put(client, "/a/f", "f");
    OK(test_rename(client, "/a", "/z", false));
    assert_lists(client, "/", "ab\nz\n");
    assert_holds(client, "/z/f", "f", 1);
    put(client, "/g", "g");
    assert(test_rename(client, "/g", "/z/f", false) == STRONGROOM_ALREADY_EXISTS);
    OK(test_rename(client, "/g", "/z/f", true));
    assert_holds(client, "/z/f", "g", 1);
    assert(test_rename(client, "/z", "/z/inside", false) == STRONGROOM_INVALID_ARGUMENT);
    assert(test_rename(client, "/ab", "/z", true) == STRONGROOM_NOT_EMPTY);
    assert(test_rename(client, "/z/f", "/ab", true) == STRONGROOM_IS_A_DIRECTORY);
    OK(test_rename(client, "/z", "/ab", true));
    assert_lists(client, "/", "ab\n");
}

static void links_are_followed_and_counted(struct test_client *client) {
    void *session = test_session(client);
    char found[100];
    struct strongroom_attributes attributes;
    OK(test_make_directory(client, "/d"));
    put(client, "/d/f", "f");
    OK(storage->symlink(session, "../d/./f", "/d/link"));
    OK(storage->symlink(session, "/d", "/there"));
    OK(storage->symlink(session, "loop", "/loop"));
    assert_holds(client, "/there/link", "f", 1);
    OK(storage->real_path(session, "/there/link", found, sizeof found));
    assert(strcmp(found, "/d/f") == 0);
    OK(storage->real_path(session, "/there/new", found, sizeof found));
    assert(strcmp(found, "/d/new") == 0);
    OK(storage->read_link(session, "/d/link", found, sizeof found));
    assert(strcmp(found, "../d/./f") == 0 && link_at(client, "/d/link").size == 8);
    assert(link_at(client, "/there").kind == STRONGROOM_SYMLINK);
    assert(test_stat(client, "/loop", &attributes) == STRONGROOM_LOOP);
    assert(storage->read_link(session, "/d/f", found, sizeof found) == STRONGROOM_INVALID_ARGUMENT);
    OK(storage->hard_link(session, "/d/f", "/f"));
    assert(link_at(client, "/f").link_count == 2);
    OK(test_remove(client, "/there/f"));
    assert_holds(client, "/f", "f", 1);
    assert(link_at(client, "/f").link_count == 1);
}

static void what_is_free_is_counted(struct test_client *client) {
    struct strongroom_usage before, after;
    struct test_file *file;
    OK(storage->usage(test_session(client), "/", &before));
    OK(test_open(client, "/f", create, &file));
    OK(test_write(file, 65535, "x", 1));
    OK(storage->usage(test_session(client), "/", &after));
    assert(before.blocks_free - after.blocks_free == 16);
    OK(test_remove(client, "/f"));
    OK(test_close(file, true));
    OK(storage->usage(test_session(client), "/", &after));
    assert(before.blocks_free == after.blocks_free);
}

#define RUN(test) do { \
    struct test_client *client; \
    OK(test_connect(NULL, 0, &client)); \
    test(client); \
    test_disconnect(client); \
    puts("ok " #test); \
} while (0)

int main(void) {
    RUN(open_read_close);
    RUN(a_file_is_written_anywhere_appended_to_and_cut);
    RUN(opening_says_why_not);
    RUN(directories_list_what_is_in_them);
    RUN(a_listing_goes_on_while_names_go);
    RUN(renaming_moves_what_is_inside_and_replaces_only_if_it_may);
    RUN(links_are_followed_and_counted);
    RUN(what_is_free_is_counted);
}

/*
 * What clients see of simple.c, packet by packet, with STRONGROOM naming the program that serves it:
 *
 *     cc -std=c11 -I . -o test_served examples/test_served.c served.c && ./test_served simple.wasm
 */
#undef NDEBUG
#include "served.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) assert((call) == SERVED_OK)

static const uint32_t create = SERVED_READ | SERVED_WRITE | SERVED_CREATE;

static void open_read_close(struct served *served) {
    struct served_handle file;
    char data[10];
    size_t count;
    OK(served_open(served, "/services", create, &file));
    OK(served_write(served, &file, 0, "ssh 22/tcp\n", 11));
    OK(served_read(served, &file, 0, data, sizeof data, &count));
    assert(count == 10 && memcmp(data, "ssh 22/tcp", 10) == 0);
    OK(served_close(served, &file));
}

static void the_end_of_a_file_and_of_its_handle(struct served *served) {
    struct served_handle file;
    char data[10];
    size_t count;
    OK(served_open(served, "/f", create, &file));
    OK(served_read(served, &file, 0, data, sizeof data, &count));
    assert(count == 0);
    OK(served_close(served, &file));
    assert(served_close(served, &file) == SERVED_NO_SUCH_FILE);
}

static void names_come_in_order_and_in_batches(struct served *served) {
    char expected[2000] = ".\n..\n", path[20], *names;
    for (int number = 0; number < 250; number++) {
        struct served_handle file;
        snprintf(path, sizeof path, "/%03d", number);
        OK(served_open(served, path, create, &file));
        OK(served_close(served, &file));
        snprintf(expected + strlen(expected), 5, "%03d\n", number);
    }
    OK(served_list(served, "/", &names));
    assert(strcmp(names, expected) == 0);
    free(names);
}

static void what_is_missing_is_a_status(struct served *served) {
    struct served_handle file;
    char *names;
    assert(served_open(served, "/missing", SERVED_READ, &file) == SERVED_NO_SUCH_FILE);
    assert(served_list(served, "/missing", &names) == SERVED_NO_SUCH_FILE);
}

static void packets_may_be_raw(struct served *served) {
    size_t length;
    served_begin(served, 16); /* SSH_FXP_REALPATH is answered by SSH_FXP_NAME */
    served_put_text(served, "folder/..");
    assert(served_request(served) == 104 && served_take_u32(served) == 1);
    const uint8_t *name = served_take_bytes(served, &length);
    assert(length == 1 && *name == '/');
    served_begin(served, 200);
    served_put_text(served, "unknown@example");
    assert(served_request(served) == 101 && served_take_u32(served) == SERVED_UNSUPPORTED);
}

#define RUN(test) do { \
    struct served *served = served_start(arguments[1], NULL); \
    test(served); \
    served_end(served); \
    puts("ok " #test); \
} while (0)

int main(int count, char **arguments) {
    assert(count == 2);
    RUN(open_read_close);
    RUN(the_end_of_a_file_and_of_its_handle);
    RUN(names_come_in_order_and_in_batches);
    RUN(what_is_missing_is_a_status);
    RUN(packets_may_be_raw);
}

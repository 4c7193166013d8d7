/* The client that drives a component, packet by packet: a child process, requests to its input, replies from its output. */
#define _POSIX_C_SOURCE 200809L
#include "served.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The longest reply, as OpenSSH's clients take it. */
enum { REPLY_MAX = 256 << 10 };
/* Before the fields: a packet's length, type and id. */
enum { HEADER = 9 };

enum { INIT = 1, OPEN = 3, CLOSE = 4, READ = 5, WRITE = 6, OPENDIR = 11, READDIR = 12 };
enum { VERSION = 2, STATUS = 101, HANDLE = 102, DATA = 103, NAME = 104 };

struct served {
    pid_t child;
    int requests, replies;
    uint32_t id;
    uint8_t *request; /* with room for its header */
    size_t request_length, request_room;
    uint8_t reply[REPLY_MAX];
    size_t reply_length, taken;
};

struct names {
    char **texts;
    size_t count, bytes;
};

extern char **environ;

static _Noreturn void stop(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("served: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    abort();
}

static void *memory(void *old, size_t size) {
    void *new = realloc(old, size);
    if (!new) stop("no memory for %zu bytes", size);
    return new;
}

static void pipe_into(int ends[2]) {
    if (pipe(ends) != 0) stop("no pipe: %s", strerror(errno));
    /* No other child may hold an end open. */
    for (int end = 0; end < 2; end++) fcntl(ends[end], F_SETFD, FD_CLOEXEC);
}

/* Starts a program with these ends of pipes as its input and output, and SIGPIPE as it was. */
static pid_t spawn(char *const command[], int input, int output) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t restored;
    pid_t child;
    sigemptyset(&restored);
    sigaddset(&restored, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &restored);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawnp(&child, command[0], &files, &attributes, command, environ);
    if (error != 0) stop("%s: %s; STRONGROOM names the program", command[0], strerror(error));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return child;
}

/* To be freed; what it points to is the caller's. */
static char **command_line(const char *file, const char *const *options) {
    const char *program = getenv("STRONGROOM");
    size_t count = 0;
    while (options && options[count]) count++;
    const char **command = memory(NULL, (count + 4) * sizeof *command);
    command[0] = program ? program : "strongroom";
    command[1] = "run";
    command[2] = file;
    for (size_t at = 0; at < count; at++) command[3 + at] = options[at];
    command[3 + count] = NULL;
    return (char **)command;
}

static void big_endian(uint8_t *at, uint32_t value) {
    for (int byte = 0; byte < 4; byte++) at[byte] = (uint8_t)(value >> (24 - 8 * byte));
}

static uint32_t number(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void send_all(struct served *served, const uint8_t *bytes, size_t length) {
    for (size_t sent = 0; sent < length;) {
        ssize_t count = write(served->requests, bytes + sent, length - sent);
        if (count < 0 && errno != EINTR) stop("strongroom is gone, and took no request: %s", strerror(errno));
        if (count > 0) sent += (size_t)count;
    }
}

static void receive_exactly(struct served *served, uint8_t *bytes, size_t length) {
    for (size_t received = 0; received < length;) {
        ssize_t count = read(served->replies, bytes + received, length - received);
        if (count == 0) stop("strongroom ended before it answered");
        if (count < 0 && errno != EINTR) stop("no answer came from strongroom: %s", strerror(errno));
        if (count > 0) received += (size_t)count;
    }
}

/* The type of the next reply, which must be to `id` unless it is VERSION: that has no id, but the version in its place. */
static uint8_t receive(struct served *served, uint32_t id) {
    uint8_t length[4];
    receive_exactly(served, length, sizeof length);
    served->reply_length = number(length);
    if (served->reply_length < 5 || served->reply_length > REPLY_MAX) stop("a reply of %zu bytes", served->reply_length);
    receive_exactly(served, served->reply, served->reply_length);
    uint8_t type = served->reply[0];
    uint32_t of = number(served->reply + 1);
    if (type != VERSION && of != id) stop("a reply to %u, not to %u", (unsigned)of, (unsigned)id);
    served->taken = 5;
    return type;
}

static void send_request(struct served *served, uint32_t id) {
    big_endian(served->request, (uint32_t)(served->request_length - 4));
    big_endian(served->request + 5, id);
    send_all(served, served->request, served->request_length);
}

struct served *served_start(const char *file, const char *const *options) {
    int requests[2], replies[2];
    struct served *served = memory(NULL, sizeof *served);
    char **command = command_line(file, options);
    /* A program that ends early is told by the reply that does not come. */
    signal(SIGPIPE, SIG_IGN);
    pipe_into(requests);
    pipe_into(replies);
    *served = (struct served){.requests = requests[1], .replies = replies[0]};
    served->child = spawn(command, requests[0], replies[1]);
    free(command);
    close(requests[0]);
    close(replies[1]);
    served_begin(served, INIT);
    send_request(served, 3);
    uint8_t type = receive(served, 3);
    if (type != VERSION) stop("a reply of type %u to INIT", type);
    return served;
}

void served_end(struct served *served) {
    close(served->requests);
    close(served->replies);
    while (waitpid(served->child, NULL, 0) < 0 && errno == EINTR) {}
    free(served->request);
    free(served);
}

/* Room for `length` more bytes of the request, which count as its own. */
static uint8_t *more(struct served *served, size_t length) {
    size_t before = served->request_length;
    if (length > UINT32_MAX - before) stop("a request beyond 4 GiB");
    if (before + length > served->request_room) {
        served->request_room = 2 * (before + length);
        served->request = memory(served->request, served->request_room);
    }
    served->request_length += length;
    return served->request + before;
}

void served_begin(struct served *served, uint8_t type) {
    served->request_length = 0;
    more(served, HEADER)[4] = type;
}

void served_put_u32(struct served *served, uint32_t value) { big_endian(more(served, 4), value); }

void served_put_u64(struct served *served, uint64_t value) {
    served_put_u32(served, (uint32_t)(value >> 32));
    served_put_u32(served, (uint32_t)value);
}

void served_put_bytes(struct served *served, const void *bytes, size_t length) {
    uint8_t *field = more(served, 4 + length);
    big_endian(field, (uint32_t)length);
    if (length > 0) memcpy(field + 4, bytes, length);
}

void served_put_text(struct served *served, const char *text) { served_put_bytes(served, text, strlen(text)); }

uint8_t served_request(struct served *served) {
    send_request(served, ++served->id);
    return receive(served, served->id);
}

static const uint8_t *take(struct served *served, size_t length) {
    if (length > served->reply_length - served->taken) stop("a reply that is cut short");
    const uint8_t *taken = served->reply + served->taken;
    served->taken += length;
    return taken;
}

uint32_t served_take_u32(struct served *served) { return number(take(served, 4)); }

const uint8_t *served_take_bytes(struct served *served, size_t *length) {
    *length = served_take_u32(served);
    return take(served, *length);
}

static void put_handle(struct served *served, const struct served_handle *handle) {
    served_put_bytes(served, handle->bytes, handle->length);
}

static enum served_status status(struct served *served, uint8_t type) {
    if (type != STATUS) stop("a reply of type %u, neither what was asked for nor a STATUS", type);
    return (enum served_status)served_take_u32(served);
}

/* Sends the request. A STATUS of success is no reply to what asks for `expected`. */
static enum served_status asked(struct served *served, uint8_t expected) {
    uint8_t type = served_request(served);
    if (type == expected) return SERVED_OK;
    enum served_status told = status(served, type);
    if (told == SERVED_OK) stop("success, but not what was asked for");
    return told;
}

static enum served_status done(struct served *served) { return status(served, served_request(served)); }

static enum served_status opened(struct served *served, struct served_handle *handle) {
    enum served_status told = asked(served, HANDLE);
    if (told != SERVED_OK) return told;
    const uint8_t *bytes = served_take_bytes(served, &handle->length);
    if (handle->length > sizeof handle->bytes) stop("a handle of %zu bytes", handle->length);
    memcpy(handle->bytes, bytes, handle->length);
    return SERVED_OK;
}

enum served_status served_open(struct served *served, const char *path, uint32_t flags, struct served_handle *handle) {
    served_begin(served, OPEN);
    served_put_text(served, path);
    served_put_u32(served, flags);
    served_put_u32(served, 0); /* no attributes */
    return opened(served, handle);
}

enum served_status served_read(struct served *served, const struct served_handle *handle, uint64_t offset, void *data,
                               uint32_t length, size_t *count) {
    *count = 0;
    served_begin(served, READ);
    put_handle(served, handle);
    served_put_u64(served, offset);
    served_put_u32(served, length);
    enum served_status told = asked(served, DATA);
    if (told != SERVED_OK) return told == SERVED_EOF ? SERVED_OK : told;
    const uint8_t *bytes = served_take_bytes(served, count);
    if (*count > length) stop("%zu bytes for %u that were asked for", *count, (unsigned)length);
    memcpy(data, bytes, *count);
    return SERVED_OK;
}

enum served_status served_write(struct served *served, const struct served_handle *handle, uint64_t offset,
                                const void *data, size_t length) {
    served_begin(served, WRITE);
    put_handle(served, handle);
    served_put_u64(served, offset);
    served_put_bytes(served, data, length);
    return done(served);
}

enum served_status served_close(struct served *served, const struct served_handle *handle) {
    served_begin(served, CLOSE);
    put_handle(served, handle);
    return done(served);
}

static void skip_attributes(struct served *served) {
    const struct { uint32_t flag; size_t length; } parts[] = {{1, 8}, {2, 8}, {4, 4}, {8, 8}};
    uint32_t flags = served_take_u32(served);
    for (size_t at = 0; at < sizeof parts / sizeof *parts; at++)
        if (flags & parts[at].flag) take(served, parts[at].length);
    uint32_t extended = flags & (uint32_t)1 << 31 ? served_take_u32(served) : 0;
    size_t length;
    for (uint64_t field = 0; field < 2 * (uint64_t)extended; field++) served_take_bytes(served, &length);
}

/* Adds the names in a NAME. Each takes bytes of the reply, which bounds how many there are. */
static void add_names(struct served *served, struct names *names) {
    for (uint32_t left = served_take_u32(served); left > 0; left--) {
        size_t length, unused;
        const uint8_t *name = served_take_bytes(served, &length);
        names->texts = memory(names->texts, (names->count + 1) * sizeof *names->texts);
        char *text = names->texts[names->count++] = memory(NULL, length + 1);
        memcpy(text, name, length);
        text[length] = '\0';
        names->bytes += length + 1;
        served_take_bytes(served, &unused);
        skip_attributes(served);
    }
}

static int by_bytes(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

/* One a line, in order; `names` is freed. */
static char *lines(struct names *names) {
    char *text = memory(NULL, names->bytes + 1), *end = text;
    if (names->count > 0) qsort(names->texts, names->count, sizeof *names->texts, by_bytes);
    for (size_t at = 0; at < names->count; at++) {
        end += sprintf(end, "%s\n", names->texts[at]);
        free(names->texts[at]);
    }
    *end = '\0';
    free(names->texts);
    return text;
}

enum served_status served_list(struct served *served, const char *path, char **found) {
    struct served_handle handle;
    struct names names = {0};
    served_begin(served, OPENDIR);
    served_put_text(served, path);
    enum served_status told = opened(served, &handle);
    if (told != SERVED_OK) return told;
    do {
        served_begin(served, READDIR);
        put_handle(served, &handle);
        told = asked(served, NAME);
        if (told == SERVED_OK) add_names(served, &names);
    } while (told == SERVED_OK);
    char *text = lines(&names);
    if (told == SERVED_EOF) told = served_close(served, &handle);
    if (told == SERVED_OK) *found = text;
    else free(text);
    return told;
}

/*
 * Runs a server and notes what it used: `meter FILE PROGRAM [ARGUMENT]...` writes to FILE the microseconds of user and
 * system time of PROGRAM, then those of the meter itself, which whoever measures the client subtracts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char **environ;

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

static void fail(const char *what, int error) {
    fprintf(stderr, "meter: %s: %s\n", what, strerror(error));
    exit(125);
}

int main(int count, char **arguments) {
    if (count < 3) {
        fputs("usage: meter FILE PROGRAM [ARGUMENT]...\n", stderr);
        return 2;
    }
    pid_t server;
    int error = posix_spawnp(&server, arguments[2], NULL, NULL, arguments + 2, environ);
    if (error) fail(arguments[2], error);
    /* The server alone reads, writes and sees the ends of these. */
    fclose(stdin);
    fclose(stdout);
    int status;
    struct rusage used, own;
    if (wait4(server, &status, 0, &used) < 0) fail("wait4", errno);
    getrusage(RUSAGE_SELF, &own);
    FILE *note = fopen(arguments[1], "w");
    if (!note) fail(arguments[1], errno);
    fprintf(note, "%ld %ld %ld %ld\n", microseconds(used.ru_utime), microseconds(used.ru_stime),
            microseconds(own.ru_utime), microseconds(own.ru_stime));
    fclose(note);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

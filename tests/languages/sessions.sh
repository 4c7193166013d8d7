# What the suites of this folder share: a component of an example is driven through `strongroom run` by OpenSSH's sftp, and
# one that was made to fail gets clean statuses and lines in the log. Read it with `source`, do not run it.

source "$(dirname "${BASH_SOURCE[0]}")/../foreign/common.sh"

readonly guests=$repository/guests languages=$repository/tests/languages

# Runs the commands on standard input in one session of a component; the log is $work/log.
session() { # COMPONENT
    local commands
    commands=$(cat)
    rm -f "$work/log"
    sftp -q -b - -D "$strongroom run $1 -l $work/log -l DEBUG1" <<<"$commands"
}

# Every operation of a storage that keeps files in memory, in one session.
every_operation() { # COMPONENT
    head -c 20000000 /dev/urandom >"$work/large"
    echo small >"$work/small"
    session "$1" >"$work/listing" <<END
lcd $work
put small
put large
mkdir d
put small "d/grüße 日本語 ✓"
ls -l d
ls d
rename "d/grüße 日本語 ✓" d/renamed
rename d folder
get folder/renamed back-small
get large back-large
ln -s folder/renamed link
get link back-link
ln small hard
ls -l
chmod 600 small
df
rm hard
rm link
rm folder/renamed
rmdir folder
-ls folder
-rmdir missing
ls
END
    cmp "$work/small" "$work/back-small"
    cmp "$work/small" "$work/back-link"
    cmp "$work/large" "$work/back-large"
    grep -qx 'd/grüße 日本語 ✓ *' "$work/listing"
    grep -qE '^-rw-r--r-- .* 20000000 .* large$' "$work/listing"
    grep -qE '^-rw-r--r-- +2 .* hard$' "$work/listing"
    grep -qE '^lrwxrwxrwx .* link$' "$work/listing"
    [[ $(tail -n 1 "$work/listing" | xargs) == "large small" ]]
    grep -q 'set "/small" mode 0600' "$work/log"
    refused grep -qwE 'fault|faults|trap|trapped|panicked' "$work/log"
}

# What `strongroom inspect` tells of an example, which says what it wants and in which language it is.
inspected() { # COMPONENT LANGUAGE [SETTING]
    "$strongroom" inspect "$1" >"$work/inspected"
    grep -q 'contract  strongroom:storage@0.1.0: storage' "$work/inspected"
    grep -qx "  language  $2" "$work/inspected"
    grep -q '^It says that it is simple' "$work/inspected"
    [[ -z ${3:-} ]] || grep -q "^  setting $3 " "$work/inspected"
    grep -q "^  strongroom run $1$" "$work/inspected"
    refused grep -qE 'cannot be read|does not say what it wants' "$work/inspected"
}

# No promise of the contract is broken.
keeps_the_contract() { # COMPONENT [OPTION]...
    "$strongroom" check "$@" >"$work/checked" || { cat "$work/checked"; return 1; }
    grep -qE '^[0-9]+ passed, 0 failed' "$work/checked"
}

# What an author's code throws costs a request its answer and nothing else: the same instance goes on.
errors_are_answers() { # COMPONENT EXPECTED-IN-LOG
    session "$1" >"$work/answers" 2>&1 <<END
-get /throws $work/throws
-get /wrong $work/wrong
-ls /bad-name
-rm /denied
ls /
END
    grep -q 'denied: Permission denied' "$work/answers"
    grep -q '^/good' "$work/answers"
    grep -qE "storage error Failure: .*$2" "$work/log"
    grep -q 'storage error PermissionDenied: .*for the log only' "$work/log"
    refused grep -q 'for the log only' "$work/answers"
    refused grep -qwE 'fault|faults|trap|trapped|panicked' "$work/log"
}

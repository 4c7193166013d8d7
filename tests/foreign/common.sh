# What the suites of this folder share, as bash functions: the executable under test, a place to work in, counted checks
# that cannot hang, storage mounted by sshfs, and a real sshd on the loopback. Read it with `source`, do not run it.

set -euo pipefail
umask 022
export LC_ALL=C.UTF-8 TZ=UTC

suite=$(basename "$0")
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
readonly suite repository foreign=$repository/tests/foreign tools=$repository/target/tests-tools
readonly strongroom=${STRONGROOM:-$repository/target/release/strongroom}
passed=0 failed=0

# Starts the suite anew as the unprivileged user, with $mounts places for sshfs, and ends it when it takes too long.
as_test_user() {
    local patience_s=${STRONGROOM_LONG:+14400}
    [[ -x $strongroom ]] || stop "$strongroom is missing; cargo build --release -p strongroom makes it"
    if [[ -z ${FOREIGN_STARTED:-} ]]; then
        export FOREIGN_STARTED=yes
        exec timeout --kill-after 10 "${patience_s:-1200}" "$foreign/with-fuse" "${mounts:-0}" "$repository/tests/as-user" "$0"
    fi
    [[ $EUID -ne 0 ]] || stop "does not run as root"
    work=$(mktemp -d)
    readonly work
    mkdir "$work/home"
    export HOME=$work/home XDG_CACHE_HOME=$work/home/.cache XDG_CONFIG_HOME=$work/home/.config
    trap clean_up EXIT
}

stop() { # REASON
    echo "$suite: $*" >&2
    echo "$suite: 0 passed, 1 failed"
    exit 1
}

need() { # PROGRAM...
    local program
    for program; do
        command -v "$program" >/dev/null || stop "$program is missing; tests/run says what to type"
    done
}

jobs_to_end=()
clean_up() {
    local job
    for job in "${jobs_to_end[@]+"${jobs_to_end[@]}"}"; do
        kill "$job" 2>/dev/null || true
        wait "$job" 2>/dev/null || true
    done
    rm -rf --one-file-system "$work" || true
}

# Runs a command, or a function of a suite up to its first error, and counts it.
check() { # WHAT COMMAND [ARGUMENT]...
    local what=$1 status
    shift
    set +e
    (set -e; "$@") >"$work/output" 2>&1 </dev/null
    status=$?
    set -e
    if [[ $status -eq 0 ]]; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what (status $status)"
        tail -n 40 "$work/output" | sed 's/^/        /'
    fi
}

refused() { ! "$@"; }

# Counts the lines "ok STEP" and "FAILED STEP" of a program that does its own checks; it ends with "done".
check_steps() { # WHAT PROGRAM [ARGUMENT]...
    local what=$1 word rest last=
    shift
    "$@" >"$work/steps" 2>&1 </dev/null || true
    while read -r word rest; do
        last=$word
        case $word in
            ok) passed=$((passed + 1)); echo "ok      $what: $rest" ;;
            FAILED) failed=$((failed + 1)); echo "FAILED  $what: $rest" ;;
            *) echo "        $word $rest" ;;
        esac
    done <"$work/steps"
    if [[ $last != done ]]; then
        failed=$((failed + 1))
        echo "FAILED  $what: did not come to its end"
    fi
}

conclude() {
    echo "$suite: $passed passed, $failed failed"
    [[ $failed -eq 0 ]]
}

executable() { # FILE, its text from standard input
    cat >"$1"
    chmod 755 "$1"
}

# Mounts what an ssh command leads to; $mounted is the directory. Root's mounts are made by with-fuse.
mounted=
mount_storage() { # SSH-COMMAND REMOTE [SSHFS-OPTION]...
    local ssh_command=$1 remote=$2 point
    shift 2
    if [[ -n ${FOREIGN_MOUNTS:-} ]]; then
        mounted=${FOREIGN_MOUNTS%% *} FOREIGN_MOUNTS=${FOREIGN_MOUNTS#* }
        point=/dev/fd/${mounted%%:*} mounted=${mounted#*:}
    else
        mounted=$(mktemp -d --tmpdir="$work" mount.XXXX)
        point=$mounted
    fi
    sshfs -f -o "ssh_command=$ssh_command" "$@" "$remote" "$point" &
    jobs_to_end+=($!)
    local tries
    for tries in {1..300}; do
        [[ $(timeout 60 stat --file-system --format %T "$mounted") != fuseblk ]] || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.1
    done
    stop "sshfs did not mount"
}

# A file of a mount as the storage has it, and not as the kernel remembers it: of a jail from $served, where it lies beneath
# no directory; of memory past the kernel's cache.
kept_by_jail() { cat "$served/${1##*/}"; }
kept_by_memory() { dd if="$1" iflag=direct bs=1M status=none; }

# A real sshd with two keys: a forced command serves the directory $served to $work/key, and memory to $work/memory_key.
# Sets $port, and writes $work/ssh_config with the hosts `strongroom` and `memory`.
start_sshd() {
    local folder=$work/sshd sshd tries
    sshd=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v sshd) || stop "sshd is missing; tests/run says what to type"
    mkdir -m 700 "$folder"
    ssh-keygen -q -t ed25519 -N '' -C host -f "$folder/host_key"
    ssh-keygen -q -t ed25519 -N '' -C client -f "$work/key"
    ssh-keygen -q -t ed25519 -N '' -C client -f "$work/memory_key"
    cat >"$folder/authorized_keys" <<END
command="$strongroom jail $served -l $work/server.log",restrict $(cat "$work/key.pub")
command="$strongroom memory -l $work/memory.log",restrict $(cat "$work/memory_key.pub")
END
    for tries in {1..10}; do
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        cat >"$folder/sshd_config" <<END
ListenAddress 127.0.0.1
Port $port
HostKey $folder/host_key
AuthorizedKeysFile $folder/authorized_keys
Subsystem sftp internal-sftp
PidFile none
UsePAM no
StrictModes no
MaxStartups 100
SetEnv XDG_CACHE_HOME=$XDG_CACHE_HOME
END
        "$sshd" -D -E "$work/sshd.log" -f "$folder/sshd_config" &
        jobs_to_end+=($!)
        for tries in {1..100}; do
            if ssh-keyscan -p "$port" 127.0.0.1 >"$work/scanned" 2>/dev/null && [[ -s $work/scanned ]]; then
                break 2
            fi
            kill -0 $! 2>/dev/null || break
            sleep 0.1
        done
    done
    [[ -s $work/scanned ]] || { cat "$work/sshd.log" >&2; stop "sshd did not start"; }
    echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$folder/host_key.pub")" >"$work/known_hosts"
    cat >"$work/ssh_config" <<END
Host strongroom 127.0.0.1
    IdentityFile $work/key
Host memory
    IdentityFile $work/memory_key
Host *
    HostName 127.0.0.1
    Port $port
    User $(id -un)
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile $work/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
END
}

# A tree of some 300 files, a few of them with awkward names; none has a link in it.
make_tree() { # DIRECTORY
    local directory file
    for directory in {1..12}; do
        mkdir -p "$1/directory $directory/deeper/still"
        for file in {1..24}; do
            head -c $((file * file * directory)) /dev/urandom >"$1/directory $directory/file-$file"
        done
        echo "$directory" >"$1/directory $directory/deeper/still/end"
    done
    mkdir -p "$1/empty" "$1/grüße"
    : >"$1/nothing"
    echo a >"$1/name with  spaces.txt"
    echo b >"$1/grüße/日本語 ✓.txt"
    echo c >"$1/it's (one) & [two].txt"
}

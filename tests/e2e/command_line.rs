//! What an operator types: each wrong input gets one line that names the thing, the reason and the next step, and each
//! option does what it says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::{Outcome, Place, Program, guest, guest_from_text, strongroom};

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"))
}

fn run(place: &Place, component: impl AsRef<Path>) -> Program {
    strongroom!(place, "run", component.as_ref(), "--cache-dir", place.cache())
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// One line with this status, which holds all of these words.
#[track_caller]
fn assert_refused(outcome: &Outcome, status: i32, words: &[&str]) {
    assert_eq!(outcome.code(), Some(status), "{}", outcome.all());
    assert_eq!(outcome.text(), "");
    let line = outcome.one_line();
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

// Bad input: the address of a database.

#[test]
fn an_address_of_a_database_that_is_not_served_is_told_why() {
    let place = Place::new();
    for (arguments, words) in [
        (["mongodb://a.example,b.example/files"].as_slice(), ["several hosts", "name the primary alone"]),
        (&["mongodb+srv://db.example/files"], ["mongodb+srv", "mongodb://HOST:PORT/DATABASE"]),
        (&["mongodb://db.example/files?replicaSet=rs0"], ["replicaSet is not known", "these are: tls, authSource"]),
        (&["mongodb://db.example/files?tlsCAFile=/ca.pem"], ["tlsCAFile", "--tls-ca FILE"]),
        (&["mongodb://db.example"], ["names no database", "/DATABASE"]),
        (&["mongodb://alice@db.example/files"], ["alice has no password", "--password-file FILE"]),
        (&["mongodb://db.example:http/files"], ["the address's host", "1 to 65535"]),
        (&["db.example", "27017", "a.b"], ["a database's name", "1 to 63 bytes"]),
        (&["db.example", "27017", "files", "--set", "address=evil:1"], ["--set address", "leave it out"]),
    ] {
        let outcome = strongroom!(place, "gridfs").args(arguments).run();
        assert_refused(&outcome, 2, &words);
    }
    let outcome = strongroom!(place, "gridfs", "mongodb://a@db/files", "--password-file", place.path("missing")).run();
    assert_eq!(outcome.code(), Some(2));
    assert!(outcome.stderr.contains("missing: the value cannot be read"), "{}", outcome.stderr);
}

#[test]
fn a_password_in_an_address_is_refused_and_never_repeated() {
    let place = Place::new();
    let address = "mongodb://alice:s3cret@db.example/files";
    for arguments in [[address].as_slice(), &["--", address], &["-e", address, "--tls"]] {
        let outcome = strongroom!(place, "gridfs").args(arguments).run();
        assert_refused(&outcome, 2, &["the address has a password in it", "--password-file FILE"]);
        assert!(!outcome.all().contains("s3cret"), "{}", outcome.all());
    }
}

// Bad input: directories.

#[test]
fn a_missing_directory_is_named() {
    let place = Place::new();
    let missing = place.path("missing");
    let outcome = strongroom!(place, "jail", &missing).run();
    assert_refused(&outcome, 2, &[missing.to_str().unwrap(), "no such directory", "create it"]);
}

#[test]
fn a_file_is_no_directory() {
    let place = Place::new();
    let file = place.file("file", "");
    assert_refused(&strongroom!(place, "jail", &file).run(), 2, &[file.to_str().unwrap(), "not a directory"]);
}

#[test]
fn a_directory_that_cannot_be_read_is_named() {
    let place = Place::new();
    let closed = place.directory("closed");
    set_mode(&closed, 0o000);
    assert_refused(&strongroom!(place, "jail", &closed).run(), 2, &[closed.to_str().unwrap(), "permission denied"]);
    set_mode(&closed, 0o700);
}

// Bad input: components.

#[test]
fn a_missing_or_unreadable_component_is_named() {
    let place = Place::new();
    let missing = place.path("missing.wasm");
    assert_refused(&run(&place, &missing).run(), 1, &[missing.to_str().unwrap(), "cannot be read"]);
    let closed = place.file("closed.wasm", "x");
    set_mode(&closed, 0o000);
    assert_refused(&run(&place, &closed).run(), 1, &[closed.to_str().unwrap(), "cannot be read"]);
}

#[test]
fn what_is_no_component_is_told_what_it_is() {
    let place = Place::new();
    for (name, contents, words) in [
        ("empty", &b""[..], ["an empty file", "cargo build"]),
        ("text", b"hello, world", ["a text file", "cargo build"]),
        ("wat", b"(component)", ["text form", "wasm-tools parse"]),
        ("comments", b";; a comment\n(component)", ["text form", "wasm-tools parse"]),
        ("native", b"\x7fELF\x02\x01\x01\0", ["a program in native code", "name the component"]),
        ("noise", b"\x00\xff\x00\xff\x00\xff\x00\xff", ["a file of another kind", "cargo build"]),
        ("new", b"\0asm\x63\0\x01\0", ["unknown version", "cargo build"]),
    ] {
        let file = place.file(format!("{name}.wasm"), contents);
        assert_refused(&run(&place, &file).run(), 1, &[&[file.to_str().unwrap()][..], &words].concat());
    }
    let directory = place.directory("directory");
    assert_refused(&run(&place, &directory).run(), 1, &[directory.to_str().unwrap(), "is a directory", "in it"]);
    let pipe = place.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    assert_refused(&run(&place, &pipe).run(), 1, &[pipe.to_str().unwrap(), "a pipe", "regular file"]);
}

#[test]
fn a_component_that_breaks_off_does_not_parse() {
    let place = Place::new();
    let whole = fs::read(guest("hide")).unwrap();
    let half = place.file("half.wasm", &whole[..whole.len() / 2]);
    assert_refused(&run(&place, &half).run(), 1, &[half.to_str().unwrap(), "does not parse", "build it again"]);
}

#[test]
fn a_core_module_is_no_component() {
    let place = Place::new();
    let module = guest_from_text(&place, "core-module");
    let words = [module.to_str().unwrap(), "a core module", "wasm-tools component new"];
    assert_refused(&run(&place, &module).run(), 1, &words);
}

#[test]
fn a_component_without_the_export_is_told_which() {
    let place = Place::new();
    let component = guest_from_text(&place, "no-storage");
    let words = [component.to_str().unwrap(), "does not export", "strongroom:storage/storage@0.1.0", "wit/"];
    assert_refused(&run(&place, &component).run(), 1, &words);
}

#[test]
fn a_component_of_another_contract_is_told_both_versions() {
    let place = Place::new();
    let component = guest_from_text(&place, "other-version");
    let words = [component.to_str().unwrap(), "newer", "@0.2.0", "@0.1.0", "update strongroom", "wit/"];
    assert_refused(&run(&place, &component).run(), 1, &words);
}

#[test]
fn an_import_that_the_host_does_not_offer_is_named() {
    let place = Place::new();
    let component = guest_from_text(&place, "unknown-import");
    let words = [component.to_str().unwrap(), "acme:anvils/forge@1.2.3", "without that import"];
    assert_refused(&run(&place, &component).run(), 1, &words);
}

#[test]
fn an_export_of_the_right_name_alone_does_not_do() {
    let place = Place::new();
    let component = guest_from_text(&place, "empty-storage");
    assert_refused(&run(&place, &component).run(), 1, &[component.to_str().unwrap(), "strongroom:storage", "wit/"]);
}

#[test]
fn a_storage_that_refuses_the_session_is_quoted() {
    let place = Place::new();
    let outcome = run(&place, guest("faulty")).args(["--set", "fault=fail@connect"]).run();
    assert_refused(&outcome, 1, &["refused", "told to fail"]);
}

#[test]
fn a_client_of_sshd_is_told_no_path() {
    let place = Place::new();
    let missing = place.path("missing");
    let server = strongroom!(place, "jail", &missing).env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22");
    let outcome = server.run();
    assert_eq!(outcome.code(), Some(2));
    assert!(!outcome.one_line().contains("missing"), "{}", outcome.stderr);
}

// Bad input: the command line.

#[test]
fn a_wrong_command_line_is_status_2() {
    let place = Place::new();
    let directory = place.directory("jail");
    let directory = directory.to_str().unwrap();
    for arguments in [
        &["nothing"][..],
        &["jail"],
        &["run"],
        &["jail", directory, "--nothing"],
        &["jail", directory, "-u", "9"],
        &["jail", directory, "-u", "10000"],
        &["jail", directory, "-P", "nothing"],
        &["jail", directory, "-p", "nothing"],
        &["jail", directory, "-d", "/%x"],
        &["jail", directory, "-f", "NOTHING"],
        &["jail", directory, "--log-level", "LOUD"],
        &["jail", directory, "--max-memory", "many"],
        &["jail", directory, "--call-timeout", "0"],
        &["jail", directory, "--set", "nothing"],
        &["jail", directory, "--set", "key=@/nonexistent/file"],
        &["run", "guest.wasm", "--dir", "nothing:else"],
        &["run", "guest.wasm", "--dir", "/srv", "--dir", "/srv"],
        &["memory", "--dir", directory],
        &["completions", "nothing"],
        &["new", "shelf"],
        &["new", "no-name", "--lang", "c"],
        &["new", "shelf", "--lang", "none"],
    ] {
        let outcome = Program::new(&place, env!("CARGO_BIN_EXE_strongroom")).args(arguments).run();
        assert_eq!(outcome.code(), Some(2), "{arguments:?}: {}", outcome.all());
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_version_manual_and_completions_are_printed() {
    let place = Place::new();
    for (arguments, words) in [
        (&["--help"][..], &["jail", "memory", "run", "new", "man", "completions"][..]),
        (&["jail", "--help"], &["--umask", "--logfile", "INFO", "--allow-unsafe-grant"]),
        (&["--version"], &["strongroom ", "contract strongroom:storage@0.1.0", "engine"]),
        (&["new", "--help"], &["--lang", "[possible values: rust, python, js, c]"]),
        (&["man"], &[".TH", "strongroom", "OPTIONS OF NEW"]),
        (&["completions", "bash"], &["complete", "strongroom", "rust python js c"]),
        (&["completions", "fish"], &["complete", "strongroom"]),
    ] {
        let outcome = Program::new(&place, env!("CARGO_BIN_EXE_strongroom")).args(arguments).succeed();
        for word in words {
            assert!(outcome.text().contains(word), "{arguments:?}: {word:?} is not in\n{}", outcome.text());
        }
        assert_eq!(outcome.stderr, "");
    }
}

// Options.

#[test]
fn requests_are_listed_by_openssh_names() {
    let place = Place::new();
    let listed = strongroom!(place, "jail", "-Q", "requests").succeed().text();
    let listed: Vec<&str> = listed.lines().collect();
    for name in [
        "open",
        "close",
        "read",
        "write",
        "lstat",
        "fstat",
        "setstat",
        "fsetstat",
        "opendir",
        "readdir",
        "remove",
        "mkdir",
        "rmdir",
        "realpath",
        "stat",
        "rename",
        "readlink",
        "symlink",
        "posix-rename",
        "statvfs",
        "fstatvfs",
        "hardlink",
        "fsync",
        "lsetstat",
        "limits",
    ] {
        assert!(listed.contains(&name), "{name} is not in {listed:?}");
    }
}

#[test]
fn read_only_refuses_every_change() {
    let place = Place::new();
    place.file("jail/file", "contents");
    set_mode(place.path("jail/file"), 0o644);
    let mut client = jail(&place).arg("-R").connect();
    assert_eq!(client.get("/file").unwrap(), b"contents");
    for flags in [
        flag::WRITE,
        flag::READ | flag::WRITE,
        flag::READ | flag::CREAT,
        flag::READ | flag::TRUNC,
        flag::WRITE | flag::CREAT,
        flag::WRITE | flag::APPEND,
    ] {
        assert_eq!(refused(client.open("/file", flags, None)), code::PERMISSION_DENIED, "flags {flags}");
        assert_eq!(refused(client.open("/new", flags | flag::CREAT, None)), code::PERMISSION_DENIED, "flags {flags}");
    }
    let chmod = Attributes::permissions(0o600);
    assert_eq!(refused(client.setstat("/file", &chmod)), code::PERMISSION_DENIED);
    assert_eq!(refused(client.lsetstat("/file", &chmod)), code::PERMISSION_DENIED);
    let handle = client.open("/file", flag::READ, None).unwrap();
    assert_eq!(refused(client.fsetstat(&handle, &chmod)), code::PERMISSION_DENIED);
    assert_eq!(refused(client.write(&handle, 0, b"x")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.remove("/file")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.mkdir("/directory", None)), code::PERMISSION_DENIED);
    assert_eq!(refused(client.rmdir("/directory")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.rename("/file", "/other")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.posix_rename("/file", "/other")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.symlink("file", "/link")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.hardlink("/file", "/link")), code::PERMISSION_DENIED);
    assert_eq!(client.list("/").unwrap(), ["file"]);
    assert_eq!(
        (fs::read(place.path("jail/file")).unwrap(), mode(place.path("jail/file"))),
        (b"contents".to_vec(), 0o644)
    );
}

#[test]
fn denied_requests_are_refused_and_others_are_not() {
    let place = Place::new();
    place.file("jail/file", "contents");
    let mut client = jail(&place).args(["-P", "remove,mkdir"]).connect();
    assert_eq!(refused(client.remove("/file")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.mkdir("/directory", None)), code::PERMISSION_DENIED);
    client.rename("/file", "/other").unwrap();
    assert_eq!(client.get("/other").unwrap(), b"contents");
}

#[test]
fn only_allowed_requests_are_served_and_denial_wins() {
    let place = Place::new();
    place.file("jail/file", "contents");
    let mut client = jail(&place).args(["-p", "stat,open,read,close,lstat", "-P", "lstat"]).connect();
    assert_eq!(client.get("/file").unwrap(), b"contents");
    client.stat("/file").unwrap();
    assert_eq!(refused(client.lstat("/file")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.opendir("/")), code::PERMISSION_DENIED);
    assert_eq!(
        refused(client.open("/new", flag::WRITE | flag::CREAT, None).and_then(|handle| client.write(&handle, 0, b"x"))),
        code::PERMISSION_DENIED
    );
}

#[test]
fn the_umask_is_taken_from_what_is_asked_for() {
    for (umask, file, open, directory) in [
        ("022", 0o644, 0o755, 0o755),
        ("077", 0o600, 0o700, 0o700),
        ("0", 0o666, 0o777, 0o777),
        ("027", 0o640, 0o750, 0o750),
    ] {
        let place = Place::new();
        let mut client = jail(&place).args(["-u", umask]).connect();
        for (name, permissions) in [("default", None), ("asked", Some(0o666)), ("kind", Some(0o100_777))] {
            let handle = client.open(format!("/{name}"), flag::WRITE | flag::CREAT, permissions).unwrap();
            client.close(&handle).unwrap();
        }
        client.mkdir("/directory", None).unwrap();
        client.mkdir("/asked-directory", Some(0o777)).unwrap();
        let on_disk = |name: &str| mode(place.path("jail").join(name));
        assert_eq!((on_disk("default"), on_disk("asked"), on_disk("kind")), (file, file, open), "umask {umask}");
        assert_eq!((on_disk("directory"), on_disk("asked-directory")), (directory, directory), "umask {umask}");
        client.setstat("/default", &Attributes::permissions(0o777)).unwrap();
        assert_eq!(on_disk("default"), 0o777, "a change is no creation");
    }
}

#[test]
fn without_u_the_umask_is_the_one_it_was_started_with() {
    for (umask, file) in [("0022", 0o644), ("0077", 0o600), ("0000", 0o666)] {
        let place = Place::new();
        let mut client = jail(&place).umask(umask).connect();
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        client.close(&handle).unwrap();
        assert_eq!(mode(place.path("jail/file")), file, "umask {umask}");
    }
}

#[test]
fn sessions_start_where_d_says() {
    let place = Place::new();
    place.file("jail/users/alice/file", "alice's");
    let mut client = jail(&place).args(["-d", "/users/%u"]).env("LOGNAME", "alice").connect();
    assert_eq!(client.realpath(".").unwrap(), b"/users/alice");
    assert_eq!(client.realpath("").unwrap(), b"/users/alice");
    assert_eq!(client.get("file").unwrap(), b"alice's");
    assert_eq!(client.list("/users").unwrap(), ["alice"]);
}

#[test]
fn a_user_name_that_is_no_component_is_refused() {
    let place = Place::new();
    for name in ["..", ".", "a/b"] {
        let outcome = jail(&place).args(["-d", "/%u"]).env("LOGNAME", name).run();
        assert_refused(&outcome, 2, &["%u"]);
    }
}

#[test]
fn directories_are_granted_for_reading_only() {
    let place = Place::new();
    place.file("granted/file", "contents");
    let server = run(&place, guest("hide")).arg("--dir").arg(format!("{}:ro", place.path("granted").display()));
    let mut client = server.connect();
    assert_eq!(client.get("/file").unwrap(), b"contents");
    assert_eq!(refused(client.put("/file", b"x")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.put("/new", b"x")), code::PERMISSION_DENIED);
    assert_eq!(refused(client.remove("/file")), code::PERMISSION_DENIED);
    assert_eq!(fs::read(place.path("granted/file")).unwrap(), b"contents");
}

#[test]
fn a_colon_in_a_directory_is_escaped() {
    let place = Place::new();
    let directory = place.directory("with:ro");
    fs::write(directory.join("file"), "contents").unwrap();
    let escaped = directory.to_str().unwrap().replace(':', "\\:");
    let mut client = run(&place, guest("hide")).arg("--dir").arg(escaped).connect();
    assert_eq!(client.get("/file").unwrap(), b"contents");
    client.put("/new", b"it may be written").unwrap();
}

#[test]
fn a_setting_is_read_from_a_file_and_never_logged() {
    let place = Place::new();
    let secret = place.file("secret", "fail@connect\n");
    let log = place.path("log");
    let server = run(&place, guest("faulty")).arg("--set").arg(format!("fault=@{}", secret.display()));
    let outcome = server.args(["--log-level", "DEBUG3", "-l"]).arg(&log).run();
    assert_refused(&outcome, 1, &["refused"]);
    assert!(!fs::read_to_string(log).unwrap().contains("fail@connect"));
}

// The log.

#[test]
fn nothing_goes_to_standard_error_unless_asked_for() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    client.put("/file", b"x").unwrap();
    refused(client.get("/missing"));
    assert_eq!(client.finish().1, "");
}

#[test]
fn the_log_file_is_private_and_appended_to_in_openssh_words() {
    let place = Place::new();
    let log = place.path("log");
    for _ in 0..2 {
        let server = jail(&place).arg("-l").arg(&log).env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22");
        let mut client = server.env("LOGNAME", "alice").env("SSH_ORIGINAL_COMMAND", "internal-sftp").connect();
        client.put("/file", b"12345").unwrap();
        assert_eq!(client.get("/file").unwrap(), b"12345");
        client.setstat("/file", &Attributes::permissions(0o640)).unwrap();
        client.mkdir("/directory", Some(0o750)).unwrap();
        client.rename("/file", "/directory/other").unwrap();
        refused(client.get("/missing\nline"));
        client.remove("/directory/other").unwrap();
        client.rmdir("/directory").unwrap();
        client.finish();
    }
    assert_eq!(mode(&log), 0o600);
    let log = fs::read_to_string(log).unwrap();
    for line in [
        "session opened for local user alice from [192.0.2.7]",
        "open \"/file\" flags WRITE,CREATE,TRUNCATE mode 0644",
        "close \"/file\" bytes read 0 written 5",
        "close \"/file\" bytes read 5 written 0",
        "set \"/file\" mode 0640",
        "mkdir name \"/directory\" mode 0750",
        "rename old \"/file\" new \"/directory/other\"",
        "open \"/missing\\012line\" flags READ mode 0666",
        "sent status No such file",
        "remove name \"/directory/other\"",
        "rmdir name \"/directory\"",
        "session closed for local user alice from [192.0.2.7]",
    ] {
        assert_eq!(log.matches(line).count(), 2, "{line:?} in\n{log}");
    }
    let lines = log.lines().all(|line| line.contains("strongroom[") && line.contains("alice 192.0.2.7: "));
    assert!(lines, "{log}");
}

#[test]
fn the_log_is_not_written_through_a_link() {
    let place = Place::new();
    let target = place.path("target");
    let link = place.path("link");
    symlink(&target, &link).unwrap();
    assert_refused(&jail(&place).arg("-l").arg(&link).run(), 1, &[link.to_str().unwrap(), "symbolic link"]);
    assert!(!target.exists());
}

#[test]
fn a_level_is_no_log_file() {
    let place = Place::new();
    let mut client = jail(&place).args(["-el", "debug3"]).connect();
    client.stat("/").unwrap();
    let (_, errors) = client.finish();
    assert!(errors.contains("debug3: ") && errors.contains("session opened"), "{errors}");
    assert_eq!(fs::read_dir(place.home()).unwrap().count(), 0, "no file of that name was made");

    let mut client = jail(&place).args(["-e", "-l", "ERROR"]).connect();
    refused(client.get("/missing"));
    assert_eq!(client.finish().1, "");

    let mut client = jail(&place).args(["-l", "./INFO"]).connect();
    client.stat("/").unwrap();
    client.finish();
    assert!(place.home().join("INFO").is_file());
}

#[test]
fn what_a_client_supplies_is_one_line_in_the_log() {
    let place = Place::new();
    let mut client = jail(&place).arg("-e").connect();
    let path = b"/a\nforged line\x1b[31m\xff\"";
    refused(client.get(path));
    let (_, errors) = client.finish();
    assert!(!errors.contains('\x1b') && !errors.lines().any(|line| line.starts_with("forged")), "{errors}");
    assert!(errors.contains("open \"/a\\012forged line\\033[31m\\377"), "{errors}");
}

// Limits that flags set.

#[test]
fn limits_that_flags_set_hold() {
    let place = Place::new();
    place.file("jail/file", [7; 100_000]);
    let mut client = jail(&place).args(["--max-read", "1K", "--max-path", "64"]).connect();
    let handle = client.open("/file", flag::READ, None).unwrap();
    assert_eq!(client.read(&handle, 0, 100_000).unwrap().len(), 1024);
    assert_eq!(refused(client.stat(format!("/{}", "n".repeat(64)))), code::BAD_MESSAGE);

    let mut client = jail(&place).args(["--max-packet", "34000"]).connect();
    let handle = client.open("/new", flag::WRITE | flag::CREAT, None).unwrap();
    client.write(&handle, 0, &[1; 33_000]).unwrap();
    client.send(
        strongroom_tests::packet::kind::WRITE,
        strongroom_tests::packet::Body::new().string(&handle).u64(0).string([1; 40_000]),
    );
    assert!(client.receive_packet().is_none(), "a longer packet ends the session");
    assert_eq!(client.process().wait().code(), Some(1));
}

// Grants that would let a client change what binds it.

#[test]
fn a_grant_over_ssh_keys_is_refused() {
    let place = Place::new();
    place.directory("home/.ssh");
    for directory in [place.home(), place.home().join(".ssh"), place.path("")] {
        let outcome = strongroom!(place, "jail", &directory, "--cache-dir", "/nonexistent").run();
        assert_refused(&outcome, 2, &[directory.to_str().unwrap(), "refused", ".ssh", "--allow-unsafe-grant"]);
    }
    place.directory("home/files");
    strongroom!(place, "jail", place.home().join("files")).connect().stat("/").unwrap();
    strongroom!(place, "jail", place.home(), "-R").connect().stat("/").unwrap();
}

#[test]
fn a_grant_over_the_cache_asks_for_another_cache() {
    let place = Place::new();
    let server = || strongroom!(place, "jail", place.cache());
    assert_refused(&server().run(), 2, &["refused", "compile cache", "--cache-dir DIR"]);
    server().arg("--cache-dir").arg(place.path("elsewhere")).connect().stat("/").unwrap();
}

#[test]
fn a_grant_over_the_log_or_the_guest_is_refused() {
    let place = Place::new();
    let log = place.directory("jail").join("log");
    assert_refused(&jail(&place).arg("-l").arg(&log).run(), 2, &["refused", "the log", "elsewhere"]);
    let inside = place.path("granted/guest.wasm");
    place.directory("granted");
    fs::copy(guest("hide"), &inside).unwrap();
    let outcome = run(&place, &inside).arg("--dir").arg(place.path("granted")).run();
    assert_refused(&outcome, 2, &["refused", "the guest", inside.to_str().unwrap()]);
    let read_only = format!("{}:ro", place.path("granted").display());
    run(&place, &inside).arg("--dir").arg(read_only).connect().stat("/").unwrap();
}

#[test]
fn an_unsafe_grant_may_be_insisted_on_with_a_line_in_the_log() {
    let place = Place::new();
    place.directory("home/.ssh");
    let mut client = strongroom!(place, "jail", place.home(), "--allow-unsafe-grant", "-e").connect();
    assert_eq!(client.list("/").unwrap(), [".ssh"]);
    assert!(client.finish().1.contains("unsafe grant allowed"));
}

// Help, and commands that serve nobody.

#[test]
fn the_help_of_each_command_begins_as_the_overview_tells_it() {
    let place = Place::new();
    let overview = strongroom!(place, "--help").succeed().text();
    let commands = overview.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut count = 0;
    for line in commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let (name, about) = line.trim().split_once(' ').unwrap();
        if name == "help" {
            continue;
        }
        let help = strongroom!(place, name, "-h").succeed().text();
        let first = help.lines().next().unwrap();
        assert!(first.starts_with(about.trim()), "{name}: {first:?} and not {about:?}");
        count += 1;
    }
    assert!(count >= 8, "{count} commands in:\n{overview}");
}

#[test]
fn commands_that_serve_nobody_tell_whoever_typed_them_over_ssh_too() {
    let place = Place::new();
    place.directory("home/shelf");
    for (arguments, word) in [
        (["new", "shelf", "--lang", "c"].as_slice(), "shelf is there already"),
        (&["new", "shelf", "--lang"], "--lang"),
        (&["inspect", "missing.wasm"], "missing.wasm"),
        (&["check", "missing.wasm"], "missing.wasm"),
        (&["check"], "GUEST"),
        (&["compile", "missing.wasm", "-o", "code"], "missing.wasm"),
    ] {
        let program = strongroom!(place).args(arguments).in_directory(place.path("home"));
        let outcome = program.env("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22").run();
        assert!(!outcome.status.success() && outcome.stderr.contains(word), "{arguments:?}: {}", outcome.all());
    }
}

#[test]
fn a_tool_of_a_language_that_is_missing_is_told_with_what_installs_it() {
    let place = Place::new();
    let home = place.directory("home");
    for (language, tools) in [
        ("rust", [("cargo", "sh.rustup.rs"), ("wasm32-wasip2", "rustup target add wasm32-wasip2")].as_slice()),
        ("python", &[("Python 3.11", "apt-get install -y python3-venv")]),
        ("js", &[("Node 20", "apt-get install -y nodejs"), ("npm", "apt-get install -y npm")]),
        (
            "c",
            &[
                ("cargo", "sh.rustup.rs"),
                ("wit-bindgen", "cargo install"),
                ("Python", "venv"),
                ("cc", "gcc"),
                ("make", "make"),
            ],
        ),
    ] {
        let program = strongroom!(place, "new", format!("shelf_{language}"), "--lang", language).in_directory(&home);
        let outcome = program.env("PATH", place.path("nowhere")).succeed();
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(lines.len(), tools.len(), "{language}: {lines:?}");
        for (line, (tool, install)) in lines.iter().zip(tools) {
            let (before, after) = line.split_once(" is missing; ").unwrap();
            assert!(before.contains(tool) && after.contains(install), "{language}: {line}");
        }
        assert!(outcome.text().contains("is begun"), "{}", outcome.text());
    }
}

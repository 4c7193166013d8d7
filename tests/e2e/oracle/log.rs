//! What both write into their logs about one conversation, line by line: people look for OpenSSH's words (row 28).
//!
//! A path is told in its normal form here and as it was sent there, so that all are sent in normal form. To standard error
//! OpenSSH writes line breaks and quotation marks in names as they are; here an event is one line whatever is in it, so
//! that no name has any.

use std::path::Path;
use strongroom_tests::packet::{Attributes, Body, flag};
use strongroom_tests::{Client, Place, Program, strongroom, tools};

/// What one of them says and the other does not, by how a line begins, and why.
const ONLY_OPENSSH: [(&str, &str); 1] = [("closedir \"(null)\"", "a handle that nobody has is no directory's")];
const ONLY_WE: [(&str, &str); 1] = [("debug1: request ", "VERBOSE and DEBUG1 are one level here")];

/// Stands in front of what OpenSSH says at VERBOSE, because that is DEBUG1 here.
const VERBOSE_MARK: &str = "debug1: ";

/// How OpenSSH says that it leaves a packet unanswered.
const UNANSWERED: &str = "Unknown message ";

type Conversation = fn(&mut Client, &dyn Fn(&str) -> Vec<u8>);

#[test]
fn at_info_each_line_is_openssh_s_own() {
    let lines = compare("INFO", files) + compare("INFO", names) + compare("INFO", attributes);
    assert!(lines > 200, "{lines}");
}

#[test]
fn at_verbose_each_line_is_openssh_s_own() {
    let lines = compare("VERBOSE", files) + compare("VERBOSE", names) + compare("VERBOSE", attributes);
    assert!(lines > 250, "{lines}");
}

#[test]
fn of_what_is_unknown_each_line_is_openssh_s_own() {
    compare("INFO", unknown);
}

#[test]
fn of_what_is_seldom_asked_each_line_is_openssh_s_own() {
    compare("INFO", seldom_asked);
    compare("VERBOSE", seldom_asked);
}

#[test]
fn of_what_is_refused_in_a_read_only_session_each_line_is_openssh_s_own() {
    compare_with(&["-R"], "VERBOSE", refused);
}

#[test]
fn of_requests_that_are_not_permitted_each_line_is_openssh_s_own() {
    compare_with(&["-P", "remove,posix-rename"], "VERBOSE", refused);
    compare_with(&["-p", "open,close,write,mkdir,posix-rename"], "VERBOSE", refused);
}

/// Says how many lines were compared.
#[track_caller]
fn compare(level: &str, converse: Conversation) -> usize {
    compare_with(&[], level, converse)
}

#[track_caller]
fn compare_with(options: &[&str], level: &str, converse: Conversation) -> usize {
    let place = Place::new();
    let [theirs, ours] = ["theirs", "ours"].map(|name| place.directory(name).canonicalize().unwrap());
    let openssh = tools::tool(&place, "sftp-server").args(options).in_directory(&theirs);
    let jail = strongroom!(place, "jail", "--show-names", "--allow-setid", "--allow-chown", &ours).args(options);
    let theirs = plain_theirs(&logged(&openssh, level, converse, &theirs), &theirs);
    let ours = plain_ours(&logged(&jail, level, converse, Path::new("")));
    let same = theirs.iter().zip(&ours).take_while(|(theirs, ours)| theirs == ours).count();
    let around = |lines: &[String]| lines[same.saturating_sub(3)..lines.len().min(same + 3)].join("\n    ");
    let is_same = same == theirs.len() && same == ours.len();
    assert!(is_same, "{level}: after {same} lines\n  OpenSSH\n    {}\n  ours\n    {}", around(&theirs), around(&ours));
    same
}

/// What a server says of a conversation on standard error. It knows the served directory as `root`.
fn logged(server: &Program, level: &str, converse: Conversation, root: &Path) -> String {
    let server = server.clone().args(["-e", "-l", level]).umask("022");
    let mut client = server.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22").connect();
    converse(&mut client, &|path| [root.to_str().unwrap(), path].concat().into_bytes());
    let (status, errors) = client.finish();
    assert!(status.success(), "{status}: {errors}");
    errors
}

fn plain_theirs(errors: &str, root: &Path) -> Vec<String> {
    let lines = errors.lines().map(|line| line.trim_end().replace(root.to_str().unwrap(), ""));
    let mut lines: Vec<String> = lines.collect();
    // Of each extension that it does not offer then it says that it is refused.
    let begun = lines.iter().position(|line| line.starts_with("received client version")).map_or(0, |index| index + 1);
    let offered = lines[begun..].iter().take_while(|line| line.starts_with("Refusing")).count();
    lines.drain(begun..begun + offered);
    let lines = lines.into_iter().filter(|line| !ONLY_OPENSSH.iter().any(|(start, _)| line.starts_with(start)));
    // What it does not answer is answered here (row 22).
    let answered = |line: &String| line.starts_with(UNANSWERED).then(|| "sent status Operation unsupported".to_owned());
    lines.flat_map(|line| [answered(&line), Some(line)].into_iter().rev().flatten()).collect()
}

/// Without time, process, user and address.
fn plain_ours(errors: &str) -> Vec<String> {
    let text = |line: &str| line.split_once(" 192.0.2.1: ").unwrap_or_else(|| panic!("{line}")).1.to_owned();
    let lines = errors.lines().map(text).filter(|line| !ONLY_WE.iter().any(|(start, _)| line.starts_with(start)));
    let mut lines: Vec<String> = lines.map(|line| line.trim_start_matches(VERBOSE_MARK).to_owned()).collect();
    // A session is open when its storage is, which is started once the client has spoken.
    if lines.first().is_some_and(|line| line.starts_with("received client version")) {
        lines.swap(0, 1);
    }
    lines
}

/// Opening with each combination of flags, reading, writing, copying, and what is open at the end.
fn files(client: &mut Client, at: &dyn Fn(&str) -> Vec<u8>) {
    client.put(at("/file"), b"hello").unwrap();
    for flags in 0..64 {
        let permissions = [None, Some(0o640), Some(0o100_777), Some(0)][flags as usize / 2 % 4];
        for path in ["/file", "/file/below", "/missing/below"] {
            let Ok(handle) = client.open(at(path), flags, permissions) else { continue };
            if flags & (flag::READ | flag::WRITE) != flag::WRITE {
                let _ = client.read(&handle, 0, 100);
            }
            if flags & flag::WRITE != 0 {
                client.write(&handle, 4, b"written").unwrap();
            }
            client.close(&handle).unwrap();
        }
    }
    let both = flag::READ | flag::WRITE;
    let from = client.open(at("/file"), both, None).unwrap();
    let to = client.open(at("/copy"), both | flag::CREAT, None).unwrap();
    client.extended("copy-data", Body::new().string(&from).u64(0).u64(0).string(&to).u64(0));
    client.fsync(&to).unwrap();
    client.fstat(&to).unwrap();
    client.extended("limits@openssh.com", Body::new());
    client.close(&to).unwrap();
    client.close(&to).unwrap_err();
    client.opendir(at("/")).unwrap();
}

/// Looking at what is there and what is not, and making, moving and removing it.
fn names(client: &mut Client, at: &dyn Fn(&str) -> Vec<u8>) {
    client.put(at("/file"), b"hello").unwrap();
    for path in ["/missing", "/file/below", "/file", "/", "/ü \u{1}\\"] {
        let _ = client.stat(at(path));
        let _ = client.lstat(at(path));
        let _ = client.realpath(at(path));
        let _ = client.readlink(at(path));
        let _ = client.statvfs(at(path));
        client.extended("expand-path@openssh.com", Body::new().string(at(path)));
        let _ = client.entries(at(path));
    }
    for permissions in [None, Some(0o750), Some(0o042_770)] {
        client.mkdir(at("/directory"), permissions).unwrap();
        client.mkdir(at("/directory"), permissions).unwrap_err();
        client.list(at("/directory")).unwrap();
        client.remove(at("/directory")).unwrap_err();
        client.rmdir(at("/directory")).unwrap();
        client.rmdir(at("/directory")).unwrap_err();
    }
    client.symlink("file", at("/link")).unwrap();
    client.symlink(at("/file"), at("/absolute link")).unwrap();
    client.symlink("file", at("/link")).unwrap_err();
    client.readlink(at("/link")).unwrap();
    client.hardlink(at("/file"), at("/twin")).unwrap();
    client.hardlink(at("/file"), at("/twin")).unwrap_err();
    client.rename(at("/file"), at("/twin")).unwrap_err();
    client.rename(at("/file"), at("/other")).unwrap();
    client.posix_rename(at("/other"), at("/copy")).unwrap();
    client.posix_rename(at("/other"), at("/copy")).unwrap_err();
    client.remove(at("/copy")).unwrap();
    client.remove(at("/copy")).unwrap_err();
}

/// Setting each attribute, and all, by each of the three requests.
fn attributes(client: &mut Client, at: &dyn Fn(&str) -> Vec<u8>) {
    client.put(at("/file"), b"hello").unwrap();
    let handle = client.open(at("/file"), flag::WRITE, None).unwrap();
    let all = Attributes { size: Some(7), permissions: Some(0o604), times: Some((1, 2)), ..Attributes::default() };
    for changes in [
        Attributes::size(5),
        Attributes::permissions(0),
        Attributes::permissions(0o104_755),
        Attributes::permissions(0o644),
        Attributes::times(1, 1_500_000_000),
        Attributes::times(0, u32::MAX),
        Attributes::owner(64_123, 64_123),
        Attributes::owner(0, 0),
        Attributes::owner(u32::MAX, u32::MAX),
        all,
    ] {
        let _ = client.fsetstat(&handle, &changes);
        for path in ["/file", "/missing"] {
            let _ = client.setstat(at(path), &changes);
            let _ = client.lsetstat(at(path), &changes);
        }
    }
    client.close(&handle).unwrap();
}

/// An extension and a packet that there are not.
fn unknown(client: &mut Client, _: &dyn Fn(&str) -> Vec<u8>) {
    client.extended("no such extension@example.org", Body::new());
    // For an answer to it a client of OpenSSH's waits for ever.
    client.send(99, Body::new());
}

fn refused(client: &mut Client, at: &dyn Fn(&str) -> Vec<u8>) {
    for flags in [flag::READ, flag::WRITE | flag::CREAT, flag::CREAT, flag::TRUNC] {
        let _ = client.open(at("/file"), flags, None);
    }
    let _ = client.remove(at("/file"));
    let _ = client.mkdir(at("/directory"), None);
    let _ = client.rename(at("/directory"), at("/moved"));
    let _ = client.posix_rename(at("/directory"), at("/moved"));
    let _ = client.setstat(at("/moved"), &Attributes::size(5));
    let _ = client.statvfs(at("/"));
}

fn seldom_asked(client: &mut Client, at: &dyn Fn(&str) -> Vec<u8>) {
    let handle = client.open(at("/file"), flag::WRITE | flag::CREAT, None).unwrap();
    client.extended("fstatvfs@openssh.com", Body::new().string(&handle));
    client.close(&handle).unwrap();
    client.extended("users-groups-by-id@openssh.com", Body::new().string(0_u32.to_be_bytes()).string(b""));
    client.extended("home-directory", Body::new().string("no-such-user"));
}

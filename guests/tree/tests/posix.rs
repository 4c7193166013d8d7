//! The rules of names, links and open files, one by one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use strongroom_bindings::types::{AttributeChanges, ErrorCode, FileKind, OpenFlags, Timestamp};
use strongroom_tree::{NAME_MAX, NodeId, Tree};

const NOW: Timestamp = at(1);

const fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: 0 }
}

fn tree() -> Tree {
    Tree::new(64 << 20, at(0))
}

fn put(tree: &mut Tree, path: &str, data: &[u8]) {
    let file = tree.open(path, OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE, 0o640, NOW).unwrap();
    tree.write(file, Some(0), data, NOW).unwrap();
    tree.release(file);
}

fn open(tree: &mut Tree, path: &str) -> Result<NodeId, ErrorCode> {
    tree.open(path, OpenFlags::READ, 0, NOW)
}

fn get(tree: &mut Tree, path: &str) -> Result<Vec<u8>, ErrorCode> {
    let file = open(tree, path)?;
    let data = tree.read(file, 0, 1 << 20);
    tree.release(file);
    data
}

fn names(tree: &mut Tree, path: &str) -> Vec<String> {
    let directory = tree.open_directory(path).unwrap();
    let entries = tree.list(directory, None, 1000).unwrap();
    tree.release(directory);
    entries.into_iter().map(|entry| entry.name).collect()
}

fn nothing() -> AttributeChanges {
    AttributeChanges {
        size: None,
        permissions: None,
        uid: None,
        gid: None,
        accessed: None,
        modified: None,
        extended: vec![],
    }
}

#[test]
fn an_open_file_outlives_its_name() {
    let mut tree = tree();
    put(&mut tree, "/file", b"bytes");
    let file = open(&mut tree, "/file").unwrap();
    tree.remove("/file", NOW).unwrap();
    assert_eq!(get(&mut tree, "/file"), Err(ErrorCode::NoSuchFile));
    assert_eq!(tree.read(file, 0, 10).unwrap(), b"bytes");
    assert_eq!(tree.stat_open(file).unwrap().link_count, Some(0));
    tree.release(file);
    assert_eq!(tree.read(file, 0, 10), Err(ErrorCode::Failure));
}

#[test]
fn an_open_file_outlives_what_is_renamed_over_it() {
    let mut tree = tree();
    put(&mut tree, "/old", b"old");
    put(&mut tree, "/new", b"new");
    let old = open(&mut tree, "/old").unwrap();
    tree.rename("/new", "/old", true, NOW).unwrap();
    assert_eq!(tree.read(old, 0, 10).unwrap(), b"old");
    assert_eq!(get(&mut tree, "/old").unwrap(), b"new");
    assert_eq!(names(&mut tree, "/"), ["old"]);
}

#[test]
fn an_open_directory_outlives_its_name_and_is_empty_then() {
    let mut tree = tree();
    tree.make_directory("/d", 0o755, NOW).unwrap();
    let directory = tree.open_directory("/d").unwrap();
    tree.remove_directory("/d", NOW).unwrap();
    assert!(tree.list(directory, None, 10).unwrap().is_empty());
    assert_eq!(tree.open_directory("/d"), Err(ErrorCode::NoSuchFile));
}

#[test]
fn creating() {
    let mut tree = tree();
    tree.symlink("missing", "/dangling", NOW).unwrap();
    let create = OpenFlags::WRITE | OpenFlags::CREATE;
    assert_eq!(
        tree.open("/dangling", create | OpenFlags::EXCLUSIVE, 0o600, NOW),
        Err(ErrorCode::AlreadyExists),
        "exclusive does not follow"
    );
    let file = tree.open("/dangling", create, 0o104600, NOW).unwrap();
    tree.release(file);
    assert_eq!(tree.stat("/missing", false).unwrap().permissions, Some(0o4600));
    assert_eq!(tree.open("/", create, 0o600, NOW), Err(ErrorCode::IsADirectory));
    assert_eq!(tree.open("/", create | OpenFlags::EXCLUSIVE, 0o600, NOW), Err(ErrorCode::AlreadyExists));
    assert_eq!(tree.open("/no/file", create, 0o600, NOW), Err(ErrorCode::NoSuchFile));
    assert_eq!(tree.open("/missing/file", create, 0o600, NOW), Err(ErrorCode::NotADirectory));
    assert_eq!(tree.make_directory("/", 0o700, NOW), Err(ErrorCode::AlreadyExists));
    assert_eq!(tree.make_directory("/dangling", 0o700, NOW), Err(ErrorCode::AlreadyExists));
    assert_eq!(tree.symlink("x", "/missing", NOW), Err(ErrorCode::AlreadyExists));
}

#[test]
fn removing() {
    let mut tree = tree();
    tree.make_directory("/d", 0o755, NOW).unwrap();
    put(&mut tree, "/d/file", b"");
    tree.symlink("d", "/link", NOW).unwrap();
    assert_eq!(tree.remove("/d", NOW), Err(ErrorCode::IsADirectory));
    assert_eq!(tree.remove("/", NOW), Err(ErrorCode::IsADirectory));
    assert_eq!(tree.remove("/no", NOW), Err(ErrorCode::NoSuchFile));
    assert_eq!(tree.remove_directory("/d", NOW), Err(ErrorCode::NotEmpty));
    assert_eq!(tree.remove_directory("/d/file", NOW), Err(ErrorCode::NotADirectory));
    assert_eq!(tree.remove_directory("/link", NOW), Err(ErrorCode::NotADirectory));
    assert_eq!(tree.remove_directory("/", NOW), Err(ErrorCode::Busy));
    tree.remove("/link/file", NOW).unwrap();
    tree.remove("/link", NOW).unwrap();
    tree.remove_directory("/d", NOW).unwrap();
    assert!(names(&mut tree, "/").is_empty());
}

#[test]
fn renaming_what_may_not_be_renamed() {
    let mut tree = tree();
    for path in ["/a", "/a/b", "/full", "/full/x", "/empty"] {
        tree.make_directory(path, 0o755, NOW).unwrap();
    }
    put(&mut tree, "/file", b"");
    let mut rename = |source: &str, destination: &str, replace| tree.rename(source, destination, replace, NOW);
    assert_eq!(rename("/a", "/a/b/c", true), Err(ErrorCode::InvalidArgument));
    assert_eq!(rename("/a", "/a/c", false), Err(ErrorCode::InvalidArgument));
    assert_eq!(rename("/a/b", "/a", true), Err(ErrorCode::NotEmpty));
    assert_eq!(rename("/a", "/full", true), Err(ErrorCode::NotEmpty));
    assert_eq!(rename("/a", "/full", false), Err(ErrorCode::AlreadyExists));
    assert_eq!(rename("/a", "/a", false), Err(ErrorCode::AlreadyExists));
    assert_eq!(rename("/a", "/file", true), Err(ErrorCode::NotADirectory));
    assert_eq!(rename("/file", "/empty", true), Err(ErrorCode::IsADirectory));
    assert_eq!(rename("/file", "/full", true), Err(ErrorCode::IsADirectory));
    assert_eq!(rename("/", "/x", true), Err(ErrorCode::Busy));
    assert_eq!(rename("/a", "/", true), Err(ErrorCode::Busy));
    assert_eq!(rename("/a", "/", false), Err(ErrorCode::AlreadyExists));
    assert_eq!(rename("/no", "/x", true), Err(ErrorCode::NoSuchFile));
    assert_eq!(rename("/a", "/no/x", true), Err(ErrorCode::NoSuchFile));
    assert_eq!(rename("/a", "/a", true), Ok(()));
    assert_eq!(rename("/a", "/empty", true), Ok(()));
    assert_eq!(rename("/file", "/full/file", false), Ok(()));
    assert_eq!(names(&mut tree, "/"), ["empty", "full"]);
    assert_eq!(names(&mut tree, "/empty"), ["b"]);
}

#[test]
fn renaming_one_of_two_names_onto_the_other_leaves_both() {
    let mut tree = tree();
    put(&mut tree, "/a", b"x");
    tree.hard_link("/a", "/b", NOW).unwrap();
    tree.rename("/a", "/b", true, NOW).unwrap();
    assert_eq!(names(&mut tree, "/"), ["a", "b"]);
    assert_eq!(tree.rename("/a", "/b", false, NOW), Err(ErrorCode::AlreadyExists));
}

#[test]
fn links_are_counted() {
    let mut tree = tree();
    let count = |tree: &Tree, path: &str| tree.stat(path, false).unwrap().link_count.unwrap();
    assert_eq!(count(&tree, "/"), 2);
    for path in ["/d", "/d/e", "/f"] {
        tree.make_directory(path, 0o755, NOW).unwrap();
    }
    assert_eq!((count(&tree, "/"), count(&tree, "/d")), (4, 3));
    tree.rename("/d/e", "/f", true, NOW).unwrap();
    assert_eq!((count(&tree, "/"), count(&tree, "/d"), count(&tree, "/f")), (4, 2, 2));
    tree.rename("/f", "/d/f", true, NOW).unwrap();
    assert_eq!((count(&tree, "/"), count(&tree, "/d")), (3, 3));
    put(&mut tree, "/file", b"");
    tree.hard_link("/file", "/d/file", NOW).unwrap();
    assert_eq!(count(&tree, "/file"), 2);
    tree.remove("/file", NOW).unwrap();
    assert_eq!(count(&tree, "/d/file"), 1);
    assert_eq!(tree.hard_link("/d", "/dd", NOW), Err(ErrorCode::PermissionDenied));
}

#[test]
fn links_are_followed_as_in_a_chroot() {
    let mut tree = tree();
    tree.make_directory("/d", 0o755, NOW).unwrap();
    tree.make_directory("/d/e", 0o755, NOW).unwrap();
    put(&mut tree, "/top", b"top");
    for (target, path) in [
        ("/top", "/d/absolute"),
        ("../../../../top", "/d/e/up"),
        ("e//./", "/d/slashes"),
        ("absolute", "/d/twice"),
        ("self", "/self"),
        ("", "/empty"),
        ("../top/", "/d/file as directory"),
        ("..", "/d/parent"),
    ] {
        tree.symlink(target, path, NOW).unwrap();
        assert_eq!(tree.read_link(path).unwrap(), target);
    }
    for path in ["/d/absolute", "/d/e/up", "/d/slashes/up", "/d/twice", "/d/parent/top"] {
        assert_eq!(get(&mut tree, path).unwrap(), b"top", "{path}");
        assert_eq!(tree.real_path(path).unwrap(), "/top", "{path}");
    }
    assert_eq!(tree.stat("/d/absolute", false).unwrap().kind, FileKind::Symlink);
    assert_eq!(tree.stat("/d/absolute", true).unwrap().kind, FileKind::Regular);
    assert_eq!(tree.stat("/self", true).unwrap_err(), ErrorCode::Loop);
    assert_eq!(tree.stat("/empty", true).unwrap_err(), ErrorCode::NoSuchFile);
    assert_eq!(tree.stat("/d/file as directory", true).unwrap_err(), ErrorCode::NotADirectory);
    assert_eq!(tree.read_link("/top"), Err(ErrorCode::InvalidArgument));
    assert_eq!(tree.real_path("/d/slashes/new").unwrap(), "/d/e/new");
    assert_eq!(tree.real_path("/d/parent").unwrap(), "/");
    assert_eq!(tree.real_path("/no/new"), Err(ErrorCode::NoSuchFile));
    tree.hard_link("/d/absolute", "/hard", NOW).unwrap();
    assert_eq!(tree.stat("/hard", false).unwrap().kind, FileKind::Symlink);
}

#[test]
fn forty_links_are_followed_and_one_more_is_a_loop() {
    let mut tree = tree();
    put(&mut tree, "/0", b"end");
    for number in 1..=41 {
        tree.symlink(&format!("{}", number - 1), &format!("/{number}"), NOW).unwrap();
    }
    assert_eq!(get(&mut tree, "/40").unwrap(), b"end");
    assert_eq!(get(&mut tree, "/41"), Err(ErrorCode::Loop));
}

#[test]
fn names_have_a_longest() {
    let mut tree = tree();
    let longest = format!("/{}", "n".repeat(NAME_MAX));
    put(&mut tree, &longest, b"");
    let escaped = format!("/{}", "\u{EFE9}".repeat(NAME_MAX));
    put(&mut tree, &escaped, b"");
    assert_eq!(tree.make_directory(&format!("{longest}n"), 0o755, NOW), Err(ErrorCode::NameTooLong));
    assert_eq!(tree.symlink(&"t".repeat(4096), "/link", NOW), Err(ErrorCode::NameTooLong));
}

#[test]
fn times_change_as_posix_says() {
    let mut tree = tree();
    let modified = |tree: &Tree, path: &str| tree.stat(path, false).unwrap().modified.unwrap().seconds;
    tree.make_directory("/d", 0o755, at(10)).unwrap();
    assert_eq!((modified(&tree, "/"), modified(&tree, "/d")), (10, 10));
    let file = tree.open("/d/file", OpenFlags::WRITE | OpenFlags::CREATE, 0o644, at(20)).unwrap();
    assert_eq!((modified(&tree, "/d"), modified(&tree, "/d/file")), (20, 20));
    tree.write(file, Some(0), b"x", at(30)).unwrap();
    assert_eq!((modified(&tree, "/d"), modified(&tree, "/d/file")), (20, 30));
    tree.rename("/d/file", "/file", true, at(40)).unwrap();
    assert_eq!((modified(&tree, "/d"), modified(&tree, "/file"), modified(&tree, "/")), (40, 30, 40));
    let changes = AttributeChanges { size: Some(0), modified: Some(at(5)), accessed: Some(at(6)), ..nothing() };
    tree.set_stat("/file", true, &changes, at(50)).unwrap();
    assert_eq!(modified(&tree, "/file"), 5, "a time that is set with a size counts");
    assert_eq!(tree.stat("/file", true).unwrap().accessed.unwrap().seconds, 6);
    tree.remove("/file", at(60)).unwrap();
    assert_eq!(modified(&tree, "/"), 60);
}

#[test]
fn attributes_are_kept_and_hold_nobody_back() {
    let mut tree = tree();
    put(&mut tree, "/file", b"bytes");
    assert_eq!(tree.stat("/file", true).unwrap().uid, None);
    let changes = AttributeChanges { permissions: Some(0o170000), uid: Some(7), gid: Some(8), ..nothing() };
    tree.set_stat("/file", true, &changes, NOW).unwrap();
    let attributes = tree.stat("/file", true).unwrap();
    assert_eq!((attributes.permissions, attributes.uid, attributes.gid), (Some(0), Some(7), Some(8)));
    assert_eq!(get(&mut tree, "/file").unwrap(), b"bytes");
    assert_eq!(tree.set_stat("/no", true, &nothing(), NOW), Err(ErrorCode::NoSuchFile));
    let resize = AttributeChanges { size: Some(1), ..nothing() };
    assert_eq!(tree.set_stat("/", true, &resize, NOW), Err(ErrorCode::IsADirectory));
    let extended = AttributeChanges { permissions: Some(0o600), extended: vec![("a@b".into(), vec![])], ..nothing() };
    assert_eq!(tree.set_stat("/file", true, &extended, NOW), Err(ErrorCode::Unsupported));
    assert_eq!(tree.stat("/file", true).unwrap().permissions, Some(0o600), "what came before stays");
}

#[test]
fn a_listing_goes_on_behind_the_name_it_ended_with() {
    let mut tree = tree();
    for name in ["a", "b", "c", "d"] {
        put(&mut tree, &format!("/{name}"), b"");
    }
    let root = tree.open_directory("/").unwrap();
    let list = |tree: &Tree, after| -> Vec<String> {
        tree.list(root, after, 2).unwrap().into_iter().map(|entry| entry.name).collect()
    };
    assert_eq!(list(&tree, None), ["a", "b"]);
    tree.remove("/b", NOW).unwrap();
    tree.remove("/c", NOW).unwrap();
    assert_eq!(list(&tree, Some("b")), ["d"]);
    assert!(list(&tree, Some("d")).is_empty());
}

#[test]
fn a_full_tree_says_so_and_can_be_emptied() {
    let mut tree = Tree::new(1 << 20, NOW);
    let mut made = 0;
    while let Ok(()) = tree.make_directory(&format!("/{made}"), 0o755, NOW) {
        made += 1;
    }
    assert!(made > 1000, "{made}");
    assert_eq!(tree.make_directory("/more", 0o755, NOW), Err(ErrorCode::NoSpace));
    assert_eq!(tree.symlink("target", "/more", NOW), Err(ErrorCode::NoSpace));
    assert!(tree.open("/more", OpenFlags::WRITE | OpenFlags::CREATE, 0o644, NOW).is_err());
    assert_eq!(tree.stat("/more", false).unwrap_err(), ErrorCode::NoSuchFile);
    let usage = tree.usage("/").unwrap();
    assert_eq!((usage.blocks, usage.blocks_free, usage.files_free), (256, 0, 0));
    for number in 0..made {
        tree.remove_directory(&format!("/{number}"), NOW).unwrap();
    }
    put(&mut tree, "/file", &[1; 500_000]);
    let changes = AttributeChanges { size: Some(1 << 40), ..nothing() };
    tree.set_stat("/file", true, &changes, NOW).unwrap();
    let file = tree.open("/file", OpenFlags::WRITE, 0, NOW).unwrap();
    assert_eq!(tree.write(file, Some(1 << 30), &[1; 600_000], NOW), Err(ErrorCode::NoSpace));
    assert_eq!(tree.stat_open(file).unwrap().size, Some(1 << 40));
}

#[test]
fn what_is_removed_is_given_back() {
    let mut tree = tree();
    tree.make_directory("/d", 0o755, NOW).unwrap();
    put(&mut tree, "/d/file", &[1; 200_000]);
    let file = open(&mut tree, "/d/file").unwrap();
    tree.hard_link("/d/file", "/d/other", NOW).unwrap();
    tree.rename("/d/other", "/d/renamed to something longer", true, NOW).unwrap();
    tree.symlink("file", "/d/link", NOW).unwrap();
    for path in ["/d/file", "/d/renamed to something longer", "/d/link"] {
        tree.remove(path, NOW).unwrap();
    }
    assert!(tree.budget().used() > 200_000, "the file is still open");
    tree.release(file);
    tree.remove_directory("/d", NOW).unwrap();
    assert_eq!(tree.budget().used(), 0);
}

#[test]
fn copying() {
    let mut tree = tree();
    put(&mut tree, "/a", &[7; 3 << 20]);
    put(&mut tree, "/b", b"start");
    let (a, b) = (open(&mut tree, "/a").unwrap(), open(&mut tree, "/b").unwrap());
    assert_eq!(tree.copy(a, 1 << 20, None, b, Some(2), NOW), Ok(2 << 20));
    assert_eq!(tree.read(b, 0, 4).unwrap(), [b's', b't', 7, 7]);
    assert_eq!(tree.copy(a, 0, Some(3), b, None, NOW), Ok(3));
    assert_eq!(tree.stat_open(b).unwrap().size, Some((2 << 20) + 5));
    assert_eq!(tree.copy(a, u64::MAX, None, b, Some(0), NOW), Ok(0));
    assert_eq!(tree.copy(a, 0, Some(1), b, Some(u64::MAX), NOW), Err(ErrorCode::FileTooLarge));
}

//! Attacks on what was granted: out of the directory, through links that move, into a FIFO, past "for reading only".

use crate::answers::granted;
use crate::report::Report;
use crate::wasi3;
use strongroom_bindings::posix;
use strongroom_bindings::types::{AttributeChanges, OpenFlags, Timestamp};
use wasip2::filesystem::types as wasi;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, PathFlags};

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const ATTEMPTS: usize = 20_000;

/// What is tried on one path. `stolen` is a name in the root for what might be got hold of.
async fn try_path(report: &mut Report, grant: &str, path: &str) {
    let (root, root3) = (&granted(grant), wasi3::granted(grant));
    let named = |operation: &str| format!("{operation} {path:?}");
    let owned = || path.to_owned();
    for (operation, flags) in [
        ("posix read", OpenFlags::READ),
        ("posix write", OpenFlags::WRITE),
        ("posix truncate", OpenFlags::WRITE | OpenFlags::TRUNCATE),
        ("posix append", OpenFlags::WRITE | OpenFlags::APPEND),
        ("posix create", OpenFlags::WRITE | OpenFlags::CREATE),
        ("posix create-exclusive", OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE),
    ] {
        let opened = posix::open_at(root, path, flags, 0o666);
        if let Some(file) = report.tried(named(operation), opened) {
            use_file(report, &named(operation), &file);
        }
    }
    report.tried(named("posix stat"), posix::stat_at(root, path, true));
    for (operation, changes) in changes() {
        report.tried(named(&format!("posix {operation}")), posix::set_stat_at(root, path, true, &changes));
    }
    report.tried(named("posix list"), posix::open_listing(root, path));
    report.tried(named("posix usage"), posix::usage_at(root, path));
    report.tried(named("posix real-path"), posix::real_path_at(root, path));
    let answer = posix::read_link_at(root, path);
    report.tried(named("posix read-link"), answer);
    report.tried(named("posix make-directory"), posix::make_directory_at(root, path, 0o777));
    report.tried(named("posix symlink"), posix::symlink_at("x", root, path));
    for (operation, open, flags) in [
        ("wasi read", wasi::OpenFlags::empty(), DescriptorFlags::READ),
        ("wasi directory", wasi::OpenFlags::DIRECTORY, DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY),
        ("wasi write", wasi::OpenFlags::empty(), DescriptorFlags::READ | DescriptorFlags::WRITE),
        ("wasi truncate", wasi::OpenFlags::TRUNCATE, DescriptorFlags::WRITE),
        ("wasi create", wasi::OpenFlags::CREATE, DescriptorFlags::WRITE),
        ("wasi create-exclusive", wasi::OpenFlags::CREATE | wasi::OpenFlags::EXCLUSIVE, DescriptorFlags::WRITE),
    ] {
        let opened = root.open_at(FOLLOW, path, open, flags);
        if let Some(file) = report.tried(named(operation), opened) {
            use_file(report, &named(operation), &file);
        }
    }
    report.tried(named("wasi stat"), root.stat_at(FOLLOW, path));
    report.tried(named("wasi set-times"), root.set_times_at(FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now));
    report.tried(named("wasi metadata-hash"), root.metadata_hash_at(FOLLOW, path));
    report.tried(named("wasi read-link"), root.readlink_at(path));
    report.tried(named("wasi make-directory"), root.create_directory_at(path));
    report.tried(named("wasi symlink"), root.symlink_at("x", path));
    let follow = wasi3::PathFlags::SYMLINK_FOLLOW;
    for (operation, open, flags) in [
        ("wasi3 read", wasi3::OpenFlags::empty(), wasi3::DescriptorFlags::READ),
        ("wasi3 write", wasi3::OpenFlags::empty(), wasi3::DescriptorFlags::READ | wasi3::DescriptorFlags::WRITE),
        ("wasi3 truncate", wasi3::OpenFlags::TRUNCATE, wasi3::DescriptorFlags::WRITE),
        // A handle that only reads is not asked for writing by what TRUNCATE does.
        ("wasi3 truncate-to-read", wasi3::OpenFlags::TRUNCATE, wasi3::DescriptorFlags::READ),
        ("wasi3 create", wasi3::OpenFlags::CREATE, wasi3::DescriptorFlags::WRITE),
    ] {
        let opened = root3.open_at(follow, owned(), open, flags).await;
        if let Ok(file) = &opened {
            use_file3(report, &named(operation), file).await;
        }
        report.line(named(operation), name3(opened));
    }
    report.line(named("wasi3 read-link"), name3(root3.readlink_at(owned()).await));
    report.line(named("wasi3 symlink"), name3(root3.symlink_at("x".to_owned(), owned()).await));
    report.line(named("wasi3 make-directory"), name3(root3.create_directory_at(owned()).await));
    let now = || wasi3::NewTimestamp::Now;
    report.line(named("wasi3 set-times"), name3(root3.set_times_at(follow, owned(), now(), now()).await));
}

/// What moves names, tried last because it moves what leads outside too.
fn try_moving(report: &mut Report, root: &Descriptor, path: &str) {
    let named = |operation: &str| format!("{operation} {path:?}");
    report.tried(named("posix link"), posix::link_at(root, path, root, "stolen"));
    look_at_stolen(report, root);
    report.tried(named("wasi link"), root.link_at(PathFlags::empty(), path, root, "stolen"));
    report.tried(named("wasi link following"), root.link_at(FOLLOW, path, root, "stolen"));
    look_at_stolen(report, root);
    report.tried(named("posix rename"), posix::rename_at(root, path, root, "stolen", true));
    look_at_stolen(report, root);
    report.tried(named("wasi rename"), root.rename_at(path, root, "stolen"));
    look_at_stolen(report, root);
    report.tried(named("posix rename to"), posix::rename_at(root, "file", root, path, true));
    report.tried(named("wasi rename to"), root.rename_at("file", root, path));
    report.tried(named("posix remove"), posix::remove_at(root, path));
    report.tried(named("posix remove-directory"), posix::remove_directory_at(root, path));
    report.tried(named("wasi remove"), root.unlink_file_at(path));
    report.tried(named("wasi remove-directory"), root.remove_directory_at(path));
}

/// The same by WASI 0.3.
async fn try_moving3(report: &mut Report, root: &Descriptor, root3: &wasi3::Descriptor, path: &str) {
    let named = |operation: &str| format!("{operation} {path:?}");
    let owned = || path.to_owned();
    let stolen = || "stolen".to_owned();
    for (operation, flags) in
        [("wasi3 link", wasi3::PathFlags::empty()), ("wasi3 link following", wasi3::PathFlags::SYMLINK_FOLLOW)]
    {
        report.line(named(operation), name3(root3.link_at(flags, owned(), root3, stolen()).await));
        look_at_stolen(report, root);
    }
    report.line(named("wasi3 rename"), name3(root3.rename_at(owned(), root3, stolen()).await));
    look_at_stolen(report, root);
    report.line(named("wasi3 rename to"), name3(root3.rename_at("file".to_owned(), root3, owned()).await));
    report.line(named("wasi3 remove"), name3(root3.unlink_file_at(owned()).await));
    report.line(named("wasi3 remove-directory"), name3(root3.remove_directory_at(owned()).await));
}

async fn use_file3(report: &mut Report, what: &str, file: &wasi3::Descriptor) {
    let now = || wasi3::NewTimestamp::Now;
    report.line(format_args!("{what} then write"), name3(wasi3::write(file, b"pecked", false).await));
    report.line(format_args!("{what} then append"), name3(wasi3::write(file, b"pecked", true).await));
    report.line(format_args!("{what} then set-size"), name3(file.set_size(0).await));
    report.line(format_args!("{what} then set-times"), name3(file.set_times(now(), now()).await));
}

fn look_at_stolen(report: &mut Report, root: &Descriptor) {
    if let Ok(file) = posix::open_at(root, "stolen", OpenFlags::READ, 0) {
        use_file(report, "stolen", &file);
    }
    let _ = posix::remove_at(root, "stolen");
}

/// Reads what is in it into the report, writes, and changes what it says of itself.
fn use_file(report: &mut Report, what: &str, file: &Descriptor) {
    if let Ok((bytes, _)) = file.read(100, 0) {
        report.line(format_args!("{what} holds"), String::from_utf8_lossy(&bytes).trim_end());
    }
    report.tried(format_args!("{what} then write"), file.write(b"pecked", 0));
    for (operation, changes) in changes() {
        report.tried(format_args!("{what} then {operation}"), posix::set_stat(file, &changes));
    }
    report.tried(format_args!("{what} then wasi set-size"), file.set_size(0));
    report.tried(format_args!("{what} then wasi set-times"), file.set_times(NewTimestamp::Now, NewTimestamp::Now));
}

fn changes() -> [(&'static str, AttributeChanges); 3] {
    let none = AttributeChanges {
        size: None,
        permissions: None,
        uid: None,
        gid: None,
        accessed: None,
        modified: None,
        extended: vec![],
    };
    let time = Some(Timestamp { seconds: 1, nanoseconds: 0 });
    [
        ("set-size", AttributeChanges { size: Some(1), ..none.clone() }),
        ("set-permissions", AttributeChanges { permissions: Some(0o777), ..none.clone() }),
        ("set-times", AttributeChanges { accessed: time, modified: time, ..none }),
    ]
}

fn name3<T>(answer: Result<T, wasi3::ErrorCode>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(code) => format!("{code:?}"),
    }
}

/// Through links first, and then the links themselves, because some tries take their place.
pub(crate) async fn leave_by_path(outside: &str) -> Report {
    let mut report = Report::default();
    let root = granted("/");
    let paths = [
        "..",
        "../outside/canary",
        "inside/../../outside/canary",
        "/etc/passwd",
        &format!("{outside}/canary"),
        &format!("..{outside}/canary"),
        "leaves/canary",
        "leaves-absolute/canary",
        "leaves-by-proc/canary",
        "leaves-to-canary",
        "leaves-to-canary/",
        "leaves",
        "leaves/",
        "leaves-absolute",
        "file/",
        "",
        "a\0b",
    ];
    for path in paths {
        try_path(&mut report, "/", path).await;
    }
    for path in paths {
        try_moving3(&mut report, &root, &wasi3::granted("/"), path).await;
    }
    for path in paths {
        try_moving(&mut report, &root, path);
    }
    report
}

pub(crate) async fn leave_by_race() -> Report {
    let root = granted("/");
    let mut counts = [("inside", 0), ("refused", 0)];
    let mut report = Report::default();
    for attempt in 0..ATTEMPTS {
        let path = "flipping/canary";
        let opened = match attempt % 3 {
            0 => posix::open_at(&root, path, OpenFlags::READ, 0),
            1 => root.open_at(FOLLOW, path, wasi::OpenFlags::empty(), DescriptorFlags::READ),
            _ => root.open_at(FOLLOW, "flipping", wasi::OpenFlags::DIRECTORY, DescriptorFlags::READ).and_then(
                |directory| {
                    directory.open_at(PathFlags::empty(), "canary", wasi::OpenFlags::empty(), DescriptorFlags::READ)
                },
            ),
        };
        let read: Result<_, ErrorCode> = opened.and_then(|file| file.read(100, 0));
        match read {
            Ok((bytes, _)) if bytes == b"inside" => counts[0].1 += 1,
            Ok((bytes, _)) => report.line("read", String::from_utf8_lossy(&bytes)),
            Err(_) => counts[1].1 += 1,
        }
        // By name, so that a link that was checked before the change is used after it.
        let _ = root.rename_at("flipping/canary", &root, "flipping/canary");
        let _ = posix::link_at(&root, path, &root, "caught");
        if let Ok(file) = posix::open_at(&root, "caught", OpenFlags::READ, 0)
            && let Ok((bytes, _)) = file.read(100, 0)
            && bytes != b"inside"
        {
            report.line("caught", String::from_utf8_lossy(&bytes));
        }
        let _ = root.unlink_file_at("caught");
    }
    for (what, count) in counts {
        report.line(what, count);
    }
    report
}

pub(crate) async fn open_fifo() -> Report {
    let mut report = Report::default();
    let (root, root3) = (granted("/"), wasi3::granted("/"));
    let read_write = DescriptorFlags::READ | DescriptorFlags::WRITE;
    for path in ["fifo", "to-fifo"] {
        for flags in [OpenFlags::READ, OpenFlags::WRITE, OpenFlags::READ | OpenFlags::WRITE] {
            let opened = posix::open_at(&root, path, flags, 0);
            report.tried(format_args!("posix open {path} {flags:?}"), opened);
        }
        for flags in [DescriptorFlags::READ, DescriptorFlags::WRITE, read_write] {
            let opened = root.open_at(FOLLOW, path, wasi::OpenFlags::empty(), flags);
            report.tried(format_args!("wasi open {path} {flags:?}"), opened);
        }
        let opened = root.open_at(FOLLOW, path, wasi::OpenFlags::DIRECTORY, DescriptorFlags::READ);
        report.tried(format_args!("wasi open directory {path}"), opened);
        for flags in [wasi3::DescriptorFlags::READ, wasi3::DescriptorFlags::WRITE] {
            let follow = wasi3::PathFlags::SYMLINK_FOLLOW;
            let opened = root3.open_at(follow, path.to_owned(), wasi3::OpenFlags::empty(), flags).await;
            report.line(format_args!("wasi3 open {path} {flags:?}"), name3(opened));
        }
        let times = root.set_times_at(FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now);
        report.tried(format_args!("wasi set-times {path}"), times);
        let follow = wasi3::PathFlags::SYMLINK_FOLLOW;
        let now = || wasi3::NewTimestamp::Now;
        let times = root3.set_times_at(follow, path.to_owned(), now(), now()).await;
        report.line(format_args!("wasi3 set-times {path}"), name3(times));
        for (operation, changes) in changes() {
            let set = posix::set_stat_at(&root, path, true, &changes);
            report.tried(format_args!("posix {operation} {path}"), set);
        }
        report.tried(format_args!("posix list {path}"), posix::open_listing(&root, path));
    }
    report
}

pub(crate) async fn create_for_all() -> Report {
    let mut report = Report::default();
    let (root, root3) = (granted("/"), wasi3::granted("/"));
    let created = root.open_at(FOLLOW, "new-file", wasi::OpenFlags::CREATE, DescriptorFlags::WRITE);
    report.tried("wasi create", created);
    report.tried("wasi make-directory", root.create_directory_at("new-directory"));
    let flags = wasi3::DescriptorFlags::WRITE;
    let follow = wasi3::PathFlags::SYMLINK_FOLLOW;
    let created = root3.open_at(follow, "new-file-3".to_owned(), wasi3::OpenFlags::CREATE, flags).await;
    report.line("wasi3 create", name3(created));
    report.line("wasi3 make-directory", name3(root3.create_directory_at("new-directory-3".to_owned()).await));
    report
}

pub(crate) async fn change_read_only() -> Report {
    let mut report = Report::default();
    let (root, kept) = (granted("/"), granted("/kept"));
    for path in ["file", "folder", "new", "alias"] {
        try_path(&mut report, "/kept", path).await;
    }
    // Both ways between the two, and in the kept one.
    let (stolen, file) = (|| "stolen".to_owned(), || "file".to_owned());
    report.tried("posix link out", posix::link_at(&kept, "file", &root, "stolen"));
    report.tried("posix link in", posix::link_at(&root, "file", &kept, "stolen"));
    report.tried("posix rename out", posix::rename_at(&kept, "file", &root, "stolen", true));
    report.tried("posix rename in", posix::rename_at(&root, "file", &kept, "file", true));
    report.tried("wasi link out", kept.link_at(PathFlags::empty(), "file", &root, "stolen"));
    report.tried("wasi link in", root.link_at(PathFlags::empty(), "file", &kept, "stolen"));
    report.tried("wasi rename out", kept.rename_at("file", &root, "stolen"));
    report.tried("wasi rename in", root.rename_at("file", &kept, "file"));
    let (root3, kept3, plain) = (wasi3::granted("/"), wasi3::granted("/kept"), wasi3::PathFlags::empty());
    report.line("wasi3 link out", name3(kept3.link_at(plain, file(), &root3, stolen()).await));
    report.line("wasi3 link in", name3(root3.link_at(plain, file(), &kept3, stolen()).await));
    report.line("wasi3 rename out", name3(kept3.rename_at(file(), &root3, stolen()).await));
    report.line("wasi3 rename in", name3(root3.rename_at(file(), &kept3, file()).await));
    for path in ["file", "folder"] {
        try_moving3(&mut report, &kept, &kept3, path).await;
        try_moving(&mut report, &kept, path);
    }
    report
}

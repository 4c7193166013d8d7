//! Attacks with two directories that are both granted for writing. A name may go from one to the other; what else is asked
//! for leads out of the one where it is looked up, be it into the other.

use crate::answers::granted;
use crate::report::Report;
use crate::wasi3;
use std::fmt::Display;
use strongroom_bindings::posix;
use strongroom_bindings::types::OpenFlags;
use wasip2::filesystem::types::{Descriptor, PathFlags};

/// One of the two, as each version of WASI has it.
struct Side {
    name: &'static str,
    second: Descriptor,
    third: wasi3::Descriptor,
}

impl Side {
    fn new(name: &'static str) -> Self {
        Self { name, second: granted(name), third: wasi3::granted(name) }
    }
}

pub(crate) async fn cross_the_grants(outside: &str) -> Report {
    let mut report = Report::default();
    let (root, shared) = (Side::new("/"), Side::new("/shared"));
    let canary = format!("{outside}/canary");
    for source in [
        "file",
        "leaves-to-canary",
        "leaves/canary",
        "leaves-by-proc/canary",
        "../outside/canary",
        "../shared/file",
        &canary,
    ] {
        move_name(&mut report, &root, source, &shared, "new").await;
    }
    for source in ["file", "leaves-to-canary", "leaves/file", "../granted/file", "../outside/canary", &canary] {
        move_name(&mut report, &shared, source, &root, "new").await;
    }
    let new = format!("{outside}/new");
    for destination in ["leaves/new", "../outside/new", "../granted/new", &new] {
        move_name(&mut report, &root, "file", &shared, destination).await;
    }
    for destination in ["leaves/new", "leaves-absolute/new", "../outside/new", "../shared/new", &new] {
        move_name(&mut report, &shared, "file", &root, destination).await;
    }
    report
}

/// By each way there is. What has come is looked at and put back, so that each way begins alike.
async fn move_name(report: &mut Report, from: &Side, source: &str, to: &Side, destination: &str) {
    let named = |way: &str| format!("{way} {source:?} of {} to {destination:?} of {}", from.name, to.name);
    let (old, new) = (|| source.to_owned(), || destination.to_owned());
    let plain = PathFlags::empty();
    let way = named("posix link");
    report.tried(&way, posix::link_at(&from.second, source, &to.second, destination));
    put_back(report, &way, from, source, to, destination);
    let way = named("posix rename");
    report.tried(&way, posix::rename_at(&from.second, source, &to.second, destination, false));
    put_back(report, &way, from, source, to, destination);
    let way = named("wasi link");
    report.tried(&way, from.second.link_at(plain, source, &to.second, destination));
    put_back(report, &way, from, source, to, destination);
    let way = named("wasi rename");
    report.tried(&way, from.second.rename_at(source, &to.second, destination));
    put_back(report, &way, from, source, to, destination);
    let way = named("wasi3 link");
    report.tried3(&way, from.third.link_at(wasi3::PathFlags::empty(), old(), &to.third, new()).await);
    put_back(report, &way, from, source, to, destination);
    let way = named("wasi3 rename");
    report.tried3(&way, from.third.rename_at(old(), &to.third, new()).await);
    put_back(report, &way, from, source, to, destination);
}

/// Tells what is to be read under the new name, and under the old one, and makes the old one the only one.
fn put_back(report: &mut Report, way: impl Display, from: &Side, source: &str, to: &Side, destination: &str) {
    for (which, side, path) in [("new", to, destination), ("old", from, source)] {
        if let Ok(file) = posix::open_at(&side.second, path, OpenFlags::READ, 0)
            && let Ok((bytes, _)) = file.read(100, 0)
        {
            report.line(format_args!("{way} then the {which} name holds"), String::from_utf8_lossy(&bytes));
        }
    }
    if posix::stat_at(&to.second, destination, false).is_ok() {
        // Of two names of one file a rename takes neither away.
        let _ = posix::remove_at(&from.second, source);
        let _ = posix::rename_at(&to.second, destination, &from.second, source, true);
    }
}

//! Answers that say more than they may, and native files with more rights than they should have.

use crate::report::Report;
use crate::{Twist, attributes};
use std::cell::RefCell;
use strongroom_bindings::native::NativeFile;
use strongroom_bindings::posix::{self, Access};
use strongroom_bindings::types::{DirectoryEntry, Error, ErrorCode, FileKind, OpenFlags};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::Descriptor;

/// A directory as it was granted.
pub(crate) fn granted(name: &str) -> Descriptor {
    let found = get_directories().into_iter().find(|(_, granted)| granted == name);
    found.unwrap_or_else(|| panic!("the test grants a directory {name}")).0
}

pub(crate) fn entries(names: impl IntoIterator<Item = impl Into<String>>) -> Twist {
    let entry = |name: String| DirectoryEntry { name, attributes: attributes(FileKind::Regular) };
    Twist::Entries(names.into_iter().map(|name| entry(name.into())).collect())
}

pub(crate) fn share_more_than_asked() -> Result<Twist, Error> {
    let flags = OpenFlags::READ | OpenFlags::WRITE;
    let file = posix::open_at(&granted("/"), "file", flags, 0)?;
    Ok(Twist::Native(posix::share(&file, Access::READ | Access::WRITE)?))
}

/// The handle of what was handed over once is made up again.
pub(crate) fn share_twice(handed_over: &RefCell<Option<u32>>) -> Result<Twist, Error> {
    if let Some(handle) = *handed_over.borrow() {
        // SAFETY: it is not sound, and that is the attack; the host must notice.
        return Ok(Twist::Native(unsafe { NativeFile::from_handle(handle) }));
    }
    let file = posix::open_at(&granted("/"), "file", OpenFlags::READ, 0)?;
    let native = posix::share(&file, Access::READ).or(Err(Error::from(ErrorCode::Failure)))?;
    *handed_over.borrow_mut() = Some(native.handle());
    Ok(Twist::Native(native))
}

pub(crate) fn share_more_than_held() -> Report {
    let mut report = Report::default();
    let (root, kept) = (granted("/"), granted("/kept"));
    for (place, directory, flags, access) in [
        ("a file that is read", &root, OpenFlags::READ, Access::WRITE),
        ("a file that is read", &root, OpenFlags::READ, Access::READ | Access::WRITE),
        ("a file that is written", &root, OpenFlags::WRITE, Access::READ),
        ("a kept file", &kept, OpenFlags::READ, Access::WRITE),
    ] {
        let opened = posix::open_at(directory, "file", flags, 0);
        let Some(file) = report.tried(format_args!("open {place}"), opened) else { continue };
        report.tried(format_args!("share {place} with {access:?}"), posix::share(&file, access));
    }
    report.tried("share a directory", posix::share(&root, Access::READ));
    report
}

//! The lies by the names of the promises that they break. Read by the guest, and by the test that holds them against the
//! rows of `strongroom check`.

/// What kind of storage it is that lies, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// In memory, with every feature but extended attributes and atomic uploads.
    Plain,
    /// With those two as well.
    Rich,
    /// A storage that shows a few things and cannot be changed.
    Shown,
}

impl Shape {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Rich, Self::Shown];

    /// The value of the setting `shape`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Rich => "rich",
            Self::Shown => "shown",
        }
    }
}

/// Each lie, and the shape that it can be told in. Those of [`WITH_DIRECTORY`] need a directory as "/".
pub const LIES: &[(&str, Shape)] = &[
    ("connect", Shape::Plain),
    ("connect-again", Shape::Plain),
    ("close-session", Shape::Plain),
    ("kill-and-reconnect", Shape::Plain),
    ("open-missing", Shape::Plain),
    ("open-a-directory", Shape::Plain),
    ("open-create", Shape::Plain),
    ("open-truncate", Shape::Plain),
    ("open-append", Shape::Plain),
    ("open-exclusive", Shape::Plain),
    ("open-exclusive-link", Shape::Plain),
    ("open-permissions", Shape::Plain),
    ("stat-missing", Shape::Plain),
    ("stat", Shape::Plain),
    ("behind-a-file", Shape::Plain),
    ("behind-nothing", Shape::Plain),
    ("set-stat-missing", Shape::Plain),
    ("real-path", Shape::Plain),
    ("real-path-missing", Shape::Plain),
    ("real-path-behind-nothing", Shape::Plain),
    ("real-path-links", Shape::Plain),
    ("read-at-offset", Shape::Plain),
    ("read-before-end", Shape::Plain),
    ("read-at-end", Shape::Plain),
    ("read-nothing", Shape::Plain),
    ("read-no-more", Shape::Plain),
    ("write-in-order", Shape::Plain),
    ("write-whole", Shape::Plain),
    ("file-stat", Shape::Plain),
    ("write-middle", Shape::Plain),
    ("write-out-of-order", Shape::Plain),
    ("write-past-end", Shape::Plain),
    ("set-size", Shape::Plain),
    ("file-set-size", Shape::Plain),
    ("close-commit", Shape::Plain),
    ("discard-keeps", Shape::Plain),
    ("discard-forgets", Shape::Rich),
    ("upload-unseen", Shape::Rich),
    ("close-by-drop", Shape::Plain),
    ("make-directory-exists", Shape::Plain),
    ("make-directory-permissions", Shape::Plain),
    ("list-missing", Shape::Plain),
    ("list-a-file", Shape::Plain),
    ("list-all", Shape::Plain),
    ("list-max", Shape::Plain),
    ("list-end", Shape::Plain),
    ("list-dots", Shape::Plain),
    ("list-attributes", Shape::Plain),
    ("list-apart", Shape::Plain),
    ("names-odd", Shape::Plain),
    ("names-case", Shape::Plain),
    ("names-normal-form", Shape::Plain),
    ("names-long", Shape::Plain),
    ("names-not-utf8", Shape::Plain),
    ("remove", Shape::Plain),
    ("remove-a-directory", Shape::Plain),
    ("remove-missing", Shape::Plain),
    ("remove-link", Shape::Plain),
    ("remove-directory", Shape::Plain),
    ("remove-directory-not-empty", Shape::Plain),
    ("remove-directory-a-file", Shape::Plain),
    ("remove-directory-missing", Shape::Plain),
    ("rename", Shape::Plain),
    ("rename-directory", Shape::Plain),
    ("rename-missing", Shape::Plain),
    ("rename-exists", Shape::Plain),
    ("rename-replace", Shape::Plain),
    ("read-link", Shape::Plain),
    ("read-link-no-link", Shape::Plain),
    ("stat-link", Shape::Plain),
    ("stat-dangling", Shape::Plain),
    ("link-absolute", Shape::Plain),
    ("link-loop", Shape::Plain),
    ("symlink-exists", Shape::Plain),
    ("hard-link", Shape::Plain),
    ("hard-link-of-link", Shape::Plain),
    ("hard-link-exists", Shape::Plain),
    ("set-stat-nothing", Shape::Plain),
    ("permissions", Shape::Plain),
    ("file-permissions", Shape::Plain),
    ("times", Shape::Plain),
    ("file-times", Shape::Plain),
    ("times-nanoseconds", Shape::Plain),
    ("ownership", Shape::Plain),
    ("extended-attributes", Shape::Rich),
    ("set-stat-first-fails", Shape::Plain),
    ("set-stat-before-stays", Shape::Plain),
    ("sync", Shape::Plain),
    ("usage", Shape::Plain),
    ("file-usage", Shape::Plain),
    ("unclaimed", Shape::Plain),
    ("unchanged", Shape::Shown),
    ("copying", Shape::Plain),
    ("copying-range", Shape::Plain),
    ("native", Shape::Plain),
    ("overlap-reads", Shape::Plain),
    ("overlap-looks", Shape::Plain),
    ("overlap-files", Shape::Plain),
];

/// What these lies need to have beside memory.
pub const WITH_DIRECTORY: &[&str] = &["kill-and-reconnect", "native"];

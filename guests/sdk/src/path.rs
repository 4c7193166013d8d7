//! Paths as a storage gets them: absolute and normalised.

use crate::{ErrorCode, FileKind, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// As many links as Linux follows.
const LINKS_MAX: usize = 40;

/// The directory that a path is in, and its name there; `None` for the root, which has neither.
///
/// ```
/// # use strongroom_guest::path;
/// assert_eq!(path::split("/photos/cat.jpg"), Some(("/photos", "cat.jpg")));
/// assert_eq!(path::split("/photos"), Some(("/", "photos")));
/// assert_eq!(path::split("/"), None);
/// ```
pub fn split(path: &str) -> Option<(&str, &str)> {
    match path.rsplit_once('/')? {
        (_, "") => None,
        ("", name) => Some(("/", name)),
        parts => Some(parts),
    }
}

/// The names on the way from the root to `path`.
///
/// ```
/// # use strongroom_guest::path;
/// assert_eq!(path::components("/photos/cat.jpg").collect::<Vec<_>>(), ["photos", "cat.jpg"]);
/// assert_eq!(path::components("/").count(), 0);
/// ```
pub fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

/// The name of `path` in `directory`, if it is directly there: for a storage that knows its files by whole paths.
///
/// ```
/// # use strongroom_guest::path;
/// assert_eq!(path::name_in("/photos", "/photos/cat.jpg"), Some("cat.jpg"));
/// assert_eq!(path::name_in("/", "/photos/cat.jpg"), None);
/// ```
pub fn name_in<'a>(directory: &str, path: &'a str) -> Option<&'a str> {
    split(path).and_then(|(parent, name)| (parent == directory).then_some(name))
}

/// Whether `path` is in `directory`, or in one that is.
///
/// ```
/// # use strongroom_guest::path;
/// assert!(path::is_beneath("/photos/2026/cat.jpg", "/photos") && path::is_beneath("/photos", "/"));
/// assert!(!path::is_beneath("/photos", "/photos") && !path::is_beneath("/photos.zip", "/photos"));
/// ```
pub fn is_beneath(path: &str, directory: &str) -> bool {
    let inside = path.strip_prefix(directory.trim_end_matches('/'));
    path != directory && inside.is_some_and(|rest| rest.starts_with('/'))
}

/// Follows the symbolic links on the way to `path`, and one at its end if `follow`, for a storage that keeps links. `look`
/// says what is at a path on which no links are, with the target of a link, or fails with `no-such-file`. An absolute target
/// begins at the root, and '..' ends there.
///
/// ```
/// use strongroom_guest::path::resolve;
/// use strongroom_guest::testing::block_on;
/// use strongroom_guest::{ErrorCode, FileKind};
///
/// let look = async |path: &str| match path {
///     "/photos" => Ok((FileKind::Directory, None)),
///     "/latest" => Ok((FileKind::Symlink, Some("photos/cat.jpg".to_string()))),
///     "/photos/cat.jpg" => Ok((FileKind::Regular, None)),
///     _ => Err(ErrorCode::NoSuchFile.into()),
/// };
/// assert_eq!(block_on(resolve("/latest", true, look)).unwrap(), "/photos/cat.jpg");
/// assert_eq!(block_on(resolve("/latest", false, look)).unwrap(), "/latest");
/// assert_eq!(block_on(resolve("/photos/dog.jpg", true, look)).unwrap(), "/photos/dog.jpg");
/// assert!(block_on(resolve("/videos/dog.mp4", true, look)).is_err());
/// ```
///
/// # Errors
///
/// `no-such-file` and `not-a-directory` for what is on the way, but not if only the last component is missing; `loop` after
/// 40 links; those of `look`.
pub async fn resolve<L>(path: &str, follow: bool, look: L) -> Result<String>
where
    L: AsyncFn(&str) -> Result<(FileKind, Option<String>)>,
{
    let mut rest: Vec<String> = components(path).rev().map(String::from).collect();
    let (mut real, mut links) = (String::new(), 0);
    while let Some(name) = rest.pop() {
        if name == ".." {
            real.truncate(real.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{real}/{name}");
        let is_last = rest.is_empty();
        match look(&next).await {
            Ok((_, Some(target))) if follow || !is_last => {
                links += 1;
                if links > LINKS_MAX {
                    return Err(ErrorCode::Loop.into());
                }
                if target.is_empty() {
                    return Err(ErrorCode::NoSuchFile.into());
                }
                if target.starts_with('/') {
                    real.clear();
                }
                rest.extend(components(&target).filter(|name| *name != ".").rev().map(String::from));
            }
            Ok((kind, _)) if kind != FileKind::Directory && !is_last => return Err(ErrorCode::NotADirectory.into()),
            Err(error) if error.code != ErrorCode::NoSuchFile || !is_last => return Err(error),
            _ => real = next,
        }
    }
    Ok(if real.is_empty() { String::from("/") } else { real })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::block_on;

    async fn look(path: &str) -> Result<(FileKind, Option<String>)> {
        let link = |target: &str| Ok((FileKind::Symlink, Some(String::from(target))));
        match path {
            "/a" | "/a/b" => Ok((FileKind::Directory, None)),
            "/a/file" => Ok((FileKind::Regular, None)),
            "/up" => link("../../a/./b"),
            "/absolute" => link("/a"),
            "/a/b/back" => link(".."),
            "/empty" => link(""),
            "/self" => link("self"),
            "/out" => Err(ErrorCode::Unavailable.into()),
            _ => Err(ErrorCode::NoSuchFile.into()),
        }
    }

    fn resolved(path: &str) -> Result<String, ErrorCode> {
        block_on(resolve(path, true, look)).map_err(|error| error.code)
    }

    #[test]
    fn links_lead_nowhere_but_below_the_root() {
        assert_eq!(resolved("/"), Ok("/".into()));
        assert_eq!(resolved("/up"), Ok("/a/b".into()));
        assert_eq!(resolved("/up/back/new"), Ok("/a/new".into()));
        assert_eq!(resolved("/absolute/b/back/b"), Ok("/a/b".into()));
        assert_eq!(block_on(resolve("/absolute/b/back", false, look)), Ok("/a/b/back".into()));
    }

    #[test]
    fn what_is_on_the_way_must_be_a_directory() {
        assert_eq!(resolved("/a/file/x"), Err(ErrorCode::NotADirectory));
        assert_eq!(resolved("/a/new/x"), Err(ErrorCode::NoSuchFile));
        assert_eq!(resolved("/empty"), Err(ErrorCode::NoSuchFile));
        assert_eq!(resolved("/self"), Err(ErrorCode::Loop));
        assert_eq!(resolved("/out"), Err(ErrorCode::Unavailable));
    }
}

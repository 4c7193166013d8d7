//! Which name the client has for what is in the directory, and which it has none for.

/// The client's path as the directory has it, beneath the root; `None` for what is hidden.
pub(crate) fn inward(path: &str) -> Option<String> {
    let mut components = path.split('/').filter(|component| !component.is_empty());
    if components.clone().any(|component| component == ".secret") {
        return None;
    }
    let first = match components.next() {
        None => return Some(".".to_owned()),
        Some("a") => "b",
        Some("b") => return None,
        Some(first) => first,
    };
    Some(components.fold(first.to_owned(), |path, component| path + "/" + component))
}

/// A path in the directory, from its root, as the client has it; `None` for what is hidden.
pub(crate) fn outward(path: &str) -> Option<String> {
    let mut components = path.split('/').filter(|component| !component.is_empty());
    if components.clone().any(|component| component == ".secret") {
        return None;
    }
    let first = match components.next() {
        None => return Some("/".to_owned()),
        Some("b") => "/a".to_owned(),
        Some("a") => return None,
        Some(first) => format!("/{first}"),
    };
    Some(components.fold(first, |path, component| path + "/" + component))
}

/// The directory in which a path lies, and its name there; `None` for the root.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    let (parent, name) = path.rsplit_once('/')?;
    (!name.is_empty()).then_some((if parent.is_empty() { "/" } else { parent }, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_is_b_and_b_is_nowhere() {
        assert_eq!(inward("/").as_deref(), Some("."));
        assert_eq!(inward("/a").as_deref(), Some("b"));
        assert_eq!(inward("/a/a/b").as_deref(), Some("b/a/b"));
        assert_eq!(inward("/b/c"), None);
        assert_eq!(inward("/c/b").as_deref(), Some("c/b"));
        for path in ["/", "/a", "/a/b", "/c/a"] {
            let inside = inward(path).unwrap();
            assert_eq!(outward(&format!("/{}", inside.trim_matches('.'))).as_deref(), Some(path));
        }
        assert_eq!(outward("/a/x"), None);
    }

    #[test]
    fn secrets_are_nowhere() {
        for path in ["/.secret", "/x/.secret", "/.secret/x", "/a/.secret"] {
            assert_eq!((inward(path), outward(path)), (None, None), "{path}");
        }
        assert!(inward("/.secrets").is_some());
    }

    #[test]
    fn paths_have_parents() {
        assert_eq!(split("/"), None);
        assert_eq!(split("/x"), Some(("/", "x")));
        assert_eq!(split("/x/y"), Some(("/x", "y")));
    }
}

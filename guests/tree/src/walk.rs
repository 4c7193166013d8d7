//! From a path to a place in the tree, as in a chroot: a link's absolute target begins at the root, and '..' in a
//! target ends there.

use crate::node::{Kind, NodeId};
use crate::{NAME_MAX, Tree};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use strongroom_bindings::types::ErrorCode;

/// As many as Linux follows.
const LINKS_MAX: usize = 40;

/// Where a path leads.
pub(crate) struct Place<'a> {
    /// The directories from the root, which is left out, down to the parent.
    trail: Vec<(&'a str, NodeId)>,
    /// The last component; `None` where a path ends in a directory without naming it: the root, or behind '..'.
    pub(crate) name: Option<&'a str>,
    /// What is there.
    pub(crate) node: Option<NodeId>,
}

impl Place<'_> {
    /// The directory that holds, or would hold, the name.
    pub(crate) fn parent(&self) -> NodeId {
        end(&self.trail)
    }

    /// Whether `directory` is on the way here.
    pub(crate) fn passes(&self, directory: NodeId) -> bool {
        self.trail.iter().any(|(_, id)| *id == directory)
    }

    /// The path that leads here without a link.
    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for name in self.trail.iter().map(|(name, _)| *name).chain(self.name) {
            path.push('/');
            path.push_str(name);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }
}

impl Tree {
    /// Follows `path`, and a link at its end if `follow`. Only the last component may be missing.
    pub(crate) fn walk<'a>(&'a self, path: &'a str, follow: bool) -> Result<Place<'a>, ErrorCode> {
        self.walk_behind_files(path, follow, false)
    }

    /// Follows `path` with all its links as OpenSSH's realpath() does, by which '..' leads out of what is no directory too.
    pub(crate) fn walk_by_text<'a>(&'a self, path: &'a str) -> Result<Place<'a>, ErrorCode> {
        self.walk_behind_files(path, true, true)
    }

    fn walk_behind_files<'a>(&'a self, path: &'a str, follow: bool, by_text: bool) -> Result<Place<'a>, ErrorCode> {
        let mut trail = vec![];
        let mut pending = vec![path];
        let mut links = 0;
        while let Some(component) = next_component(&mut pending) {
            let is_last = pending.is_empty();
            match component {
                "" | "." => continue,
                ".." => {
                    trail.pop();
                    continue;
                }
                name if name_length(name) > NAME_MAX => return Err(ErrorCode::NameTooLong),
                _ => {}
            }
            let Some(&node) = self.entries(end(&trail))?.get(component) else {
                return if is_last {
                    Ok(Place { trail, name: Some(component), node: None })
                } else {
                    Err(ErrorCode::NoSuchFile)
                };
            };
            match &self.node(node)?.kind {
                Kind::Symlink(target) if follow || !is_last => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(ErrorCode::Loop);
                    }
                    if target.is_empty() {
                        return Err(ErrorCode::NoSuchFile);
                    }
                    if target.starts_with('/') {
                        trail.clear();
                    }
                    pending.push(target);
                }
                _ if is_last => return Ok(Place { trail, name: Some(component), node: Some(node) }),
                Kind::Directory(_) => trail.push((component, node)),
                _ if by_text => match next_name(&mut pending) {
                    None => return Ok(Place { trail, name: Some(component), node: Some(node) }),
                    Some("..") => {}
                    Some(_) => return Err(ErrorCode::NotADirectory),
                },
                _ => return Err(ErrorCode::NotADirectory),
            }
        }
        let node = Some(end(&trail));
        Ok(Place { trail, name: None, node })
    }
}

/// Takes the next component off paths of which the last is to be walked first.
fn next_component<'a>(pending: &mut Vec<&'a str>) -> Option<&'a str> {
    let path = pending.pop()?;
    Some(match path.split_once('/') {
        Some((component, rest)) => {
            pending.push(rest);
            component
        }
        None => path,
    })
}

/// The same, without those that lead nowhere.
fn next_name<'a>(pending: &mut Vec<&'a str>) -> Option<&'a str> {
    loop {
        match next_component(pending) {
            Some("" | ".") => {}
            component => return component,
        }
    }
}

fn end(trail: &[(&str, NodeId)]) -> NodeId {
    trail.last().map_or(NodeId::ROOT, |(_, id)| *id)
}

/// In bytes as the client sees them: a private-use character that stands for one byte (`types.wit`) counts as one.
fn name_length(name: &str) -> usize {
    name.chars()
        .map(|character| if matches!(character, '\u{EF80}'..='\u{EFFF}') { 1 } else { character.len_utf8() })
        .sum()
}

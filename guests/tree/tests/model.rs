//! Any sequence of operations against a model that is as simple as can be: a map from whole paths to what is there.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use strongroom_bindings::types::{ErrorCode, FileKind, OpenFlags, Timestamp};
use strongroom_tree::Tree;

const NOW: Timestamp = Timestamp { seconds: 0, nanoseconds: 0 };

#[derive(Clone, Debug)]
enum Step {
    MakeDirectory(String),
    RemoveDirectory(String),
    Remove(String),
    Rename(String, String, bool),
    Symlink(String, String),
    HardLink(String, String),
    Put(String, u8),
    PutNew(String, u8),
}

#[derive(Clone, Debug, PartialEq)]
enum Thing {
    Directory,
    /// The number of its bytes in `Model::files`, so that two names can share them.
    File(usize),
    /// Its number, so that two names can share it, and its target.
    Link(usize, String),
}

#[derive(Debug)]
struct Model {
    things: BTreeMap<String, Thing>,
    files: Vec<u8>,
    links: usize,
}

type Outcome<T> = Result<T, ErrorCode>;

impl Model {
    fn new() -> Self {
        Self { things: BTreeMap::from([("/".into(), Thing::Directory)]), files: vec![], links: 0 }
    }

    fn apply(&mut self, step: &Step) -> Outcome<()> {
        match step {
            Step::MakeDirectory(path) => self.add(path, Thing::Directory),
            Step::Symlink(target, path) => {
                self.links += 1;
                self.add(path, Thing::Link(self.links, target.clone()))
            }
            Step::HardLink(existing, path) => {
                let (_, thing) = self.existing(existing, false)?;
                match self.locate(path, false)? {
                    (_, None) if thing == Thing::Directory => Err(ErrorCode::PermissionDenied),
                    _ => self.add(path, thing),
                }
            }
            Step::Remove(path) => match self.existing(path, false)? {
                (_, Thing::Directory) => Err(ErrorCode::IsADirectory),
                (at, _) => self.take(&at),
            },
            Step::RemoveDirectory(path) => match self.existing(path, false)? {
                (at, _) if at == "/" => Err(ErrorCode::Busy),
                (at, Thing::Directory) if self.is_empty(&at) => self.take(&at),
                (_, Thing::Directory) => Err(ErrorCode::NotEmpty),
                _ => Err(ErrorCode::NotADirectory),
            },
            Step::Put(path, byte) => match self.locate(path, true)? {
                (_, Some(Thing::Directory)) => Err(ErrorCode::IsADirectory),
                (_, Some(Thing::File(file))) => {
                    self.files[file] = *byte;
                    Ok(())
                }
                (at, _) => self.put(&at, *byte),
            },
            Step::PutNew(path, byte) => match self.locate(path, false)? {
                (_, Some(_)) => Err(ErrorCode::AlreadyExists),
                (at, None) => self.put(&at, *byte),
            },
            Step::Rename(source, destination, replace) => self.rename(source, destination, *replace),
        }
    }

    fn put(&mut self, at: &str, byte: u8) -> Outcome<()> {
        self.files.push(byte);
        self.things.insert(at.into(), Thing::File(self.files.len() - 1));
        Ok(())
    }

    fn rename(&mut self, source: &str, destination: &str, replace: bool) -> Outcome<()> {
        let (from, moved) = self.locate(source, false)?;
        let (to, there) = self.locate(destination, false)?;
        if from == "/" || to == "/" && replace {
            return Err(ErrorCode::Busy);
        }
        let moved = moved.ok_or(ErrorCode::NoSuchFile)?;
        if there.is_some() && !replace {
            return Err(ErrorCode::AlreadyExists);
        }
        if to.starts_with(&format!("{from}/")) {
            return Err(ErrorCode::InvalidArgument);
        }
        match (&moved, &there) {
            _ if from == to => return Ok(()),
            (Thing::Directory, Some(Thing::Directory)) if !self.is_empty(&to) => return Err(ErrorCode::NotEmpty),
            (Thing::Directory, Some(Thing::Directory) | None) => {}
            (Thing::Directory, Some(_)) => return Err(ErrorCode::NotADirectory),
            (_, Some(Thing::Directory)) => return Err(ErrorCode::IsADirectory),
            (one, Some(other)) if one == other => return Ok(()),
            _ => {}
        }
        let moving: Vec<String> = self.things.keys().filter(|path| is_at_or_below(path, &from)).cloned().collect();
        for path in moving {
            if let Some(thing) = self.things.remove(&path) {
                self.things.insert(path.replacen(&from, &to, 1), thing);
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, thing: Thing) -> Outcome<()> {
        match self.locate(path, false)? {
            (_, Some(_)) => Err(ErrorCode::AlreadyExists),
            (at, None) => {
                self.things.insert(at, thing);
                Ok(())
            }
        }
    }

    fn take(&mut self, at: &str) -> Outcome<()> {
        self.things.remove(at);
        Ok(())
    }

    fn is_empty(&self, directory: &str) -> bool {
        !self.things.keys().any(|path| path != directory && is_at_or_below(path, directory))
    }

    fn existing(&self, path: &str, follow: bool) -> Outcome<(String, Thing)> {
        let (at, thing) = self.locate(path, follow)?;
        Ok((at, thing.ok_or(ErrorCode::NoSuchFile)?))
    }

    fn locate(&self, path: &str, follow: bool) -> Outcome<(String, Option<Thing>)> {
        self.locate_behind_files(path, follow, false)
    }

    /// Where a path leads, by writing each link's target into it and starting again; '..' leads out of files too if
    /// `by_text`.
    fn locate_behind_files(&self, path: &str, follow: bool, by_text: bool) -> Outcome<(String, Option<Thing>)> {
        let mut path = path.to_owned();
        'again: for _ in 0..=40 {
            let mut at = String::new();
            let components: Vec<&str> = path.split('/').filter(|component| !component.is_empty()).collect();
            for (number, component) in components.iter().enumerate() {
                let rest = &components[number + 1..];
                if *component == ".." {
                    at.truncate(at.rfind('/').unwrap_or(0));
                    continue;
                }
                let here = format!("{at}/{component}");
                match self.things.get(&here) {
                    None if rest.is_empty() => return Ok((here, None)),
                    None => return Err(ErrorCode::NoSuchFile),
                    Some(Thing::Link(_, target)) if follow || !rest.is_empty() => {
                        let base = if target.starts_with('/') { "" } else { &at };
                        path = format!("{base}/{target}/{}", rest.join("/"));
                        continue 'again;
                    }
                    Some(Thing::File(_)) if by_text && rest.first() == Some(&"..") => at = here,
                    Some(Thing::File(_) | Thing::Link(..)) if !rest.is_empty() => return Err(ErrorCode::NotADirectory),
                    Some(_) => at = here,
                }
            }
            let at = if at.is_empty() { "/".to_owned() } else { at };
            let thing = self.things.get(&at).cloned();
            return Ok((at, thing));
        }
        Err(ErrorCode::Loop)
    }
}

fn is_at_or_below(path: &str, directory: &str) -> bool {
    directory == "/" || path == directory || path.starts_with(&format!("{directory}/"))
}

fn apply(tree: &mut Tree, step: &Step) -> Outcome<()> {
    match step {
        Step::MakeDirectory(path) => tree.make_directory(path, 0o755, NOW),
        Step::RemoveDirectory(path) => tree.remove_directory(path, NOW),
        Step::Remove(path) => tree.remove(path, NOW),
        Step::Rename(source, destination, replace) => tree.rename(source, destination, *replace, NOW),
        Step::Symlink(target, path) => tree.symlink(target, path, NOW),
        Step::HardLink(existing, path) => tree.hard_link(existing, path, NOW),
        Step::Put(path, byte) => put(tree, path, OpenFlags::empty(), *byte),
        Step::PutNew(path, byte) => put(tree, path, OpenFlags::EXCLUSIVE, *byte),
    }
}

fn put(tree: &mut Tree, path: &str, flags: OpenFlags, byte: u8) -> Outcome<()> {
    let file = tree.open(path, OpenFlags::WRITE | OpenFlags::CREATE | flags, 0o644, NOW)?;
    tree.write(file, Some(0), &[byte], NOW)?;
    tree.release(file);
    Ok(())
}

/// Everything in the tree by its path, as the model has it.
fn contents(tree: &mut Tree, directory: &str, found: &mut BTreeMap<String, (FileKind, Vec<u8>, u64)>) {
    let open = tree.open_directory(directory).unwrap();
    let entries = tree.list(open, None, usize::MAX).unwrap();
    tree.release(open);
    for entry in entries {
        let path = format!("{}/{}", directory.trim_end_matches('/'), entry.name);
        let bytes = match entry.attributes.kind {
            FileKind::Regular => read(tree, &path),
            FileKind::Symlink => tree.read_link(&path).unwrap().into_bytes(),
            _ => vec![],
        };
        found.insert(path.clone(), (entry.attributes.kind, bytes, entry.attributes.link_count.unwrap()));
        if entry.attributes.kind == FileKind::Directory {
            contents(tree, &path, found);
        }
    }
}

fn read(tree: &mut Tree, path: &str) -> Vec<u8> {
    let file = tree.open(path, OpenFlags::READ, 0, NOW).unwrap();
    let bytes = tree.read(file, 0, 10).unwrap();
    tree.release(file);
    bytes
}

fn expected(model: &Model) -> BTreeMap<String, (FileKind, Vec<u8>, u64)> {
    let things = model.things.iter().filter(|(path, _)| *path != "/");
    things
        .map(|(path, thing)| {
            let (kind, bytes) = match thing {
                Thing::Directory => (FileKind::Directory, vec![]),
                Thing::File(file) => (FileKind::Regular, vec![model.files[*file]]),
                Thing::Link(_, target) => (FileKind::Symlink, target.clone().into_bytes()),
            };
            let links = match thing {
                Thing::Directory => 2 + children(model, path),
                _ => model.things.values().filter(|other| *other == thing).count() as u64,
            };
            (path.clone(), (kind, bytes, links))
        })
        .collect()
}

fn children(model: &Model, directory: &str) -> u64 {
    let is_child = |path: &str| path.rsplit_once('/').is_some_and(|(parent, _)| parent == directory);
    model.things.iter().filter(|(path, thing)| is_child(path) && **thing == Thing::Directory).count() as u64
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[abc]", 0..4).prop_map(|names| format!("/{}", names.join("/")))
}

fn target() -> impl Strategy<Value = String> {
    "(/|(\\.\\./){0,2})[abc](/(\\.\\.|[abc])){0,2}"
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => path().prop_map(Step::MakeDirectory),
        1 => path().prop_map(Step::RemoveDirectory),
        1 => path().prop_map(Step::Remove),
        2 => (path(), path(), any::<bool>()).prop_map(|(source, to, replace)| Step::Rename(source, to, replace)),
        2 => (target(), path()).prop_map(|(target, path)| Step::Symlink(target, path)),
        1 => (path(), path()).prop_map(|(existing, path)| Step::HardLink(existing, path)),
        2 => (path(), 1u8..).prop_map(|(path, byte)| Step::Put(path, byte)),
        1 => (path(), 1u8..).prop_map(|(path, byte)| Step::PutNew(path, byte)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn the_tree_does_what_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut tree = Tree::new(1 << 30, NOW);
        let mut model = Model::new();
        for step in &steps {
            prop_assert_eq!(apply(&mut tree, step), model.apply(step), "{:?}", step);
        }
        let mut found = BTreeMap::new();
        contents(&mut tree, "/", &mut found);
        prop_assert_eq!(found, expected(&model));
    }

    #[test]
    fn paths_lead_where_the_model_says(steps in prop::collection::vec(step(), 1..40), path in path()) {
        let mut tree = Tree::new(1 << 30, NOW);
        let mut model = Model::new();
        for step in &steps {
            let _ = apply(&mut tree, step);
            let _ = model.apply(step);
        }
        prop_assert_eq!(tree.real_path(&path), model.locate_behind_files(&path, true, true).map(|(at, _)| at));
    }
}

//! Folders that are made, and those that are not. That they build is tested from outside.

use super::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn project(language: Language) -> Project {
    Project { name: "shelf".parse().unwrap(), language }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn every_file(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { every_file(&path) } else { vec![path] }).collect()
}

#[test]
fn a_folder_has_a_launcher_of_its_name_and_no_gap_left() {
    for language in Language::ALL {
        let parent = TempDir::new().unwrap();
        project(language).create_in(parent.path()).unwrap();
        assert_eq!(names(parent.path()), ["shelf"], "nothing else is left");
        let folder = parent.path().join("shelf");
        let launcher = folder.join("bin/shelf");
        assert_ne!(launcher.metadata().unwrap().permissions().mode() & 0o100, 0);
        assert!(folder.join(".gitignore").is_file() && folder.join("vendor/wit/types.wit").is_file());
        for file in every_file(&folder).iter().filter(|file| !file.starts_with(folder.join("vendor"))) {
            let text = fs::read_to_string(file).unwrap();
            assert!(!text.contains("{{"), "{}", file.display());
        }
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        for step in project(language).next_steps("strongroom").iter().skip(1) {
            assert!(readme.contains(&format!("    {step}\n")), "{step}");
        }
    }
}

#[test]
fn nothing_in_it_names_the_place_where_this_was_built() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_str().unwrap();
    for language in Language::ALL {
        for file in archive::files(language).unwrap() {
            assert!(!String::from_utf8(file.bytes).unwrap().contains(top), "{}", file.path.display());
        }
    }
}

#[test]
fn what_is_there_stays() {
    let parent = TempDir::new().unwrap();
    for (name, make) in [
        ("a folder", &(|path: &Path| fs::create_dir(path)) as &dyn Fn(&Path) -> io::Result<()>),
        ("a file", &|path| fs::write(path, "kept")),
        ("a dangling link", &|path| std::os::unix::fs::symlink("nowhere", path)),
    ] {
        let there = parent.path().join("shelf");
        make(&there).unwrap();
        let before = there.symlink_metadata().unwrap().modified().unwrap();
        let error = project(Language::C).create_in(parent.path()).unwrap_err();
        assert!(matches!(error, NewError::Exists(_)), "{name}: {error}");
        assert!(error.to_string().ends_with("shelf.old"), "{error}");
        assert_eq!(there.symlink_metadata().unwrap().modified().unwrap(), before);
        assert_eq!(names(parent.path()), ["shelf"]);
        if there.is_dir() { fs::remove_dir(there).unwrap() } else { fs::remove_file(there).unwrap() }
    }
}

#[test]
fn a_place_that_cannot_be_written_is_told_in_one_line() {
    let parent = TempDir::new().unwrap();
    let missing = parent.path().join("missing");
    let error = project(Language::Rust).create_in(&missing).unwrap_err().to_string();
    assert!(error.starts_with("shelf: cannot be made in ") && !error.contains('\n'), "{error}");
}

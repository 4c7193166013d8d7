//! A tree of the oracle's disk, made again by packets in a storage that nothing else reaches.

use super::facts;
use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use strongroom_tests::packet::Attributes;
use strongroom_tests::{Client, Status};

/// Makes what is below `root` below "/".
pub fn plant(client: &mut Client, root: &Path) {
    let planted = Planter { client, root, files: HashMap::new() }.plant_in(root);
    planted.expect("a storage that takes every tree");
}

/// Removes all that there is, and makes the root what a new one is.
pub fn clear(client: &mut Client) {
    clear_in(client, b"").expect("a storage that can be emptied");
    client.setstat("/", &Attributes::permissions(0o755)).expect("a root that keeps permissions");
}

struct Planter<'a> {
    client: &'a mut Client,
    root: &'a Path,
    /// Those that have more than one name, by their inodes.
    files: HashMap<u64, Vec<u8>>,
}

impl Planter<'_> {
    fn plant_in(&mut self, directory: &Path) -> Result<(), Status> {
        for entry in fs::read_dir(directory).expect("a directory of ours") {
            let path = entry.expect("an entry").path();
            let inside = facts::inside(self.root, path.as_os_str().as_bytes()).to_vec();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let mode = metadata.permissions().mode() & 0o7777;
            if metadata.is_symlink() {
                let target = fs::read_link(&path).expect("a target");
                self.client.symlink(facts::inside(self.root, target.as_os_str().as_bytes()), &inside)?;
            } else if metadata.is_dir() {
                self.client.mkdir(&inside, Some(mode))?;
                self.plant_in(&path)?;
            } else if let Some(known) = self.files.get(&metadata.ino()) {
                self.client.hardlink(known, &inside)?;
            } else {
                self.client.put(&inside, &fs::read(&path).expect("contents"))?;
                self.client.setstat(&inside, &Attributes::permissions(mode))?;
                self.files.insert(metadata.ino(), inside);
            }
        }
        Ok(())
    }
}

fn clear_in(client: &mut Client, directory: &[u8]) -> Result<(), Status> {
    for entry in client.entries([directory, b"/"].concat())? {
        let path = [directory, b"/", &entry.name].concat();
        match (entry.name.as_slice(), entry.attributes.is_directory()) {
            (b"." | b"..", _) => {}
            (_, true) => {
                clear_in(client, &path)?;
                client.rmdir(&path)?;
            }
            (_, false) => client.remove(&path)?,
        }
    }
    Ok(())
}

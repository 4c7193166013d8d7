//! The host's names of users and groups, for an operator who wants clients to see them. All are loaded before a client
//! is served: a process that is confined by then could look none up.
//!
//! What passwd and group list can be loaded, and so can the running user with its groups, wherever the host looks those
//! up. Names that only a directory service knows cannot be listed; their owners stay numbers.

use crate::sftp::Names;
use nix::unistd::{Gid, Group, Uid, User, getgroups};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Names by number.
#[derive(Debug, Default)]
pub struct HostNames {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl HostNames {
    /// As far as they can be had now.
    pub fn load() -> Self {
        let mut users = listed(Path::new("/etc/passwd"));
        let mut groups = listed(Path::new("/etc/group"));
        if let Ok(Some(user)) = User::from_uid(Uid::effective()) {
            users.entry(user.uid.as_raw()).or_insert(user.name);
        }
        for gid in getgroups().unwrap_or_default().into_iter().chain([Gid::effective()]) {
            if !groups.contains_key(&gid.as_raw())
                && let Ok(Some(group)) = Group::from_gid(gid)
            {
                groups.insert(gid.as_raw(), group.name);
            }
        }
        Self { users, groups }
    }
}

impl Names for HostNames {
    fn user(&self, uid: u32) -> Option<String> {
        self.users.get(&uid).cloned()
    }

    fn group(&self, gid: u32) -> Option<String> {
        self.groups.get(&gid).cloned()
    }
}

/// Names of a file like passwd(5) or group(5), each under the number in its third field. Of two the first counts.
fn listed(file: &Path) -> HashMap<u32, String> {
    let text = fs::read(file).unwrap_or_default();
    let mut names = HashMap::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(number)) = (fields.next(), fields.nth(1).and_then(|number| number.parse().ok()))
            && !name.is_empty()
        {
            names.entry(number).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_names_its_first_user_and_group() {
        let names = HostNames::load();
        assert_eq!(names.user(0).as_deref(), Some("root"));
        assert_eq!(names.group(0).as_deref(), Some("root"));
        assert_eq!(names.user(4_000_000_001), None);
    }

    #[test]
    fn of_a_file_the_first_name_of_a_number_counts_and_the_rest_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwd");
        fs::write(&file, "# text\nroot:x:0:0::/:\ntoor:x:0:0::/:\n:x:5\nno number:x:y\n+\nlast:x:7").unwrap();
        let names = listed(&file);
        assert_eq!(names, HashMap::from([(0, "root".to_owned()), (7, "last".to_owned())]));
        assert!(listed(Path::new("/none")).is_empty());
    }
}

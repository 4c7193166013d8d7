//! The user whom this process runs as. The environment is believed first, since sshd sets it and a look-up in passwd
//! may mean a network; passwd is asked at most once, and only for what the environment cannot answer.

use super::start_directory::Values;
use nix::unistd::{Uid, User};
use std::cell::OnceCell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Name and home directories of the running user.
pub(super) struct Account {
    environment_name: Option<String>,
    environment_home: Option<PathBuf>,
    passwd: OnceCell<Option<User>>,
}

impl Account {
    pub(super) fn current() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        Self {
            environment_name: variable("LOGNAME").or_else(|| variable("USER")).and_then(|name| name.into_string().ok()),
            environment_home: variable("HOME").map(PathBuf::from),
            passwd: OnceCell::new(),
        }
    }

    /// For logs and for the storage; the number if the user has no name.
    pub(super) fn name(&self) -> String {
        self.environment_name
            .clone()
            .or_else(|| self.passwd().map(|user| user.name.clone()))
            .unwrap_or_else(|| Uid::effective().to_string())
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.environment_home.as_deref().or_else(|| self.passwd().map(|user| user.dir.as_path()))
    }

    /// That of the environment and, if it is another, that of passwd, which sshd goes by.
    pub(super) fn homes(&self) -> impl Iterator<Item = &Path> {
        let environment = self.environment_home.as_deref();
        let passwd = self.passwd().map(|user| user.dir.as_path()).filter(|home| Some(*home) != environment);
        environment.into_iter().chain(passwd)
    }

    fn passwd(&self) -> Option<&User> {
        self.passwd.get_or_init(|| User::from_uid(Uid::effective()).ok().flatten()).as_ref()
    }
}

impl Values for Account {
    fn user(&self) -> Option<Vec<u8>> {
        Some(self.name().into_bytes())
    }

    fn home_name(&self) -> Option<Vec<u8>> {
        let name = self.home()?.file_name()?;
        Some(OsString::from(name).into_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: Option<&str>, home: Option<&str>) -> Account {
        Account {
            environment_name: name.map(str::to_owned),
            environment_home: home.map(PathBuf::from),
            passwd: OnceCell::new(),
        }
    }

    #[test]
    fn the_environment_spares_the_look_up() {
        let account = account(Some("alice"), Some("/home/alice"));
        assert_eq!(account.name(), "alice");
        assert_eq!(account.home_name(), Some(b"alice".to_vec()));
        assert!(account.passwd.get().is_none());
    }

    #[test]
    fn passwd_answers_what_the_environment_does_not() {
        let user = User::from_uid(Uid::effective()).unwrap();
        let account = account(None, None);
        assert_eq!(account.name(), user.as_ref().map_or(Uid::effective().to_string(), |user| user.name.clone()));
        assert_eq!(account.home().map(Path::to_owned), user.map(|user| user.dir));
    }

    #[test]
    fn both_homes_are_told() {
        let account = account(None, Some("/somewhere/else"));
        assert_eq!(account.homes().next(), Some(Path::new("/somewhere/else")));
        assert_eq!(account.homes().nth(1), account.passwd().map(|user| user.dir.as_path()));
    }
}

//! The user whom this process runs as. The environment is believed first, since sshd sets it and a look-up in passwd
//! may mean a network; passwd is asked at most once, and only for what the environment cannot answer. The file
//! /etc/passwd comes before the C library's name service, as it does on nearly every host: to set that service in motion
//! takes a twentieth of a session's start.

use super::start_directory::Values;
use nix::unistd::{Uid, User};
use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const PASSWD: &str = "/etc/passwd";

/// Name and home directories of the running user.
pub(super) struct Account {
    environment_name: Option<String>,
    environment_home: Option<PathBuf>,
    passwd: OnceCell<Option<Entry>>,
}

/// What passwd knows of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    home: PathBuf,
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
        self.environment_home.as_deref().or_else(|| self.passwd().map(|user| user.home.as_path()))
    }

    /// That of the environment and, if it is another, that of passwd, which sshd goes by.
    pub(super) fn homes(&self) -> impl Iterator<Item = &Path> {
        let environment = self.environment_home.as_deref();
        let passwd = self.passwd().map(|user| user.home.as_path()).filter(|home| Some(*home) != environment);
        environment.into_iter().chain(passwd)
    }

    fn passwd(&self) -> Option<&Entry> {
        self.passwd.get_or_init(|| Entry::of(Uid::effective())).as_ref()
    }
}

impl Entry {
    fn of(user: Uid) -> Option<Self> {
        let file = fs::read(PASSWD).unwrap_or_default();
        Self::in_file(&file, user).or_else(|| Self::by_name_service(user))
    }

    /// The first line of passwd(5) that has the number of `user`.
    fn in_file(file: &[u8], user: Uid) -> Option<Self> {
        let number = user.to_string();
        file.split(|byte| *byte == b'\n').find_map(|line| {
            let mut fields = line.split(|byte| *byte == b':');
            let (name, _password, found) = (fields.next()?, fields.next()?, fields.next()?);
            let (_group, _comment, home) = (fields.next()?, fields.next()?, fields.next()?);
            // Lines of NIS begin with one of these and mean what only the name service knows.
            let is_plain = !name.is_empty() && !name.starts_with(b"+") && !name.starts_with(b"-");
            (is_plain && found == number.as_bytes()).then(|| Self {
                name: String::from_utf8_lossy(name).into_owned(),
                home: PathBuf::from(OsString::from_vec(home.to_vec())),
            })
        })
    }

    fn by_name_service(user: Uid) -> Option<Self> {
        let user = User::from_uid(user).ok().flatten()?;
        Some(Self { name: user.name, home: user.dir })
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
    fn the_file_says_what_the_name_service_says() {
        let user = Uid::effective();
        let file = fs::read(PASSWD).unwrap();
        if let Some(found) = Entry::in_file(&file, user) {
            assert_eq!(Some(found), Entry::by_name_service(user));
        }
    }

    #[test]
    fn a_line_of_the_file_is_told_by_its_number() {
        let file = b"+nis:x:7:7::/nis:\nroot:x:0:0:root:/root:/bin/sh\nbroken:x:7\nalice:x:7:7:A, B:/home/alice:\nbob:x:7:7::/b:";
        let alice = Entry { name: "alice".to_owned(), home: PathBuf::from("/home/alice") };
        assert_eq!(Entry::in_file(file, Uid::from_raw(7)), Some(alice));
        assert_eq!(Entry::in_file(file, Uid::from_raw(70)), None);
        assert_eq!(Entry::in_file(b"", Uid::from_raw(0)), None);
    }

    #[test]
    fn both_homes_are_told() {
        let account = account(None, Some("/somewhere/else"));
        assert_eq!(account.homes().next(), Some(Path::new("/somewhere/else")));
        assert_eq!(account.homes().nth(1), account.passwd().map(|user| user.home.as_path()));
    }
}

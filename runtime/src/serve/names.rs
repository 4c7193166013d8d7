//! The host's names of users and groups, for an operator who wants clients to see them. Nothing is looked up before a
//! client asks for the first name, since a look-up may mean a network.

use crate::sftp::Names;
use nix::unistd::{Gid, Group, Uid, User};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Answers that are kept, of users and of groups each. A client may ask for any number there is, so when they are that
/// many all are forgotten; a tree with more owners than this pays for its look-ups again.
const MAX_KEPT_ANSWERS: usize = 1024;

/// What passwd and group, or whatever stands behind them on this host, say.
#[derive(Debug, Default)]
pub struct HostNames {
    users: Answers,
    groups: Answers,
}

impl Names for HostNames {
    fn user(&self, uid: u32) -> Option<String> {
        self.users.get(uid, |uid| Some(User::from_uid(Uid::from_raw(uid)).ok()??.name))
    }

    fn group(&self, gid: u32) -> Option<String> {
        self.groups.get(gid, |gid| Some(Group::from_gid(Gid::from_raw(gid)).ok()??.name))
    }
}

/// Names by number; that there is none is an answer too.
#[derive(Debug, Default)]
struct Answers(Mutex<HashMap<u32, Option<String>>>);

impl Answers {
    fn get(&self, id: u32, look_up: impl FnOnce(u32) -> Option<String>) -> Option<String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = kept.get(&id) {
            return answer.clone();
        }
        if kept.len() >= MAX_KEPT_ANSWERS {
            kept.clear();
        }
        let answer = look_up(id);
        kept.insert(id, answer.clone());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_names_its_first_user_and_group() {
        let names = HostNames::default();
        assert_eq!(names.user(0).as_deref(), Some("root"));
        assert_eq!(names.group(0).as_deref(), Some("root"));
        assert_eq!(names.user(4_000_000_001), None);
    }

    #[test]
    fn nothing_is_looked_up_twice_and_not_everything_is_kept() {
        let answers = Answers::default();
        assert_eq!(answers.get(7, |_| None), None);
        assert_eq!(answers.get(7, |_| panic!("that there is no name is known")), None);
        for id in 0..10 * MAX_KEPT_ANSWERS as u32 {
            assert_eq!(answers.get(id, |id| Some(id.to_string())).is_none(), id == 7);
            assert!(answers.0.lock().unwrap().len() <= MAX_KEPT_ANSWERS);
        }
    }
}

//! Files that live in the instance's own memory, one tree a session, from `connect` to `close`.
//!
//! It imports a clock and stderr, and nothing else. Setting: `capacity`, the bytes that a session's tree may take
//! (plain, or with K, M or G for powers of 1024; 256M unless set).

#![cfg_attr(target_arch = "wasm32", no_std)]

use strongroom_bare as _;

use strongroom_guest::tree::TreeSession;
use strongroom_guest::{Client, Connected, Result, Settings, Storage};

const CAPACITY_DEFAULT: u64 = 256 << 20;
/// The most that OpenSSH's clients ask for at once.
const TRANSFER_SIZE: u32 = 261_120;

struct Memory;

strongroom_guest::export!(Memory, never waits);

strongroom_guest::wants! {
    "memory": "Files that live as long as the session";
    setting "capacity" = "256M": "The bytes that a session's files may take: plain, or with K, M or G";
}

impl Storage for Memory {
    type Session = TreeSession;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<TreeSession>> {
        let capacity = settings.take_size("capacity")?.unwrap_or(CAPACITY_DEFAULT);
        let connected = Connected::new(TreeSession::new(capacity));
        Ok(connected.with_features(TreeSession::features()).with_transfer_size(TRANSFER_SIZE).closed_by_drop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_guest::testing::Client;
    use strongroom_guest::{ErrorCode, OpenFlags};

    #[test]
    fn every_operation_reaches_the_tree() {
        let client = Client::<Memory>::connect(&[]).unwrap();
        client.make_directory("/photos").unwrap();
        client.put("/photos/cat", [7; 100_000]).unwrap();
        client.symlink("photos/cat", "/link").unwrap();
        client.hard_link("/photos/cat", "/other").unwrap();
        assert_eq!(client.real_path("/link").unwrap(), "/photos/cat");
        assert_eq!(client.read_link("/link").unwrap(), "photos/cat");
        assert_eq!(client.names("/").unwrap(), ["link", "other", "photos"]);
        client.remove("/photos/cat").unwrap();
        client.remove_directory("/photos").unwrap();
        client.rename("/other", "/cat", true).unwrap();
        assert_eq!(client.get("/cat").unwrap(), [7; 100_000]);

        let (from, to) =
            (client.open("/cat", OpenFlags::READ), client.open("/copy", OpenFlags::WRITE | OpenFlags::CREATE));
        let (from, to) = (from.unwrap(), to.unwrap());
        assert_eq!(from.copy(1, None, &to, 0).unwrap(), 99_999);
        assert_eq!(from.write(0, "no").unwrap_err().code, ErrorCode::Failure);
        to.sync().unwrap();
        to.close().unwrap();
        client.remove("/cat").unwrap();
        assert_eq!(from.read(0, 1).unwrap(), [7], "open without a name");
        assert_eq!(from.stat().unwrap().link_count, Some(0));
    }

    #[test]
    fn capacity_is_a_setting_and_a_limit() {
        let client = Client::<Memory>::connect(&[("capacity", "1M")]).unwrap();
        assert!(client.usage("/").unwrap().blocks * 4096 <= 1 << 20);
        assert_eq!(client.put("/big", vec![0; 2 << 20]).unwrap_err().code, ErrorCode::NoSpace);
        let misspelt = Client::<Memory>::connect(&[("capcity", "1")]).unwrap_err();
        assert_eq!(misspelt.detail.as_deref(), Some("the setting 'capcity' is unknown to this storage"));
        assert!(Client::<Memory>::connect(&[("capacity", "much")]).is_err());
    }
}

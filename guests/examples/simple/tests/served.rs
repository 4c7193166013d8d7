//! The storage as a component that `strongroom` serves, packet by packet. It needs both to be built:
//!
//!     cargo build --release --target wasm32-wasip2
//!     STRONGROOM=/path/to/strongroom cargo test -- --ignored

use strongroom_guest::testing::{Packet, Served};

const READ: u32 = 1;
const WRITE: u32 = 2;
const CREATE: u32 = 8;

#[test]
#[ignore = "needs strongroom and the component"]
fn open_read_close() {
    let mut served = Served::start("simple", &[]);
    let file = served.open("/services", READ | WRITE | CREATE).unwrap();
    served.write(&file, 0, b"ssh 22/tcp\n").unwrap();
    assert_eq!(served.read(&file, 0, 100).unwrap(), b"ssh 22/tcp\n");
    assert_eq!(served.read(&file, 11, 100).unwrap(), b"", "the end");
    served.close(&file).unwrap();
    assert!(served.close(&file).is_err(), "it is closed");
}

#[test]
#[ignore = "needs strongroom and the component"]
fn every_request_of_a_path_reaches_it() {
    const OK: [u8; 4] = [0; 4];
    let mut served = Served::start("simple", &[]);
    let mkdir = Packet::new(14).string("/d").u32(0);
    let rename = Packet::new(18).string("/d").string("/e");
    let symlink = Packet::new(20).string("e").string("/link");
    let hard_link = Packet::new(200).string("hardlink@openssh.com").string("/link").string("/e/link");
    for request in [mkdir, rename, symlink, hard_link] {
        let reply = served.request(request);
        assert_eq!((reply.type_byte, &reply.fields[..4]), (101, &OK[..]));
    }
    assert_eq!(served.list("/").unwrap(), [".", "..", "e", "link"]);
    assert_eq!(served.list("/link").unwrap(), [".", "..", "link"]);
    let real_path = served.request(Packet::new(16).string("link"));
    assert_eq!((real_path.type_byte, &real_path.fields[4..8]), (104, &[0, 0, 0, 2][..]), "a NAME of /e");
}

#[test]
#[ignore = "needs strongroom and the component"]
fn a_copy_is_made_in_the_storage() {
    let mut served = Served::start("simple", &[]);
    let (from, to) =
        (served.open("/from", WRITE | READ | CREATE).unwrap(), served.open("/to", WRITE | READ | CREATE).unwrap());
    served.write(&from, 0, &[7; 100_000]).unwrap();
    let copy = Packet::new(200).string("copy-data").string(&from).u64(1).u64(0).string(&to).u64(2);
    assert_eq!(served.request(copy).fields[..4], [0; 4]);
    assert_eq!(served.read(&to, 0, 4).unwrap(), [0, 0, 7, 7]);
    assert_eq!(served.read(&to, 100_000, 10).unwrap(), [7]);
}

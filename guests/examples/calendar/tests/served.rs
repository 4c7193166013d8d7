//! The calendar as a component that `strongroom` serves; see the test of the same name of `simple`.

use strongroom_guest::testing::{Packet, Served};

#[test]
#[ignore = "needs strongroom and the component"]
fn a_day_is_listed_read_and_not_to_be_changed() {
    let mut served = Served::start("calendar", &["--set", "from=2024", "--set", "to=2024"]);
    assert_eq!(served.list("/").unwrap(), [".", "..", "2024", "today.txt"]);
    let day = served.open("2024/02/29.txt", 1).unwrap();
    assert_eq!(served.read(&day, 0, 8).unwrap(), b"Thursday");
    served.close(&day).unwrap();
    let write_create_truncate = 2 + 8 + 16;
    assert_eq!(served.open("/new.txt", write_create_truncate).unwrap_err().0, 3, "PERMISSION_DENIED");
    let remove = served.request(Packet::new(13).string("/2024/02/29.txt"));
    assert_eq!(remove.fields[..4], [0, 0, 0, 3], "PERMISSION_DENIED");
}

//! The calendar in the process of the test.

use calendar::{Calendar, today};
use strongroom_guest::testing::Client;
use strongroom_guest::{ErrorCode, FileKind, OpenFlags, Result, Timestamp};

fn client() -> Client<Calendar> {
    Client::connect(&[("from", "2024"), ("to", "2026")]).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code
}

#[test]
fn years_hold_months_and_months_hold_days() {
    let client = client();
    assert_eq!(client.names("/").unwrap(), ["2024", "2025", "2026", "today.txt"]);
    assert_eq!(client.names("/2024").unwrap().len(), 12);
    assert_eq!(client.names("/2024/02").unwrap().len(), 30, "29 days and the page");
    assert_eq!(client.names("/2025/02").unwrap().len(), 29);
    let text = client.get("/2024/02/29.txt").unwrap();
    assert!(text.starts_with(b"Thursday, 29 February 2024\n"));
    let day = client.stat("/2024/02/29.txt").unwrap();
    assert_eq!((day.size, day.modified), (Some(text.len() as u64), Some(Timestamp::from_seconds(1_709_164_800))));
}

#[test]
fn there_is_one_path_to_each_day_and_none_to_others() {
    let client = client();
    for missing in ["/2025/02/29.txt", "/2024/2/29.txt", "/2024/13", "/2023", "/2027", "/+024", "/2024/02/29", "/x"] {
        assert_eq!(code(client.stat(missing)), ErrorCode::NoSuchFile, "{missing}");
    }
    assert_eq!(code(client.open("/2024", OpenFlags::READ)), ErrorCode::IsADirectory);
    assert_eq!(code(client.list("/2024/02/month.txt")), ErrorCode::NotADirectory);
}

#[test]
fn today_is_a_link_to_a_day() {
    let client: Client<Calendar> = Client::connect(&[]).unwrap();
    let before = today();
    let target = client.read_link("/today.txt").unwrap();
    // Midnight may come between.
    if before == today() {
        assert_eq!(client.real_path("/today.txt").unwrap(), format!("/{target}"));
        assert_eq!(client.get("/today.txt").unwrap(), client.get(&target).unwrap());
    }
    assert_eq!(client.stat_link("/today.txt").unwrap().kind, FileKind::Symlink);
    assert_eq!(client.stat("/today.txt").unwrap().kind, FileKind::Regular);
    assert_eq!(code(client.read_link(&target)), ErrorCode::InvalidArgument);
}

#[test]
fn nothing_changes_it() {
    let client = client();
    let create = OpenFlags::WRITE | OpenFlags::CREATE;
    assert_eq!(code(client.open("/2026/02/30.txt", create)), ErrorCode::ReadOnly);
    assert_eq!(code(client.remove("/2026/02/21.txt")), ErrorCode::ReadOnly);
    assert_eq!(code(client.make_directory("/2028")), ErrorCode::ReadOnly);
    assert_eq!(code(client.rename("/2024", "/2028", false)), ErrorCode::ReadOnly);
    assert_eq!(code(client.symlink("today.txt", "/now")), ErrorCode::Unsupported);
}

#[test]
fn a_setting_that_is_no_year_is_refused() {
    for wrong in ["this", "26", "1599", "20260"] {
        let error = Client::<Calendar>::connect(&[("from", wrong)]).unwrap_err();
        assert_eq!(error.detail.as_deref(), Some("the setting 'from' must be a year from 1600 to 9999"));
    }
}

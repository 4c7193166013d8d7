//! `strongroom check` of a bucket: the guest by its name, with one address as all that it is granted.

use strongroom_tests::mongodb::Database;
use strongroom_tests::{Place, strongroom};

#[test]
fn a_bucket_keeps_every_promise_of_the_contract() {
    let (place, database) = (Place::new(), Database::fresh());
    let check = strongroom!(place, "check", "gridfs", "--require-sandbox").args(database.granted(&place));
    let checked = check.run();
    let told = checked.text();
    assert!(checked.status.success() && !told.contains("\nfail "), "{}", checked.all());
    let passed = told.lines().filter(|line| line.starts_with("pass ")).count();
    assert!(passed > 75, "only {passed} promises were tried:\n{told}");
    for promise in ["kill-and-reconnect", "discard-forgets", "upload-unseen", "overlap-reads", "rename-directory"] {
        assert!(told.contains(&format!("\npass         {promise} ")), "{promise} was not tried:\n{told}");
    }
}

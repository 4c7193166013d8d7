//! Behind a real sshd, with OpenSSH's clients.

use super::{State, gridfs};
use strongroom_tests::mongodb::{Database, Peer};
use strongroom_tests::sshd::{Configuration, Sshd};
use strongroom_tests::{Place, tree};

#[test]
fn sftp_and_scp_through_sshd() {
    let (place, database) = (Place::new(), Database::fresh());
    let key_options = format!("command=\"{}\",restrict", gridfs(&place, &database).line());
    let lines = vec!["Subsystem sftp internal-sftp".to_owned()];
    let sshd = Sshd::start(&place, &Configuration { key_options, lines });
    let local = place.directory("local");
    tree::write_noise(&local.join("file"), 5_000_000, 9);
    tree::write_tree(&local.join("tree"), 60);
    let batch = "put file\nget file back\nput -Rp tree\nls -l tree\nget -Rp tree tree-back\nrename file renamed\n\
                 mkdir made\nput file made/file\nrm made/file\nrmdir made\nchmod 600 renamed\n";
    sshd.sftp().in_directory(&local).input(batch).succeed();
    tree::assert_same_file(&local.join("file"), &local.join("back"));
    tree::assert_same_tree(&local.join("tree"), &local.join("tree-back"));
    let named = local.join("scp");
    sshd.scp().arg(sshd.remote("/renamed")).arg(&named).succeed();
    tree::assert_same_file(&local.join("file"), &named);
    tree::assert_same_file(&local.join("file"), &Peer::Python.get(&place, &database, "fs", "renamed"));
    let shell = sshd.ssh().arg("ls").run();
    assert!(!shell.status.success(), "{}", shell.all());
    State::of(&place, &database).assert_whole();
}

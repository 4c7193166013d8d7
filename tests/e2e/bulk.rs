//! Much at once: a gibibyte and five thousand files, both ways, by way of `sftp -D` and through a real sshd; in a jail, and in
//! one session of memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;
use strongroom_tests::sshd::{Configuration, Sshd};
use strongroom_tests::tools::sftp_direct;
use strongroom_tests::{Place, Program, strongroom, tree};

const GIBIBYTE: u64 = 1 << 30;
const FILES: usize = 5_000;
const PATIENCE: Duration = Duration::from_secs(900);

/// One at a time: the disk is one.
static TURN: Mutex<()> = Mutex::new(());

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"), "-u", "022")
}

/// With room for a gibibyte and what it costs to keep one.
fn memory(place: &Place) -> Program {
    strongroom!(place, "memory", "-u", "022", "--set", "capacity=1100M", "--max-memory", "1536M")
}

fn over_ssh<'a>(place: &'a Place, server: &Program) -> Sshd<'a> {
    let key_options = format!("command=\"{}\",restrict", server.line());
    Sshd::start(place, &Configuration { key_options, lines: vec!["Subsystem sftp internal-sftp".to_owned()] })
}

fn move_a_gibibyte(place: &Place, client: &Program) {
    let local = place.directory("local");
    tree::write_noise(&local.join("file"), GIBIBYTE, 42);
    run(client, &local, "put file\n");
    tree::assert_same_file(&local.join("file"), &place.path("jail/file"));
    fs::rename(local.join("file"), local.join("original")).unwrap();
    run(client, &local, "get file\n");
    tree::assert_same_file(&local.join("original"), &local.join("file"));
}

fn move_a_gibibyte_in_one_session(place: &Place, client: &Program) {
    let local = place.directory("local");
    tree::write_noise(&local.join("file"), GIBIBYTE, 42);
    run(client, &local, "put file\nget file back\n");
    tree::assert_same_file(&local.join("file"), &local.join("back"));
}

fn move_a_tree_in_one_session(place: &Place, client: &Program) {
    let local = place.directory("local");
    tree::write_tree(&local.join("tree"), FILES);
    run(client, &local, "put -Rp tree\nget -Rp tree back\n");
    tree::assert_same_tree(&local.join("tree"), &local.join("back"));
}

fn move_a_tree(place: &Place, client: &Program) {
    let local = place.directory("local");
    tree::write_tree(&local.join("tree"), FILES);
    run(client, &local, "put -Rp tree\n");
    tree::assert_same_tree(&local.join("tree"), &place.path("jail/tree"));
    run(client, &local, "get -Rp tree back\n");
    tree::assert_same_tree(&local.join("tree"), &local.join("back"));
}

fn run(client: &Program, local: &Path, batch: &str) {
    client.clone().in_directory(local).input(batch).patience(PATIENCE).succeed();
}

#[test]
fn a_gibibyte_goes_there_and_back_by_sftp() {
    let _turn = TURN.lock();
    let place = Place::new();
    move_a_gibibyte(&place, &sftp_direct(&place, &jail(&place)));
}

#[test]
fn a_gibibyte_goes_there_and_back_through_sshd() {
    let _turn = TURN.lock();
    let place = Place::new();
    let sshd = over_ssh(&place, &jail(&place));
    move_a_gibibyte(&place, &sshd.sftp());
}

#[test]
fn memory_keeps_a_gibibyte_as_it_came() {
    let _turn = TURN.lock();
    let place = Place::new();
    move_a_gibibyte_in_one_session(&place, &sftp_direct(&place, &memory(&place)));
    drop(place);
    let place = Place::new();
    let sshd = over_ssh(&place, &memory(&place));
    move_a_gibibyte_in_one_session(&place, &sshd.sftp());
}

#[test]
fn five_thousand_files_go_there_and_back_by_sftp() {
    let _turn = TURN.lock();
    let place = Place::new();
    move_a_tree(&place, &sftp_direct(&place, &jail(&place)));
}

#[test]
fn five_thousand_files_go_there_and_back_through_sshd() {
    let _turn = TURN.lock();
    let place = Place::new();
    let sshd = over_ssh(&place, &jail(&place));
    move_a_tree(&place, &sshd.sftp());
}

#[test]
fn memory_keeps_five_thousand_files_as_they_came() {
    let _turn = TURN.lock();
    let place = Place::new();
    move_a_tree_in_one_session(&place, &sftp_direct(&place, &memory(&place)));
    drop(place);
    let place = Place::new();
    let sshd = over_ssh(&place, &memory(&place));
    move_a_tree_in_one_session(&place, &sshd.sftp());
}

//! How full a server is: asked of it when a session begins, of a database about which it need not count.

mod server;

use bson::{Document, doc};
use server::Server;
use strongroom_gridfs::Gridfs;
use strongroom_guest::ErrorCode;
use strongroom_guest::testing::Client;

const OWN: &str = "dbStats test";
const ADMIN: &str = "dbStats admin";

fn silent() -> Document {
    doc! { "ok": 1.0, "dataSize": 7 }
}

fn refused() -> Document {
    doc! { "ok": 0.0, "code": 13, "errmsg": "not authorized" }
}

/// Whether a server with those answers is known to tell of its disk, and what it was asked of that when the session began.
fn asked(answers: &[(&str, Document)]) -> (bool, Vec<String>) {
    let server = Server::start();
    for (command, reply) in answers {
        server.answer_always(command, reply.clone());
    }
    let client = Client::<Gridfs>::connect(&[("address", &server.address()), ("database", "test")]).unwrap();
    let questions = server.seen().into_iter().filter(|command| command.starts_with("dbStats")).collect();
    match client.usage("/") {
        Ok(usage) => assert!(usage.blocks_free > 0),
        Err(error) => assert_eq!(error.code, ErrorCode::Unsupported),
    }
    (client.usage("/").is_ok(), questions)
}

#[test]
fn a_session_begins_without_a_count_of_what_the_database_holds() {
    assert_eq!(asked(&[]), (true, vec![ADMIN.to_owned()]));
    assert_eq!(asked(&[(ADMIN, silent()), (OWN, silent())]), (false, vec![ADMIN.to_owned()]));
}

#[test]
fn who_may_not_ask_of_the_servers_database_asks_of_the_own() {
    let both = vec![ADMIN.to_owned(), OWN.to_owned()];
    assert_eq!(asked(&[(ADMIN, refused())]), (true, both.clone()));
    assert_eq!(asked(&[(ADMIN, refused()), (OWN, silent())]), (false, both));
}

#[test]
fn a_database_without_a_file_is_told_of_as_well() {
    assert_eq!(asked(&[(OWN, silent())]), (true, vec![ADMIN.to_owned()]));
    assert_eq!(asked(&[(OWN, refused())]), (true, vec![ADMIN.to_owned()]));
}

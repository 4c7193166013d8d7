//! Whole command lines, as operators and sshd_config have them.

use super::*;
use crate::log::Level;
use crate::sandbox::{Access, Embedded, Scope, Source};
use std::path::{Path, PathBuf};

fn parsed(line: &[&str]) -> Result<Storage, clap::Error> {
    let cli = Cli::try_parse_from(std::iter::once("strongroom").chain(line.iter().copied()))?;
    match cli.command {
        Command::Storage(storage) => Ok(storage),
        _ => panic!("no storage"),
    }
}

fn launched(line: &[&str]) -> Result<Launch, Failure> {
    parsed(line).unwrap().launch(&Account::current(), Peer::default())
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn the_commands_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_jail_grants_one_directory() {
    let (_folder, path) = folder();
    let launch = launched(&["jail", &path]).unwrap();
    assert_eq!(launch.guest, Source::Embedded(Embedded::Jail));
    let grant = launch.grants.directories.first().unwrap();
    assert_eq!((grant.host.as_path(), grant.guest.as_str(), grant.access), (Path::new(&path), "/", Access::ReadWrite));
    assert_eq!(launch.grants.directories.len(), 1);
    assert!(launch.grants.environment.is_empty() && !launch.grants.allow_chown && !launch.grants.allow_setid);
}

#[test]
fn words_behind_dashes_are_a_clients_unless_the_operand_is_missing() {
    let (_folder, path) = folder();
    for line in
        [["jail", &path, "--", "somehost", "sftp"].as_slice(), &["jail", "--", &path], &["jail", "-R", "--", &path]]
    {
        let launch = launched(line).unwrap();
        assert_eq!(launch.grants.directories.first().unwrap().host, Path::new(&path), "{line:?}");
    }
    assert!(launched(&["memory", "--", "somehost", "sftp"]).is_ok());
    assert!(parsed(&["jail", &path, "somehost", "sftp"]).is_err());
    assert!(parsed(&["jail"]).is_err());
}

#[test]
fn a_read_only_jail_grants_no_writing() {
    let launch = launched(&["jail", "-R", "/"]).unwrap();
    assert!(launch.read_only);
    assert_eq!(launch.grants.directories.first().unwrap().access, Access::ReadOnly);
}

#[test]
fn a_component_gets_what_is_granted() {
    let (_folder, path) = folder();
    let dir = format!("{path}:/data");
    let launch = launched(&[
        "run",
        "/opt/guests/mine.wasm",
        "--dir",
        &dir,
        "--dir",
        "/usr:/usr:ro",
        "--env",
        "A=1",
        "--env",
        "B=2",
        "--set",
        "c=3",
    ])
    .unwrap();
    assert_eq!(launch.guest, Source::File(PathBuf::from("/opt/guests/mine.wasm")));
    assert_eq!(launch.grants.directories.len(), 2);
    assert_eq!(launch.grants.environment, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
    assert_eq!(launch.grants.settings, [("c".to_owned(), "3".to_owned())]);
}

#[test]
fn a_component_connects_where_it_was_told() {
    let launch =
        launched(&["run", "/guest.wasm", "--connect", "DB.example:80", "--connect-private", "[fd00::1]:81"]).unwrap();
    let granted: Vec<_> =
        launch.grants.network.destinations.iter().map(|grant| (grant.destination.to_string(), grant.scope)).collect();
    assert_eq!(granted, [("db.example:80".to_owned(), Scope::Public), ("[fd00::1]:81".to_owned(), Scope::Private)]);
    assert!(launched(&["run", "/guest.wasm"]).unwrap().grants.network.destinations.is_empty());
    assert!(parsed(&["jail", "/srv", "--connect", "db.example:80"]).is_err());
}

#[test]
fn memory_is_granted_nothing() {
    let launch = launched(&["memory"]).unwrap();
    assert_eq!(launch.guest, Source::Embedded(Embedded::Memory));
    assert!(launch.grants.directories.is_empty() && launch.grants.network.destinations.is_empty());
}

fn settings(launch: &Launch) -> Vec<(&str, &str)> {
    launch.grants.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn a_database_is_all_of_the_network_that_it_is_granted() {
    let (_folder, path) = folder();
    let password = format!("{path}/password");
    std::fs::write(&password, "secret\n").unwrap();
    let address = "mongodb://alice@DB.example/files?tls=true";
    let line = ["gridfs", address, "--bucket", "photos", "--password-file", &password, "--set", "chunk-size=1000"];
    let launch = launched(&line).unwrap();
    let [grant] = launch.grants.network.destinations.as_slice() else { panic!("one destination") };
    assert_eq!((grant.destination.to_string().as_str(), grant.scope), ("db.example:27017", Scope::Public));
    assert!(launch.grants.directories.is_empty());
    let expected = [
        ("address", "db.example:27017"),
        ("database", "files"),
        ("bucket", "photos"),
        ("tls", "yes"),
        ("tls-name", "db.example"),
        ("user", "alice"),
        ("password", "secret"),
        ("auth-source", "files"),
        ("chunk-size", "1000"),
    ];
    assert_eq!(settings(&launch), expected);
    assert_eq!(
        launched(&[line.as_slice(), &["--tls", "--private"]].concat()).unwrap().grants.settings,
        launch.grants.settings
    );
}

#[test]
fn a_database_by_host_port_and_name() {
    let expected = [("address", "[::1]:27018"), ("database", "files"), ("bucket", "fs"), ("tls", "no")];
    for line in [
        ["gridfs", "::1", "27018", "files", "--logfile", "/dev/null"].as_slice(),
        &["gridfs", "::1", "27018", "files", "--", "somehost", "sftp"],
        &["gridfs", "--", "::1", "27018", "files"],
        &["gridfs", "--", "mongodb://[::1]:27018/files", "somehost", "sftp"],
    ] {
        let launch = launched(line).unwrap();
        assert_eq!(settings(&launch), expected, "{line:?}");
        assert_eq!(launch.grants.network.destinations.len(), 1);
    }
    let grants = launched(&["gridfs", "db.internal", "1", "files", "--private"]).unwrap().grants;
    assert_eq!(grants.network.destinations.first().map(|grant| grant.scope), Some(Scope::Private));
    assert!(parsed(&["gridfs"]).is_err() && parsed(&["gridfs", "localhost", "27017"]).is_err());
}

#[test]
fn arguments_of_a_database_that_contradict_each_other_are_refused() {
    let (_folder, path) = folder();
    let password = format!("{path}/password");
    std::fs::write(&password, "secret").unwrap();
    for (line, message) in [
        (["mongodb://h/d", "1", "e"].as_slice(), "an address names host, port and database together"),
        (&["mongodb://a@h/d"], "a has no password; name a file that holds it: --password-file FILE"),
        (&["mongodb://h/d", "--password-file", &password], "there is a password and no user"),
        (&["h", "1", "d", "--password-file", &password], "there is a password and no user"),
        (&["mongodb://h/d?tls=false", "--tls"], "the address says tls=false, and there is --tls"),
        (&["mongodb://h/d", "--set", "bucket=b"], "--set bucket: strongroom gridfs sets this by its own arguments"),
        (&["h"], "an address is mongodb://USER@HOST:PORT/DATABASE"),
        (&["--", "h", "1"], "no database is named; strongroom gridfs mongodb://USER@HOST:PORT/DATABASE"),
    ] {
        let Err(Failure::Usage(reason)) = launched(&[&["gridfs"], line].concat()) else { panic!("{line:?} is served") };
        assert!(reason.to_string().starts_with(message), "{line:?}: {reason}");
    }
    for bucket in ["", "a$b", "system.x", "fs."] {
        assert!(parsed(&["gridfs", "mongodb://h/d", "--bucket", bucket]).is_err(), "{bucket:?}");
    }
}

#[test]
fn openssh_spellings() {
    let (_folder, path) = folder();
    let storage =
        parsed(&["jail", "-el", "debug3", "-u", "022", "-d", "/in", "-P", "rename,remove", "-R", &path]).unwrap();
    let log = storage.options().log().unwrap();
    assert_eq!((log.level, log.stderr, log.file), (Level::Trace, true, None));
    let launch = storage.launch(&Account::current(), Peer::default()).unwrap();
    assert_eq!(launch.umask, Some(0o022));
    assert_eq!(launch.start_directory.as_deref(), Some("/in"));
    assert_eq!(launch.requests, RequestPolicy::parse(None, Some("rename,remove")).unwrap());
    assert!(parsed(&["jail", "-f", "AUTHPRIV", "-l", "INFO", "-p", "open,close,read", "DIR"]).is_ok());
}

#[test]
fn a_query_needs_no_storage() {
    assert!(parsed(&["jail", "-Q", "requests"]).unwrap().options().is_query());
    assert!(parsed(&["run", "-Q", "requests"]).unwrap().options().is_query());
    assert!(parsed(&["memory", "-Q", "ciphers"]).is_err());
    assert!(parsed(&["jail"]).is_err());
    assert!(parsed(&["run"]).is_err());
}

#[test]
fn an_unsafe_grant_is_refused_unless_meant() {
    assert!(matches!(launched(&["jail", "/"]), Err(Failure::Usage(_))));
    assert!(matches!(launched(&["run", "/guest.wasm", "--dir", "/:/all"]), Err(Failure::Usage(_))));
    assert!(launched(&["jail", "/", "--allow-unsafe-grant", "--start-directory", "/tmp"]).is_ok());
}

#[test]
fn the_log_and_the_cache_may_not_lie_in_the_grant() {
    let (_folder, path) = folder();
    let inside = format!("{path}/inside");
    assert!(matches!(launched(&["jail", "-l", &inside, &path]), Err(Failure::Usage(_))));
    assert!(matches!(launched(&["jail", "--cache-dir", &inside, &path]), Err(Failure::Usage(_))));
    assert!(matches!(launched(&["run", &inside, "--dir", &path]), Err(Failure::Usage(_))));
}

#[test]
fn owners_are_numbers_unless_names_are_asked_for() {
    assert!(!launched(&["memory"]).unwrap().show_names);
    assert!(launched(&["memory", "--show-names"]).unwrap().show_names);
}

#[test]
fn an_unknown_request_is_refused() {
    assert!(matches!(launched(&["memory", "-P", "unlink"]), Err(Failure::Usage(_))));
}

#[test]
fn the_version_names_contract_and_engine() {
    let Err(version) = parsed(&["--version"]) else { panic!("a session") };
    let version = version.to_string();
    assert!(version.starts_with(&format!("strongroom {}\n", env!("CARGO_PKG_VERSION"))), "{version}");
    assert!(version.contains(CONTRACT_VERSION) && version.contains(ENGINE_VERSION), "{version}");
}

#[test]
fn the_manual_names_every_option() {
    let mut page = Vec::new();
    manual::write(Cli::command(), "0.1.0", &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(page.starts_with(".") && page.contains(".SH EXIT STATUS"), "{page}");
    let mut command = Cli::command();
    command.build();
    let storages = ["jail", "memory", "gridfs", "run"].map(|name| command.find_subcommand(name).unwrap());
    for option in storages.iter().flat_map(|storage| storage.get_arguments()).filter_map(|option| option.get_long()) {
        assert!(page.contains(&option.replace('-', "\\-")), "{option}");
    }
}

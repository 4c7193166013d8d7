//! A real sshd starts the server as it would for a user: as the command of a key, as ForceCommand and as Subsystem.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use strongroom_tests::sshd::{Configuration, Sshd};
use strongroom_tests::tools::tool;
use strongroom_tests::{Outcome, Place, Program, strongroom, tree};

const SUBSYSTEMS: [&str; 3] = [
    "Subsystem sftp internal-sftp",
    "Subsystem sftp /usr/lib/openssh/sftp-server",
    "Subsystem sftp internal-sftp -l INFO",
];

fn server(place: &Place) -> Program {
    strongroom!(place, "jail", "-u", "022", "-l", place.path("log"), place.directory("jail"))
}

fn as_key_command(place: &Place, subsystem: &str) -> Configuration {
    Configuration {
        key_options: format!("command=\"{}\",restrict", server(place).line()),
        lines: vec![subsystem.to_owned()],
    }
}

fn as_force_command(place: &Place) -> Configuration {
    let lines = vec![SUBSYSTEMS[0].to_owned(), format!("ForceCommand {}", server(place).line())];
    Configuration { key_options: "restrict".to_owned(), lines }
}

fn as_subsystem(place: &Place) -> Configuration {
    let lines = vec![format!("Subsystem sftp {}", server(place).line())];
    Configuration { key_options: String::new(), lines }
}

/// The three ways, each with a place and an sshd of its own.
fn in_each_way(test: impl Fn(&Place, &Sshd<'_>)) {
    let ways: [fn(&Place) -> Configuration; 3] =
        [|place| as_key_command(place, SUBSYSTEMS[0]), as_force_command, as_subsystem];
    for way in ways {
        let place = Place::new();
        let sshd = Sshd::start(&place, &way(&place));
        test(&place, &sshd);
    }
}

#[track_caller]
fn assert_done(outcome: &Outcome) {
    assert!(outcome.status.success(), "{}: {}", outcome.status, outcome.all());
}

fn log(place: &Place) -> String {
    fs::read_to_string(place.path("log")).unwrap()
}

#[test]
fn sftp_does_everything() {
    in_each_way(|place, sshd| {
        let local = place.directory("local");
        tree::write_noise(&local.join("file"), 2_000_000, 1);
        let batch = "pwd\nput file\nls -l\nget file back\nrename file moved\nmkdir directory\nchmod 700 directory\n\
                     symlink moved link\nls -l directory\nls -l\nrm moved\nrm link\nrmdir directory\n";
        let outcome = sshd.sftp().in_directory(&local).input(batch).run();
        assert_done(&outcome);
        tree::assert_same_file(&local.join("file"), &local.join("back"));
        let text = outcome.text();
        assert!(text.contains("Remote working directory: /\n"), "{text}");
        assert!(text.contains("drwx------") && text.contains("lrwxrwxrwx"), "{text}");
        assert_eq!(fs::read_dir(place.path("jail")).unwrap().count(), 0);
        let log = log(place);
        let opened = format!("session opened for local user {} from [127.0.0.1]", sshd.user());
        assert!(log.contains(&opened) && log.contains("rename old \"/file\" new \"/moved\""), "{log}");
    });
}

#[test]
fn scp_copies_files_and_trees() {
    in_each_way(|place, sshd| {
        let local = place.directory("local");
        tree::write_noise(&local.join("file"), 1_000_000, 2);
        tree::write_tree(&local.join("tree"), 120);
        assert_done(&sshd.scp().arg(local.join("file")).arg(sshd.remote("/copy")).run());
        tree::assert_same_file(&local.join("file"), &place.path("jail/copy"));
        assert_done(&sshd.scp().arg(sshd.remote("copy")).arg(local.join("back")).run());
        tree::assert_same_file(&local.join("file"), &local.join("back"));
        assert_done(&sshd.scp().arg("-rp").arg(local.join("tree")).arg(sshd.remote("/")).run());
        tree::assert_same_tree(&local.join("tree"), &place.path("jail/tree"));
        assert_done(&sshd.scp().arg("-rp").arg(sshd.remote("/tree")).arg(local.join("tree-back")).run());
        tree::assert_same_tree(&local.join("tree"), &local.join("tree-back"));
    });
}

#[test]
fn subsystem_lines_of_distributions_do_for_a_forced_command() {
    for subsystem in SUBSYSTEMS {
        let place = Place::new();
        let sshd = Sshd::start(&place, &as_key_command(&place, subsystem));
        assert_done(&sshd.sftp().input("mkdir here\n").run());
        assert!(place.path("jail/here").is_dir(), "{subsystem}");
    }
}

#[test]
fn without_a_subsystem_line_sftp_asks_for_it_by_path() {
    let place = Place::new();
    let configuration = Configuration { lines: Vec::new(), ..as_key_command(&place, "") };
    let sshd = Sshd::start(&place, &configuration);
    assert!(!sshd.sftp().input("pwd\n").run().status.success());
    assert_done(&sshd.sftp_by_path("/usr/lib/openssh/sftp-server").input("mkdir here\n").run());
    assert!(place.path("jail/here").is_dir());
}

#[test]
fn a_shell_gets_one_sentence_and_status_1() {
    for configuration in [|place: &Place| as_key_command(place, SUBSYSTEMS[0]), as_force_command] {
        let place = Place::new();
        let sshd = Sshd::start(&place, &configuration(&place));
        for arguments in [&[][..], &["-T"]] {
            let outcome = sshd.ssh_with(arguments).input("echo hello\n").run();
            assert_eq!(outcome.code(), Some(1), "{arguments:?}: {}", outcome.all());
            assert!(outcome.all().contains("gives no shell"), "{arguments:?}: {}", outcome.all());
            assert!(!outcome.all().contains("hello"), "{arguments:?}: {}", outcome.all());
        }
    }
}

#[test]
fn a_person_at_a_terminal_is_not_left_waiting() {
    let place = Place::new();
    let line = server(&place).line();
    for (connection, command, words) in [
        (Some("192.0.2.7 50000 192.0.2.1 22"), None, "gives no shell"),
        (Some("192.0.2.7 50000 192.0.2.1 22"), Some("internal-sftp"), "gives no shell"),
        (Some("192.0.2.7 50000 192.0.2.1 22"), Some("ls"), "runs no other command"),
        (None, None, "a terminal"),
    ] {
        // script(1) runs the command on a terminal of its own; sshd cannot make one for a key with `restrict`.
        let mut terminal = tool(&place, "script").args(["-q", "-e", "-c", &line, "/dev/null"]);
        if let Some(connection) = connection {
            terminal = terminal.env("SSH_CONNECTION", connection);
        }
        if let Some(command) = command {
            terminal = terminal.env("SSH_ORIGINAL_COMMAND", command);
        }
        let outcome = terminal.run();
        assert_eq!(outcome.code(), Some(1), "{command:?}: {}", outcome.all());
        assert!(outcome.text().contains(words), "{command:?}: {}", outcome.all());
    }
}

#[test]
fn another_command_gets_one_sentence_and_status_1() {
    for configuration in [|place: &Place| as_key_command(place, SUBSYSTEMS[0]), as_force_command] {
        let place = Place::new();
        let sshd = Sshd::start(&place, &configuration(&place));
        for command in ["ls -l", "cat /etc/passwd", "scp -t /tmp", "sh -c 'exec /usr/lib/openssh/sftp-server'"] {
            let outcome = sshd.ssh().arg(command).run();
            assert_eq!(outcome.code(), Some(1), "{command}: {}", outcome.all());
            assert!(outcome.one_line().contains("runs no other command"), "{command}: {}", outcome.stderr);
            assert_eq!(outcome.text(), "", "{command}");
        }
        assert!(log(&place).contains("refused command \"cat /etc/passwd\""), "{}", log(&place));
    }
}

#[test]
fn a_command_that_names_a_server_is_served() {
    let place = Place::new();
    let sshd = Sshd::start(&place, &as_key_command(&place, SUBSYSTEMS[0]));
    for command in ["/usr/lib/openssh/sftp-server -R", "internal-sftp", "strongroom jail /"] {
        let mut client = sshd.ssh().arg(command).connect();
        assert!(client.list("/").unwrap().is_empty(), "{command}: it is the jail of the key, whatever was asked for");
        assert_eq!(client.realpath("/../..").unwrap(), b"/");
    }
}

#[test]
fn a_connection_that_breaks_off_leaves_what_was_acknowledged() {
    use strongroom_tests::packet::flag;
    let place = Place::new();
    let sshd = Sshd::start(&place, &as_key_command(&place, SUBSYSTEMS[0]));
    let mut client = sshd.ssh().arg("internal-sftp").connect();
    let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
    client.write(&handle, 0, b"acknowledged").unwrap();
    drop(client);
    let end = std::time::Instant::now() + strongroom_tests::PATIENCE;
    while !log(&place).contains("session closed") {
        assert!(std::time::Instant::now() < end, "the server goes on: {}", log(&place));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(fs::read(place.path("jail/file")).unwrap(), b"acknowledged");
}

#[test]
fn memory_is_served_over_ssh_too() {
    let place = Place::new();
    let command = strongroom!(place, "memory").line();
    let configuration =
        Configuration { key_options: format!("command=\"{command}\",restrict"), lines: vec![SUBSYSTEMS[0].to_owned()] };
    let sshd = Sshd::start(&place, &configuration);
    let local = place.directory("local");
    tree::write_noise(&local.join("file"), 3_000_000, 9);
    assert_done(&sshd.sftp().in_directory(&local).input("put file\nget file back\nls -l\n").run());
    tree::assert_same_file(&local.join("file"), &local.join("back"));
}

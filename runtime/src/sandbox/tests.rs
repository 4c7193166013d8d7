//! The embedded guests through the sandbox's own interface: what a session of calls sees, and what it may cost.

use super::{
    Access, Calling, Compiler, DirectoryGrant, Embedded, Engine, Engines, Fault, Finished, Grants, Limits, Network,
    NetworkGrants, NetworkLimits, Source, StorageSession, Template,
};
use crate::storage::{Answer, Call, Client, Ending, Error, ErrorCode, Features, FileId, OpenFlags, StoragePath};
use std::path::Path;
use std::time::Duration;

fn limits() -> Limits {
    Limits {
        memory_bytes: 512 << 20,
        table_elements: 20_000,
        core_items: 100,
        resources: 10_000,
        host_call_bytes: 4 << 20,
        call_timeout: Duration::from_secs(10),
        close_timeout: Duration::from_secs(10),
        cpu_time: Duration::from_secs(5),
        log_bytes: 1 << 16,
        random_bytes: 1 << 16,
        network: NetworkLimits { connections: 4, connects: 100, bytes: 1 << 20, wait: Duration::from_secs(1) },
    }
}

fn grants(directory: Option<(&Path, Access)>) -> Grants {
    let directories = directory
        .map(|(host, access)| DirectoryGrant { host: host.to_owned(), guest: "/".to_owned(), access })
        .into_iter()
        .collect();
    Grants {
        directories,
        network: NetworkGrants::default(),
        environment: Vec::new(),
        settings: Vec::new(),
        allow_chown: false,
        allow_setid: false,
    }
}

fn path(text: &str) -> StoragePath {
    StoragePath::from_normal(text.to_owned()).unwrap()
}

fn template(guest: Embedded, grants: Grants) -> Template {
    let source = Source::Embedded(guest);
    Template::load(
        &Engines::default(),
        &source,
        None,
        &Compiler::Here,
        grants.open().unwrap(),
        Network::none(),
        limits(),
    )
    .unwrap()
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs `calls` one after another in a session on a fresh instance of `guest`.
fn run(guest: Embedded, grants: Grants, calls: Vec<Call<'static>>) -> Vec<Result<Answer, Error>> {
    let template = template(guest, grants);
    block_on(async {
        let mut instance = template.instantiate().await.unwrap();
        let (mut session, answers): (StorageSession, _) = instance
            .run(async |running| {
                let (mut session, connected) = running.connect(Client::default()).await?.unwrap();
                assert!(connected.features.contains(Features::SYMLINKS | Features::TIMES | Features::RANDOM_WRITE));
                assert!(connected.home.is_root());
                let mut answers = Vec::new();
                for call in calls {
                    let finished: Result<Finished, Fault> = running.start(&mut session, call).await;
                    answers.push(session.settle(finished?));
                }
                let closed = running.start(&mut session, Call::CloseSession).await?;
                assert_eq!(session.settle(closed), Ok(Answer::Done));
                Ok((session, answers))
            })
            .await
            .unwrap();
        instance.drop_closed(&mut session).await.unwrap();
        answers
    })
}

fn code(answer: &Result<Answer, Error>) -> Option<ErrorCode> {
    answer.as_ref().err().map(|error| error.code)
}

#[test]
fn files_of_both_guests_hold_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    for (guest, grants) in
        [(Embedded::Jail, grants(Some((directory.path(), Access::ReadWrite)))), (Embedded::Memory, grants(None))]
    {
        let file = FileId(1);
        let answers = run(
            guest,
            grants,
            vec![
                Call::Open {
                    file,
                    path: path("/f"),
                    flags: OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE,
                    permissions: 0o640,
                },
                Call::Write { file, offset: 0, data: b"hello, world" },
                Call::Read { file, offset: 7, length: 100 },
                Call::Read { file, offset: 100, length: 100 },
                Call::CloseFile { file, ending: Ending::Commit },
                Call::Stat { path: path("/f"), follow: true },
                Call::Stat { path: path("/g"), follow: true },
            ],
        );
        assert_eq!(answers[2], Ok(Answer::Data(b"world".to_vec())));
        assert_eq!(answers[3], Ok(Answer::Data(Vec::new())));
        match &answers[5] {
            Ok(Answer::Attributes(attributes)) => {
                assert_eq!((attributes.size, attributes.permissions), (Some(12), Some(0o640)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(code(&answers[6]), Some(ErrorCode::NoSuchFile));
    }
}

/// Whether a descriptor of this process is open on `path`.
fn is_open(path: &Path) -> bool {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    descriptors.flatten().any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path))
}

#[test]
fn a_native_file_is_closed_at_once_and_the_guest_keeps_nothing_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let path_of = |name: &str| directory.path().canonicalize().unwrap().join(name);
    let template = template(Embedded::Jail, grants(Some((directory.path(), Access::ReadWrite))));
    block_on(async {
        let mut instance = template.instantiate().await.unwrap();
        let run = instance.run(async |running| {
            let (mut session, _) = running.connect(Client::default()).await?.unwrap();
            for (number, name) in [(1, "/one"), (2, "/two")] {
                let (file, flags) = (FileId(number), OpenFlags::WRITE | OpenFlags::CREATE);
                let open = Call::Open { file, path: path(name), flags, permissions: 0o600 };
                let opened = running.start(&mut session, open).await?;
                assert_eq!(session.settle(opened), Ok(Answer::Done));
            }
            let close = |number| Call::CloseFile { file: FileId(number), ending: Ending::Commit };
            assert!(is_open(&path_of("one")) && is_open(&path_of("two")));
            assert_eq!(running.close_native(&mut session, &close(1)), Some(Ok(Answer::Done)));
            assert!(!is_open(&path_of("one")) && is_open(&path_of("two")));
            assert_eq!(running.close_native(&mut session, &close(1)), None);
            assert_eq!(session.closed_resources(), 1);
            assert_eq!(running.close_native(&mut session, &close(2)), Some(Ok(Answer::Done)));
            Ok(session)
        });
        let mut session = run.await.unwrap();
        instance.drop_closed(&mut session).await.unwrap();
        assert_eq!(session.closed_resources(), 0);
    });
}

#[test]
fn the_jail_changes_nothing_beneath_a_read_only_grant() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("f"), "kept").unwrap();
    let changes = crate::storage::AttributeChanges { permissions: Some(0o777), ..Default::default() };
    let open = |flags| Call::Open { file: FileId(1), path: path("/f"), flags, permissions: 0o644 };
    let answers = run(
        Embedded::Jail,
        grants(Some((directory.path(), Access::ReadOnly))),
        vec![
            open(OpenFlags::WRITE),
            open(OpenFlags::READ | OpenFlags::WRITE | OpenFlags::TRUNCATE),
            open(OpenFlags::READ | OpenFlags::CREATE),
            Call::SetStat { path: path("/f"), follow: true, changes },
            Call::Remove { path: path("/f") },
            Call::MakeDirectory { path: path("/d"), permissions: 0o755 },
            Call::Rename { source: path("/f"), destination: path("/g"), replace: true },
            Call::HardLink { existing: path("/f"), path: path("/g") },
            Call::Symlink { target: "f".to_owned(), path: path("/g") },
        ],
    );
    for answer in &answers {
        assert_eq!(code(answer), Some(ErrorCode::ReadOnly), "{answer:?}");
    }
    assert_eq!(std::fs::read_to_string(directory.path().join("f")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn embedded_code_is_accepted_by_this_engine() {
    for guest in [Embedded::Jail, Embedded::Memory, Embedded::Gridfs] {
        guest.load(Engine::new(guest.calling()).unwrap().inner()).unwrap();
    }
}

#[test]
fn code_of_another_engine_is_refused_and_the_component_compiled() {
    for calling in [Calling::Tasks, Calling::AtOnce] {
        let mut config = super::config::engine_config(calling, None).unwrap();
        config.epoch_interruption(false);
        let other = wasmtime::Engine::new(&config).unwrap();
        assert!(Embedded::Jail.load(&other).is_err());
        let engine = Engine::new(calling).unwrap();
        let code = Compiler::Here.compile(&engine, Embedded::Jail.component()).unwrap();
        super::unchecked::load_compiled(engine.inner(), super::artifact::unseal(&engine, &code).unwrap()).unwrap();
    }
}

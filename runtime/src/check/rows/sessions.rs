//! How sessions begin and end.

use crate::check::attempt::{Stop, Tried, same_bytes};
use crate::check::bench::{Bench, End, prepare};
use crate::check::made::Made;
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, Running, Test, row};
use crate::check::words;
use crate::storage::{Client, Ending, OpenFlags};

pub const ROWS: &[Row] = &[
    Row {
        name: "connect",
        place: "storage.connect",
        promise: "a session begins, and its home is an absolute normalised path",
        needs: Needs::Nothing,
        test: Test::Connect,
    },
    row!(
        "connect-again",
        "storage.connect",
        "may be called many times in one instance, with the same client again",
        Needs::Nothing,
        connect_again
    ),
    row!("close-session", "session.close", "a session ends without an error", Needs::Nothing, close_session),
    Row {
        name: "kill-and-reconnect",
        place: "storage (Ends)",
        promise: "an instance that is gone without a close leaves a storage that can be connected to and works: what was \
                  committed is whole, and what was not is not published by a storage with atomic-upload",
        needs: Needs::Change,
        test: Test::Instances(|bench, row, made| Box::pin(kill_and_reconnect(bench, row, made)) as Running<'_>),
    },
];

async fn connect_again(probe: &Probe<'_>) -> Tried {
    let again = match probe.connect_again(&Client::default()).await? {
        Ok(again) => again,
        Err(error) => return Err(Stop::fails("a second session", format!("connect: {}", words::error(&error)))),
    };
    let root = crate::storage::StoragePath::root();
    again.stat(&root, true).await?.done()?;
    again.close_session().await?.answer().ok();
    // The first session is not the second's to end.
    probe.stat(&root, true).await?.done().map(drop)
}

async fn close_session(probe: &Probe<'_>) -> Tried {
    probe.close_session().await?.done()
}

const COMMITTED: &[u8] = b"committed before the end";

async fn kill_and_reconnect(bench: &Bench<'_>, row: &Row, made: &Made) -> Tried {
    let (whole, torn) = bench
        .session(row.name, made, End::Killed, async |probe| {
            prepare(probe).await?;
            let whole = probe.make_file("whole", COMMITTED).await?;
            let torn = probe.path("torn");
            let file = probe.open(&torn, OpenFlags::WRITE | OpenFlags::CREATE).await?.done()?;
            probe.write(file, 0, b"never closed").await?.done()?;
            let listed = probe.open_directory(&probe.place()).await?.done()?;
            probe.read_directory(listed, 1).await?.done()?;
            Ok((whole, torn))
        })
        .await?;
    bench
        .session(row.name, made, End::Tidy, async |probe| {
            if probe.offer.outlives {
                same_bytes("the file that was committed", COMMITTED, &probe.contents(&whole).await?)?;
                if probe.offer.features.contains(crate::storage::Features::ATOMIC_UPLOAD) {
                    probe.stat(&torn, false).await?.refused(&[crate::storage::ErrorCode::NoSuchFile])?;
                }
            } else {
                prepare(probe).await?;
            }
            let again = probe.path("again");
            probe.put(&again, b"after the end").await?;
            same_bytes("a file written after the end", b"after the end", &probe.contents(&again).await?)?;
            // What was being written when the end came can be written anew.
            let file = probe.open(&torn, OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE).await?.done()?;
            probe.write(file, 0, b"now closed").await?.done()?;
            probe.close(file, Ending::Commit).await?.done()?;
            same_bytes("the file that was being written", b"now closed", &probe.contents(&torn).await?)
        })
        .await
}

//! Calls in flight together, as the contract lets the host start them.

use crate::check::attempt::{Stop, Tried, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::survey::pattern;
use crate::check::words;
use crate::storage::{Answer, Call, Ending, Error, FileKind, OpenFlags};
use futures_util::future::join_all;

pub const ROWS: &[Row] = &[
    row!("overlap-reads", "storage (Concurrency)", "reads of one file overlap one another", Needs::Nothing, reads),
    row!("overlap-looks", "storage (Concurrency)", "calls on paths that only look overlap", Needs::Nothing, looks),
    row!("overlap-files", "storage (Concurrency)", "open files do not wait for one another", Needs::Change, files),
];

/// So many calls are in flight together.
const CALLS: usize = 24;

async fn reads(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let file = probe.open(&sample.path, OpenFlags::READ).await?.done()?;
    let length = sample.bytes.len();
    let offsets: Vec<usize> = (0..CALLS).map(|number| number * length / CALLS / 2 * 2).collect();
    let calls = offsets.iter().map(|offset| probe.start(Call::Read { file, offset: *offset as u64, length: 64 }));
    for (answer, offset) in join_all(calls).await.into_iter().zip(offsets) {
        let Answer::Data(read) = succeeded("file.read", answer?)? else { return Err(another("file.read")) };
        let there = sample.bytes.get(offset..).unwrap_or_default();
        let expected = there.get(..read.len().clamp(1, 64)).unwrap_or(there);
        same_bytes(&format!("a read at {offset}, in flight with others"), expected, &read)?;
    }
    Ok(())
}

async fn looks(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let directory = probe.some_directory();
    let calls = (0..CALLS).map(|number| {
        let path = if number % 2 == 0 { sample.path.clone() } else { directory.clone() };
        probe.start(Call::Stat { path, follow: true })
    });
    for (number, answer) in join_all(calls).await.into_iter().enumerate() {
        let Answer::Attributes(found) = succeeded("stat", answer?)? else { return Err(another("stat")) };
        let expected = if number % 2 == 0 { FileKind::Regular } else { FileKind::Directory };
        if found.kind != expected {
            let expected = format!("{}, from a stat in flight with others", words::kind(expected));
            return Err(Stop::fails(expected, words::kind(found.kind)));
        }
    }
    Ok(())
}

async fn files(probe: &Probe<'_>) -> Tried {
    let mut open = Vec::new();
    for number in 0..8_usize {
        let path = probe.path(&format!("file-{number}"));
        let file = probe.open(&path, OpenFlags::WRITE | OpenFlags::CREATE).await?.done()?;
        let bytes: Vec<u8> = pattern(3000 + number).into_iter().skip(number).collect();
        open.push((path, file, bytes));
    }
    for start in [0, 1500] {
        let calls = open.iter().map(|(_, file, bytes)| {
            let rest = bytes.get(start..).unwrap_or_default();
            let data = rest.get(..1500).unwrap_or(rest);
            probe.start(Call::Write { file: *file, offset: start as u64, data })
        });
        for answer in join_all(calls).await {
            succeeded("file.write", answer?)?;
        }
    }
    for (path, file, bytes) in open {
        probe.close(file, Ending::Commit).await?.done()?;
        same_bytes("a file that was written beside others", &bytes, &probe.contents(&path).await?)?;
    }
    Ok(())
}

fn succeeded(call: &str, answer: Result<Answer, Error>) -> Tried<Answer> {
    answer.map_err(|error| Stop::fails("success", format!("{call}, in flight with others: {}", words::error(&error))))
}

fn another(call: &str) -> Stop {
    Stop::fails("an answer of its own kind", format!("{call}: another"))
}

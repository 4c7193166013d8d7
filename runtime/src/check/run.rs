//! All rows on one guest, one after another.

use super::attempt::{Stop, Tried};
use super::bench::{Bench, End};
use super::made::Made;
use super::report::{Line, Report, Verdict};
use super::row::{Needs, Row, Test};
use super::survey::{Offer, REFUSALS, Shown, look_around};
use super::{rows, words};
use crate::sandbox::{LoadError, Template};
use crate::serve::Launch;
use crate::storage::{Client, Connected, ErrorCode, Features, StoragePath};
use crate::vis::Vis;
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// Told of each row as it begins.
pub trait Progress {
    fn begin(&mut self, rows: usize);
    fn row(&mut self, row: &Row);
    fn end(&mut self);
}

/// Why nothing was checked.
#[derive(Debug, Error)]
pub enum CheckError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{path}: exists in the storage; name a path for --scratch that does not")]
    ScratchExists { path: StoragePath },
    #[error("{path}: cannot be made to work in: {reason}; name another place in the storage with --scratch")]
    Scratch { path: StoragePath, reason: String },
    #[error("--scratch: the path holds NUL")]
    ScratchPath,
    #[error("the process cannot be prepared: {0}")]
    Start(anyhow::Error),
}

/// Checks the guest of `launch`. Rows work in `scratch`, which must not exist and is removed again; in a directory of
/// the storage's home with a name of its own unless one is given. A relative path begins at the home.
pub fn run(launch: &Launch, scratch: Option<&str>, progress: &mut impl Progress) -> Result<Report, CheckError> {
    let prepared = launch.prepare().map_err(CheckError::Start)?;
    let template = prepared.load()?;
    prepared.confine().map_err(|error| CheckError::Start(error.into()))?;
    prepared.block_on(check(&template, launch, scratch, progress))
}

async fn check(
    template: &Template,
    launch: &Launch,
    scratch: Option<&str>,
    progress: &mut impl Progress,
) -> Result<Report, CheckError> {
    let client = client(launch);
    let guest = launch.guest.name();
    let surveyed = survey(template, &client, scratch).await;
    let (offer, connected) = match surveyed {
        Ok(offer) => offer,
        Err(Unsurveyed::Error(error)) => return Err(error),
        Err(Unsurveyed::Connect(stop)) => return Ok(without_session(guest, stop)),
    };
    let bench = Bench { template, client: &client, offer: &offer };
    let mut lines = Vec::new();
    progress.begin(rows().count());
    for row in rows() {
        progress.row(row);
        lines.push(Line::new(row, verdict(row, try_row(&bench, row).await)));
    }
    let left = remove_scratch(&bench).await;
    progress.end();
    Ok(Report {
        guest,
        features: words::features(connected.features),
        scratch: offer.can_change.then(|| offer.scratch.clone()),
        left: left.then(|| offer.scratch.clone()),
        lines,
    })
}

async fn try_row(bench: &Bench<'_>, row: &Row) -> Tried {
    is_offered(row.needs, bench.offer)?;
    let made = Made::default();
    let tried = bench.try_row(row, &made).await;
    tidy(bench, &made).await;
    tried
}

fn is_offered(needs: Needs, offer: &Offer) -> Tried {
    let claims = |features: Features| match words::features(features.difference(offer.features)) {
        missing if missing.is_empty() => Ok(()),
        missing => Err(Stop::not_offered(format!("it does not claim {}", missing.join(" and ")))),
    };
    let changes = || if offer.can_change { Ok(()) } else { Err(Stop::not_offered("it cannot be changed")) };
    match needs {
        Needs::Nothing => Ok(()),
        Needs::Change => changes(),
        Needs::Claimed(features) => claims(features).and_then(|()| changes()),
        Needs::Shown(features) => claims(features),
    }
}

fn verdict(row: &Row, tried: Tried) -> Verdict {
    match tried {
        Ok(()) => Verdict::Pass,
        Err(Stop::NotOffered(reason)) => Verdict::NotOffered { reason },
        Err(Stop::Fails(finding)) => Verdict::Fail { expected: finding.expected, found: finding.found },
        Err(Stop::Fault(fault)) => {
            Verdict::Fail { expected: row.promise.to_owned(), found: Vis(fault.to_string().as_bytes()).to_string() }
        }
    }
}

/// What a row left because its instance is gone.
async fn tidy(bench: &Bench<'_>, made: &Made) {
    if bench.offer.outlives && !made.is_empty() {
        // What cannot be removed is found out at the end.
        let _ = bench.session("", made, End::Tidy, async |_| Ok(())).await;
    }
}

/// Whether something is left of the scratch directory.
async fn remove_scratch(bench: &Bench<'_>) -> bool {
    if !bench.offer.outlives || bench.offer.is_flat {
        return false;
    }
    let scratch = &bench.offer.scratch;
    let made = Made::default();
    let removed = bench.session("", &made, End::Orderly, async |probe| probe.remove_directory(scratch).await?.done());
    removed.await.is_err()
}

/// Why there is nothing to try rows on.
enum Unsurveyed {
    Error(CheckError),
    /// No session could be had.
    Connect(Stop),
}

impl From<Stop> for Unsurveyed {
    fn from(stop: Stop) -> Self {
        Self::Connect(stop)
    }
}

async fn survey(template: &Template, client: &Client, scratch: Option<&str>) -> Result<(Offer, Connected), Unsurveyed> {
    let mut offer = Offer {
        features: Features::empty(),
        scratch: StoragePath::root(),
        can_change: false,
        is_flat: false,
        outlives: false,
        closed_by_drop: false,
        copies: template.copies(),
        shown: Shown::default(),
    };
    let made = Made::default();
    let bench = Bench { template, client, offer: &offer };
    let connected = bench.session("", &made, End::Orderly, async |probe| Ok(probe.connected.clone())).await?;
    let scratch = match scratch {
        Some(path) => StoragePath::resolve(&connected.home, path).ok_or(Unsurveyed::Error(CheckError::ScratchPath))?,
        None => StoragePath::resolve(&connected.home, &own_name()).unwrap_or_else(StoragePath::root),
    };
    let made_scratch =
        bench.session("", &made, End::Orderly, async |probe| Ok(make_scratch(probe, &scratch).await?)).await?;
    let lets = made_scratch.map_err(Unsurveyed::Error)?;
    (offer.can_change, offer.is_flat) = (lets != Lets::Look, lets == Lets::MakeFiles);
    offer.features = connected.features;
    offer.closed_by_drop = connected.closed_by_drop();
    offer.scratch = scratch;
    let bench = Bench { template, client, offer: &offer };
    let (outlives, shown) = bench
        .session("", &made, End::Orderly, async |probe| {
            if probe.offer.can_change {
                let is_there = probe.stat(&probe.offer.scratch, false).await?.is_done();
                if probe.offer.is_flat && is_there {
                    probe.remove(&probe.offer.scratch).await?.done()?;
                }
                Ok((is_there, Shown::default()))
            } else {
                Ok((false, look_around(probe, probe.offer.features).await?))
            }
        })
        .await?;
    offer.outlives = outlives;
    offer.shown = shown;
    Ok((offer, connected))
}

/// What the storage lets its clients do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lets {
    Look,
    MakeFiles,
    MakeDirectories,
}

/// Makes the directory `scratch`, or a file of that name where there can be no directory.
async fn make_scratch(probe: &super::probe::Probe<'_>, scratch: &StoragePath) -> Tried<Result<Lets, CheckError>> {
    if probe.stat(scratch, false).await?.is_done() {
        return Ok(Err(CheckError::ScratchExists { path: scratch.clone() }));
    }
    match probe.make_directory(scratch).await?.answer() {
        Ok(()) => Ok(Ok(Lets::MakeDirectories)),
        Err(error) if error.code == ErrorCode::AlreadyExists => {
            Ok(Err(CheckError::ScratchExists { path: scratch.clone() }))
        }
        Err(error) if error.code == ErrorCode::Unsupported && probe.try_file(scratch).await? => Ok(Ok(Lets::MakeFiles)),
        Err(error) if REFUSALS.contains(&error.code) => Ok(Ok(Lets::Look)),
        Err(error) => Ok(Err(CheckError::Scratch { path: scratch.clone(), reason: words::error(&error) })),
    }
}

fn without_session(guest: String, stop: Stop) -> Report {
    let mut stop = Some(stop);
    let lines = rows()
        .map(|row| match (&row.test, stop.take_if(|_| matches!(row.test, Test::Connect))) {
            (_, Some(stop)) => Line::new(row, verdict(row, Err(stop))),
            _ => Line::new(row, Verdict::NotOffered { reason: "there is no session".to_owned() }),
        })
        .collect();
    Report { guest, features: Vec::new(), scratch: None, left: None, lines }
}

fn client(launch: &Launch) -> Client {
    Client {
        user: launch.peer.user.clone(),
        address: launch.peer.address.clone(),
        session_id: format!("check-{}", std::process::id()),
        notes: Vec::new(),
    }
}

/// A name that nobody has given.
fn own_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("strongroom-check-{}-{:x}", std::process::id(), now.as_nanos())
}

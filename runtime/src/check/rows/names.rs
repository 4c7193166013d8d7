//! Names come back as they were given.

use crate::check::attempt::{Tried, same, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::storage::ErrorCode;
use std::collections::BTreeSet;

pub const ROWS: &[Row] = &[
    row!(
        "names-odd",
        "types",
        "names with spaces, quotes, newlines and signs come back as they are",
        Needs::Change,
        odd
    ),
    row!("names-case", "types", "nothing changes case", Needs::Change, case),
    row!("names-normal-form", "types", "nothing changes Unicode normal form", Needs::Change, normal_form),
    row!("names-long", "types", "a name of 255 bytes, or of usage.name-max, is kept whole", Needs::Change, long),
    row!(
        "names-not-utf8",
        "types",
        "a byte that is not UTF-8 stands in a name as U+EF80 to U+EFFF and comes back so",
        Needs::Change,
        not_utf8
    ),
];

/// A storage that cannot hold a name says so, and keeps no other instead.
const REFUSALS: [ErrorCode; 3] = [ErrorCode::InvalidArgument, ErrorCode::NameTooLong, ErrorCode::Unsupported];

async fn odd(probe: &Probe<'_>) -> Tried {
    round_trip(
        probe,
        &[
            " leading",
            "trailing ",
            "two  spaces",
            "-rf",
            "it's",
            "say \"so\"",
            "back\\slash",
            "new\nline",
            "tab\tstop",
            "*",
            "?",
            "[a]",
            "a:b",
            "a|b",
            "<a>",
            "...",
            "trailing.",
            "~",
            "$HOME",
            "%41",
            "%",
            "a+b",
            "#1",
            "\u{1}",
            "\u{7f}",
            "été",
            "日本語",
            "🐈",
            "\u{202e}abc",
        ],
    )
    .await
}

async fn case(probe: &Probe<'_>) -> Tried {
    round_trip(probe, &["name", "Name", "NAME", "straße", "STRASSE"]).await
}

async fn normal_form(probe: &Probe<'_>) -> Tried {
    // é as one character and as two, å as a letter and as a unit.
    round_trip(probe, &["caf\u{e9}", "cafe\u{301}", "\u{e5}", "\u{212b}", "\u{1e9b}\u{323}"]).await
}

async fn long(probe: &Probe<'_>) -> Tried {
    let limit = match probe.usage(&probe.place()).await?.answer() {
        Ok(usage) if usage.name_max > 0 => usize::try_from(usage.name_max).unwrap_or(255).min(255),
        _ => 255,
    };
    round_trip(probe, &[&"n".repeat(limit.saturating_sub(probe.prefix().len()))]).await
}

async fn not_utf8(probe: &Probe<'_>) -> Tried {
    // The bytes E9, 80 and FF, alone and among letters.
    round_trip(probe, &["caf\u{efe9}", "\u{ef80}", "a\u{efff}b"]).await
}

async fn round_trip(probe: &Probe<'_>, names: &[&str]) -> Tried {
    for (number, name) in names.iter().enumerate() {
        let path = probe.path(name);
        let flags = crate::storage::OpenFlags::WRITE | crate::storage::OpenFlags::CREATE;
        let file = probe.open(&path, flags).await?.done_if_offered(&REFUSALS)?;
        probe.write_pieces(file, number.to_string().as_bytes()).await?;
        probe.close(file, crate::storage::Ending::Commit).await?.done_if_offered(&REFUSALS)?;
    }
    let named: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    same("the names in the directory", &named, &probe.own_names().await?)?;
    for (number, name) in names.iter().enumerate() {
        let contents = probe.contents(&probe.path(name)).await?;
        same_bytes(
            &format!("what is in {}", crate::check::words::quoted(name)),
            number.to_string().as_bytes(),
            &contents,
        )?;
    }
    Ok(())
}

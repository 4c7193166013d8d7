//! What came of it: a line for each row, as a table for people and as JSON for programs.

use super::row::Row;
use crate::storage::StoragePath;
use crate::vis::Vis;
use serde_json::{Map, Value, json};
use std::fmt::{self, Write};

/// What came of a check.
#[derive(Debug)]
pub struct Report {
    pub guest: String,
    /// What the storage claims.
    pub features: Vec<&'static str>,
    /// Where rows worked; `None` if the storage cannot be changed.
    pub scratch: Option<StoragePath>,
    /// What could not be removed.
    pub left: Option<StoragePath>,
    pub lines: Vec<Line>,
}

/// What came of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: &'static str,
    pub place: &'static str,
    pub promise: &'static str,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail {
        expected: String,
        found: String,
    },
    /// The storage does not have what the promise is about.
    NotOffered {
        reason: String,
    },
}

impl Line {
    pub(super) fn new(row: &Row, verdict: Verdict) -> Self {
        Self { name: row.name, place: row.place, promise: row.promise, verdict }
    }
}

impl Verdict {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail { .. } => "fail",
            Self::NotOffered { .. } => "not offered",
        }
    }
}

impl Report {
    /// Whether no promise was broken.
    pub fn is_pass(&self) -> bool {
        self.count("fail") == 0
    }

    fn count(&self, word: &str) -> usize {
        self.lines.iter().filter(|line| line.verdict.word() == word).count()
    }

    /// One object.
    pub fn to_json(&self) -> Value {
        json!({
            "guest": self.guest,
            "contract": crate::sandbox::CONTRACT_VERSION,
            "features": self.features,
            "scratch": self.scratch.as_ref().map(StoragePath::as_str),
            "left": self.left.as_ref().map(StoragePath::as_str),
            "passed": self.count("pass"),
            "failed": self.count("fail"),
            "not_offered": self.count("not offered"),
            "rows": self.lines.iter().map(row_json).collect::<Vec<_>>(),
        })
    }
}

fn row_json(line: &Line) -> Value {
    let mut row = Map::new();
    let mut tell = |key: &str, text: &str| drop(row.insert(key.to_owned(), json!(text)));
    tell("name", line.name);
    tell("place", line.place);
    tell("promise", line.promise);
    tell("verdict", line.verdict.word());
    match &line.verdict {
        Verdict::Pass => {}
        Verdict::Fail { expected, found } => {
            tell("expected", expected);
            tell("found", found);
        }
        Verdict::NotOffered { reason } => tell("reason", reason),
    }
    Value::Object(row)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = if self.features.is_empty() { "nothing".to_owned() } else { self.features.join(", ") };
        writeln!(f, "{} claims {features}", self.guest)?;
        match &self.scratch {
            Some(scratch) => writeln!(f, "worked in {}\n", Vis(scratch.as_str().as_bytes()))?,
            None => writeln!(f, "looked at what it shows\n")?,
        }
        let width = self.lines.iter().map(|line| line.name.len()).max().unwrap_or_default();
        for line in &self.lines {
            let mut text = String::new();
            write!(text, "{:<11}  {:<width$}  ", line.verdict.word(), line.name)?;
            match &line.verdict {
                Verdict::Pass => write!(text, "{}: {}", line.place, line.promise)?,
                Verdict::NotOffered { reason } => text.push_str(reason),
                Verdict::Fail { expected, found } => {
                    let indent = " ".repeat(11 + 2 + width + 2);
                    write!(text, "{}: {}", line.place, line.promise)?;
                    write!(text, "\n{indent}expected: {expected}\n{indent}found:    {found}")?;
                }
            }
            writeln!(f, "{text}")?;
        }
        let (passed, failed) = (self.count("pass"), self.count("fail"));
        writeln!(f, "\n{passed} passed, {failed} failed, {} not offered", self.count("not offered"))?;
        if let Some(left) = &self.left {
            writeln!(f, "{left} could not be removed")?;
        }
        Ok(())
    }
}

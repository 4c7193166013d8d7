//! Imports in plain words: what a component can ask the host for. None of them is a grant.

use std::collections::BTreeMap;

/// What some of the imports are for, in the order in which it matters to an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ability {
    Files,
    Connections,
    Tls,
    /// WASI 0.2's, which are never granted.
    OldSockets,
    Environment,
    Clocks,
    Random,
    Log,
    /// Standard input and terminals, of which there are none.
    Terminal,
    Exit,
    Streams,
    /// The contract's own types.
    Contract,
    /// What no host of this version offers.
    Unknown,
}

/// What an import's name begins with; the first that fits counts. `*` stands for the interface's name.
const IMPORTS: [(&str, Ability); 19] = [
    ("strongroom:storage/types@", Ability::Contract),
    ("strongroom:storage/native@", Ability::Contract),
    ("strongroom:storage/posix@", Ability::Files),
    ("strongroom:storage/posix-at-once@", Ability::Files),
    ("wasi:filesystem/*@0.2.", Ability::Files),
    ("wasi:filesystem/*@0.3.", Ability::Files),
    ("wasi:sockets/*@0.3.", Ability::Connections),
    ("wasi:sockets/*@0.2.", Ability::OldSockets),
    ("wasi:tls/*@0.3.", Ability::Tls),
    ("wasi:clocks/*@0.", Ability::Clocks),
    ("wasi:random/*@0.", Ability::Random),
    ("wasi:cli/environment@0.", Ability::Environment),
    ("wasi:cli/stdout@0.", Ability::Log),
    ("wasi:cli/stderr@0.", Ability::Log),
    ("wasi:cli/types@0.", Ability::Log),
    ("wasi:cli/stdin@0.", Ability::Terminal),
    ("wasi:cli/exit@0.", Ability::Exit),
    ("wasi:cli/*@0.", Ability::Terminal),
    ("wasi:io/*@0.2.", Ability::Streams),
];

impl Ability {
    /// What the import `name` is for.
    pub fn of(name: &str) -> Self {
        IMPORTS.iter().find(|(prefix, _)| is_match(prefix, name)).map_or(Self::Unknown, |(_, ability)| *ability)
    }

    /// For an operator, behind "it can ask for".
    pub fn words(self) -> &'static str {
        match self {
            Self::Files => "files in granted directories (--dir)",
            Self::Connections => "TCP connections to granted destinations (--connect)",
            Self::Tls => "TLS on these connections",
            Self::OldSockets => "sockets of WASI 0.2, which reach nothing whatever is granted",
            Self::Environment => "its environment, which holds what is granted (--env)",
            Self::Clocks => "clocks, to the millisecond",
            Self::Random => "random numbers",
            Self::Log => "lines in the operator's log",
            Self::Terminal => "standard input and terminals, of which it has none",
            Self::Exit => "its own end",
            Self::Streams => "streams and waiting, for the rest",
            Self::Contract => "the contract's own types",
            Self::Unknown => "what this version of strongroom does not offer",
        }
    }
}

pub(super) fn abilities(imports: &[String]) -> BTreeMap<Ability, Vec<&str>> {
    let mut found: BTreeMap<Ability, Vec<&str>> = BTreeMap::new();
    for import in imports {
        found.entry(Ability::of(import)).or_default().push(import);
    }
    found
}

fn is_match(prefix: &str, name: &str) -> bool {
    match prefix.split_once('*') {
        None => name.starts_with(prefix),
        Some((package, version)) => {
            let interface = name.strip_prefix(package).and_then(|rest| rest.find('@').and_then(|at| rest.get(at..)));
            interface.is_some_and(|rest| rest.starts_with(version))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_what_they_are_for() {
        for (import, ability) in [
            ("strongroom:storage/posix@0.1.0", Ability::Files),
            ("strongroom:storage/storage@0.1.0", Ability::Unknown),
            ("wasi:filesystem/preopens@0.2.6", Ability::Files),
            ("wasi:sockets/types@0.3.0", Ability::Connections),
            ("wasi:sockets/tcp@0.2.6", Ability::OldSockets),
            ("wasi:cli/environment@0.3.0", Ability::Environment),
            ("wasi:cli/terminal-stdin@0.2.6", Ability::Terminal),
            ("wasi:cli/stderr@0.2.6", Ability::Log),
            ("wasi:filesystem/types@1.0.0", Ability::Unknown),
            ("wasi:http/outgoing-handler@0.2.6", Ability::Unknown),
        ] {
            assert_eq!(Ability::of(import), ability, "{import}");
        }
    }
}

//! Where what a component can ask for and what it says it wants differ, each in a line for the operator.

use super::abilities::Ability;
use super::inspection::Inspection;
use super::text::Safe;
use super::wants::Wants;

impl Inspection {
    /// Where imports and words differ, what keeps the guest from running first; empty if nowhere.
    pub fn warnings(&self) -> Vec<String> {
        let not_offered = self.abilities().remove(&Ability::Unknown).unwrap_or_default();
        let mut warnings: Vec<String> = not_offered.into_iter().map(not_offered_line).collect();
        match &self.wants {
            Err(error) => warnings.push(format!("what it says it wants cannot be read: {error}")),
            Ok(declared) if declared.is_empty() => {
                warnings.push("it does not say what it wants; ask its author before you grant anything".to_owned());
            }
            Ok(declared) => {
                let differences = [
                    self.about_directories(declared),
                    self.about_addresses(declared),
                    self.about_tls(declared),
                    self.about_variables(declared),
                ];
                warnings.extend(differences.into_iter().flatten());
            }
        }
        warnings
    }

    fn about_directories(&self, declared: &[Wants]) -> Option<String> {
        match declared.iter().flat_map(|wants| &wants.directories).next() {
            Some(directory) if !self.can(Ability::Files) => {
                Some(useless(&format!("the directory {}", directory.path), "file system"))
            }
            None if self.can(Ability::Files) => Some(not_said(Ability::Files, "directory")),
            _ => None,
        }
    }

    fn about_addresses(&self, declared: &[Wants]) -> Option<String> {
        match (wants_address(declared), self.can(Ability::Connections)) {
            (true, false) if self.can(Ability::OldSockets) => Some(
                "it says it wants an address, and imports the sockets of WASI 0.2 only, which reach nothing; \
                 build it with those of WASI 0.3"
                    .to_owned(),
            ),
            (true, false) => Some(useless("an address", "sockets")),
            (false, true) => Some(not_said(Ability::Connections, "destination")),
            _ => None,
        }
    }

    fn about_tls(&self, declared: &[Wants]) -> Option<String> {
        (self.can(Ability::Tls) && !wants_address(declared)).then(|| {
            "it imports TLS, which is offered with a destination only, and says it wants none: it will not start"
                .to_owned()
        })
    }

    fn about_variables(&self, declared: &[Wants]) -> Option<String> {
        let variable = declared.iter().flat_map(|wants| &wants.variables).next()?;
        (!self.can(Ability::Environment)).then(|| useless(&format!("the variable {}", variable.name), "environment"))
    }

    fn can(&self, ability: Ability) -> bool {
        self.abilities().contains_key(&ability)
    }
}

fn wants_address(declared: &[Wants]) -> bool {
    declared.iter().any(|wants| !wants.addresses.is_empty())
}

fn not_offered_line(import: &str) -> String {
    format!("it imports {}, which this version of strongroom does not offer: it will not start", Safe(import))
}

fn useless(wanted: &str, missing: &str) -> String {
    format!("it says it wants {}, and imports no {missing}: the grant would be of no use", Safe(wanted))
}

fn not_said(ability: Ability, thing: &str) -> String {
    format!("it can ask for {}, and does not say that it wants any: grant no {thing}", ability.words())
}

#[cfg(test)]
mod tests {
    use super::super::producers::Producers;
    use super::super::wants;
    use super::*;

    fn warnings(imports: &[&str], records: &str) -> Vec<String> {
        let inspection = Inspection {
            size_bytes: 1,
            exports: Vec::new(),
            imports: imports.iter().map(|import| (*import).to_owned()).collect(),
            producers: Producers::default(),
            wants: wants::parse(format!("strongroom-wants 1\n{records}").as_bytes()),
        };
        inspection.warnings()
    }

    #[test]
    fn each_difference_and_no_other() {
        let (files, old, sockets) =
            ("wasi:filesystem/types@0.2.6", "wasi:sockets/tcp@0.2.6", "wasi:sockets/types@0.3.0");
        let tls = "wasi:tls/client@0.3.0-draft";
        let (environment, unknown) = ("wasi:cli/environment@0.2.6", "acme:anvils/forge@1.0.0");
        let (directory, address) = ("directory\t/data\trw\trequired\t", "address\tdb:1\trequired\t");
        let variable = "variable\tTZ\toptional\t";
        for (imports, records, expected) in [
            (&[files][..], directory, None),
            (&[], directory, Some("the directory /data, and imports no file system")),
            (&[files], "about\tx", Some("grant no directory")),
            (&[sockets], address, None),
            (&[sockets, tls], address, None),
            (&[], address, Some("an address, and imports no sockets")),
            (&[old], address, Some("WASI 0.2 only")),
            (&[old], "about\tx", None),
            (&[sockets], "about\tx", Some("grant no destination")),
            (&[tls], "about\tx", Some("imports TLS")),
            (&[environment], variable, None),
            (&[], variable, Some("the variable TZ, and imports no environment")),
            (&[environment], "about\tx", None),
            (&[unknown], "about\tx", Some("acme:anvils/forge@1.0.0, which this version")),
            (&[], "grant\t/", Some("cannot be read: line 2")),
        ] {
            let told = warnings(imports, records);
            assert_eq!(told.len(), usize::from(expected.is_some()), "{imports:?} {records:?}: {told:?}");
            assert!(expected.is_none_or(|words| told[0].contains(words)), "{expected:?} in {told:?}");
        }
    }
}

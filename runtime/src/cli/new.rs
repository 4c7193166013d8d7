//! `strongroom new`: begins a storage in a folder of its own.

use super::report::{Failure, print_error};
use crate::scaffold::{Language, Project, ProjectName};
use clap::Args;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use std::ffi::OsStr;
use std::path::Path;
use thiserror::Error;

#[derive(Debug, Args)]
pub(super) struct New {
    /// What the storage, its folder here and its launcher are called
    ///
    /// One word of a to z, 0 to 9 and _, so that it can be a crate, an npm package, a Python module and a command.
    name: String,

    /// The language to write it in
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = LanguageNames)]
    language: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no template for the language {name:?}; strongroom new {project} --lang rust, python, js or c")]
struct NoLanguage {
    name: String,
    project: ProjectName,
}

/// Any word, so that the answer to a wrong one is ours; shells complete it to one that there is.
#[derive(Clone)]
struct LanguageNames;

impl TypedValueParser for LanguageNames {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Language::ALL.into_iter().map(|language| PossibleValue::new(language.name()))))
    }
}

impl New {
    /// Makes the folder and says what to type next; what is missing for that is told on standard error.
    pub(super) fn run(self) -> Result<String, Failure> {
        let project = self.project()?;
        project.create_in(Path::new(".")).map_err(Failure::other)?;
        for tool in project.missing_tools() {
            print_error(&format!("strongroom: note: {} is missing; {}\n", tool.name, tool.install));
        }
        let mut text = format!("{} is begun. To build it, test it and serve it:\n\n", project.name);
        for step in project.next_steps("strongroom") {
            text.push_str(&format!("    {step}\n"));
        }
        Ok(text)
    }

    fn project(self) -> Result<Project, Failure> {
        let name: ProjectName = self.name.parse().map_err(Failure::usage)?;
        match Language::from_name(&self.language) {
            Some(language) => Ok(Project { name, language }),
            None => Err(Failure::usage(NoLanguage { name: self.language, project: name })),
        }
    }
}

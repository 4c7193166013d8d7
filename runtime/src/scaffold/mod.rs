//! `strongroom new`: the folder of a storage that is to be written, with all that builds it. It stands apart from what
//! serves, and nothing here runs during a session.

mod archive;
mod language;
mod name;
mod tools;

pub use language::Language;
pub use name::{NameError, ProjectName};
pub use tools::Tool;

use archive::Packed;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The setting of the template's storage, as a grant.
const SETTING: &str = "--set welcome=hello";

/// A storage to begin.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its name, and that of its folder.
    pub name: ProjectName,
    /// What it is written in.
    pub language: Language,
}

/// Why there is no new folder; nothing is left of an attempt.
#[derive(Debug, Error)]
pub enum NewError {
    /// Something of this name is there.
    #[error("{0} is there already; choose another name, or move it away: mv {0} {0}.old")]
    Exists(ProjectName),
    /// The system refused a file or a folder.
    #[error("{}: cannot be made in {}: {reason}", .name, .parent.display())]
    System {
        /// Of the storage.
        name: ProjectName,
        /// Where its folder was to be.
        parent: PathBuf,
        /// The system's own words.
        reason: io::Error,
    },
}

impl Project {
    /// Makes the folder in `parent`: whole, or not at all.
    ///
    /// # Errors
    ///
    /// [`NewError`].
    pub fn create_in(&self, parent: &Path) -> Result<(), NewError> {
        let folder = parent.join(self.name.as_str());
        if folder.symlink_metadata().is_ok() {
            return Err(NewError::Exists(self.name.clone()));
        }
        self.write_and_rename(parent, &folder).map_err(|reason| match reason.kind() {
            io::ErrorKind::AlreadyExists => NewError::Exists(self.name.clone()),
            _ => NewError::System { name: self.name.clone(), parent: parent.to_owned(), reason },
        })
    }

    /// What to type next, a command a line; `program` is how this one is called.
    pub fn next_steps(&self, program: &str) -> Vec<String> {
        let (name, component) = (&self.name, self.language.component(&self.name));
        let mut steps = vec![format!("cd {name}")];
        steps.extend(self.language.building(name));
        steps.extend([
            format!("{program} check {component} {SETTING}"),
            format!("sftp -D \"{program} run {component} {SETTING}\""),
            format!("sftp -D \"bin/{name} hello\""),
        ]);
        steps
    }

    /// The programs that these steps need and this machine lacks.
    pub fn missing_tools(&self) -> impl Iterator<Item = &'static Tool> {
        let missing: Vec<&Tool> = self.language.tools().iter().filter(|tool| !tool.is_there()).collect();
        // What installs one may be missing too, and is told first.
        let installer = missing.iter().any(|tool| tool.install.starts_with(tools::CARGO.name)).then_some(&tools::CARGO);
        installer.into_iter().filter(|tool| !tool.is_there()).chain(missing)
    }

    fn write_and_rename(&self, parent: &Path, folder: &Path) -> io::Result<()> {
        // Removed when this returns, with whatever is in it by then.
        let unfinished = tempfile::Builder::new().prefix(&format!(".{}-", self.name)).tempdir_in(parent)?;
        let inside = unfinished.path().join(self.name.as_str());
        fs::create_dir(&inside)?;
        for file in archive::files(self.language)? {
            self.write(&inside, file)?;
        }
        match rustix::fs::renameat_with(CWD, &inside, CWD, folder, RenameFlags::NOREPLACE) {
            // A file system without that flag, as of NFS, would replace nothing but an empty folder.
            Err(Errno::INVAL) => fs::rename(&inside, folder),
            renamed => Ok(renamed?),
        }
    }

    fn write(&self, folder: &Path, file: Packed) -> io::Result<()> {
        let path = folder.join(self.place(&file.path));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mode = if file.is_executable { 0o777 } else { 0o666 };
        let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        let is_template = !file.path.starts_with("vendor");
        out.write_all(&if is_template { self.fill_in(file.bytes)? } else { file.bytes })
    }

    /// Where a template's file belongs.
    fn place(&self, path: &Path) -> PathBuf {
        match path.to_str() {
            Some("gitignore") => PathBuf::from(".gitignore"),
            Some("bin/launcher") => Path::new("bin").join(self.name.as_str()),
            _ => path.to_owned(),
        }
    }

    fn fill_in(&self, template: Vec<u8>) -> io::Result<Vec<u8>> {
        let text = String::from_utf8(template).map_err(io::Error::other)?;
        let mut steps = self.next_steps("strongroom");
        let steps = steps.split_off(1).iter().map(|step| format!("    {step}\n")).collect::<String>();
        let text = text.replace("{{steps}}\n", &steps).replace("{{name}}", self.name.as_str());
        Ok(text.replace("{{component}}", &self.language.component(&self.name)).into_bytes())
    }
}

#[cfg(test)]
mod tests;

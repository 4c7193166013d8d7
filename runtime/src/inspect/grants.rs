//! The command line that would grant what a storage says it wants. It is written for a person to fill in and to judge;
//! nothing reads it back.

use super::text::quoted;
use super::wants::{Address, Directory, Part, Place, Setting, SettingNeed, Wants};

/// How the guest is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    Jail,
    Memory,
    Gridfs,
    /// `strongroom run` with this file.
    Run(String),
}

/// Words for a shell, with placeholders in capitals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantLine {
    /// The whole command with what is required.
    pub command: String,
    /// What may follow; empty if nothing is optional.
    pub optional: String,
}

/// What grants all of `declared`, and no more.
pub(super) fn grant_line(invocation: &Invocation, declared: &[Wants]) -> GrantLine {
    if *invocation == Invocation::Gridfs {
        return of_gridfs();
    }
    let (required, optional): (Vec<_>, Vec<_>) =
        declared.iter().flat_map(|wants| arguments(invocation, wants)).partition(|argument| argument.is_required);
    let start = match invocation {
        Invocation::Jail => vec!["jail".to_owned()],
        Invocation::Memory => vec!["memory".to_owned()],
        Invocation::Gridfs => vec!["gridfs".to_owned()],
        Invocation::Run(file) => vec!["run".to_owned(), quoted(&operand(file))],
    };
    let words = start.into_iter().chain(required.into_iter().map(|argument| argument.words));
    GrantLine {
        command: std::iter::once("strongroom".to_owned()).chain(words).collect::<Vec<_>>().join(" "),
        optional: optional.into_iter().map(|argument| argument.words).collect::<Vec<_>>().join(" "),
    }
}

/// The command makes the grant and most settings from the database's address and from options of its own.
fn of_gridfs() -> GrantLine {
    GrantLine {
        command: "strongroom gridfs mongodb://HOST:PORT/DATABASE".to_owned(),
        optional: "--bucket BUCKET --password-file PASSWORD_FILE --tls".to_owned(),
    }
}

struct Argument {
    is_required: bool,
    words: String,
}

fn arguments(invocation: &Invocation, wants: &Wants) -> Vec<Argument> {
    let directories = wants.directories.iter().map(|directory| of_directory(invocation, directory));
    let addresses = wants.addresses.iter().map(|address| of_address(address, &wants.settings));
    let variables = wants
        .variables
        .iter()
        .map(|variable| option(variable.is_required, "--env", &format!("{0}={0}", capitals(&variable.name))));
    let settings = wants.settings.iter().map(of_setting);
    directories.chain(addresses).chain(variables).chain(settings).collect()
}

fn option(is_required: bool, flag: &str, value: &str) -> Argument {
    Argument { is_required, words: format!("{flag} {}", quoted(value)) }
}

fn of_directory(invocation: &Invocation, directory: &Directory) -> Argument {
    let host = match directory.path.rsplit('/').next() {
        Some(name) if !name.is_empty() => format!("{}_DIRECTORY", capitals(name)),
        _ => "DIRECTORY".to_owned(),
    };
    if *invocation == Invocation::Jail {
        return Argument { is_required: directory.is_required, words: host };
    }
    let access = if directory.is_writable { "" } else { ":ro" };
    option(directory.is_required, "--dir", &format!("{host}:{}{access}", directory.path.replace(':', r"\:")))
}

fn of_address(address: &Address, settings: &[Setting]) -> Argument {
    let value = match &address.place {
        Place::InSetting(_) => "HOST:PORT".to_owned(),
        Place::HostAndPort(host, port) => format!("{}:{}", of_part(host, settings), of_part(port, settings)),
    };
    option(address.is_required, "--connect", &value)
}

/// A setting that is left out has its default.
fn of_part(part: &Part, settings: &[Setting]) -> String {
    let name = match part {
        Part::Literal(text) => return text.clone(),
        Part::Setting(name) => name,
    };
    match settings.iter().find(|setting| setting.name == *name).map(|setting| &setting.need) {
        Some(SettingNeed::Default(value)) => value.clone(),
        _ => capitals(name),
    }
}

fn of_setting(setting: &Setting) -> Argument {
    let placeholder = capitals(&setting.name);
    let value = if setting.is_secret { format!("@{placeholder}_FILE") } else { placeholder };
    option(setting.need == SettingNeed::Required, "--set", &format!("{}={value}", setting.name))
}

fn capitals(name: &str) -> String {
    let character = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(character).collect()
}

/// No file's name is taken for an option.
fn operand(file: &str) -> String {
    if file.starts_with('-') { format!("./{file}") } else { file.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::wants;
    use super::*;

    fn line(invocation: &Invocation, records: &str) -> GrantLine {
        grant_line(invocation, &wants::parse(format!("strongroom-wants 1\n{records}").as_bytes()).unwrap())
    }

    fn run(file: &str) -> Invocation {
        Invocation::Run(file.to_owned())
    }

    #[test]
    fn everything_that_can_be_granted() {
        let records = "secret\turi\trequired\t\nsetting\tport\t=27017\t\nsetting\tbucket-name\trequired\t\n\
            directory\t/spool\trw\trequired\t\ndirectory\t/a b:c\tro\toptional\t\n\
            address\t{uri}\trequired\t\naddress\tmetrics.example.com:{port}\toptional\t\nvariable\tTZ\toptional\t";
        let line = line(&run("my guest.wasm"), records);
        assert_eq!(
            line.command,
            "strongroom run 'my guest.wasm' --dir SPOOL_DIRECTORY:/spool --connect HOST:PORT --set uri=@URI_FILE \
             --set bucket-name=BUCKET_NAME"
        );
        assert_eq!(
            line.optional,
            r"--dir 'A_B_C_DIRECTORY:/a b\:c:ro' --connect metrics.example.com:27017 --env TZ=TZ --set port=PORT"
        );
    }

    #[test]
    fn no_text_of_an_author_reaches_the_shell() {
        let records =
            "setting\tport\t=1;rm -rf $HOME\t\naddress\tdb:{port}\trequired\t\ndirectory\t/$(id)\trw\trequired\t";
        let line = line(&run("-x.wasm"), records);
        assert_eq!(
            line.command,
            "strongroom run ./-x.wasm --dir '__ID__DIRECTORY:/$(id)' --connect 'db:1;rm -rf $HOME'"
        );
    }

    #[test]
    fn what_is_built_in_has_a_command_of_its_own() {
        assert_eq!(line(&Invocation::Jail, "directory\t/\trw\trequired\t").command, "strongroom jail DIRECTORY");
        let memory = line(&Invocation::Memory, "setting\tcapacity\t=268435456\t");
        assert_eq!(
            (memory.command.as_str(), memory.optional.as_str()),
            ("strongroom memory", "--set capacity=CAPACITY")
        );
    }
}

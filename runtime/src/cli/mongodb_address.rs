//! The address of a database in MongoDB's form, as far as one server without a password in its address has it:
//! `mongodb://USER@HOST:PORT/DATABASE?NAME=VALUE`.

use crate::sandbox::{Destination, DestinationError};
use std::str::FromStr;
use thiserror::Error;

/// Where a database is, and how it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DatabaseAddress {
    pub server: Destination,
    pub database: DatabaseName,
    pub user: Option<User>,
    /// What the address says of TLS, if it says anything.
    pub tls: Option<bool>,
}

/// Who enters it, and the database that knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub name: String,
    pub auth_source: String,
}

/// A name that MongoDB takes for a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DatabaseName(String);

/// An address that is refused. No message repeats a part of it that could be a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum AddressError {
    #[error("an address is mongodb://USER@HOST:PORT/DATABASE; USER@ and :PORT may be left out")]
    Form,
    #[error(
        "mongodb+srv looks up the names of many servers; this serves from one: name it, as mongodb://HOST:PORT/DATABASE"
    )]
    ManyByName,
    #[error("the address names several hosts; this serves from one: name the primary alone")]
    ManyHosts,
    #[error(
        "the address has a password in it, which everybody on this machine can read in the list of processes; leave it \
         out and name a file that holds it: --password-file FILE"
    )]
    Password,
    #[error("the address has an empty user before '@'; name one, or leave '@' out")]
    NoUser,
    #[error("{0} in the address: '%' stands before two hexadecimal digits, and what they spell is UTF-8 without NUL")]
    Escape(&'static str),
    #[error("the address's host: {0}")]
    Host(DestinationError),
    #[error("the address names no database; end it with /DATABASE")]
    NoDatabase,
    #[error(transparent)]
    Database(#[from] DatabaseNameError),
    #[error("the address's options stand as NAME=VALUE with '&' between")]
    Options,
    #[error("the address has the option {0} twice; leave one out")]
    Twice(String),
    #[error("the address's option {option} cannot be {value:?}; {advice}")]
    Value { option: &'static str, value: String, advice: &'static str },
    #[error("the address's option {0} is not known here; these are: {names}", names = OPTIONS.join(", "))]
    UnknownOption(String),
    #[error("the address's option {0} names a file of this machine; use --tls-ca FILE")]
    AuthoritiesFile(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a database's name has 1 to 63 bytes, and no '/', '\\', '.', '$', '\"', blank or NUL")]
pub(super) struct DatabaseNameError;

/// Where MongoDB listens unless told otherwise.
const DEFAULT_PORT: &str = "27017";

/// What may stand behind the '?', in any case.
const OPTIONS: [&str; 5] = ["tls", "authSource", "authMechanism", "directConnection", "appName"];

/// The older name of `tls`.
const TLS_OF_OLD: &str = "ssl";

/// As the server limits them.
const MAX_DATABASE_BYTES: usize = 63;

impl FromStr for DatabaseAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Form)?;
        match scheme.to_ascii_lowercase().as_str() {
            "mongodb" => {}
            "mongodb+srv" => return Err(AddressError::ManyByName),
            _ => return Err(AddressError::Form),
        }
        // A password may hold what ends a host, so that it is looked for first.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user_name(user)?), rest),
            None => (None, rest),
        };
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
        let server = server(host)?;
        if database.is_empty() {
            return Err(AddressError::NoDatabase);
        }
        let database: DatabaseName = decoded(database, "the database")?.parse()?;
        let Options { tls, auth_source } = Options::parse(options)?;
        let user = user.map(|name| User { name, auth_source: auth_source.unwrap_or_else(|| database.0.clone()) });
        Ok(Self { server, database, user, tls })
    }
}

impl DatabaseAddress {
    /// Of a server that asks nobody who they are.
    pub(super) fn without_user(host: &str, port: &str, database: &str) -> Result<Self, AddressError> {
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        let server = format!("{host}:{port}").parse().map_err(AddressError::Host)?;
        Ok(Self { server, database: database.parse()?, user: None, tls: None })
    }
}

impl FromStr for DatabaseName {
    type Err = DatabaseNameError;

    fn from_str(text: &str) -> Result<Self, DatabaseNameError> {
        let is_long = !(1..=MAX_DATABASE_BYTES).contains(&text.len());
        if is_long || text.contains(['/', '\\', '.', '$', '"', ' ', '\0']) {
            return Err(DatabaseNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl DatabaseName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn user_name(text: &str) -> Result<String, AddressError> {
    match text {
        "" => Err(AddressError::NoUser),
        _ if text.contains(':') => Err(AddressError::Password),
        // What else ends a host begins one here.
        _ if text.contains(['/', '?', '@']) => Err(AddressError::Form),
        _ => decoded(text, "the user"),
    }
}

fn server(host: &str) -> Result<Destination, AddressError> {
    if host.contains(',') {
        return Err(AddressError::ManyHosts);
    }
    // The colons of IPv6 stand before the bracket.
    let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    let destination = if has_port { host.to_owned() } else { format!("{host}:{DEFAULT_PORT}") };
    destination.parse().map_err(AddressError::Host)
}

#[derive(Default)]
struct Options {
    tls: Option<bool>,
    auth_source: Option<String>,
}

impl Options {
    fn parse(text: &str) -> Result<Self, AddressError> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(AddressError::Options)?;
            let key = match name.to_ascii_lowercase() {
                key if key == TLS_OF_OLD => "tls".to_owned(),
                key => key,
            };
            if seen.contains(&key) {
                return Err(AddressError::Twice(name.to_owned()));
            }
            options.take(name, &key, decoded(value, "an option")?)?;
            seen.push(key);
        }
        Ok(options)
    }

    fn take(&mut self, name: &str, key: &str, value: String) -> Result<(), AddressError> {
        match key {
            "tls" => self.tls = Some(truth("tls", value)?),
            "authsource" if value.is_empty() => {
                return Err(AddressError::Value { option: "authSource", value, advice: "name the user's database" });
            }
            "authsource" => self.auth_source = Some(value),
            "authmechanism" if value != "SCRAM-SHA-256" => {
                return Err(AddressError::Value { option: "authMechanism", value, advice: "SCRAM-SHA-256 is spoken" });
            }
            "directconnection" => {
                if !truth("directConnection", value)? {
                    let (option, value) = ("directConnection", "false".to_owned());
                    return Err(AddressError::Value {
                        option,
                        value,
                        advice: "there is one connection, to the host named",
                    });
                }
            }
            // For the server's log alone.
            "authmechanism" | "appname" => {}
            "tlscafile" => return Err(AddressError::AuthoritiesFile(name.to_owned())),
            _ => return Err(AddressError::UnknownOption(name.to_owned())),
        }
        Ok(())
    }
}

fn truth(option: &'static str, value: String) -> Result<bool, AddressError> {
    match value.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(AddressError::Value { option, value, advice: "say true or false" }),
    }
}

/// Undoes what is escaped by '%'.
fn decoded(text: &str, what: &'static str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let digits = after.first_chunk::<2>().and_then(|digits| std::str::from_utf8(digits).ok());
            let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            bytes.push(byte.ok_or(AddressError::Escape(what))?);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(AddressError::Escape(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<DatabaseAddress, AddressError> {
        text.parse()
    }

    fn address(server: &str, database: &str) -> DatabaseAddress {
        let (server, database) = (server.parse().unwrap(), database.parse().unwrap());
        DatabaseAddress { server, database, user: None, tls: None }
    }

    fn with_user(name: &str, auth_source: &str) -> DatabaseAddress {
        let user = Some(User { name: name.to_owned(), auth_source: auth_source.to_owned() });
        DatabaseAddress { user, ..address("db.example:27017", "files") }
    }

    #[test]
    fn hosts_and_ports() {
        for (text, server) in [
            ("mongodb://db.example/files", "db.example:27017"),
            ("mongodb://DB.example:1/files", "db.example:1"),
            ("MongoDB://192.0.2.7/files?", "192.0.2.7:27017"),
            ("mongodb://[2001:db8::1]/files", "[2001:db8::1]:27017"),
            ("mongodb://[2001:db8::1]:28000/files", "[2001:db8::1]:28000"),
            ("mongodb://localhost:65535/files", "localhost:65535"),
        ] {
            assert_eq!(parsed(text), Ok(address(server, "files")), "{text}");
        }
        assert_eq!(parsed("mongodb://db.example/fi%6Ces"), Ok(address("db.example:27017", "files")));
    }

    #[test]
    fn users_and_the_database_that_knows_them() {
        for (text, name, auth_source) in [
            ("mongodb://alice@db.example/files", "alice", "files"),
            ("mongodb://alice@db.example/files?authSource=admin", "alice", "admin"),
            ("mongodb://alice@db.example/files?AUTHSOURCE=a%2Db&authMechanism=SCRAM-SHA-256", "alice", "a-b"),
            ("mongodb://al%40ice%3A%2f%c3%bc@db.example/files", "al@ice:/ü", "files"),
            ("mongodb://$external$@db.example/files", "$external$", "files"),
        ] {
            assert_eq!(parsed(text), Ok(with_user(name, auth_source)), "{text}");
        }
        assert_eq!(parsed("mongodb://db.example/files?authSource=admin").unwrap().user, None);
    }

    #[test]
    fn options() {
        let tls = |text: &str| parsed(&format!("mongodb://db.example/files{text}")).map(|address| address.tls);
        assert_eq!(tls(""), Ok(None));
        assert_eq!(tls("?tls=true&directConnection=true&appName=a%20b"), Ok(Some(true)));
        assert_eq!(tls("?SSL=false"), Ok(Some(false)));
        let value = |option, value: &str, advice| Err(AddressError::Value { option, value: value.to_owned(), advice });
        assert_eq!(tls("?tls=yes"), value("tls", "yes", "say true or false"));
        assert_eq!(tls("?authMechanism=SCRAM-SHA-1"), value("authMechanism", "SCRAM-SHA-1", "SCRAM-SHA-256 is spoken"));
        assert_eq!(tls("?authSource="), value("authSource", "", "name the user's database"));
        assert!(matches!(tls("?directConnection=false"), Err(AddressError::Value { .. })));
        assert_eq!(tls("?tls=true&ssl=true"), Err(AddressError::Twice("ssl".to_owned())));
        assert_eq!(tls("?tls"), Err(AddressError::Options));
        assert_eq!(tls("?tlsCAFile=/ca"), Err(AddressError::AuthoritiesFile("tlsCAFile".to_owned())));
        for unknown in ["replicaSet", "retryWrites", "w", "tlsInsecure", "sslish"] {
            assert_eq!(tls(&format!("?{unknown}=true")), Err(AddressError::UnknownOption(unknown.to_owned())));
        }
        let message = tls("?w=2").unwrap_err().to_string();
        let known = "these are: tls, authSource, authMechanism, directConnection, appName";
        assert_eq!(message, format!("the address's option w is not known here; {known}"));
    }

    #[test]
    fn what_is_refused() {
        use AddressError::{Database, Escape, Form, Host, ManyByName, ManyHosts, NoDatabase, NoUser};
        for (text, error) in [
            ("", Form),
            ("db.example:27017/files", Form),
            ("http://db.example/files", Form),
            ("mongodb:db.example/files", Form),
            ("mongodb://a/b@db.example/files", Form),
            ("mongodb+srv://db.example/files", ManyByName),
            ("mongodb+srv://alice:secret@db.example/files", ManyByName),
            ("mongodb://a.example,b.example:27018/files", ManyHosts),
            ("mongodb://@db.example/files", NoUser),
            ("mongodb://al%4@db.example/files", Escape("the user")),
            ("mongodb://al%+1@db.example/files", Escape("the user")),
            ("mongodb://al%ff@db.example/files", Escape("the user")),
            ("mongodb://al%00@db.example/files", Escape("the user")),
            ("mongodb://db.example/a%zz", Escape("the database")),
            ("mongodb:///files", Host(DestinationError::Host)),
            ("mongodb://db.example:/files", Host(DestinationError::Port)),
            ("mongodb://db.example:0/files", Host(DestinationError::Port)),
            ("mongodb://::1/files", Host(DestinationError::Brackets)),
            ("mongodb://%2Ftmp%2Fmongodb-27017.sock/files", Host(DestinationError::Host)),
            ("mongodb://db.example", NoDatabase),
            ("mongodb://db.example/", NoDatabase),
            ("mongodb://db.example?tls=true", NoDatabase),
            ("mongodb://db.example/a.fs", Database(DatabaseNameError)),
            ("mongodb://db.example/a/b", Database(DatabaseNameError)),
        ] {
            assert_eq!(parsed(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_password_is_refused_whatever_is_in_it_and_never_repeated() {
        for password in ["", "secret", "se/cret", "se?cret", "se@cret", "se:cret", "%zz"] {
            let text = format!("mongodb://alice:{password}@db.example/files");
            assert_eq!(parsed(&text), Err(AddressError::Password), "{text}");
        }
        let message = AddressError::Password.to_string();
        assert!(message.ends_with("leave it out and name a file that holds it: --password-file FILE"), "{message}");
    }

    #[test]
    fn host_port_and_database() {
        let address_of = DatabaseAddress::without_user;
        assert_eq!(address_of("db.example", "27017", "files"), Ok(address("db.example:27017", "files")));
        assert_eq!(address_of("::1", "1", "files"), Ok(address("[::1]:1", "files")));
        assert_eq!(address_of("[::1]", "1", "files"), Ok(address("[::1]:1", "files")));
        assert_eq!(address_of("db.example", "http", "files"), Err(AddressError::Host(DestinationError::Port)));
        assert_eq!(address_of("a,b", "1", "files"), Err(AddressError::Host(DestinationError::Host)));
        assert_eq!(address_of("db.example", "1", "a b"), Err(AddressError::Database(DatabaseNameError)));
    }
}

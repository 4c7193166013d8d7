//! What the operator set.

use crate::bucket::Options;
use crate::connection::{Login, Target};
use crate::scram::Credentials;
use crate::system::Endpoint;
use strongroom_guest::{Error, Result, Settings};

const BUCKET_DEFAULT: &str = "fs";
const SOURCE_DEFAULT: &str = "admin";
/// As the specification has it.
const CHUNK_SIZE_DEFAULT: u64 = 255 << 10;
/// Each chunk is a document, which has a price of its own.
const CHUNK_SIZE_MIN: u64 = 1 << 10;
/// A document may hold 16 MiB, with what it says beside.
const CHUNK_SIZE_MAX: u64 = 15 << 20;
/// A day, in seconds.
const ORPHAN_AGE_DEFAULT: i64 = 24 * 60 * 60;
/// Less would take what is alive for dead: an upload shows life at every quarter of it only if something is written.
const ORPHAN_AGE_MIN: i64 = 1;

/// What the operator set.
pub struct Configuration {
    /// The server.
    pub target: Target,
    /// The database.
    pub database: String,
    /// The bucket.
    pub bucket: String,
    /// How it is used.
    pub options: Options,
}

impl Configuration {
    /// Takes all settings of this storage.
    pub fn take(settings: &mut Settings) -> Result<Self> {
        let address = settings.require("address")?;
        let (host, port) = parse_address(&address).ok_or_else(|| {
            Error::misconfigured("the setting 'address' must be a host and a port, as db.example:27017")
        })?;
        let is_secured = settings.take_switch("tls")?.unwrap_or(false);
        let tls_name = settings.take_text("tls-name");
        if tls_name.is_some() && !is_secured {
            return Err(Error::misconfigured("the setting 'tls-name' is of no use without --set tls=yes"));
        }
        let tls_name = is_secured.then(|| tls_name.unwrap_or_else(|| host.clone()));
        let chunk_size = settings.take_size("chunk-size")?.unwrap_or(CHUNK_SIZE_DEFAULT);
        if !(CHUNK_SIZE_MIN..=CHUNK_SIZE_MAX).contains(&chunk_size) {
            return Err(Error::misconfigured("the setting 'chunk-size' must be between 1K and 15M"));
        }
        let seconds = |text: &str| text.parse().ok().filter(|age| (ORPHAN_AGE_MIN..=i64::MAX / 1000).contains(age));
        let orphan_age = settings.take("orphan-age", "a number of seconds, at least 1", seconds)?;
        Ok(Self {
            target: Target { endpoint: Endpoint { host, port, tls_name }, login: take_login(settings)? },
            database: take_name(settings, "database")?
                .ok_or_else(|| Error::misconfigured("the setting 'database' is missing: give --set database=…"))?,
            bucket: take_name(settings, "bucket")?.unwrap_or_else(|| BUCKET_DEFAULT.to_owned()),
            options: Options {
                chunk_size: u32::try_from(chunk_size).map_err(Error::failure)?,
                orphan_age_ms: orphan_age.unwrap_or(ORPHAN_AGE_DEFAULT).saturating_mul(1000),
            },
        })
    }
}

fn take_login(settings: &mut Settings) -> Result<Option<Login>> {
    let (user, password) = (settings.take_text("user"), settings.take_text("password"));
    let source = settings.take_text("auth-source");
    match (user, password) {
        (Some(user), Some(password)) => {
            let credentials = Credentials::new(&user, &password)
                .map_err(|error| Error::misconfigured(format_args!("the setting 'password' is of no use: {error}")))?;
            Ok(Some(Login { credentials, source: source.unwrap_or_else(|| SOURCE_DEFAULT.to_owned()) }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::misconfigured("the setting 'password' is missing: the setting 'user' is given")),
        (None, Some(_)) => Err(Error::misconfigured("the setting 'user' is missing: the setting 'password' is given")),
    }
}

/// A name of a database or a bucket, in which a server wants no NUL and some other characters neither.
fn take_name(settings: &mut Settings, setting: &str) -> Result<Option<String>> {
    settings.take(setting, "a name without '/', '\\', '$', '\"', spaces and NUL", |name| {
        let is_name = !name.is_empty() && !name.contains(['/', '\\', '$', '"', ' ', '\0']);
        is_name.then(|| name.to_owned())
    })
}

fn parse_address(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(settings: &[(&str, &str)]) -> Result<Configuration, String> {
        let required = [("address", "db.example:27017"), ("database", "test")];
        let mut settings = Settings::new(required.iter().chain(settings).copied());
        Configuration::take(&mut settings).map_err(|error| error.detail.unwrap_or_default())
    }

    #[test]
    fn what_is_not_set_is_as_the_specification_has_it() {
        let configuration = take(&[]).unwrap();
        assert_eq!((configuration.bucket.as_str(), configuration.options.chunk_size), ("fs", 261_120));
        assert_eq!(configuration.options.orphan_age_ms, 86_400_000);
        assert!(configuration.target.login.is_none() && configuration.target.endpoint.tls_name.is_none());
    }

    #[test]
    fn addresses() {
        assert_eq!(parse_address("[::1]:27017"), Some(("::1".to_owned(), 27017)));
        assert_eq!(parse_address("db:1"), Some(("db".to_owned(), 1)));
        for wrong in ["db", "db:", ":1", "db:0", "db:65536", "::1:27017", "[::1:1"] {
            assert_eq!(parse_address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tls_is_for_the_host_unless_another_name_is_set() {
        let name = |settings: &[(&str, &str)]| take(settings).map(|taken| taken.target.endpoint.tls_name);
        assert_eq!(name(&[("tls", "yes")]), Ok(Some("db.example".to_owned())));
        assert_eq!(name(&[("tls", "yes"), ("tls-name", "other")]), Ok(Some("other".to_owned())));
        assert!(name(&[("tls-name", "other")]).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_without_its_value() {
        for wrong in [
            ("chunk-size", "1023"),
            ("chunk-size", "16M"),
            ("orphan-age", "0"),
            ("orphan-age", "soon"),
            ("bucket", "a$b"),
            ("database", ""),
            ("user", "alone"),
            ("password", "alone"),
        ] {
            let Err(error) = take(&[wrong]) else { panic!("{wrong:?} was taken") };
            assert!(error.contains(wrong.0) || error.contains("'password' is missing"), "{error}");
            assert!(wrong.1.is_empty() || wrong.1 == "0" || !error.contains(wrong.1) || wrong.0 == "user", "{error}");
        }
    }
}

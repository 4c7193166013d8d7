//! How a line looks: when, which process, whom it is about, and what happened, all on one line.

use super::{CALLS, Peer};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What stands before user and address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `2026-01-31T08:00:00.000000Z strongroom[4711] `
    TimeAndProcess,
    /// The system's log adds both by itself.
    None,
}

/// Formats an event as `PREFIX user address: message key=value`.
pub(super) struct LineFormat {
    prefix: Prefix,
    process: String,
    subject: String,
}

impl LineFormat {
    pub(super) fn new(prefix: Prefix, peer: &Peer) -> Self {
        let address = peer.address.as_deref().unwrap_or("-");
        Self {
            prefix,
            process: format!("strongroom[{}]", std::process::id()),
            subject: format!("{} {}", OneLine(&peer.user), OneLine(address)),
        }
    }
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if self.prefix == Prefix::TimeAndProcess {
            SystemTime.format_time(&mut out)?;
            write!(out, " {} ", self.process)?;
        }
        let mut text = EventText::default();
        event.record(&mut text);
        let severity = severity(event.metadata());
        writeln!(out, "{}: {severity}{}{}", self.subject, OneLine(&text.message), OneLine(&text.fields))
    }
}

/// OpenSSH's words before what is no plain information (log.c, `do_log`).
fn severity(metadata: &Metadata<'_>) -> &'static str {
    match *metadata.level() {
        Level::ERROR => "error: ",
        Level::WARN => "warning: ",
        Level::INFO => "",
        Level::DEBUG if metadata.target() == CALLS => "debug3: ",
        Level::DEBUG | Level::TRACE => "debug1: ",
    }
}

#[derive(Default)]
struct EventText {
    message: String,
    fields: String,
}

impl EventText {
    fn add(&mut self, field: &Field, value: impl fmt::Display) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

impl Visit for EventText {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

/// Text whose control characters, and whatever else could begin a line or hide one, are written in octal, byte for
/// byte. Those who log escape more of what a client sent; this is what a line cannot do without, and text that is
/// escaped already passes unchanged.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(breaks_line) {
            let harmless = part.trim_end_matches(breaks_line);
            f.write_str(harmless)?;
            for byte in part.bytes().skip(harmless.len()) {
                write!(f, "\\{byte:03o}")?;
            }
        }
        Ok(())
    }
}

/// Control characters, Unicode's line separators, and those that turn the direction of writing.
fn breaks_line(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(prefix: Prefix, body: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let peer = Peer { user: "alice".to_owned(), address: Some("192.0.2.1".to_owned()) };
        let layer = tracing_subscriber::fmt::layer()
            .event_format(LineFormat::new(prefix, &peer))
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_names_time_process_and_peer() {
        let line = logged(Prefix::TimeAndProcess, || tracing::info!(r#"opendir "/a""#));
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        assert_eq!(rest, format!("strongroom[{}] alice 192.0.2.1: opendir \"/a\"\n", std::process::id()));
    }

    #[test]
    fn fields_and_levels_are_told() {
        let line = logged(Prefix::None, || tracing::error!(bytes = 3, name = "x", "lost"));
        assert_eq!(line, "alice 192.0.2.1: error: lost bytes=3 name=x\n");
    }

    #[test]
    fn one_event_is_one_line() {
        let line = logged(Prefix::None, || {
            tracing::info!(name = "a\r\nb", "forged\n2026 strongroom[1] root -: \u{1b}[2J\u{2028}\u{202e}x");
        });
        assert_eq!(
            line,
            "alice 192.0.2.1: forged\\0122026 strongroom[1] root -: \\033[2J\\342\\200\\250\\342\\200\\256x \
             name=a\\015\\012b\n"
        );
    }

    #[test]
    fn escaping_twice_changes_nothing() {
        let once = OneLine("a\n\\b \"c\" é").to_string();
        assert_eq!(once, "a\\012\\b \"c\" é");
        assert_eq!(OneLine(&once).to_string(), once);
    }
}

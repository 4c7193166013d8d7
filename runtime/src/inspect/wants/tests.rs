//! Declarations there and back, and whatever else bytes can be.

use super::parse::{LineError, MAX_NAME_BYTES, MAX_RECORDS, MAX_TEXT_BYTES};
use super::*;
use proptest::prelude::*;

const WHOLE: &str = "strongroom-wants 1\n\
    name\tgridfs\nversion\t1.2.0\nabout\tFiles in a database\n\
    setting\tdatabase\t=files\tWhich database\n\
    secret\turi\trequired\tWhere the server is\n\
    setting\tport\toptional\tAnother port\n\
    directory\t/spool\trw\toptional\tUploads until they are whole\n\
    address\t{uri}\trequired\tThe server\n\
    address\tmetrics.example.com:{port}\toptional\tFigures\n\
    variable\tTZ\toptional\tFor the calendar\n";

fn error(text: &str) -> WantsError {
    parse(text.as_bytes()).unwrap_err()
}

fn line_error(line: &str) -> LineError {
    match error(&format!("strongroom-wants 1\n{line}\n")) {
        WantsError::Line { reason, .. } => reason,
        other => panic!("{line:?}: {other}"),
    }
}

#[test]
fn a_whole_declaration() {
    let [wants] = parse(WHOLE.as_bytes()).unwrap().try_into().unwrap();
    assert_eq!(wants.name.as_deref(), Some("gridfs"));
    assert_eq!(wants.about.as_deref(), Some("Files in a database"));
    let needs: Vec<_> = wants.settings.iter().map(|setting| (setting.need.clone(), setting.is_secret)).collect();
    assert_eq!(
        needs,
        [
            (SettingNeed::Default("files".to_owned()), false),
            (SettingNeed::Required, true),
            (SettingNeed::Optional, false)
        ]
    );
    assert!(wants.directories[0].is_writable && !wants.directories[0].is_required);
    assert_eq!(wants.addresses[0].place, Place::InSetting("uri".to_owned()));
    let metrics = Part::Literal("metrics.example.com".to_owned());
    assert_eq!(wants.addresses[1].place, Place::HostAndPort(metrics, Part::Setting("port".to_owned())));
    assert_eq!(wants.variables[0].name, "TZ");
}

#[test]
fn what_linkers_put_behind_one_another_is_several_declarations() {
    let twice = format!("{WHOLE}{WHOLE}");
    assert_eq!(parse(twice.as_bytes()).unwrap().len(), 2);
    assert_eq!(parse(b"strongroom-wants 1").unwrap(), [Wants::default()]);
}

#[test]
fn what_is_no_declaration() {
    assert_eq!(error(""), WantsError::NoHeader);
    assert_eq!(error("name\tx\n"), WantsError::NoHeader);
    assert_eq!(error("strongroom-wants 2\nname\tx\n"), WantsError::LaterForm);
    assert_eq!(parse(b"strongroom-wants 1\nabout\t\xff\n"), Err(WantsError::NotText));
    assert_eq!(parse(&vec![b'x'; MAX_SECTION_BYTES + 1]), Err(WantsError::TooLong));
    let undeclared = error("strongroom-wants 1\naddress\tdb:{port}\trequired\t\n");
    assert_eq!(undeclared, WantsError::Undeclared("port".to_owned()));
    let many = format!("strongroom-wants 1\n{}", "\n".repeat(MAX_RECORDS + 1));
    assert!(matches!(error(&many), WantsError::Line { number: 2, .. }));
    let settings: String = (0..=MAX_RECORDS).map(|n| format!("setting\ts{n}\toptional\t\n")).collect();
    let reason = LineError::TooMany;
    assert_eq!(error(&format!("strongroom-wants 1\n{settings}")), WantsError::Line { number: MAX_RECORDS + 2, reason });
}

#[test]
fn what_is_no_record() {
    for (line, expected) in [
        ("", LineError::Record),
        ("grant\t/", LineError::Record),
        ("name\ta\tb", LineError::Record),
        ("name\ta b", LineError::Name),
        ("name\t", LineError::Name),
        ("about\t\u{1b}[2J", LineError::Text),
        ("about\tone\r", LineError::Text),
        ("about\t\u{9b}31m", LineError::Text),
        (&format!("about\t{}", "x".repeat(MAX_TEXT_BYTES + 1)), LineError::Text),
        (&format!("setting\t{}\toptional\t", "x".repeat(MAX_NAME_BYTES + 1)), LineError::Name),
        ("setting\ta=b\toptional\t", LineError::Name),
        ("setting\ta\tperhaps\t", LineError::Need),
        ("setting\ta\toptional\t\nsecret\ta\toptional\t", LineError::Twice),
        ("about\ta\nabout\tb", LineError::Twice),
        ("directory\tdata\trw\toptional\t", LineError::Path),
        ("directory\t/../etc\trw\toptional\t", LineError::Path),
        ("directory\t/data\tw\toptional\t", LineError::Access),
        ("directory\t/data\trw\t=x\t", LineError::Need),
        ("address\thost\trequired\t", LineError::Address),
        ("address\thost:0\trequired\t", LineError::Address),
        ("address\thost:+1\trequired\t", LineError::Address),
        ("address\t$(id):1\trequired\t", LineError::Address),
        ("address\t{a}{b}\trequired\t", LineError::Address),
        ("variable\tA B\trequired\t", LineError::Name),
    ] {
        assert_eq!(line_error(line), expected, "{line:?}");
    }
}

/// What an author may write, as the SDKs write it.
fn written(wants: &Wants) -> String {
    let need = |is_required: bool| if is_required { "required" } else { "optional" };
    let mut text = "strongroom-wants 1\n".to_owned();
    for (record, value) in [("name", &wants.name), ("version", &wants.version), ("about", &wants.about)] {
        text.extend(value.iter().map(|value| format!("{record}\t{value}\n")));
    }
    for setting in &wants.settings {
        let need = match &setting.need {
            SettingNeed::Default(value) => format!("={value}"),
            other => need(*other == SettingNeed::Required).to_owned(),
        };
        let record = if setting.is_secret { "secret" } else { "setting" };
        text += &format!("{record}\t{}\t{need}\t{}\n", setting.name, setting.help);
    }
    for Directory { path, is_writable, is_required, reason } in &wants.directories {
        let access = if *is_writable { "rw" } else { "ro" };
        text += &format!("directory\t{path}\t{access}\t{}\t{reason}\n", need(*is_required));
    }
    for Address { place, is_required, reason } in &wants.addresses {
        text += &format!("address\t{place}\t{}\t{reason}\n", need(*is_required));
    }
    for Variable { name, is_required, reason } in &wants.variables {
        text += &format!("variable\t{name}\t{}\t{reason}\n", need(*is_required));
    }
    text
}

fn any_text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{0,40}"
}

fn any_name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,64}"
}

fn any_need() -> impl Strategy<Value = SettingNeed> {
    prop_oneof![Just(SettingNeed::Required), Just(SettingNeed::Optional), any_text().prop_map(SettingNeed::Default)]
}

prop_compose! {
    fn any_setting()(name in any_name(), need in any_need(), is_secret: bool, help in any_text()) -> Setting {
        Setting { name, need, is_secret, help }
    }
}

prop_compose! {
    fn any_wants()(
        names in prop::array::uniform2(prop::option::of(any_text())),
        name in prop::option::of(any_name()),
        settings in prop::collection::btree_map(any_name(), any_setting(), 1..5),
        paths in prop::collection::btree_map("(/[a-z]{1,8}){1,3}", (any::<bool>(), any::<bool>(), any_text()), 0..4),
        hosts in prop::collection::btree_map("[a-z][a-z.-]{0,20}", (1..=u16::MAX, any::<bool>(), any_text()), 0..4),
        variables in prop::collection::btree_map(any_name(), (any::<bool>(), any_text()), 0..4),
    ) -> Wants {
        let [version, about] = names;
        let settings: Vec<Setting> =
            settings.into_iter().map(|(name, setting)| Setting { name, ..setting }).collect();
        let mut addresses: Vec<Address> = hosts
            .into_iter()
            .map(|(host, (port, is_required, reason))| {
                let place = Place::HostAndPort(Part::Literal(host), Part::Literal(port.to_string()));
                Address { place, is_required, reason }
            })
            .collect();
        let first = settings[0].name.clone();
        addresses.push(Address { place: Place::InSetting(first), is_required: true, reason: String::new() });
        Wants {
            name, version, about, settings, addresses,
            directories: paths
                .into_iter()
                .map(|(path, (is_writable, is_required, reason))| Directory { path, is_writable, is_required, reason })
                .collect(),
            variables: variables
                .into_iter()
                .map(|(name, (is_required, reason))| Variable { name, is_required, reason })
                .collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(wants in any_wants()) {
        let text = written(&wants);
        prop_assume!(text.len() <= MAX_SECTION_BYTES);
        prop_assert_eq!(parse(text.as_bytes()).unwrap(), vec![wants]);
    }

    #[test]
    fn any_bytes_are_a_declaration_or_an_error_in_one_line(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Err(error) = parse(&bytes) {
            prop_assert!(!error.to_string().contains(char::is_control));
        }
    }

    /// Nearly right, so that more than the header is reached.
    #[test]
    fn no_spoilt_declaration_brings_a_control_character_through(
        place in 0..WHOLE.len(),
        length in 0..4_usize,
        instead in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        let end = (place + length).min(bytes.len());
        bytes.splice(place..end, instead);
        match parse(&bytes) {
            Ok(found) => {
                let told = found.iter().map(written).collect::<String>();
                prop_assert!(!told.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
                prop_assert_eq!(parse(told.as_bytes()).unwrap(), found);
            }
            Err(error) => prop_assert!(!error.to_string().contains(char::is_control)),
        }
    }
}

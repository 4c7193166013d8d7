//! Files that are said to be components, and entries of the compile cache that hold something else: each ends in a
//! template or in one line for the operator, and a bad entry is never what runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;
use strongroom::sandbox::{
    Compiler, Engines, Grants, Limits, LoadError, Network, NetworkGrants, NetworkLimits, OpenGrants, Source, Template,
};

pub fn run(input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let place = &*PLACE;
    match choice % 3 {
        0 => load(place, bytes),
        1 => load_text(place, bytes),
        _ => load_with_entry(place, bytes),
    }
}

static PLACE: LazyLock<Place> = LazyLock::new(|| Place::new().expect("a place to work in"));

/// A storage by name, which can be compiled and nothing more.
const CACHED: &str = r#"(component
    (core module)
    (instance $storage)
    (export "strongroom:storage/storage@0.1.0" (instance $storage)))"#;

/// Where this process puts its files.
struct Place {
    directory: tempfile::TempDir,
    engines: Engines,
    grants: OpenGrants,
    /// A component's only cache entry and what it holds.
    entry: PathBuf,
    code: Vec<u8>,
}

impl Place {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let directory = tempfile::Builder::new().prefix("strongroom-fuzz-").tempdir()?;
        let engines = Engines::default();
        let grants = Grants {
            directories: Vec::new(),
            network: NetworkGrants::default(),
            environment: Vec::new(),
            settings: Vec::new(),
            allow_chown: false,
            allow_setid: false,
        };
        fs::write(directory.path().join("cached.wasm"), wat::parse_str(CACHED)?)?;
        let mut place = Self { directory, engines, grants: grants.open()?, entry: PathBuf::new(), code: Vec::new() };
        place.load_cached();
        let entry = fs::read_dir(place.cache())?.next().ok_or("the cache is empty")?;
        place.entry = entry?.path();
        place.code = fs::read(&place.entry)?;
        Ok(place)
    }

    fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn template(&self, file: &Path, cache: Option<PathBuf>) -> Result<Template, LoadError> {
        Template::load(
            &self.engines,
            &Source::File(file.to_owned()),
            cache,
            &Compiler::Here,
            self.grants.clone(),
            Network::none(),
            limits(),
        )
    }

    /// The component is no storage, which is found out after it was compiled or taken from the cache.
    fn load_cached(&self) {
        let loaded = self.template(&self.directory.path().join("cached.wasm"), Some(self.cache()));
        assert!(matches!(loaded.err(), Some(LoadError::Mismatch { .. })));
    }
}

fn load(place: &Place, component: &[u8]) {
    let file = place.directory.path().join("guest.wasm");
    fs::write(&file, component).expect("a file to load");
    if let Err(error) = place.template(&file, None) {
        let line = error.to_string();
        assert!(line.contains("guest.wasm") && !line.contains(['\n', '\r']), "{line:?}");
    }
}

fn load_text(place: &Place, text: &[u8]) {
    if let Ok(text) = std::str::from_utf8(text)
        && let Ok(component) = wat::parse_str(text)
    {
        load(place, &component);
    }
}

/// The entry holds `bytes`, or only the beginning of what it should if they are two, or that with one byte changed if
/// they are three.
fn load_with_entry(place: &Place, bytes: &[u8]) {
    let mut bad = bytes.to_vec();
    if let [high, low, rest @ ..] = bytes
        && rest.len() < 2
    {
        let position = usize::from(u16::from_be_bytes([*high, *low])) % place.code.len();
        bad = place.code.clone();
        match rest.first() {
            Some(change) => bad[position] ^= change,
            None => bad.truncate(position),
        }
    }
    fs::write(&place.entry, bad).expect("an entry to spoil");
    place.load_cached();
    assert!(fs::read(&place.entry).is_ok_and(|code| code == place.code), "a bad entry stays");
}

fn limits() -> Limits {
    Limits {
        memory_bytes: 64 << 20,
        table_elements: 10_000,
        core_items: 100,
        resources: 1000,
        host_call_bytes: 1 << 20,
        call_timeout: Duration::from_secs(10),
        close_timeout: Duration::from_secs(10),
        cpu_time: Duration::from_secs(10),
        log_bytes: 1 << 16,
        random_bytes: 1 << 16,
        network: NetworkLimits { connections: 1, connects: 1, bytes: 1, wait: Duration::from_secs(1) },
    }
}

//! Rust sources of a folder, parsed: which methods of a type can change it, what is called, what is defined.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use strongroom_tests::{Place, Program};
use syn::visit::{self, Visit};
use syn::{ExprMethodCall, FnArg, ImplItem, ImplItemFn, ItemImpl, ReceiverKind, Type, Visibility};

/// A package of the version that Cargo.lock names, from the place where cargo keeps its source.
pub struct Package {
    /// With its version.
    pub name: String,
    pub sources: Sources,
}

/// The files of one folder and those beneath it.
#[derive(Default)]
pub struct Sources {
    /// Public methods by the type that they may change.
    setters: BTreeMap<String, BTreeSet<String>>,
    called: BTreeSet<String>,
    defined: BTreeSet<String>,
}

impl Package {
    pub fn locked(place: &Place, names: &[&str]) -> BTreeMap<String, Self> {
        let metadata = metadata(place);
        let packages = metadata["packages"].as_array().expect("packages").iter().filter_map(|package| {
            let name = package["name"].as_str().expect("a name");
            let manifest = Path::new(package["manifest_path"].as_str().expect("a manifest"));
            names.contains(&name).then(|| {
                let version = package["version"].as_str().expect("a version");
                let sources = Sources::read(&manifest.parent().expect("its folder").join("src"));
                (name.to_owned(), Self { name: format!("{name} {version}"), sources })
            })
        });
        let packages: BTreeMap<_, _> = packages.collect();
        assert_eq!(packages.len(), names.len(), "each of {names:?} is locked once");
        packages
    }
}

/// What `cargo metadata` says of the workspace, for the platform at hand alone: the sources of others need not be here.
fn metadata(place: &Place) -> Value {
    let inherited = |mut program: Program| {
        for name in ["CARGO_HOME", "RUSTUP_HOME", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                program = program.env(name, value);
            }
        }
        program
    };
    let version = inherited(Program::new(place, "rustc").arg("-vV")).succeed().text();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names the host").to_owned();
    let cargo = Program::new(place, "cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &host])
        .in_directory(strongroom_tests::repository());
    serde_json::from_str(&inherited(cargo).succeed().text()).expect("cargo metadata writes JSON")
}

impl Sources {
    pub fn read(folder: &Path) -> Self {
        let mut sources = Self::default();
        for path in rust_files(folder) {
            let text = fs::read_to_string(&path).unwrap();
            // Some files of wasmtime are made for a macro that includes them and are no files of items.
            if let Ok(file) = syn::parse_file(&text) {
                sources.visit_file(&file);
            }
        }
        sources
    }

    /// Public methods that take their type by value or by a mutable reference.
    pub fn setters(&self, type_name: &str) -> BTreeSet<String> {
        self.setters.get(type_name).cloned().unwrap_or_default()
    }

    pub fn calls(&self, method: &str) -> bool {
        self.called.contains(method)
    }

    pub fn defines(&self, function: &str) -> bool {
        self.defined.contains(function)
    }
}

impl<'ast> Visit<'ast> for Sources {
    fn visit_item_impl(&mut self, implementation: &'ast ItemImpl) {
        if implementation.trait_.is_none()
            && let Type::Path(path) = &*implementation.self_ty
            && let Some(last) = path.path.segments.last()
        {
            let methods = implementation.items.iter().filter_map(|item| match item {
                ImplItem::Fn(method) if is_setter(method) => Some(method.sig.ident.to_string()),
                _ => None,
            });
            self.setters.entry(last.ident.to_string()).or_default().extend(methods);
        }
        visit::visit_item_impl(self, implementation);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.called.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.defined.insert(signature.ident.to_string());
        visit::visit_signature(self, signature);
    }
}

fn is_setter(method: &ImplItemFn) -> bool {
    let changes = match method.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => !matches!(&receiver.kind, ReceiverKind::Reference(_, _, None)),
        _ => false,
    };
    changes && matches!(method.vis, Visibility::Public(_))
}

/// All files of Rust in a folder and beneath it.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

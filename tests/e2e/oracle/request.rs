//! A request as it is put to two servers, which know its paths and handles by different bytes.

use std::fmt;
use strongroom_tests::packet::{Attributes, Body, flag, kind};

const LOOKING_EXTENSIONS: [&str; 4] =
    ["statvfs@openssh.com", "fstatvfs@openssh.com", "limits@openssh.com", "expand-path@openssh.com"];

/// One request without its id.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub kind: u8,
    /// The name of an extension, if it is one's.
    pub extension: Option<&'static str>,
    pub fields: Vec<Field>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Field {
    /// An absolute one begins at the served directory.
    Path(Vec<u8>),
    /// Of a pair of handles that were opened together.
    Handle(usize),
    /// The target of a link: an absolute one begins at the served directory, and every other is kept as it is sent.
    Target(Vec<u8>),
    Bytes(Vec<u8>),
    Number(u32),
    Long(u64),
    Attributes(Attributes),
}

impl Request {
    pub fn new(kind: u8) -> Self {
        Self { kind, extension: None, fields: Vec::new() }
    }

    pub fn extension(name: &'static str) -> Self {
        Self { kind: kind::EXTENDED, extension: Some(name), fields: Vec::new() }
    }

    pub fn path(self, path: impl AsRef<[u8]>) -> Self {
        self.with(Field::Path(path.as_ref().to_vec()))
    }

    pub fn handle(self, handle: usize) -> Self {
        self.with(Field::Handle(handle))
    }

    pub fn bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        self.with(Field::Bytes(bytes.as_ref().to_vec()))
    }

    pub fn target(self, target: impl AsRef<[u8]>) -> Self {
        self.with(Field::Target(target.as_ref().to_vec()))
    }

    pub fn number(self, number: u32) -> Self {
        self.with(Field::Number(number))
    }

    pub fn long(self, number: u64) -> Self {
        self.with(Field::Long(number))
    }

    pub fn attributes(self, attributes: Attributes) -> Self {
        self.with(Field::Attributes(attributes))
    }

    /// As people call it.
    pub fn name(&self) -> String {
        self.extension.map_or_else(|| format!("packet {}", self.kind), str::to_owned)
    }

    /// The packet's body for a server that knows paths, targets and handles so.
    pub fn body(
        &self,
        path: impl Fn(&[u8]) -> Vec<u8>,
        target: impl Fn(&[u8]) -> Vec<u8>,
        handle: impl Fn(usize) -> Vec<u8>,
    ) -> Body {
        let start = self.extension.map_or_else(Body::new, |name| Body::new().string(name));
        self.fields.iter().fold(start, |body, field| match field {
            Field::Path(sent) => body.string(path(sent)),
            Field::Target(sent) => body.string(target(sent)),
            Field::Handle(index) => body.string(handle(*index)),
            Field::Bytes(bytes) => body.string(bytes),
            Field::Number(number) => body.u32(*number),
            Field::Long(number) => body.u64(*number),
            Field::Attributes(attributes) => body.attributes(attributes),
        })
    }

    /// The paths that it names, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter_map(|field| if let Field::Path(path) = field { Some(path.as_slice()) } else { None })
    }

    /// The handles that it names, in their order.
    pub fn handles(&self) -> impl Iterator<Item = usize> {
        self.fields.iter().filter_map(|field| if let Field::Handle(index) = field { Some(*index) } else { None })
    }

    /// The 64-bit numbers in it, in their order.
    pub fn longs(&self) -> Vec<u64> {
        let long = |field: &Field| if let Field::Long(number) = field { Some(*number) } else { None };
        self.fields.iter().filter_map(long).collect()
    }

    /// The 32-bit numbers in it, in their order.
    pub fn numbers(&self) -> Vec<u32> {
        let number = |field: &Field| if let Field::Number(number) = field { Some(*number) } else { None };
        self.fields.iter().filter_map(number).collect()
    }

    /// It has more than nothing to write.
    pub fn sends_bytes(&self) -> bool {
        self.fields.iter().any(|field| matches!(field, Field::Bytes(bytes) if !bytes.is_empty()))
    }

    /// The attributes that it sends; none if it has no room for them.
    pub fn attributes_sent(&self) -> Attributes {
        let sent = |field: &Field| if let Field::Attributes(sent) = field { Some(sent.clone()) } else { None };
        self.fields.iter().find_map(sent).unwrap_or_default()
    }

    /// The same for each of the attributes that it is to set, alone, in the order of row 20; none for one attribute, and
    /// for a request that sets none.
    pub fn one_by_one(&self) -> Vec<Self> {
        let Attributes { size, owner, permissions, times, .. } = self.attributes_sent();
        let sets = matches!(self.kind, kind::SETSTAT | kind::FSETSTAT) || self.is_extension("lsetstat@openssh.com");
        let none = Attributes::default;
        let alone = [
            size.map(|_| Attributes { size, ..none() }),
            permissions.map(|_| Attributes { permissions, ..none() }),
            times.map(|_| Attributes { times, ..none() }),
            owner.map(|_| Attributes { owner, ..none() }),
        ];
        let alone: Vec<Attributes> = alone.into_iter().flatten().filter(|_| sets).collect();
        if alone.len() < 2 {
            return Vec::new();
        }
        let with = |attributes: &Attributes| {
            let mut request = self.clone();
            request.fields.retain(|field| !matches!(field, Field::Attributes(_)));
            request.attributes(attributes.clone())
        };
        alone.iter().map(with).collect()
    }

    pub fn is_extension(&self, name: &str) -> bool {
        self.extension == Some(name)
    }

    /// If it succeeds.
    pub fn changes_something(&self) -> bool {
        match self.kind {
            kind::OPEN => self.fields.iter().any(|field| matches!(field, Field::Number(flags) if *flags > flag::READ)),
            looking => {
                !matches!(
                    looking,
                    kind::CLOSE
                        | kind::READ
                        | kind::LSTAT
                        | kind::FSTAT
                        | kind::OPENDIR
                        | kind::READDIR
                        | kind::REALPATH
                        | kind::STAT
                        | kind::READLINK
                ) && !LOOKING_EXTENSIONS.iter().any(|name| self.is_extension(name))
            }
        }
    }

    /// It makes, moves or removes what has the names in it.
    pub fn acts_on_names(&self) -> bool {
        let kinds = [kind::REMOVE, kind::RMDIR, kind::MKDIR, kind::RENAME, kind::SYMLINK];
        kinds.contains(&self.kind) || self.is_extension("posix-rename@openssh.com")
    }

    fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        self.fields.iter().try_for_each(|field| write!(f, " {field:?}"))
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(bytes) | Self::Target(bytes) | Self::Bytes(bytes) => {
                let start = bytes.get(..60).unwrap_or(bytes);
                write!(f, "\"{}\"", start.escape_ascii())
            }
            Self::Handle(index) => write!(f, "handle-{index}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Long(number) => write!(f, "{number}"),
            Self::Attributes(attributes) => {
                let Attributes { size, owner, permissions, times, .. } = attributes;
                write!(f, "[{size:?} {owner:?} {permissions:?} {times:?}]")
            }
        }
    }
}

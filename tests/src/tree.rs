//! Files to move and trees to compare: made from a seed, so that a difference is a difference in transit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Bytes without a pattern that a transfer could hide behind (xorshift64*).
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.word().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// A file of `length` bytes of noise.
pub fn write_noise(path: &Path, length: u64, seed: u64) {
    let mut noise = Noise::new(seed);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("a new file"));
    let mut left = length;
    while left > 0 {
        let count = left.min(1 << 20);
        file.write_all(&noise.bytes(count as usize)).expect("room on the disk");
        left -= count;
    }
    file.flush().expect("room on the disk");
}

/// Fails the test where two files differ.
#[track_caller]
pub fn assert_same_file(left: &Path, right: &Path) {
    let open = |path: &Path| {
        let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        BufReader::with_capacity(1 << 20, file)
    };
    let (mut left_file, mut right_file) = (open(left), open(right));
    let (mut left_bytes, mut right_bytes) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut offset = 0;
    loop {
        let count = fill(&mut left_file, &mut left_bytes);
        let other = fill(&mut right_file, &mut right_bytes);
        let same =
            left_bytes[..count].iter().zip(&right_bytes[..other]).take_while(|(ours, theirs)| ours == theirs).count();
        assert!(
            same == count && same == other,
            "{} ({:?} bytes) and {} ({:?} bytes) differ after {} bytes",
            left.display(),
            fs::metadata(left).map(|metadata| metadata.len()),
            right.display(),
            fs::metadata(right).map(|metadata| metadata.len()),
            offset + same
        );
        if count == 0 {
            return;
        }
        offset += count;
    }
}

/// What a tree of `count` files is: directories of 100, sizes from nothing to some 20 KiB, modes and odd names.
pub fn write_tree(root: &Path, count: usize) {
    let mut noise = Noise::new(count as u64);
    for index in 0..count {
        let folder = root.join(format!("folder {}", index / 100)).join(format!("sub-{}", index % 7));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("file {index} ü.bin"));
        let length = match index % 10 {
            0 => 0,
            9 => (noise.word() % 20_000) as usize,
            _ => (noise.word() % 700) as usize,
        };
        fs::write(&path, noise.bytes(length)).expect("a file");
        let mode = [0o644, 0o600, 0o755, 0o640][index % 4];
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
}

/// What is known of one thing in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    pub mode: u32,
    pub contents: Vec<u8>,
}

/// Everything below `root` by its path: kind and permissions, and the bytes of files or the targets of links.
pub fn read_tree(root: &Path) -> BTreeMap<PathBuf, Thing> {
    let mut things = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let contents = if metadata.is_file() {
                fs::read(&path).expect("contents")
            } else if metadata.is_symlink() {
                fs::read_link(&path).expect("a target").into_os_string().into_encoded_bytes()
            } else {
                folders.push(path.clone());
                Vec::new()
            };
            let relative = path.strip_prefix(root).expect("a path below the root").to_owned();
            things.insert(relative, Thing { mode: metadata.mode(), contents });
        }
    }
    things
}

/// Fails the test where two trees differ in names, kinds, permissions or contents.
#[track_caller]
pub fn assert_same_tree(left: &Path, right: &Path) {
    let (left, right) = (read_tree(left), read_tree(right));
    assert!(left.keys().eq(right.keys()), "the names differ: {} and {} of them", left.len(), right.len());
    for (path, thing) in &left {
        let other = &right[path];
        assert_eq!(format!("{:o}", thing.mode), format!("{:o}", other.mode), "{}", path.display());
        assert!(thing.contents == other.contents, "{}: the contents differ", path.display());
    }
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]).expect("a file that can be read") {
            0 => break,
            count => filled += count,
        }
    }
    filled
}

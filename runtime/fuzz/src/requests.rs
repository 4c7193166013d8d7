//! Requests that a client might send, as a fuzzer's bytes choose them.

use crate::sftp::client::{self, Attributes, Packet};
use arbitrary::{Result, Unstructured};

/// Where a request's own fields begin: behind length, kind and id.
const HEAD_BYTES: usize = 9;

const NAMES: [&str; 14] =
    ["/", "/home", "/f", "/d", "/d/g", "d/../f", "", ".", "/l", "/loop", "~", "~/x", "~alice/x", "~bob"];

/// A request that makes sense as far as its shape goes.
pub fn any(choices: &mut Unstructured<'_>, id: u32, handles: &[Vec<u8>]) -> Result<Vec<u8>> {
    let kind = choices.int_in_range(0..=29u8)?;
    let mut next = Next { choices, handles };
    Ok(match kind {
        0 | 1 => client::open(id, &next.name()?, next.small(64)?, &next.attributes()?),
        2 => client::close(id, &next.handle()?),
        3 => client::read(id, &next.handle()?, next.offset()?, next.length()?),
        4 | 5 => {
            let (handle, offset) = (next.handle()?, next.offset()?);
            let data = vec![next.choices.arbitrary()?; next.small(1500)? as usize];
            client::write(id, &handle, offset, &data)
        }
        6 => client::lstat(id, &next.name()?),
        7 => client::fstat(id, &next.handle()?),
        8 => client::setstat(id, &next.name()?, &next.attributes()?),
        9 => client::fsetstat(id, &next.handle()?, &next.attributes()?),
        10 => client::opendir(id, &next.name()?),
        11 => client::readdir(id, &next.handle()?),
        12 => client::remove(id, &next.name()?),
        13 => client::mkdir(id, &next.name()?, &next.attributes()?),
        14 => client::rmdir(id, &next.name()?),
        15 => client::realpath(id, &next.name()?),
        16 => client::stat(id, &next.name()?),
        17 => client::rename(id, &next.name()?, &next.name()?),
        18 => client::readlink(id, &next.name()?),
        19 => client::symlink(id, &next.name()?, &next.name()?),
        20 => next.two_names(id, "posix-rename@openssh.com")?,
        21 => next.two_names(id, "hardlink@openssh.com")?,
        22 => next.one_handle_or_name(id)?,
        23 => {
            Packet::extended(id, "lsetstat@openssh.com").string(&next.name()?).attributes(&next.attributes()?).finish()
        }
        24 => next.words(id)?,
        25 => {
            let (source, at, length) = (next.handle()?, next.offset()?, next.offset()?);
            let (destination, to) = (next.handle()?, next.offset()?);
            Packet::extended(id, "copy-data").string(&source).u64(at).u64(length).string(&destination).u64(to).finish()
        }
        26 => next.checksum(id)?,
        27 => {
            let (users, groups): (Vec<u32>, Vec<u32>) = (next.choices.arbitrary()?, next.choices.arbitrary()?);
            let list = |ids: &[u32]| ids.iter().flat_map(|id| id.to_be_bytes()).collect::<Vec<u8>>();
            Packet::extended(id, "users-groups-by-id@openssh.com").string(&list(&users)).string(&list(&groups)).finish()
        }
        28 => {
            let name = next.choices.arbitrary::<String>()?;
            Packet::extended(id, &name).raw(&next.name()?).finish()
        }
        _ => {
            let kind = next.choices.int_in_range(2..=u8::MAX)?;
            Packet::request(kind, id).raw(&next.name()?).finish()
        }
    })
}

/// Changes one byte of a request's fields, or leaves out the last ones.
pub fn damage(choices: &mut Unstructured<'_>, mut packet: Vec<u8>) -> Result<Vec<u8>> {
    if packet.len() <= HEAD_BYTES {
        return Ok(packet);
    }
    let position = choices.int_in_range(HEAD_BYTES..=packet.len() - 1)?;
    if choices.arbitrary()? {
        packet[position] = choices.arbitrary()?;
    } else {
        packet.truncate(position);
        let length = (position - 4) as u32;
        packet[..4].copy_from_slice(&length.to_be_bytes());
    }
    Ok(packet)
}

struct Next<'c, 'a> {
    choices: &'c mut Unstructured<'a>,
    handles: &'c [Vec<u8>],
}

impl Next<'_, '_> {
    fn small(&mut self, bound: u32) -> Result<u32> {
        self.choices.int_in_range(0..=bound)
    }

    fn name(&mut self) -> Result<Vec<u8>> {
        match self.choices.int_in_range(0..=NAMES.len())? {
            number if number < NAMES.len() => Ok(NAMES[number].as_bytes().to_vec()),
            _ => {
                let length = self.choices.int_in_range(0..=120usize)?;
                Ok(self.choices.bytes(length.min(self.choices.len()))?.to_vec())
            }
        }
    }

    /// One that the session gave out, or one like it, or none at all.
    fn handle(&mut self) -> Result<Vec<u8>> {
        Ok(match self.choices.int_in_range(0..=9u8)? {
            0 => {
                let length = self.choices.int_in_range(0..=12usize)?;
                self.choices.bytes(length.min(self.choices.len()))?.to_vec()
            }
            1 => [self.small(5)?.to_be_bytes(), self.small(4)?.to_be_bytes()].concat(),
            _ if self.handles.is_empty() => [0, 0, 0, 0, 0, 0, 0, 1].to_vec(),
            _ => self.choices.choose(self.handles)?.clone(),
        })
    }

    fn offset(&mut self) -> Result<u64> {
        Ok(match self.choices.int_in_range(0..=15u8)? {
            0 => self.choices.arbitrary()?,
            1..=5 => 0,
            _ => u64::from(self.small(2000)?),
        })
    }

    fn length(&mut self) -> Result<u32> {
        if self.small(15)? == 0 { self.choices.arbitrary() } else { self.small(2000) }
    }

    fn attributes(&mut self) -> Result<Attributes> {
        let size: Option<u16> = self.choices.arbitrary()?;
        let extended: Option<(u8, u8)> = self.choices.arbitrary()?;
        Ok(Attributes {
            size: size.map(u64::from),
            owner: self.choices.arbitrary()?,
            permissions: self.choices.arbitrary()?,
            times: self.choices.arbitrary()?,
            extended: extended.map(|(name, value)| (vec![name], vec![value])).into_iter().collect(),
        })
    }

    fn two_names(&mut self, id: u32, extension: &str) -> Result<Vec<u8>> {
        Ok(Packet::extended(id, extension).string(&self.name()?).string(&self.name()?).finish())
    }

    fn one_handle_or_name(&mut self, id: u32) -> Result<Vec<u8>> {
        let on_handles = ["fstatvfs@openssh.com", "fsync@openssh.com"];
        let on_names = ["statvfs@openssh.com", "expand-path@openssh.com"];
        let extension = *self.choices.choose(&[on_handles, on_names].concat())?;
        let operand = if on_names.contains(&extension) { self.name()? } else { self.handle()? };
        Ok(Packet::extended(id, extension).string(&operand).finish())
    }

    fn words(&mut self, id: u32) -> Result<Vec<u8>> {
        let user = *self.choices.choose(&["", "alice", "bob"])?;
        Ok(match self.small(1)? {
            0 => Packet::extended(id, "limits@openssh.com").finish(),
            _ => Packet::extended(id, "home-directory").string(user.as_bytes()).finish(),
        })
    }

    fn checksum(&mut self, id: u32) -> Result<Vec<u8>> {
        let algorithms =
            *self.choices.choose(&["md5", "sha1", "sha256", "crc32,sha512,sha256", "sha384", "none", ""])?;
        let (extension, operand) = match self.small(1)? {
            0 => ("check-file-handle", self.handle()?),
            _ => ("check-file-name", self.name()?),
        };
        let (offset, length, block) = (self.offset()?, self.offset()?, self.small(700)?);
        let packet = Packet::extended(id, extension).string(&operand).string(algorithms.as_bytes());
        Ok(packet.u64(offset).u64(length).u32(block).finish())
    }
}

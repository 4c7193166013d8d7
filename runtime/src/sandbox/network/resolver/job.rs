//! What the resolver's process is told on its command line, and what goes to and fro afterwards.

use crate::confine::Policy;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The word that makes this executable a resolver. No subcommand of an operator's: it says nothing to a terminal.
const SUBCOMMAND: &str = "resolve-names";

/// More addresses of one name are left out.
const MAX_ADDRESSES: usize = 32;

/// A longer reason is cut.
const MAX_REASON_BYTES: usize = 200;

/// No message is longer.
pub(super) const MAX_MESSAGE_BYTES: usize = 4 + 1 + MAX_ADDRESSES * 17;

/// The names that the process answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub(super) names: Vec<String>,
    pub(super) confinement: Policy,
}

impl Job {
    /// The job that these arguments, without the program's name, are for; `None` if they are an operator's.
    pub fn from_arguments(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        if arguments.next()? != SUBCOMMAND {
            return None;
        }
        let confinement = match arguments.next()?.to_str()? {
            "free" => Policy::Off,
            "confined" => Policy::BestEffort,
            _ => return None,
        };
        let names = arguments.map(|name| name.into_string().ok()).collect::<Option<_>>()?;
        Some(Self { names, confinement })
    }

    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> {
        let confinement = if self.confinement == Policy::Off { "free" } else { "confined" };
        [SUBCOMMAND, confinement].into_iter().chain(self.names.iter().map(String::as_str))
    }
}

/// Which of the names is asked for. The number tells a late answer from the one that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub number: u32,
    pub name: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub number: u32,
    /// Addresses, or the system's reason that there are none.
    pub result: Result<Vec<IpAddr>, String>,
}

const FOUND: u8 = 0;
const FAILED: u8 = 1;

impl Question {
    pub fn to_bytes(self) -> Vec<u8> {
        [self.number.to_le_bytes(), self.name.to_le_bytes()].concat()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let name = rest.try_into().ok()?;
        Some(Self { number: u32::from_le_bytes(*number), name: u32::from_le_bytes(name) })
    }
}

impl Reply {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.number.to_le_bytes().to_vec();
        match &self.result {
            Ok(addresses) => {
                bytes.push(FOUND);
                for address in addresses.iter().take(MAX_ADDRESSES) {
                    match address {
                        IpAddr::V4(address) => {
                            bytes.push(4);
                            bytes.extend(address.octets());
                        }
                        IpAddr::V6(address) => {
                            bytes.push(6);
                            bytes.extend(address.octets());
                        }
                    }
                }
            }
            Err(reason) => {
                bytes.push(FAILED);
                bytes.extend(reason.bytes().take(MAX_REASON_BYTES));
            }
        }
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let result = match rest.split_first()? {
            (&FOUND, addresses) => Ok(read_addresses(addresses)?),
            (&FAILED, reason) => Err(String::from_utf8_lossy(reason).into_owned()),
            _ => return None,
        };
        Some(Self { number: u32::from_le_bytes(*number), result })
    }
}

fn read_addresses(mut bytes: &[u8]) -> Option<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    while let Some((family, rest)) = bytes.split_first() {
        let (address, rest): (IpAddr, _) = match family {
            4 => rest.split_first_chunk::<4>().map(|(octets, rest)| (Ipv4Addr::from(*octets).into(), rest))?,
            6 => rest.split_first_chunk::<16>().map(|(octets, rest)| (Ipv6Addr::from(*octets).into(), rest))?,
            _ => return None,
        };
        addresses.push(address);
        bytes = rest;
    }
    Some(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for confinement in [Policy::Off, Policy::BestEffort] {
            let job = Job { names: vec!["db.example".to_owned(), "localhost".to_owned()], confinement };
            assert_eq!(Job::from_arguments(job.arguments().map(OsString::from)), Some(job.clone()));
        }
        for line in [["jail", "confined"], ["resolve-names", "x"]] {
            assert_eq!(Job::from_arguments(line.into_iter().map(OsString::from)), None);
        }
        let question = Question { number: 7, name: 1 };
        assert_eq!(Question::from_bytes(&question.to_bytes()), Some(question));
        let addresses = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        for result in [Ok(addresses), Ok(Vec::new()), Err("no such name".to_owned())] {
            let reply = Reply { number: 7, result };
            assert_eq!(Reply::from_bytes(&reply.to_bytes()), Some(reply));
        }
    }

    #[test]
    fn no_message_is_longer_than_what_is_received() {
        let addresses = vec![Ipv6Addr::LOCALHOST.into(); 100];
        assert_eq!(Reply { number: 1, result: Ok(addresses) }.to_bytes().len(), MAX_MESSAGE_BYTES);
        assert!(Reply { number: 1, result: Err("x".repeat(1000)) }.to_bytes().len() <= MAX_MESSAGE_BYTES);
    }

    #[test]
    fn what_is_no_message() {
        for bytes in
            [[].as_slice(), &[1, 0, 0], &[1, 0, 0, 0], &[1, 0, 0, 0, 9], &[1, 0, 0, 0, 0, 4, 1], &[1, 0, 0, 0, 0, 5]]
        {
            assert_eq!(Reply::from_bytes(bytes), None, "{bytes:?}");
        }
        for bytes in [[].as_slice(), &[0; 7], &[0; 9]] {
            assert_eq!(Question::from_bytes(bytes), None, "{bytes:?}");
        }
    }
}

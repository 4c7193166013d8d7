//! The limits that an operator may set, each with the value it has otherwise.

use super::units::{UnitError, duration, size};
use crate::limits::Limits;
use crate::{sandbox, sftp};
use clap::{Args, value_parser};
use std::time::Duration;
use thiserror::Error;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The draft's section 3: every server takes packets of 34000 bytes.
const SHORTEST_MAX_PACKET_BYTES: usize = 34_000;

/// Beyond the payload of a read or write, what one answer of a guest may be: a full listing with its attributes.
const LISTING_BYTES: usize = MIB;

/// What a file costs in resources: the contract's own, the descriptor, its native twin, and one in passing.
const RESOURCES_PER_HANDLE: usize = 4;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArguments {
    /// Memory of the guest
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = size)]
    max_memory: usize,

    /// Open files and directories; one more is answered by "Failure"
    #[arg(long, value_name = "COUNT", default_value = "1000", value_parser = value_parser!(u32).range(1..=1_000_000))]
    max_handles: u32,

    /// Requests in progress; more wait
    #[arg(long, value_name = "COUNT", default_value = "128", value_parser = value_parser!(u32).range(1..=65_536))]
    max_calls: u32,

    /// Bytes of requests in progress and of their answers; more wait
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = size)]
    max_in_flight: usize,

    /// Replies that the client has not read yet; then requests wait
    #[arg(long, value_name = "SIZE", default_value = "4M", value_parser = size)]
    max_output: usize,

    /// Longest packet from the client, which a longer one ends the session with
    #[arg(long, value_name = "SIZE", default_value = "256K", value_parser = packet_size)]
    max_packet: usize,

    /// Longest answer to one read; a longer read gets less than it asked for
    #[arg(long, value_name = "SIZE", default_value = "255K", value_parser = size)]
    max_read: usize,

    /// Longest path or link target
    #[arg(long, value_name = "SIZE", default_value = "4K", value_parser = size)]
    max_path: usize,

    /// What the guest may write to the log in a session; the rest is dropped
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = size)]
    max_guest_log: usize,

    /// Fresh guests that a session gets after faults, before it ends
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = value_parser!(u32).range(0..=1_000_000))]
    max_restarts: u32,

    /// Time until the client must have sent its first packet
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    login_timeout: Duration,

    /// Time that the guest has for one operation; then it is replaced
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    call_timeout: Duration,

    /// Time that closing a file may take, as it may publish a large upload
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    close_timeout: Duration,

    /// Time that closing all files may take once the client is gone
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    end_timeout: Duration,

    #[command(flatten)]
    compile: CompileArguments,

    /// Time that the guest may compute without waiting for anything
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    cpu_timeout: Duration,

    /// Network connections of the guest at once
    #[arg(long, value_name = "COUNT", default_value = "32", value_parser = value_parser!(u32).range(1..=65_536))]
    max_connections: u32,

    /// Network connections that the guest may open in a session
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = value_parser!(u32).range(1..))]
    max_connects: u32,

    /// Bytes that the guest may send and receive in a session
    #[arg(long, value_name = "SIZE", default_value = "1T", value_parser = size)]
    max_traffic: usize,

    /// Time of one wait of the guest for the network; then it is told, and may try again
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    network_timeout: Duration,
}

// Those of the compiler's process.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct CompileArguments {
    /// Time that compiling a guest may take, once for each guest
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    compile_timeout: Duration,

    /// Memory that compiling a guest may take
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = size)]
    compile_memory: usize,
}

/// A longest packet that is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum PacketSizeError {
    #[error(transparent)]
    Unit(#[from] UnitError),
    #[error("clients rely on packets of {SHORTEST_MAX_PACKET_BYTES} bytes")]
    TooShort,
}

fn packet_size(text: &str) -> Result<usize, PacketSizeError> {
    let bytes = size(text)?;
    if bytes < SHORTEST_MAX_PACKET_BYTES { Err(PacketSizeError::TooShort) } else { Ok(bytes) }
}

impl LimitArguments {
    /// All limits, those included that are not for an operator to choose.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            protocol: self.protocol(),
            instance: self.instance(),
            compile: self.compile.limits(),
            login_timeout: self.login_timeout,
            end_timeout: self.end_timeout,
            restarts: self.max_restarts,
        }
    }

    fn protocol(&self) -> sftp::Limits {
        sftp::Limits {
            max_packet_bytes: self.max_packet,
            max_read_bytes: self.max_read,
            max_handles: to_usize(self.max_handles),
            max_calls_in_flight: to_usize(self.max_calls),
            max_bytes_in_flight: self.max_in_flight,
            max_output_bytes: self.max_output,
            max_path_bytes: self.max_path,
        }
    }

    fn instance(&self) -> sandbox::Limits {
        sandbox::Limits {
            memory_bytes: self.max_memory,
            table_elements: 100_000,
            core_items: 256,
            resources: to_usize(self.max_handles) * RESOURCES_PER_HANDLE + 256,
            host_call_bytes: self.max_packet.max(self.max_read).saturating_add(LISTING_BYTES),
            call_timeout: self.call_timeout,
            close_timeout: self.close_timeout,
            cpu_time: self.cpu_timeout,
            log_bytes: self.max_guest_log,
            random_bytes: 64 * KIB as u64,
            network: sandbox::NetworkLimits {
                connections: to_usize(self.max_connections),
                connects: self.max_connects.into(),
                bytes: self.max_traffic as u64,
                wait: self.network_timeout,
            },
        }
    }
}

impl CompileArguments {
    pub(super) fn limits(&self) -> sandbox::CompileLimits {
        sandbox::CompileLimits { timeout: self.compile_timeout, memory_bytes: self.compile_memory }
    }
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitArguments,
    }

    fn limits(arguments: &[&str]) -> Result<Limits, clap::Error> {
        Command::try_parse_from(std::iter::once("strongroom").chain(arguments.iter().copied()))
            .map(|command| command.limits.limits())
    }

    #[test]
    fn without_flags_openssh_sizes() {
        let limits = limits(&[]).unwrap();
        assert_eq!(limits.protocol.max_packet_bytes, 262_144);
        assert_eq!(limits.protocol.max_read_bytes, 261_120);
        assert_eq!(limits.login_timeout, Duration::from_secs(30));
    }

    #[test]
    fn each_flag_sets_its_limit() {
        let limits = limits(&[
            "--max-memory=64M",
            "--max-handles=7",
            "--max-calls=8",
            "--max-in-flight=1M",
            "--max-output=2M",
            "--max-packet=34000",
            "--max-read=32K",
            "--max-path=1K",
            "--max-guest-log=10K",
            "--max-restarts=0",
            "--login-timeout=1s",
            "--call-timeout=2s",
            "--close-timeout=3m",
            "--end-timeout=4s",
            "--cpu-timeout=500ms",
            "--compile-timeout=20s",
            "--compile-memory=1G",
            "--max-connections=3",
            "--max-connects=4",
            "--max-traffic=5K",
            "--network-timeout=6s",
        ])
        .unwrap();
        assert_eq!(limits.instance.memory_bytes, 64 << 20);
        assert_eq!(limits.protocol.max_handles, 7);
        assert_eq!(limits.protocol.max_calls_in_flight, 8);
        assert_eq!(limits.protocol.max_bytes_in_flight, 1 << 20);
        assert_eq!(limits.protocol.max_output_bytes, 2 << 20);
        assert_eq!(limits.protocol.max_packet_bytes, 34_000);
        assert_eq!(limits.protocol.max_read_bytes, 32 << 10);
        assert_eq!(limits.protocol.max_path_bytes, 1 << 10);
        assert_eq!(limits.instance.log_bytes, 10 << 10);
        assert_eq!(limits.restarts, 0);
        assert_eq!(limits.login_timeout, Duration::from_secs(1));
        assert_eq!(limits.instance.call_timeout, Duration::from_secs(2));
        assert_eq!(limits.instance.close_timeout, Duration::from_secs(180));
        assert_eq!(limits.end_timeout, Duration::from_secs(4));
        assert_eq!(limits.instance.cpu_time, Duration::from_millis(500));
        assert_eq!(limits.compile.timeout, Duration::from_secs(20));
        assert_eq!(limits.compile.memory_bytes, 1 << 30);
        let network = limits.instance.network;
        assert_eq!((network.connections, network.connects, network.bytes), (3, 4, 5 << 10));
        assert_eq!(network.wait, Duration::from_secs(6));
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            "--max-handles=0",
            "--max-calls=0",
            "--max-packet=33999",
            "--max-memory=0",
            "--max-connections=0",
            "--call-timeout=0",
        ] {
            assert!(limits(&[wrong]).is_err(), "{wrong}");
        }
    }
}

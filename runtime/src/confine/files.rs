//! Landlock: which files the process can still open or change. What it has open it keeps.

use super::{Directory, Reach};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};

/// Opening and listing.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});

/// All that SFTP can change, and what it takes to rename a FIFO or a socket that lies there. Neither executing nor
/// devices are in it.
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    WriteFile | Truncate | RemoveDir | RemoveFile | MakeDir | MakeReg | MakeSym | MakeFifo | MakeSock | Refer
});

/// Binds the calling thread and those that it starts. An error if the kernel has no landlock, or one without REFER
/// (before ABI 2), under which no file could be renamed to another directory.
pub(super) fn restrict(reach: &Reach<'_>) -> Result<(), RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V2))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest(reach)))?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    for Directory { descriptor, is_writable } in &reach.directories {
        let access = if *is_writable { READ | WRITE } else { READ };
        ruleset = ruleset.add_rule(PathBeneath::new(*descriptor, access))?;
    }
    for port in &reach.ports {
        ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    ruleset.restrict_self()?;
    Ok(())
}

/// Leaves reading, wherever the user may read.
pub(super) fn forbid_changes() -> Result<(), RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_write(ABI::V5) | AccessFs::Execute)?
        .create()?
        .restrict_self()?;
    Ok(())
}

/// ABI 9 is the first to forbid sockets that have a path, of which the system's log is one.
fn newest(reach: &Reach<'_>) -> ABI {
    if reach.system_log { ABI::V8 } else { ABI::V9 }
}

//! errno as WASI and as the contract name it.

use crate::storage;
use rustix::io::Errno;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// As WASI names the failure of a system call; what it has no name for is `io`.
pub fn wasi_code(errno: Errno) -> ErrorCode {
    match errno {
        // EFAULT as OpenSSH's server tells it.
        Errno::ACCESS | Errno::FAULT => ErrorCode::Access,
        Errno::AGAIN => ErrorCode::WouldBlock,
        Errno::BADF => ErrorCode::BadDescriptor,
        Errno::BUSY => ErrorCode::Busy,
        Errno::DEADLK => ErrorCode::Deadlock,
        Errno::DQUOT => ErrorCode::Quota,
        Errno::EXIST => ErrorCode::Exist,
        Errno::FBIG => ErrorCode::FileTooLarge,
        Errno::ILSEQ => ErrorCode::IllegalByteSequence,
        Errno::INTR => ErrorCode::Interrupted,
        // ENXIO: a FIFO without a reader, opened for writing.
        Errno::INVAL | Errno::NXIO => ErrorCode::Invalid,
        Errno::ISDIR => ErrorCode::IsDirectory,
        Errno::LOOP => ErrorCode::Loop,
        Errno::MLINK => ErrorCode::TooManyLinks,
        Errno::NAMETOOLONG => ErrorCode::NameTooLong,
        Errno::NODEV => ErrorCode::NoDevice,
        Errno::NOENT => ErrorCode::NoEntry,
        Errno::NOMEM => ErrorCode::InsufficientMemory,
        Errno::NOSPC => ErrorCode::InsufficientSpace,
        Errno::NOTDIR => ErrorCode::NotDirectory,
        Errno::NOTEMPTY => ErrorCode::NotEmpty,
        Errno::OPNOTSUPP | Errno::NOSYS => ErrorCode::Unsupported,
        Errno::OVERFLOW => ErrorCode::Overflow,
        Errno::PERM => ErrorCode::NotPermitted,
        Errno::PIPE => ErrorCode::Pipe,
        Errno::ROFS => ErrorCode::ReadOnly,
        Errno::SPIPE => ErrorCode::InvalidSeek,
        Errno::TXTBSY => ErrorCode::TextFileBusy,
        Errno::XDEV => ErrorCode::CrossDevice,
        _ => ErrorCode::Io,
    }
}

/// As the contract names a failure of the host's own reads and writes.
pub fn error_from_errno(errno: Errno) -> storage::Error {
    let code = match errno {
        Errno::ACCESS | Errno::PERM | Errno::FAULT => storage::ErrorCode::PermissionDenied,
        Errno::ROFS => storage::ErrorCode::ReadOnly,
        Errno::INVAL => storage::ErrorCode::InvalidArgument,
        Errno::NOSPC => storage::ErrorCode::NoSpace,
        Errno::DQUOT => storage::ErrorCode::QuotaExceeded,
        Errno::FBIG => storage::ErrorCode::FileTooLarge,
        Errno::ISDIR => storage::ErrorCode::IsADirectory,
        _ => storage::ErrorCode::Failure,
    };
    storage::Error { code, message: String::new(), detail: Some(errno.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::ErrorCode as Ours;

    #[test]
    fn row_17_what_the_kernel_refuses_is_told_alike_by_both_ways() {
        for (errno, wasi, ours) in [
            (Errno::ACCESS, ErrorCode::Access, Ours::PermissionDenied),
            (Errno::FAULT, ErrorCode::Access, Ours::PermissionDenied),
            (Errno::PERM, ErrorCode::NotPermitted, Ours::PermissionDenied),
            (Errno::ROFS, ErrorCode::ReadOnly, Ours::ReadOnly),
            (Errno::INVAL, ErrorCode::Invalid, Ours::InvalidArgument),
            (Errno::NOSPC, ErrorCode::InsufficientSpace, Ours::NoSpace),
            (Errno::DQUOT, ErrorCode::Quota, Ours::QuotaExceeded),
            (Errno::FBIG, ErrorCode::FileTooLarge, Ours::FileTooLarge),
            (Errno::ISDIR, ErrorCode::IsDirectory, Ours::IsADirectory),
            (Errno::IO, ErrorCode::Io, Ours::Failure),
        ] {
            assert_eq!(wasi_code(errno), wasi, "{errno}");
            let error = error_from_errno(errno);
            assert_eq!((error.code, error.message.as_str()), (ours, ""), "{errno}");
            assert!(error.detail.is_some(), "the log is told of {errno}");
        }
    }
}

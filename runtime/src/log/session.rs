//! The two lines that frame a session, in OpenSSH's wording (sftp-server.c): people and scripts look for them.

use super::Peer;

/// To be called once VERSION can be sent.
pub fn opened(peer: &Peer) {
    tracing::info!("session opened for local user {} from [{}]", peer.user, address(peer));
}

/// To be called when nothing of the session is open any more.
pub fn closed(peer: &Peer) {
    tracing::info!("session closed for local user {} from [{}]", peer.user, address(peer));
}

fn address(peer: &Peer) -> &str {
    peer.address.as_deref().unwrap_or("UNKNOWN")
}

//! TLS for guests that ask for it (`wasi:tls@0.3.0-draft`): wasmtime's streams around rustls, with the authorities of this
//! system and a limit.
//!
//! It works on streams and not on sockets: what a guest has encrypted it sends by a connection of its own, which was granted
//! and waits as long as a connection may.

use super::Network;
use super::usage::Permit;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Secured;
use wasmtime_wasi_tls::{Error, TlsProvider, TlsStream, TlsTransport, WasiTlsCtx, WasiTlsCtxBuilder};

/// How TLS is done for the guests of a session.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// To be called while files can be opened: reads the system's store.
    pub fn new(network: &Network) -> wasmtime::Result<Self> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?;
        let config = config.with_root_certificates(network.authorities.with_the_systems()).with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// What a store holds for it.
    pub fn context(&self, network: &Arc<Network>) -> WasiTlsCtx {
        let provider = Provider { config: Arc::clone(&self.0), network: Arc::clone(network) };
        WasiTlsCtxBuilder::new().provider(Box::new(provider)).build()
    }
}

struct Provider {
    config: Arc<ClientConfig>,
    network: Arc<Network>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn TlsStream>, Error>> + Send>>;

impl TlsProvider for Provider {
    fn connect(&self, server_name: String, transport: Box<dyn TlsTransport>) -> Connecting {
        let (config, network) = (Arc::clone(&self.config), Arc::clone(&self.network));
        Box::pin(async move {
            let name = ServerName::try_from(server_name).map_err(|_| Error::msg("no name of a server"))?;
            let told = name.to_str().into_owned();
            let secured = secure(&network, TlsConnector::from(config), name, transport).await;
            secured.map_err(|reason| {
                network.refused(&format_args!("no TLS with {told}: {reason}"));
                Error::msg(reason)
            })
        })
    }
}

/// Or why not.
async fn secure(
    network: &Network,
    connector: TlsConnector,
    name: ServerName<'static>,
    transport: Box<dyn TlsTransport>,
) -> Result<Box<dyn TlsStream>, String> {
    let permit = network.usage.secure().map_err(|too_many| too_many.to_string())?;
    match timeout(network.wait, connector.connect(name, transport)).await {
        Ok(Ok(stream)) => Ok(Box::new(Counted { stream, accepted: None, _permit: permit })),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err("no agreement in time (limit --network-timeout)".to_owned()),
    }
}

/// With what to do about an authority that is not known.
fn reason(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
            "its certificate is of an authority that is not trusted (--tls-ca FILE adds one)".to_owned()
        }
        _ => error.to_string(),
    }
}

/// One of as many as there may be at once.
///
/// What it takes it hands on before it says so: nobody flushes the stream, and what rustls kept back would stay there while the
/// guest waits for an answer to it. A guest that takes back what it was writing does not learn that it has gone out.
struct Counted {
    stream: Secured<Box<dyn TlsTransport>>,
    accepted: Option<usize>,
    _permit: Permit,
}

impl TlsStream for Counted {}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.accepted.is_none() {
            self.accepted = Some(ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?);
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let accepted = self.accepted.take().unwrap_or(0);
        Poll::Ready(Ok(accepted.min(bytes.len())))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

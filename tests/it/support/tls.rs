//! Connections that are encrypted, and over which HTTP/2 is spoken with whoever can.
//!
//! The certificates are the tests' own and good for nothing else: an authority that nobody trusts by itself
//! (`tls/authority.pem`, for `SSL_CERT_FILE`) has signed one for localhost.

use std::{io, sync::Arc};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::connection::{BreakableListener, BreakableStream, Plug};

/// Accepts encrypted connections; whoever does not encrypt is hung up on.
pub(crate) struct EncryptedListener {
    listener: BreakableListener,
    acceptor: TlsAcceptor,
}

impl EncryptedListener {
    /// Encrypts what `listener` accepts.
    pub(crate) fn new(listener: BreakableListener) -> Self {
        Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config())),
        }
    }

    /// The certificate of the authority.
    pub(crate) fn authority() -> &'static str {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/support/tls/authority.pem"
        )
    }
}

impl Listener for EncryptedListener {
    type Io = TlsStream<BreakableStream>;
    type Addr = Plug;

    async fn accept(&mut self) -> (Self::Io, Plug) {
        loop {
            let (stream, plug) = self.listener.accept().await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, plug);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Plug> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, EncryptedListener>> for Plug {
    fn connect_info(stream: IncomingStream<'_, EncryptedListener>) -> Self {
        stream.remote_addr().clone()
    }
}

fn config() -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key"));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.expect("it is a certificate")],
            key.expect("it is a key"),
        );
    let mut config = config.expect("the key is the certificate's");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

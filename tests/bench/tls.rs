//! TLS in front of a server that has none, so that a function decrypts what the model says as it does on AWS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::NamedTempFile;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Stops when dropped.
pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
    certificate: NamedTempFile,
    _server: JoinSet<()>,
}

impl TlsServer {
    /// Passes every connection on to the server at this address.
    pub(crate) async fn before(plain: SocketAddr) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = NamedTempFile::new().unwrap();
        std::fs::write(&certificate, cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    client.set_nodelay(true).unwrap();
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut plain = TcpStream::connect(plain).await.unwrap();
                    plain.set_nodelay(true).unwrap();
                    // A function that ends breaks its connections off.
                    let _ = copy_bidirectional(&mut client, &mut plain).await;
                });
            }
        });
        Self { address, certificate, _server: server }
    }

    /// What a client has to trust.
    pub(crate) fn certificate(&self) -> &Path {
        self.certificate.path()
    }
}

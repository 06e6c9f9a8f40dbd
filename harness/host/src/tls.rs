//! TLS, from a client's side, with a server that has to prove who it is.

use std::{
    io::{Read, Write},
    path::Path,
};

use fs_err as fs;
use openssl::{
    error::ErrorStack,
    ssl::{HandshakeError, SslConnector, SslMethod, SslStream},
    x509::{X509, X509VerifyResult, store::X509StoreBuilder},
};

/// A server that did not prove who it is.
#[derive(Debug, thiserror::Error)]
#[error("TLS with {name}: {kind}")]
pub struct TlsError {
    /// Who it should be: a DNS name or an address.
    pub name: String,
    /// What is wrong.
    #[source]
    pub kind: TlsErrorKind,
}

/// What is wrong with a server.
#[derive(Debug, thiserror::Error)]
pub enum TlsErrorKind {
    /// The authority's certificate could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The authority's certificate is none, or TLS could not be set up.
    #[error(transparent)]
    Setup(#[from] ErrorStack),
    /// Its certificate is for somebody else, or from somebody else; OpenSSL's words.
    #[error("its certificate is refused: {}", .0.error_string())]
    Certificate(X509VerifyResult),
    /// It does not speak TLS, or broke off.
    #[error("the handshake failed: {0}")]
    Handshake(openssl::ssl::Error),
}

/// Shakes hands over `stream` with a server whose certificate has to be for `name`, a DNS name or an address, and from
/// the authority whose certificate is in the file `authority`, as PEM. No other authority is trusted.
///
/// # Errors
/// [`TlsError`]
pub fn connect<S: Read + Write>(stream: S, name: &str, authority: &Path) -> Result<SslStream<S>, TlsError> {
    handshake(stream, name, authority).map_err(|kind| TlsError { name: name.to_owned(), kind })
}

fn handshake<S: Read + Write>(stream: S, name: &str, authority: &Path) -> Result<SslStream<S>, TlsErrorKind> {
    let mut trusted = X509StoreBuilder::new()?;
    trusted.add_cert(X509::from_pem(&fs::read(authority)?)?)?;
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    // In the place of the machine's own, which the builder has put there.
    connector.set_cert_store(trusted.build());
    connector.build().connect(name, stream).map_err(|error| match error {
        HandshakeError::SetupFailure(error) => error.into(),
        HandshakeError::Failure(broken) | HandshakeError::WouldBlock(broken) => match broken.ssl().verify_result() {
            X509VerifyResult::OK => TlsErrorKind::Handshake(broken.into_error()),
            refused => TlsErrorKind::Certificate(refused),
        },
    })
}

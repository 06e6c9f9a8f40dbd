//! The lab's certificate authority: made at start, gone with the process.

use labrig_plan::lab::Origin;
use openssl::{
    pkey::PKey,
    ssl::{SslAcceptor, SslMethod, SslVersion},
    x509::X509,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::OriginErrorKind;

/// busybox's TLS client sends no `signature_algorithms`. For such a client RFC 5246 (section 7.4.1.4.1) has the
/// server sign with SHA-1, which OpenSSL does at level 0 only. Every other client negotiates as usual.
const CIPHERS: &str = "DEFAULT@SECLEVEL=0";

/// The P-256 of busybox 1.36.1, as Ubuntu 24.04 has it, computes wrong results; its X25519 is right.
const GROUPS: &str = "X25519";

/// A certificate authority with an ECDSA P-256 key.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "labrig upstream");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its certificate, for clients that verify.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A TLS server with a certificate for the origin's name and addresses.
    pub(super) fn server(&self, origin: &Origin) -> Result<SslAcceptor, OriginErrorKind> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new([origin.name.to_string()])?;
        params.distinguished_name.push(DnType::CommonName, origin.name.as_str());
        params.subject_alt_names.extend([SanType::IpAddress(origin.v4.into()), SanType::IpAddress(origin.v6.into())]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.0)?;

        let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        tls.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        tls.set_cipher_list(CIPHERS)?;
        tls.set_groups_list(GROUPS)?;
        tls.set_private_key(PKey::private_key_from_der(&key.serialize_der())?.as_ref())?;
        tls.set_certificate(X509::from_der(certificate.der())?.as_ref())?;
        Ok(tls.build())
    }
}

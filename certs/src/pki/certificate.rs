//! What stands in each kind of certificate, and what is read back out of one.
//! It never touches a file, and never puts a name constraint on an authority.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use ring::digest::{SHA256, digest};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

use super::Serial;
use crate::{Error, Result};

/// Ten years, so that a folder of development keys outlives the work done with it.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// What a client certificate says, where a test needs to say it exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSpec {
    /// The URI names, in order. A right certificate has one (SPIFFE X509-SVID, 2).
    pub uri_sans: Vec<String>,
    /// Valid from, to the second.
    pub not_before: Timestamp,
    /// Valid until, to the second.
    pub not_after: Timestamp,
}

/// The SHA-256 of the first certificate of a PEM text, base64url without padding:
/// what a token's `cnf` holds as `x5t#S256` (RFC 8705, 3.1).
///
/// # Errors
/// [`Error::NotCertificate`] if the text does not begin with a PEM certificate.
pub fn thumbprint_of_pem(certificate_pem: &str) -> Result<String> {
    let pem = read_pem(certificate_pem)?;
    parse(&pem)?;
    Ok(thumbprint(&pem.contents))
}

pub(super) fn thumbprint(der: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, der))
}

pub(super) fn new_key() -> Result<KeyPair> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|source| Error::Mint {
        what: "a private key",
        source,
    })
}

/// The authority names its place as SPIFFE asks of a signing certificate: an id without a path.
pub(super) fn authority(place: &str, now: Timestamp) -> Result<CertificateParams> {
    let until = super::end(now, AUTHORITY_LIFETIME, "now")?;
    let mut params = base("DEV ONLY Placehub authority", now, until)?;
    params.serial_number = Some(Serial::random()?.to_rcgen());
    params.subject_alt_names = vec![uri(&format!("spiffe://{place}"))?];
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = false;
    Ok(params)
}

pub(super) fn server(name: &str, sans: &[&str], from: Timestamp, until: Timestamp) -> Result<CertificateParams> {
    let mut names: Vec<String> = Vec::new();
    for san in ["localhost", "127.0.0.1", "::1", name].iter().chain(sans) {
        if !names.iter().any(|known| known == san) {
            names.push((*san).to_owned());
        }
    }
    let named = CertificateParams::new(names).map_err(|source| Error::Mint {
        what: "a certificate for these host names",
        source,
    })?;
    let mut params = base(&format!("DEV ONLY {name}"), from, until)?;
    params.subject_alt_names = named.subject_alt_names;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

pub(super) fn client(label: &str, spec: &ClientSpec) -> Result<CertificateParams> {
    let mut params = base(&format!("DEV ONLY {label}"), spec.not_before, spec.not_after)?;
    params.subject_alt_names = spec.uri_sans.iter().map(|san| uri(san)).collect::<Result<_>>()?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// The place and the public key (DER, SubjectPublicKeyInfo) of an authority's certificate;
/// none if it is not one that [`authority`] describes.
pub(super) fn read_authority(certificate_pem: &str) -> Option<(String, Vec<u8>)> {
    let pem = read_pem(certificate_pem).ok()?;
    let certificate = parse(&pem).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let [GeneralName::URI(id)] = names.value.general_names.as_slice() else {
        return None;
    };
    let place = id.strip_prefix("spiffe://")?;
    crate::names::check_place(place).ok()?;
    certificate
        .is_ca()
        .then(|| (place.to_owned(), certificate.public_key().raw.to_vec()))
}

/// The serial of a certificate, once its signature is known to be the authority's.
pub(super) fn serial_signed_by(certificate_pem: &str, authority_pem: &str) -> Result<Serial> {
    let pem = read_pem(certificate_pem)?;
    let certificate = parse(&pem)?;
    let authority_pem = read_pem(authority_pem)?;
    let authority = parse(&authority_pem)?;
    certificate
        .verify_signature(Some(authority.public_key()))
        .map_err(|_| Error::Foreign)?;
    Ok(Serial::from_bytes(certificate.raw_serial()))
}

/// The time since 1970, to the second: what a certificate can state and its library will add up.
pub(super) fn since_1970(at: Timestamp, field: &'static str) -> Result<Duration> {
    u64::try_from(at.as_second())
        .map(Duration::from_secs)
        .map_err(|_| Error::Time { field })
}

fn base(name: &str, from: Timestamp, until: Timestamp) -> Result<CertificateParams> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    let mut params = CertificateParams::default();
    params.not_before = epoch + since_1970(from, "not before")?;
    params.not_after = epoch + since_1970(until, "not after")?;
    params.distinguished_name = subject;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn uri(text: &str) -> Result<SanType> {
    text.try_into().map(SanType::URI).map_err(|source| Error::Mint {
        what: "a certificate for this URI",
        source,
    })
}

fn read_pem(text: &str) -> Result<Pem> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes()).map_err(|_| Error::NotCertificate)?;
    if pem.label == "CERTIFICATE" {
        Ok(pem)
    } else {
        Err(Error::NotCertificate)
    }
}

fn parse(pem: &Pem) -> Result<X509Certificate<'_>> {
    pem.parse_x509().map_err(|_| Error::NotCertificate)
}

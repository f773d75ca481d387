//! What a client certificate says: which agency, and which of its workloads.
//! It never proves the certificate, which the handshake has done; it never trusts a name that is not exactly right.

use std::sync::Arc;

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use spiffe::{SpiffeId, TrustDomain};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

use super::{Agencies, Error};
use crate::{model::AgencyId, tls::CertificateName};

/// The program at the other end of a connection. Read once a connection; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    agency: AgencyId,
    workload: Arc<str>,
    thumbprint: [u8; 32],
    certificate: CertificateName,
    not_after: Timestamp,
}

impl Peer {
    /// Reads a certificate that a handshake has verified: exactly one URI among its alternative names
    /// (SPIFFE X509-SVID, 2), which is `spiffe://PLACE/agency/AGENCY/WORKLOAD`, of a registered agency.
    /// The workload is 1 to 64 lower-case letters, digits, hyphens and underscores.
    ///
    /// # Errors
    /// [`Error::CertificateUnknown`], with the rule that is broken.
    pub fn from_certificate(der: &[u8], place: &TrustDomain, agencies: &Agencies) -> Result<Self, Error> {
        let certificate = match X509Certificate::from_der(der) {
            Ok(([], certificate)) => certificate,
            _ => return Err(unknown("it is not an X.509 certificate")),
        };
        let id = spiffe_id(&certificate)?;
        // The library has normalised both: SPIFFE trust domains do not tell capitals apart.
        if id.trust_domain() != place {
            return Err(unknown("its SPIFFE id is of another place"));
        }
        let (agency, workload) = path(id.path())?;
        if agencies.find(&agency).is_none() {
            return Err(unknown("its agency is not registered"));
        }
        let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp())
            .map_err(|_| unknown("its last day is out of range"))?;
        Ok(Self {
            agency,
            workload,
            thumbprint: sha256(&[der]),
            certificate: CertificateName::new(certificate.issuer().as_raw(), certificate.raw_serial()),
            not_after,
        })
    }

    /// The agency.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// The workload, in the agency's words: `adapter`, `desk`.
    pub fn workload(&self) -> &str {
        &self.workload
    }

    /// SHA-256 of the certificate's DER: what a token is bound to (RFC 8705, 3.1).
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// What names the certificate in a revocation list.
    pub fn certificate(&self) -> &CertificateName {
        &self.certificate
    }

    /// When the certificate expires, which an open connection may outlive.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    pub(super) fn shared_workload(&self) -> Arc<str> {
        Arc::clone(&self.workload)
    }
}

fn spiffe_id(certificate: &X509Certificate<'_>) -> Result<SpiffeId, Error> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| unknown("its alternative names cannot be read"))?;
    let mut uris = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
    match (uris.next(), uris.next()) {
        (Some(uri), None) => SpiffeId::new(uri).map_err(|_| unknown("its URI is not a SPIFFE id")),
        (None, _) => Err(unknown("it has no SPIFFE id")),
        (Some(_), Some(_)) => Err(unknown("it has more than one URI")),
    }
}

fn path(path: &str) -> Result<(AgencyId, Arc<str>), Error> {
    let wrong = || unknown("the path of its SPIFFE id is not /agency/AGENCY/WORKLOAD");
    let mut parts = path.split('/');
    let (Some(""), Some("agency"), Some(agency), Some(workload), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let is_slug = workload.len() <= 64
        && workload.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && workload
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if !is_slug {
        return Err(unknown("its workload is not a plain lower-case name"));
    }
    Ok((agency.parse().map_err(|_| wrong())?, workload.into()))
}

pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let digest = context.finish();
    std::array::from_fn(|i| digest.as_ref().get(i).copied().unwrap_or_default())
}

fn unknown(rule: &'static str) -> Error {
    Error::CertificateUnknown { rule }
}

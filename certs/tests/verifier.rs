//! Shows that a hub's own TLS verifier accepts and refuses what the authority issued, and for the right reason.
//! It never opens a connection.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use placehub_certs::{ClientSpec, Pki};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod given {
    use super::*;

    pub(super) fn noon() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    pub(super) fn pki() -> (tempfile::TempDir, Pki) {
        let dir = tempfile::tempdir().unwrap();
        let place = "wigan.placehub.example";
        // Reopened, since that is what a hub's operator works with.
        Pki::create(&dir.path().join("pki"), place, noon()).unwrap();
        let pki = Pki::open(&dir.path().join("pki")).unwrap();
        (dir, pki)
    }

    fn roots(pki: &Pki) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(pki.ca_pem())).unwrap();
        Arc::new(roots)
    }

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn seconds(at: Timestamp) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().try_into().unwrap()))
    }

    /// What a hub that reads the list on disk says of a client certificate at a time.
    pub(super) fn judged(pki: &Pki, client_pem: &str, at: Timestamp) -> Result<(), Error> {
        let list = CertificateRevocationListDer::from_pem_file(pki.crl_path()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(roots(pki), provider)
            .with_crls([list])
            .enforce_revocation_expiration()
            .build()
            .unwrap()
            .verify_client_cert(&certificate(client_pem), &[], seconds(at))
            .map(drop)
    }

    /// What a client says of the hub's certificate under a host name.
    pub(super) fn trusted(pki: &Pki, hub_pem: &str, name: &str, at: Timestamp) -> bool {
        use rustls::client::WebPkiServerVerifier;
        use rustls::client::danger::ServerCertVerifier as _;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let name = ServerName::try_from(name.to_owned()).unwrap();
        WebPkiServerVerifier::builder_with_provider(roots(pki), provider)
            .build()
            .unwrap()
            .verify_server_cert(&certificate(hub_pem), &[], &name, &[], seconds(at))
            .is_ok()
    }
}

use given::{judged, noon, pki, trusted};

#[test]
fn a_client_certificate_is_accepted_until_it_is_revoked() {
    let (_dir, pki) = pki();
    let desk = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    let other = pki.issue_client("police", "adapter", noon(), DAY).unwrap();
    assert_eq!(judged(&pki, &desk.certificate_pem, noon()), Ok(()));
    pki.revoke(&desk.serial, noon()).unwrap();
    let revoked = Error::InvalidCertificate(CertificateError::Revoked);
    assert_eq!(judged(&pki, &desk.certificate_pem, noon()), Err(revoked));
    assert_eq!(judged(&pki, &other.certificate_pem, noon()), Ok(()));
}

#[test]
fn a_stale_list_refuses_everyone() {
    let (_dir, pki) = pki();
    let desk = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    pki.write_crl(noon() - 2 * DAY, noon() - DAY).unwrap();
    let refused = judged(&pki, &desk.certificate_pem, noon()).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::InvalidCertificate(CertificateError::ExpiredRevocationListContext { .. })
        ),
        "{refused}"
    );
}

#[test]
fn an_expired_certificate_is_refused_as_expired() {
    let (_dir, pki) = pki();
    let spec = ClientSpec {
        uri_sans: vec![format!("spiffe://{}/agency/police/desk", pki.place())],
        not_before: noon() - 2 * DAY,
        not_after: noon() - DAY,
    };
    let expired = pki.issue_client_as("expired", &spec).unwrap();
    let refused = judged(&pki, &expired.certificate_pem, noon()).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::InvalidCertificate(CertificateError::ExpiredContext { .. })
        ),
        "{refused}"
    );
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    let (_dir, pki) = pki();
    let (_other_dir, other) = given::pki();
    let foreign = other.issue_client("police", "desk", noon(), DAY).unwrap();
    assert!(judged(&pki, &foreign.certificate_pem, noon()).is_err());
}

#[test]
fn neither_kind_of_certificate_serves_as_the_other() {
    let (_dir, pki) = pki();
    let hub = pki.issue_server("hub", &[], noon(), DAY).unwrap();
    let desk = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    assert!(judged(&pki, &hub.certificate_pem, noon()).is_err());
    assert!(!trusted(&pki, &desk.certificate_pem, "localhost", noon()));
}

#[test]
fn the_hub_is_trusted_under_its_names_alone() {
    let (_dir, pki) = pki();
    let hub = pki.issue_server("hub", &["10.0.0.9"], noon(), DAY).unwrap();
    for (name, expected) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("hub", true),
        ("10.0.0.9", true),
        ("10.0.0.8", false),
        ("elsewhere.example", false),
    ] {
        assert_eq!(trusted(&pki, &hub.certificate_pem, name, noon()), expected, "{name}");
    }
}

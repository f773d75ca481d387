//! Shows that what the authority issues and revokes reads back as asked.
//! It never looks at the time of day.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, Pem, X509Certificate};

use super::*;

const PLACE: &str = "wigan.placehub.example";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn given() -> (TempDir, Pki) {
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::create(&dir.path().join("pki"), PLACE, noon()).unwrap();
    (dir, pki)
}

fn pem(text: &str) -> Pem {
    x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap().1
}

fn with_certificate<T>(text: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
    look(&pem(text).parse_x509().unwrap())
}

fn names_of(text: &str) -> Vec<String> {
    with_certificate(text, |certificate| {
        let Some(names) = certificate.subject_alternative_name().unwrap() else {
            return Vec::new();
        };
        let shown = names.value.general_names.iter().map(|name| match name {
            GeneralName::URI(uri) => format!("uri {uri}"),
            GeneralName::DNSName(dns) => format!("dns {dns}"),
            GeneralName::IPAddress(ip) => format!("ip {}", hex::encode(ip)),
            other => format!("other {other}"),
        });
        shown.collect()
    })
}

/// The list's own number, and the serials on it.
fn listed(pki: &Pki) -> (u64, Vec<String>) {
    let text = fs::read_to_string(pki.crl_path()).unwrap();
    let pem = pem(&text);
    let (_, list) = CertificateRevocationList::from_der(&pem.contents).unwrap();
    with_certificate(pki.ca_pem(), |ca| {
        list.verify_signature(ca.public_key()).unwrap();
        assert_eq!(list.issuer(), ca.subject());
    });
    let serials = list
        .iter_revoked_certificates()
        .map(|revoked| Serial::from_bytes(revoked.raw_serial()).to_string())
        .collect();
    let number = list.crl_number().unwrap().to_u64_digits();
    (number.first().copied().unwrap(), serials)
}

#[test]
fn a_client_certificate_carries_exactly_its_spiffe_id_and_is_for_clients_alone() {
    let (_dir, pki) = given();
    let client = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    assert_eq!(
        names_of(&client.certificate_pem),
        [format!("uri spiffe://{PLACE}/agency/police/desk")]
    );
    with_certificate(&client.certificate_pem, |certificate| {
        let uses = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(uses.client_auth && !uses.server_auth && !uses.any);
        assert!(!certificate.is_ca());
        assert!(certificate.subject().to_string().contains("DEV ONLY"));
        assert!(certificate.issuer().to_string().contains("DEV ONLY"));
        assert_eq!(certificate.raw_serial().len(), 16);
        assert!(certificate.raw_serial()[0] < 0x80 && certificate.raw_serial()[0] > 0);
        with_certificate(pki.ca_pem(), |ca| {
            certificate.verify_signature(Some(ca.public_key())).unwrap();
            assert!(ca.is_ca() && ca.name_constraints().unwrap().is_none());
        });
    });
    assert_eq!(
        fs::read_to_string(pki.dir().join("clients/police-desk.pem")).unwrap(),
        client.certificate_pem
    );
}

#[test]
fn a_server_certificate_carries_the_local_names_and_those_given_once_each() {
    let (_dir, pki) = given();
    let hub = pki
        .issue_server("hub", &["hub.wigan.example", "10.0.0.9", "localhost"], noon(), DAY)
        .unwrap();
    assert_eq!(
        names_of(&hub.certificate_pem),
        [
            "dns localhost",
            "ip 7f000001",
            "ip 00000000000000000000000000000001",
            "dns hub",
            "dns hub.wigan.example",
            "ip 0a000009"
        ]
    );
    with_certificate(&hub.certificate_pem, |certificate| {
        let uses = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(uses.server_auth && !uses.client_auth);
    });
}

#[test]
fn a_reopened_authority_issues_what_the_first_one_vouches_for() {
    let (_dir, pki) = given();
    let again = Pki::open(pki.dir()).unwrap();
    assert_eq!((again.place(), again.ca_pem()), (PLACE, pki.ca_pem()));
    let client = again.issue_client("health", "adapter", noon(), DAY).unwrap();
    with_certificate(&client.certificate_pem, |certificate| {
        with_certificate(pki.ca_pem(), |ca| {
            certificate.verify_signature(Some(ca.public_key())).unwrap();
            assert_eq!(certificate.issuer(), ca.subject());
        });
    });
}

#[test]
fn an_authority_is_never_overwritten() {
    let (_dir, pki) = given();
    let key = fs::read(pki.dir().join(CA_KEY)).unwrap();
    let refused = Pki::create(pki.dir(), PLACE, noon()).unwrap_err();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");
    assert_eq!(fs::read(pki.dir().join(CA_KEY)).unwrap(), key);
}

#[test]
fn a_key_of_another_authority_is_not_taken_for_its_own() {
    let (_dir, pki) = given();
    let (_other_dir, other) = given();
    fs::copy(other.dir().join(CA_KEY), pki.dir().join(CA_KEY)).unwrap();
    let refused = Pki::open(pki.dir()).unwrap_err();
    assert!(matches!(refused, Error::Mismatch { .. }), "{refused}");
}

#[test]
fn revoking_adds_a_serial_and_keeps_the_earlier_ones() {
    let (_dir, pki) = given();
    assert_eq!(listed(&pki), (1, vec![]));
    let first = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    let second = pki.issue_client("housing", "desk", noon(), DAY).unwrap();
    pki.revoke(&first.serial, noon()).unwrap();
    assert_eq!(listed(&pki), (2, vec![first.serial.to_string()]));
    let again = Pki::open(pki.dir()).unwrap();
    assert_eq!(
        again.revoke_pem(&second.certificate_pem, noon()).unwrap(),
        second.serial
    );
    again.revoke(&first.serial, noon()).unwrap();
    let both = vec![first.serial.to_string(), second.serial.to_string()];
    assert_eq!(listed(&pki), (4, both));
}

#[test]
fn a_certificate_of_another_authority_cannot_be_revoked_here() {
    let (_dir, pki) = given();
    let (_other_dir, other) = given();
    let foreign = other.issue_client("police", "desk", noon(), DAY).unwrap();
    let refused = pki.revoke_pem(&foreign.certificate_pem, noon()).unwrap_err();
    assert!(matches!(refused, Error::Foreign), "{refused}");
    assert_eq!(listed(&pki).1, Vec::<String>::new());
}

#[test]
fn a_list_can_be_written_stale_and_still_holds_the_revoked() {
    let (_dir, pki) = given();
    let client = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    pki.revoke(&client.serial, noon()).unwrap();
    let ended = noon() - Duration::from_secs(60);
    pki.write_crl(noon() - 10 * DAY, ended).unwrap();
    let text = fs::read_to_string(pki.crl_path()).unwrap();
    let pem = pem(&text);
    let (_, list) = CertificateRevocationList::from_der(&pem.contents).unwrap();
    assert_eq!(list.next_update().unwrap().timestamp(), ended.as_second());
    assert_eq!(listed(&pki).1, [client.serial.to_string()]);
}

#[test]
fn an_odd_certificate_says_what_it_was_told_to() {
    let (_dir, pki) = given();
    let uris = [
        "spiffe://elsewhere.example/agency/police/desk",
        "spiffe://two.example/x",
    ];
    for count in 0..=2 {
        let spec = ClientSpec {
            uri_sans: uris[..count].iter().map(|uri| (*uri).to_owned()).collect(),
            not_before: noon() - 3 * DAY,
            not_after: noon() - DAY,
        };
        let odd = pki.issue_client_as("odd", &spec).unwrap();
        assert_eq!(names_of(&odd.certificate_pem).len(), count);
        with_certificate(&odd.certificate_pem, |certificate| {
            let validity = certificate.validity();
            assert_eq!(validity.not_before.timestamp(), spec.not_before.as_second());
            assert_eq!(validity.not_after.timestamp(), spec.not_after.as_second());
            let seen_at = x509_parser::time::ASN1Time::from_timestamp(noon().as_second()).unwrap();
            assert!(!validity.is_valid_at(seen_at));
        });
    }
}

#[test]
fn a_name_that_is_no_path_segment_issues_nothing() {
    let (_dir, pki) = given();
    for (agency, workload) in [("../police", "desk"), ("police", "a/b"), ("", "desk")] {
        let refused = pki.issue_client(agency, workload, noon(), DAY).unwrap_err();
        assert!(matches!(refused, Error::Name { .. }), "{refused}");
    }
    assert!(!pki.dir().join("clients").exists());
}

#[test]
fn a_time_that_no_certificate_can_state_is_refused() {
    let (_dir, pki) = given();
    for (now, lifetime) in [(noon(), Duration::MAX), ("1969-01-01T00:00:00Z".parse().unwrap(), DAY)] {
        let refused = pki.issue_client("police", "desk", now, lifetime).unwrap_err();
        assert!(matches!(refused, Error::Time { .. }), "{refused}");
    }
}

#[test]
fn a_thumbprint_is_that_of_the_certificate_and_of_nothing_else() {
    let (_dir, pki) = given();
    let client = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    assert_eq!(client.thumbprint.len(), 43);
    assert_eq!(thumbprint_of_pem(&client.certificate_pem).unwrap(), client.thumbprint);
    assert_ne!(thumbprint_of_pem(pki.ca_pem()).unwrap(), client.thumbprint);
    for wrong in [client.key_pem.as_str(), "", "-----BEGIN CERTIFICATE-----"] {
        assert!(matches!(thumbprint_of_pem(wrong), Err(Error::NotCertificate)));
    }
}

#[test]
fn no_debug_text_holds_a_key() {
    let (_dir, pki) = given();
    let client = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    let hub = pki.issue_server("hub", &[], noon(), DAY).unwrap();
    assert!(!format!("{pki:?} {client:?} {hub:?}").contains("PRIVATE"));
}

#[cfg(unix)]
#[test]
fn private_keys_are_for_the_owner_alone_even_when_issued_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, pki) = given();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let client = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    fs::set_permissions(&client.key, fs::Permissions::from_mode(0o644)).unwrap();
    let client = pki.issue_client("police", "desk", noon(), DAY).unwrap();
    let hub = pki.issue_server("hub", &[], noon(), DAY).unwrap();
    for key in [&client.key, &hub.key, &pki.dir().join(CA_KEY)] {
        assert_eq!(mode(key), 0o600, "{}", key.display());
    }
    for folder in [pki.dir(), &pki.dir().join("clients")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

//! Callers proved and refused, with certificates and tokens as an agency would have them.
//! Every token that is refused here differs from the good one in the one thing that the test names.

mod certificate;
mod token;
mod wycheproof;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use placehub_certs::{IssuedClient, Issuer as TokenIssuer, Own, Pki, PreviousKey, TokenSpec, issuer_url};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::tls;

const PLACE: &str = "wigan.placehub.example";
const HUB: &str = "https://hub.wigan.placehub.example";
const MINUTE: Duration = Duration::from_secs(60);

/// A place with police and housing, whose practitioners have issuers, and welfare, which has workloads only.
struct Place {
    _dir: TempDir,
    pki: Pki,
    police: TokenIssuer,
    housing: TokenIssuer,
    tls: Arc<tls::Live>,
    hub: Authenticator,
    now: Timestamp,
}

fn given() -> Place {
    let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let pki = Pki::create(dir.path(), PLACE, now).unwrap();
    pki.issue_server("hub", &[], now, 60 * MINUTE).unwrap();
    let issuer = |agency| TokenIssuer::create(dir.path(), agency, &issuer_url(agency, PLACE)).unwrap();
    let (police, housing) = (issuer("police"), issuer("housing"));
    let file = |name| dir.path().join(name);
    let tls = Arc::new(
        tls::Live::open(tls::Paths {
            certificate: file("hub.pem"),
            key: file("hub.key"),
            client_ca: file("ca.pem"),
            revocation_list: Some(file("crl.pem")),
        })
        .unwrap(),
    );
    let register = [
        agency("police", Some(&police)),
        agency("housing", Some(&housing)),
        agency("welfare", None),
    ];
    let agencies = Agencies::new(register).unwrap();
    let hub = Authenticator::open(PLACE, HUB, agencies, Arc::clone(&tls)).unwrap();
    Place {
        _dir: dir,
        pki,
        police,
        housing,
        tls,
        hub,
        now,
    }
}

fn agency(id: &str, issuer: Option<&TokenIssuer>) -> Agency {
    Agency {
        id: id.parse().unwrap(),
        sector: id.parse().unwrap(),
        name: format!("Made-up {id}"),
        contact: "someone@example.invalid".into(),
        issuer: issuer.map(|issuer| Issuer {
            url: issuer.url().into(),
            keys: issuer.jwks_path(),
        }),
    }
}

fn der(client: &IssuedClient) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(client.certificate_pem.as_bytes()).unwrap()
}

impl Place {
    fn issue(&self, agency: &str, workload: &str) -> IssuedClient {
        self.pki.issue_client(agency, workload, self.now, 60 * MINUTE).unwrap()
    }

    fn peer(&self, client: &IssuedClient) -> Peer {
        self.hub.identify(&der(client)).unwrap()
    }

    fn spec(&self, client: &IssuedClient) -> TokenSpec {
        TokenSpec {
            subject: "officer-17".into(),
            agency: "police".into(),
            audience: HUB.into(),
            roles: vec!["neighbourhood-officer".into()],
            teams: vec!["central".into()],
            areas: vec!["central".into(), "E01006283".into()],
            own: Own::default(),
            thumbprint: client.thumbprint.clone(),
            issued_at: self.now,
            lifetime: 10 * MINUTE,
        }
    }

    /// A good token of the police, with the claims changed. Null takes a claim away.
    fn token(&self, client: &IssuedClient, changes: Value) -> String {
        let mut claims = self.police.claims(&self.spec(client)).unwrap();
        merge(&mut claims, changes);
        self.police
            .sign_raw(&self.police.header().to_string(), &claims.to_string())
            .unwrap()
    }

    /// A good token of the police, with the header changed.
    fn token_under(&self, client: &IssuedClient, changes: Value) -> String {
        let mut header = self.police.header();
        merge(&mut header, changes);
        let claims = self.police.claims(&self.spec(client)).unwrap();
        self.police.sign_raw(&header.to_string(), &claims.to_string()).unwrap()
    }
}

fn merge(into: &mut Value, changes: Value) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            into.remove(name);
        } else {
            into.insert(name.clone(), value.clone());
        }
    }
}

#[test]
fn a_workload_needs_no_token_and_a_practitioner_has_one() {
    let place = given();
    let desk = place.issue("police", "desk");
    let peer = place.peer(&desk);
    let workload = place.hub.caller(&peer, None, place.now).unwrap();
    assert_eq!(workload.agency().as_str(), "police");
    assert_eq!(workload.sector().as_str(), "police");
    assert_eq!(workload.workload(), "desk");
    assert_eq!(workload.thumbprint(), peer.thumbprint());
    assert_eq!(workload.need_practitioner(), Err(Error::TokenMissing));

    let token = place.police.token(&place.spec(&desk)).unwrap();
    let caller = place.hub.caller(&peer, Some(&token), place.now).unwrap();
    let practitioner = caller.need_practitioner().unwrap();
    assert_eq!(practitioner.subject, "officer-17");
    assert_eq!(practitioner.roles, ["neighbourhood-officer".to_owned()].into());
    assert_eq!(practitioner.teams, ["central".to_owned()].into());
    assert_eq!(practitioner.areas.len(), 2);
    assert_eq!(practitioner.expires_at, place.now + 10 * MINUTE);
    assert_eq!(format!("{practitioner:?}"), "Practitioner(…)");
}

#[test]
fn a_call_that_only_people_make_needs_a_token() {
    let workload = Caller::sample("police", "police", "desk", None);
    assert_eq!(workload.need_practitioner(), Err(Error::TokenMissing));
}

#[test]
fn a_wrong_token_is_a_refusal_and_never_a_workload() {
    let place = given();
    let peer = place.peer(&place.issue("police", "desk"));
    for token in [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "Bearer x",
        "é.é.é",
        &"a".repeat(10_000),
    ] {
        let refused = place.hub.caller(&peer, Some(token), place.now).unwrap_err();
        assert!(matches!(refused, Error::TokenInvalid { .. }), "{token}");
    }
}

#[test]
fn a_remembered_token_ends_when_it_expires_and_is_no_use_with_another_certificate() {
    let place = given();
    let desk = place.issue("police", "desk");
    let peer = place.peer(&desk);
    let token = place.police.token(&place.spec(&desk)).unwrap();
    let ask = |peer: &Peer, after| place.hub.caller(peer, Some(&token), place.now + after).map(drop);
    assert_eq!(ask(&peer, Duration::ZERO), Ok(()));
    assert_eq!(ask(&peer, Duration::ZERO), Ok(()));
    assert_eq!(ask(&peer, 11 * MINUTE), Err(Error::TokenExpired));
    let other = place.peer(&place.issue("police", "adapter"));
    assert_eq!(ask(&other, Duration::ZERO), Err(Error::TokenNotBound));
}

#[test]
fn a_withdrawn_key_is_refused_at_once_and_the_new_one_taken_without_a_restart() {
    let mut place = given();
    let desk = place.issue("police", "desk");
    let peer = place.peer(&desk);
    let spec = place.spec(&desk);
    let old = place.police.token(&spec).unwrap();
    assert!(place.hub.caller(&peer, Some(&old), place.now).is_ok());

    place.police.rotate(PreviousKey::Withdraw).unwrap();
    let new = place.police.token(&spec).unwrap();
    assert!(place.hub.caller(&peer, Some(&new), place.now).is_err(), "not read yet");
    place.hub.reload().unwrap();
    assert!(
        place.hub.caller(&peer, Some(&old), place.now).is_err(),
        "remembered beyond its key"
    );
    assert!(place.hub.caller(&peer, Some(&new), place.now).is_ok());

    place.police.rotate(PreviousKey::Keep).unwrap();
    place.hub.reload().unwrap();
    assert!(
        place.hub.caller(&peer, Some(&new), place.now).is_ok(),
        "still published"
    );
}

#[test]
fn a_key_set_that_cannot_be_used_leaves_the_old_in_force() {
    let place = given();
    let desk = place.issue("police", "desk");
    let token = place.police.token(&place.spec(&desk)).unwrap();
    std::fs::write(place.police.jwks_path(), r#"{"keys":[]}"#).unwrap();
    let error = place.hub.reload().unwrap_err().to_string();
    assert!(error.contains("police.jwks.json"), "{error}");
    std::fs::remove_file(place.police.jwks_path()).unwrap();
    assert!(matches!(place.hub.reload(), Err(LoadError::Unreadable { .. })));
    assert!(place.hub.caller(&place.peer(&desk), Some(&token), place.now).is_ok());
}

#[test]
fn a_hub_without_a_place_or_an_audience_does_not_open() {
    let place = given();
    let open =
        |name, audience| Authenticator::open(name, audience, Agencies::default(), Arc::clone(&place.tls)).map(drop);
    assert!(matches!(open("wigan:443", HUB), Err(LoadError::Place)));
    assert!(matches!(open("", HUB), Err(LoadError::Place)));
    assert!(matches!(open(PLACE, ""), Err(LoadError::Audience)));
}

#[test]
fn the_scheme_of_a_header_is_bearer_in_any_case() {
    assert_eq!(bearer("Bearer a.b.c"), Ok("a.b.c"));
    assert_eq!(bearer("bearer  a.b.c "), Ok("a.b.c"));
    for wrong in ["", "a.b.c", "Basic a.b.c", "Bearer"] {
        assert!(bearer(wrong).is_err(), "{wrong}");
    }
}

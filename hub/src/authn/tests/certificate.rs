//! Which certificates are an agency's, and how long.

use placehub_certs::ClientSpec;

use super::*;

fn check(place: &Place, uris: &[&str]) -> Result<Peer, Error> {
    let spec = ClientSpec {
        uri_sans: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        not_before: place.now,
        not_after: place.now + 60 * MINUTE,
    };
    let client = place.pki.issue_client_as("sample", &spec).unwrap();
    place.hub.identify(&der(&client))
}

#[test]
fn a_certificate_names_one_registered_agency_of_this_place_and_its_workload() {
    let place = given();
    let peer = check(&place, &["spiffe://wigan.placehub.example/agency/police/desk"]).unwrap();
    assert_eq!((peer.agency().as_str(), peer.workload()), ("police", "desk"));
    // SPIFFE ID, 2.1: scheme and trust domain do not tell capitals apart.
    assert!(check(&place, &["SPIFFE://Wigan.Placehub.Example/agency/police/desk"]).is_ok());
}

#[test]
fn any_other_name_is_refused() {
    let place = given();
    let wrong: [&[&str]; 18] = [
        &[],
        &[
            "spiffe://wigan.placehub.example/agency/police/desk",
            "https://police.example",
        ],
        &[
            "spiffe://wigan.placehub.example/agency/police/desk",
            "spiffe://wigan.placehub.example/agency/police/desk",
        ],
        &["https://wigan.placehub.example/agency/police/desk"],
        &["spiffe://bolton.placehub.example/agency/police/desk"],
        &["spiffe://wigan.placehub.example.evil.example/agency/police/desk"],
        &["spiffe://wigan.placehub.example"],
        &["spiffe://wigan.placehub.example/agency/police"],
        &["spiffe://wigan.placehub.example/agency/police/desk/more"],
        &["spiffe://wigan.placehub.example/agency/police/desk/"],
        &["spiffe://wigan.placehub.example/agency//police/desk"],
        &["spiffe://wigan.placehub.example/agency/housing/../police/desk"],
        &["spiffe://wigan.placehub.example/agency/%70olice/desk"],
        &["spiffe://wigan.placehub.example/agency/police/desk?x=1"],
        &["spiffe://wigan.placehub.example/Agency/police/desk"],
        &["spiffe://wigan.placehub.example/agency/Police/desk"],
        &["spiffe://wigan.placehub.example/agency/police/Desk"],
        &["spiffe://wigan.placehub.example/agency/fire/desk"],
    ];
    for uris in wrong {
        assert!(
            matches!(check(&place, uris), Err(Error::CertificateUnknown { .. })),
            "{uris:?}"
        );
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    let place = given();
    let mut der = der(&place.issue("police", "desk")).to_vec();
    der.push(0);
    for bytes in [&b""[..], b"\x30\x00", &der] {
        assert!(matches!(
            place.hub.identify(bytes),
            Err(Error::CertificateUnknown { .. })
        ));
    }
}

#[test]
fn a_revoked_certificate_is_refused_on_an_open_connection() {
    let place = given();
    let desk = place.issue("police", "desk");
    let (peer, token) = (place.peer(&desk), place.police.token(&place.spec(&desk)).unwrap());
    let ask = || place.hub.caller(&peer, Some(&token), place.now).map(drop);
    assert_eq!(ask(), Ok(()));
    place.pki.revoke_pem(&desk.certificate_pem, place.now).unwrap();
    assert_eq!(ask(), Ok(()), "not read yet");
    place.tls.reload().unwrap();
    assert_eq!(ask(), Err(Error::CertificateRevoked));
    let other = place.peer(&place.issue("police", "desk"));
    assert!(place.hub.caller(&other, None, place.now).is_ok());
}

#[test]
fn a_stale_revocation_list_shuts_everybody_out() {
    let place = given();
    let peer = place.peer(&place.issue("police", "desk"));
    place.pki.write_crl(place.now, place.now + 10 * MINUTE).unwrap();
    place.tls.reload().unwrap();
    let ask = |after| place.hub.caller(&peer, None, place.now + after).map(drop);
    assert_eq!(ask(9 * MINUTE), Ok(()));
    assert_eq!(ask(10 * MINUTE), Err(Error::RevocationStale));
}

#[test]
fn a_connection_does_not_outlive_its_certificate() {
    let place = given();
    let peer = place.peer(&place.issue("police", "desk"));
    let ask = |after| place.hub.caller(&peer, None, place.now + after).map(drop);
    assert_eq!(ask(60 * MINUTE), Ok(()));
    assert_eq!(ask(61 * MINUTE), Err(Error::CertificateExpired));
}

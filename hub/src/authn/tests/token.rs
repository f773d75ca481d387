//! Tokens that are right but for one thing.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};

use super::*;

impl Place {
    fn ask(&self, client: &IssuedClient, token: &str, after: Duration) -> Result<(), Error> {
        self.hub
            .caller(&self.peer(client), Some(token), self.now + after)
            .map(drop)
    }

    fn check(&self, token: &str) -> Result<(), Error> {
        self.ask(&self.issue("police", "desk"), token, Duration::ZERO)
    }

    fn refuses_claims(&self, changes: Value, rule: &str) {
        let desk = self.issue("police", "desk");
        let said = changes.to_string();
        let refused = self
            .ask(&desk, &self.token(&desk, changes), Duration::ZERO)
            .unwrap_err();
        assert!(refused.to_string().contains(rule), "{said}: {refused}");
        assert!(matches!(refused, Error::TokenInvalid { .. }), "{said}: {refused}");
    }

    fn refuses_header(&self, changes: Value, rule: &str) {
        let desk = self.issue("police", "desk");
        let said = changes.to_string();
        let refused = self
            .ask(&desk, &self.token_under(&desk, changes), Duration::ZERO)
            .unwrap_err();
        assert!(refused.to_string().contains(rule), "{said}: {refused}");
    }
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_token_is_for_this_hub_and_from_the_agencys_own_issuer() {
    let place = given();
    place.refuses_claims(json!({ "aud": "https://hub.bolton.example" }), "aud");
    place.refuses_claims(json!({ "aud": ["https://a.example", "https://b.example"] }), "aud");
    place.refuses_claims(json!({ "aud": null }), "claims");
    place.refuses_claims(json!({ "iss": place.housing.url() }), "iss");
    place.refuses_claims(json!({ "iss": [place.police.url()] }), "claims");
    place.refuses_claims(json!({ "agency": "housing" }), "agency");
    place.refuses_claims(json!({ "agency": null }), "claims");
    let desk = place.issue("police", "desk");
    let many = place.token(&desk, json!({ "aud": ["https://a.example", HUB] }));
    assert_eq!(place.ask(&desk, &many, Duration::ZERO), Ok(()));
}

#[test]
fn a_key_of_another_agency_is_unknown() {
    let place = given();
    let desk = place.issue("police", "desk");
    let spec = place.spec(&desk);
    let mut claims = place.housing.claims(&spec).unwrap();
    merge(&mut claims, json!({ "iss": place.police.url() }));
    for kid in [place.housing.kid(), place.police.kid()] {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid });
        let forged = place
            .housing
            .sign_raw(&header.to_string(), &claims.to_string())
            .unwrap();
        assert!(matches!(place.check(&forged), Err(Error::TokenInvalid { .. })), "{kid}");
    }
    let workloads_only = place.issue("welfare", "desk");
    let token = place.police.token(&place.spec(&workloads_only)).unwrap();
    assert!(matches!(
        place.ask(&workloads_only, &token, Duration::ZERO),
        Err(Error::TokenInvalid { .. })
    ));
}

#[test]
fn a_token_belongs_to_one_certificate() {
    let place = given();
    let desk = place.issue("police", "desk");
    let adapter = place.issue("police", "adapter");
    let good = place.token(&desk, json!({}));
    assert_eq!(place.ask(&desk, &good, Duration::ZERO), Ok(()));
    assert_eq!(place.ask(&adapter, &good, Duration::ZERO), Err(Error::TokenNotBound));
    let padded = format!("{}=", desk.thumbprint);
    for cnf in [
        Value::Null,
        json!({}),
        json!({ "x5t#S256": "" }),
        json!({ "x5t#S256": padded }),
        json!({ "jkt": desk.thumbprint }),
    ] {
        let token = place.token(&desk, json!({ "cnf": cnf }));
        assert_eq!(
            place.ask(&desk, &token, Duration::ZERO),
            Err(Error::TokenNotBound),
            "{cnf}"
        );
    }
}

#[test]
fn a_token_is_short_lived_and_neither_over_nor_ahead() {
    let place = given();
    let now = place.now.as_second();
    let desk = place.issue("police", "desk");
    let good = place.token(&desk, json!({}));
    let ask = |seconds| place.ask(&desk, &good, Duration::from_secs(seconds));
    assert_eq!(ask(629), Ok(()), "clocks may differ by half a minute");
    assert_eq!(ask(630), Err(Error::TokenExpired));

    let fifteen = place.token(&desk, json!({ "exp": now + 900 }));
    assert_eq!(place.ask(&desk, &fifteen, Duration::ZERO), Ok(()));
    place.refuses_claims(json!({ "exp": now + 901 }), "15 minutes");
    place.refuses_claims(json!({ "exp": i64::MAX }), "15 minutes");
    place.refuses_claims(json!({ "exp": now }), "15 minutes");
    place.refuses_claims(json!({ "iat": i64::MIN, "exp": i64::MAX }), "15 minutes");
    place.refuses_claims(json!({ "iat": now + 31, "nbf": null }), "ahead");
    place.refuses_claims(json!({ "nbf": now + 31 }), "ahead");
    place.refuses_claims(json!({ "exp": null }), "claims");
    place.refuses_claims(json!({ "iat": null }), "claims");
    place.refuses_claims(json!({ "exp": "soon" }), "claims");
    let near = place.token(&desk, json!({ "iat": now + 30, "nbf": now + 30 }));
    assert_eq!(place.ask(&desk, &near, Duration::ZERO), Ok(()));
}

#[test]
fn names_are_few_and_plain() {
    let place = given();
    for name in ["roles", "teams", "areas"] {
        for wrong in [
            json!(["a b"]),
            json!([""]),
            json!(["x".repeat(65)]),
            json!(["-a"]),
            json!(["é"]),
        ] {
            place.refuses_claims(json!({ name: wrong }), "plain characters");
        }
        place.refuses_claims(json!({ name: vec!["a"; 33] }), "at most 32");
        place.refuses_claims(json!({ name: "a" }), "claims");
    }
    for subject in ["", "a b", "a\"b", "é", &"x".repeat(65)] {
        place.refuses_claims(json!({ "sub": subject }), "sub");
    }
    place.refuses_claims(json!({ "sub": null }), "claims");
    let desk = place.issue("police", "desk");
    let bare = place.token(
        &desk,
        json!({ "roles": null, "teams": null, "areas": null, "sub": "auth0|a@b.example" }),
    );
    assert_eq!(place.ask(&desk, &bare, Duration::ZERO), Ok(()));
}

#[test]
fn a_header_chooses_neither_algorithm_nor_key() {
    let place = given();
    for alg in ["ES384", "RS256", "HS256", "none", "NONE", "", "es256"] {
        place.refuses_header(json!({ "alg": alg }), "alg must be");
    }
    for name in ["jku", "x5u", "jwk", "x5c"] {
        for value in [json!("https://evil.example/keys"), json!({}), json!([])] {
            place.refuses_header(json!({ name: value }), "its own key");
        }
    }
    place.refuses_header(json!({ "crit": ["exp"], "exp": 1 }), "crit");
    place.refuses_header(json!({ "crit": [] }), "crit");
    place.refuses_header(json!({ "b64": true }), "crit and b64");
    place.refuses_header(json!({ "kid": "unheard-of" }), "kid");
    place.refuses_header(json!({ "kid": null }), "alg and kid");
    place.refuses_header(json!({ "alg": null }), "alg and kid");
    for typ in ["dpop+jwt", "logout+jwt", "JOSE"] {
        place.refuses_header(json!({ "typ": typ }), "typ");
    }
    let desk = place.issue("police", "desk");
    for typ in [Value::Null, json!("jwt"), json!("application/at+jwt")] {
        let token = place.token_under(&desk, json!({ "typ": typ }));
        assert_eq!(place.ask(&desk, &token, Duration::ZERO), Ok(()), "{typ}");
    }
}

#[test]
fn a_member_given_twice_or_as_null_is_refused() {
    let place = given();
    let desk = place.issue("police", "desk");
    let claims = place.police.claims(&place.spec(&desk)).unwrap().to_string();
    let kid = place.police.kid();
    for header in [
        format!(r#"{{"alg":"none","alg":"ES256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","kid":"other","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","kid":"{kid}","crit":null}}"#),
        format!(r#"{{"alg":"ES256","kid":"{kid}"}} "#) + "x",
    ] {
        let token = place.police.sign_raw(&header, &claims).unwrap();
        assert!(
            matches!(
                place.ask(&desk, &token, Duration::ZERO),
                Err(Error::TokenInvalid { .. })
            ),
            "{header}"
        );
    }
    let twice = claims.replacen('{', r#"{"agency":"housing","#, 1);
    let token = place
        .police
        .sign_raw(&place.police.header().to_string(), &twice)
        .unwrap();
    assert!(place.ask(&desk, &token, Duration::ZERO).is_err());
}

#[test]
fn a_public_key_is_no_secret_and_no_signature_is_no_signature() {
    let place = given();
    let desk = place.issue("police", "desk");
    let claims = encode(&place.police.claims(&place.spec(&desk)).unwrap());
    let published = std::fs::read(place.police.jwks_path()).unwrap();
    let set: Value = serde_json::from_slice(&published).unwrap();
    let part = |name: &str| {
        BASE64_URL_SAFE_NO_PAD
            .decode(set["keys"][0][name].as_str().unwrap())
            .unwrap()
    };
    let point = [vec![4], part("x"), part("y")].concat();
    for secret in [published, point] {
        let header = encode(&json!({ "alg": "HS256", "kid": place.police.kid() }));
        let signed = format!("{header}.{claims}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag));
        assert!(matches!(
            place.ask(&desk, &token, Duration::ZERO),
            Err(Error::TokenInvalid { .. })
        ));
    }
    for alg in ["none", "ES256"] {
        let header = encode(&json!({ "alg": alg, "kid": place.police.kid() }));
        for token in [format!("{header}.{claims}."), format!("{header}.{claims}")] {
            assert!(place.ask(&desk, &token, Duration::ZERO).is_err(), "{alg}");
        }
    }
}

#[test]
fn a_changed_token_is_refused_whichever_character_it_is() {
    let place = given();
    let desk = place.issue("police", "desk");
    let peer = place.peer(&desk);
    let good = place.token(&desk, json!({}));
    for at in (0..good.len()).step_by(7) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(
            place.hub.caller(&peer, Some(&changed), place.now).is_err(),
            "character {at}"
        );
    }
}

#[test]
fn tokens_of_ed25519_and_p384_are_believed_each_under_its_own_name() {
    let place = given();
    let desk = place.issue("police", "desk");
    let claims = encode(&place.police.claims(&place.spec(&desk)).unwrap());
    let random = SystemRandom::new();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let ed = Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap();
    let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, ec.as_ref(), &random).unwrap();
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let point = ec.public_key().as_ref();
    let set = json!({ "keys": [
        { "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "ed", "x": text(ed.public_key().as_ref()) },
        { "kty": "EC", "crv": "P-384", "alg": "ES384", "kid": "ec", "x": text(&point[1..49]), "y": text(&point[49..]) },
    ]});
    std::fs::write(place.police.jwks_path(), set.to_string()).unwrap();
    place.hub.reload().unwrap();
    let check = |alg: &str, kid: &str, good: bool| {
        let signed = format!("{}.{claims}", encode(&json!({ "alg": alg, "kid": kid })));
        let signature = match alg {
            "EdDSA" => text(ed.sign(signed.as_bytes()).as_ref()),
            _ => text(ec.sign(&random, signed.as_bytes()).unwrap().as_ref()),
        };
        let answer = place.ask(&desk, &format!("{signed}.{signature}"), Duration::ZERO);
        assert_eq!(answer.is_ok(), good, "{alg} {kid}");
    };
    check("EdDSA", "ed", true);
    check("ES384", "ec", true);
    check("EdDSA", "ec", false);
    check("ES384", "ed", false);
}

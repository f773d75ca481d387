//! Shows that tokens say what they were told to, and verify with the published key alone.
//! It never looks at the time of day.

use std::fs;
use std::time::Duration;

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use tempfile::TempDir;

use super::*;

const URL: &str = "https://police.wigan.placehub.example/issuer";

fn given() -> (TempDir, Issuer) {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::create(dir.path(), "police", URL).unwrap();
    (dir, issuer)
}

fn spec() -> TokenSpec {
    TokenSpec {
        subject: "officer-17".to_owned(),
        agency: "police".to_owned(),
        audience: "hub.wigan.placehub.example".to_owned(),
        roles: vec!["neighbourhood-officer".to_owned()],
        teams: vec![],
        areas: vec!["central".to_owned()],
        own: Own::default(),
        thumbprint: "abc".to_owned(),
        issued_at: "2026-11-20T12:00:00.5Z".parse().unwrap(),
        lifetime: Duration::from_secs(900),
    }
}

fn decode(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}

fn json_of(token: &str, part: usize) -> Value {
    serde_json::from_slice(&decode(token.split('.').nth(part).unwrap())).unwrap()
}

fn published(issuer: &Issuer) -> Vec<Value> {
    let text = fs::read_to_string(issuer.jwks_path()).unwrap();
    let set: Value = serde_json::from_str(&text).unwrap();
    set["keys"].as_array().unwrap().clone()
}

/// Whether the published key set, read as a hub reads it, verifies the token.
fn verifies(issuer: &Issuer, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let kid = json_of(token, 0)["kid"].clone();
    let Some(key) = published(issuer).into_iter().find(|key| key["kid"] == kid) else {
        return false;
    };
    let mut point = vec![0x04];
    point.extend(decode(key["x"].as_str().unwrap()));
    point.extend(decode(key["y"].as_str().unwrap()));
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decode(signature))
        .is_ok()
}

#[test]
fn a_token_says_what_it_was_told_to_and_verifies_with_the_published_key() {
    let (_dir, issuer) = given();
    let token = issuer.token(&spec()).unwrap();
    assert_eq!(token.split('.').count(), 3);
    assert!(verifies(&issuer, &token));
    assert_eq!(
        json_of(&token, 0),
        json!({ "alg": "ES256", "typ": "JWT", "kid": issuer.kid() })
    );
    let mut claims = json_of(&token, 1);
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert!(uuid::Uuid::parse_str(id.as_str().unwrap()).is_ok());
    let at = "2026-11-20T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(
        claims,
        json!({
            "iss": URL, "sub": "officer-17", "aud": "hub.wigan.placehub.example", "agency": "police",
            "roles": ["neighbourhood-officer"], "teams": [], "areas": ["central"],
            "iat": at, "nbf": at, "exp": at + 900, "cnf": { "x5t#S256": "abc" },
        })
    );
}

#[test]
fn a_published_key_says_what_it_is_for() {
    let (_dir, issuer) = given();
    let keys = published(&issuer);
    assert_eq!(keys.len(), 1);
    for (field, value) in [("kty", "EC"), ("crv", "P-256"), ("alg", "ES256"), ("use", "sig")] {
        assert_eq!(keys[0][field], value, "{field}");
    }
    assert_eq!(keys[0]["kid"], issuer.kid());
    assert!(keys[0].get("d").is_none());
}

#[test]
fn a_changed_token_does_not_verify() {
    let (_dir, issuer) = given();
    let token = issuer.token(&spec()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = json_of(&token, 1);
    claims["agency"] = json!("housing");
    let forged = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    assert!(!verifies(&issuer, &format!("{}.{forged}.{}", parts[0], parts[2])));
}

#[test]
fn a_reopened_issuer_signs_with_the_same_key() {
    let (dir, issuer) = given();
    let again = Issuer::open(dir.path(), "police", URL).unwrap();
    assert_eq!(again.kid(), issuer.kid());
    assert!(verifies(&issuer, &again.token(&spec()).unwrap()));
}

#[test]
fn an_issuer_is_never_overwritten() {
    let (dir, issuer) = given();
    let refused = Issuer::create(dir.path(), "police", URL).unwrap_err();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");
    assert!(verifies(&issuer, &issuer.token(&spec()).unwrap()));
}

#[test]
fn a_rotation_that_keeps_the_previous_key_lets_earlier_tokens_verify() {
    let (dir, mut issuer) = given();
    let earlier = issuer.token(&spec()).unwrap();
    issuer.rotate(PreviousKey::Keep).unwrap();
    let later = Issuer::open(dir.path(), "police", URL).unwrap().token(&spec()).unwrap();
    assert_ne!(json_of(&earlier, 0)["kid"], json_of(&later, 0)["kid"]);
    assert!(verifies(&issuer, &earlier) && verifies(&issuer, &later));
    issuer.rotate(PreviousKey::Keep).unwrap();
    assert!(!verifies(&issuer, &earlier) && verifies(&issuer, &later));
}

#[test]
fn a_rotation_that_withdraws_the_previous_key_ends_earlier_tokens() {
    let (_dir, mut issuer) = given();
    let earlier = issuer.token(&spec()).unwrap();
    issuer.rotate(PreviousKey::Withdraw).unwrap();
    assert_eq!(published(&issuer).len(), 1);
    assert!(!verifies(&issuer, &earlier));
    assert!(verifies(&issuer, &issuer.token(&spec()).unwrap()));
}

#[test]
fn a_key_that_is_not_published_is_not_opened() {
    let (dir, issuer) = given();
    let (_other_dir, other) = given();
    fs::copy(other.jwks_path(), issuer.jwks_path()).unwrap();
    let refused = Issuer::open(dir.path(), "police", URL).unwrap_err();
    assert!(matches!(refused, Error::Mismatch { .. }), "{refused}");
}

#[test]
fn a_malformed_token_can_be_signed_as_it_stands() {
    let (_dir, issuer) = given();
    let header = json!({ "alg": "HS256", "kid": issuer.kid() }).to_string();
    let token = issuer.sign_raw(&header, "not json").unwrap();
    assert_eq!(decode(token.split('.').nth(1).unwrap()), b"not json");
    assert!(verifies(&issuer, &token));
}

#[test]
fn two_tokens_never_share_an_id() {
    let (_dir, issuer) = given();
    let ids = [(); 2].map(|()| issuer.claims(&spec()).unwrap()["jti"].clone());
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_token_that_never_expires_is_refused() {
    let (_dir, issuer) = given();
    let endless = TokenSpec {
        lifetime: Duration::MAX,
        ..spec()
    };
    let refused = issuer.token(&endless).unwrap_err();
    assert!(matches!(refused, Error::Time { .. }), "{refused}");
}

#[test]
fn a_written_token_stays_in_the_folder_of_its_agency() {
    let (dir, issuer) = given();
    let path = issuer.write_token(&spec()).unwrap();
    assert_eq!(path, dir.path().join("tokens/police/officer-17.jwt"));
    assert!(verifies(&issuer, &fs::read_to_string(path).unwrap()));
    let outside = TokenSpec {
        subject: "../../officer-17".to_owned(),
        ..spec()
    };
    let refused = issuer.write_token(&outside).unwrap_err();
    assert!(matches!(refused, Error::Name { .. }), "{refused}");
}

#[cfg(unix)]
#[test]
fn a_signing_key_is_for_the_owner_alone_also_after_a_rotation() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, mut issuer) = given();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&issuer.key_path()), 0o600);
    issuer.rotate(PreviousKey::Keep).unwrap();
    assert_eq!(mode(&issuer.key_path()), 0o600);
    assert_eq!(mode(&issuer.write_token(&spec()).unwrap()), 0o600);
}

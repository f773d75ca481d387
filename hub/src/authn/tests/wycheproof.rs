//! The Wycheproof vectors for JSON web signatures, through the pinned keys that tokens go through.
//! They live outside the project: `PLACEHUB_FIXTURES`, or `shared/fixtures` beside it. Without them nothing is proved
//! here, and the test says so.

use std::path::PathBuf;

use serde::{Deserialize, de::IgnoredAny};

use super::super::{jwks::Keys, provider, token};
use super::*;

const SUPPORTED: [&str; 5] = ["ES256", "ES384", "EdDSA", "RS256", "PS256"];

/// Valid vectors that are rightly refused: Figure 20 of RFC 7520, which is signed PS384, with a key that says PS256.
/// Wycheproof lets the header choose; a key here has the one algorithm that it names (RFC 8725, 3.1).
const PINNED_OTHERWISE: [u32; 2] = [346, 350];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    public: Option<Value>,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: u32,
    comment: String,
    jws: Value,
    result: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    held: u32,
    refused: u32,
    pinned_otherwise: u32,
    unsupported: u32,
    refused_without_a_key: u32,
}

fn vectors() -> Option<Vectors> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures"));
    let root = std::env::var_os("PLACEHUB_FIXTURES").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(root.join("jose/json_web_signature_test.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The payloads are no claims, so a signature that holds shows as claims that cannot be read.
fn holds(jws: &str, keys: &Keys) -> bool {
    match token::open::<IgnoredAny>(jws, keys) {
        Ok(_) => true,
        Err(error) => error == Error::TokenInvalid { rule: token::CLAIMS },
    }
}

#[test]
fn every_signature_that_wycheproof_refuses_is_refused_and_every_valid_one_holds() {
    let Some(vectors) = vectors() else {
        eprintln!("skipped: no jose/json_web_signature_test.json; set PLACEHUB_FIXTURES to the folder of fixtures");
        return;
    };
    provider::install();
    let mut count = Count::default();
    for group in vectors.test_groups {
        let keys = group.public.as_ref().and_then(pinned);
        for vector in group.tests {
            let holds = match (&keys, vector.jws.as_str()) {
                (Some(keys), Some(jws)) => holds(jws, keys),
                _ => false,
            };
            match (vector.result.as_str(), holds, keys.is_some()) {
                ("valid", true, _) => count.held += 1,
                ("invalid", false, true) => count.refused += 1,
                ("invalid", false, false) => count.refused_without_a_key += 1,
                ("valid", false, false) => count.unsupported += 1,
                ("valid", false, true) if PINNED_OTHERWISE.contains(&vector.tc_id) => {
                    count.pinned_otherwise += 1;
                }
                (result, ..) => panic!("{} ({}) is {result}, and holds: {holds}", vector.tc_id, vector.comment),
            }
        }
    }
    // Without a key: HS256, RS384, RS512, PS384, PS512 and ES512, and keys that are for encryption.
    let all = Count {
        held: 16,
        refused: 304,
        pinned_otherwise: 2,
        unsupported: 28,
        refused_without_a_key: 51,
    };
    assert_eq!(count, all);
}

/// The keys of a group, or none if they are not for us. A key of a supported algorithm that is for signatures must do.
fn pinned(key: &Value) -> Option<Keys> {
    let keys = Keys::parse(&json!({ "keys": [key] }).to_string());
    let alg = key["alg"].as_str().unwrap_or_default();
    assert_eq!(keys.is_ok(), SUPPORTED.contains(&alg), "{key}");
    keys.ok()
}

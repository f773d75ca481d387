//! The public keys of one issuer, each pinned to one algorithm.
//! It never fetches a key, never takes a secret for one, and never guesses an algorithm.

use std::{collections::HashMap, path::Path};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::LoadError;

const MOST_KEYS: usize = 32;
/// The members that only private and symmetric keys have (RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037, 2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Keys by `kid`.
pub(super) struct Keys(HashMap<String, Key>);

/// A key, and the one algorithm it may be used with.
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Map<String, Value>>,
}

impl Keys {
    /// Reads a JSON Web Key Set (RFC 7517, 5).
    ///
    /// Each key must say `kid` and `alg`, and `alg` must be ES256, ES384, EdDSA, RS256 or PS256 and fit the key.
    /// Keys that are published for encryption (`use` or `key_ops`) are passed over. Anything else that is not
    /// understood refuses the whole file: an operator should hear of it before a practitioner does.
    ///
    /// # Errors
    /// [`LoadError::Unreadable`], [`LoadError::Keys`].
    pub(super) fn read(path: &Path) -> Result<Self, LoadError> {
        let text = std::fs::read_to_string(path).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|rule| LoadError::Keys {
            path: path.to_owned(),
            rule,
        })
    }

    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let set: Set = serde_json::from_str(text).map_err(|_| "it is not a JSON Web Key Set (RFC 7517, 5)")?;
        let mut keys = HashMap::new();
        for members in set.keys {
            if PRIVATE.iter().any(|name| members.contains_key(*name)) {
                return Err("it holds a private or symmetric key, which must never be published");
            }
            let jwk: Jwk =
                serde_json::from_value(Value::Object(members)).map_err(|_| "one of its keys cannot be read")?;
            if !is_for_signatures(&jwk) {
                continue;
            }
            let kid = match &jwk.common.key_id {
                Some(kid) if (1..=128).contains(&kid.len()) => kid.clone(),
                _ => return Err("each key needs a kid of 1 to 128 characters"),
            };
            if keys.insert(kid, pin(&jwk)?).is_some() {
                return Err("two of its keys have one kid");
            }
        }
        if keys.is_empty() {
            Err("it holds no key for signatures")
        } else if keys.len() > MOST_KEYS {
            Err("it holds more than 32 keys")
        } else {
            Ok(Self(keys))
        }
    }

    pub(super) fn find(&self, kid: &str) -> Option<&Key> {
        self.0.get(kid)
    }
}

/// RFC 7517, 4.2 and 4.3: a key that says neither may be used for anything.
fn is_for_signatures(jwk: &Jwk) -> bool {
    let used = !matches!(&jwk.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature);
    let operates = jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    used && operates
}

fn pin(jwk: &Jwk) -> Result<Key, &'static str> {
    let Some(named) = jwk.common.key_algorithm else {
        return Err("each key needs an alg, so that no token chooses one");
    };
    let (algorithm, key) = match (named, &jwk.algorithm) {
        (KeyAlgorithm::ES256, AlgorithmParameters::EllipticCurve(ec)) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, point(&ec.x, &ec.y, 32)?)
        }
        (KeyAlgorithm::ES384, AlgorithmParameters::EllipticCurve(ec)) if ec.curve == EllipticCurve::P384 => {
            (Algorithm::ES384, point(&ec.x, &ec.y, 48)?)
        }
        (KeyAlgorithm::EdDSA, AlgorithmParameters::OctetKeyPair(pair)) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, DecodingKey::from_ed_der(&octets(&pair.x, 32)?))
        }
        (KeyAlgorithm::RS256, AlgorithmParameters::RSA(rsa)) => (Algorithm::RS256, modulus(&rsa.n, &rsa.e)?),
        (KeyAlgorithm::PS256, AlgorithmParameters::RSA(rsa)) => (Algorithm::PS256, modulus(&rsa.n, &rsa.e)?),
        _ => {
            return Err("the alg of each key must be ES256, ES384, EdDSA, RS256 or PS256 and fit its kty and crv");
        }
    };
    Ok(Key { algorithm, key })
}

/// RFC 7518, 6.2.1.2: a coordinate has the full width of its field. ring wants the uncompressed point (SEC 1, 2.3.3).
fn point(x: &str, y: &str, width: usize) -> Result<DecodingKey, &'static str> {
    let point = [vec![4], octets(x, width)?, octets(y, width)?].concat();
    Ok(DecodingKey::from_ec_der(&point))
}

fn modulus(n: &str, e: &str) -> Result<DecodingKey, &'static str> {
    let (n, e) = (decode(n)?, decode(e)?);
    let bits = match n.first() {
        Some(first) if *first != 0 => n.len() * 8 - first.leading_zeros() as usize,
        _ => 0,
    };
    let odd = e.last().is_some_and(|last| last % 2 == 1);
    let plain = e.first().is_some_and(|first| *first != 0) && e.len() <= 4 && e != [1];
    if !(2048..=8192).contains(&bits) {
        Err("an RSA key must have 2048 to 8192 bits")
    } else if !(odd && plain) {
        Err("an RSA exponent must be an odd number from 3 on")
    } else {
        Ok(DecodingKey::from_rsa_raw_components(&n, &e))
    }
}

fn octets(text: &str, width: usize) -> Result<Vec<u8>, &'static str> {
    let octets = decode(text)?;
    if octets.len() == width {
        Ok(octets)
    } else {
        Err("a coordinate must have the full width of its curve")
    }
}

fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| "one of its keys is not in base64url without padding")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(key: Value) -> Result<(), &'static str> {
        Keys::parse(&json!({ "keys": [key] }).to_string()).map(drop)
    }

    fn octets(length: usize) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(vec![0xff; length])
    }

    fn ec() -> Value {
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "a", "x": octets(32), "y": octets(32) })
    }

    fn rsa(bytes: usize) -> Value {
        json!({ "kty": "RSA", "alg": "PS256", "kid": "a", "n": octets(bytes), "e": "AQAB" })
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    #[test]
    fn a_key_that_fits_its_algorithm_is_taken() {
        assert_eq!(check(ec()), Ok(()));
        assert_eq!(check(rsa(256)), Ok(()));
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "a", "x": octets(32) });
        assert_eq!(check(ed), Ok(()));
    }

    #[test]
    fn a_key_without_an_algorithm_that_fits_refuses_the_file() {
        let mut without = ec();
        without.as_object_mut().unwrap().remove("alg");
        assert!(check(without).is_err());
        for alg in ["ES384", "RS256", "HS256", "EdDSA", "none", "RS1", "ES512"] {
            assert!(check(with(ec(), "alg", json!(alg))).is_err(), "{alg}");
        }
        assert!(check(with(ec(), "crv", json!("P-384"))).is_err());
        assert!(check(with(rsa(256), "alg", json!("RS512"))).is_err());
    }

    #[test]
    fn a_short_or_odd_key_refuses_the_file() {
        for bytes in [0, 128, 255] {
            assert!(check(rsa(bytes)).is_err(), "{bytes}");
        }
        for exponent in ["", "AQ", "Ag", "AAEAAQ"] {
            assert!(check(with(rsa(256), "e", json!(exponent))).is_err(), "{exponent}");
        }
        assert!(check(with(ec(), "x", json!(octets(31)))).is_err());
        assert!(check(with(ec(), "x", json!("===="))).is_err());
    }

    #[test]
    fn a_secret_in_the_file_refuses_it() {
        let secret = json!({ "kty": "oct", "alg": "HS256", "kid": "a", "k": octets(32) });
        assert!(check(secret).is_err());
        assert!(check(with(ec(), "d", json!(octets(32)))).is_err());
    }

    #[test]
    fn a_key_for_encryption_is_never_used_for_a_signature() {
        for (name, value) in [("use", json!("enc")), ("key_ops", json!(["encrypt"]))] {
            let other = with(with(rsa(256), "kid", json!("e")), name, value);
            let keys = Keys::parse(&json!({ "keys": [ec(), other] }).to_string()).unwrap();
            assert!(keys.find("a").is_some());
            assert!(keys.find("e").is_none());
        }
    }

    #[test]
    fn a_kid_is_there_and_names_one_key() {
        assert!(check(with(ec(), "kid", json!(""))).is_err());
        assert!(check(with(ec(), "kid", Value::Null)).is_err());
        assert!(Keys::parse(&json!({ "keys": [ec(), ec()] }).to_string()).is_err());
        assert!(Keys::parse(r#"{"keys":[]}"#).is_err());
        assert!(Keys::parse("{}").is_err());
    }
}

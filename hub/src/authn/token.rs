//! Verifies a practitioner's token: a JSON Web Token (RFC 7519) from their agency's issuer, bound to the client
//! certificate it comes with (RFC 8705, 3). It never lets the token choose its algorithm or its key.

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Validation, decode, errors::ErrorKind};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{Error, Own, Practitioner, jwks::Keys};
use crate::model::AreaCode;

/// Clocks may differ by this many seconds.
const LEEWAY: i64 = 30;
/// A token is valid for at most this many seconds.
const LONGEST_LIFE: i64 = 15 * 60;
/// A token has at most this many characters.
const LONGEST: usize = 8192;
/// At most this many roles, teams and areas each.
const MOST_NAMES: usize = 32;

/// What a token must say to be believed on this connection.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) agency: &'a str,
    pub(super) thumbprint: &'a [u8; 32],
}

/// Believes a token, or says which rule it breaks.
///
/// `keys` are those of the issuer of the agency that the client certificate names, and of no other.
///
/// # Errors
/// [`Error::TokenInvalid`], [`Error::TokenExpired`], [`Error::TokenNotBound`].
pub(super) fn verify(token: &str, keys: &Keys, expected: &Expected<'_>, now: Timestamp) -> Result<Practitioner, Error> {
    let claims: Claims = open(token, keys)?;
    if claims.iss != expected.issuer {
        return Err(invalid("iss must be the issuer of the certificate's agency"));
    }
    if !claims.aud.holds(expected.audience) {
        return Err(invalid("aud must be this hub"));
    }
    if claims.agency != expected.agency {
        return Err(invalid("agency must be the certificate's agency"));
    }
    let expires_at = claims.lifetime(now)?;
    let own = claims.own()?;
    if !claims.is_bound_to(expected.thumbprint) {
        return Err(Error::TokenNotBound);
    }
    if !is_plain_subject(&claims.sub) {
        return Err(invalid("sub must be 1 to 64 plain characters"));
    }
    Ok(Practitioner {
        subject: claims.sub,
        roles: names(claims.roles)?,
        teams: names(claims.teams)?,
        areas: names(claims.areas)?
            .iter()
            .map(|code| code.parse())
            .collect::<Result<BTreeSet<AreaCode>, _>>()
            .map_err(|_| invalid("areas must be area codes"))?,
        own,
        expires_at,
    })
}

/// Verifies the signature and reads the claims, which nothing has been said of yet.
pub(super) fn open<T: DeserializeOwned>(token: &str, keys: &Keys) -> Result<T, Error> {
    if token.len() > LONGEST {
        return Err(invalid("it must have at most 8192 characters"));
    }
    let header = Header::read(token)?;
    let Some(key) = keys.find(&header.kid) else {
        return Err(invalid("kid must be a key of the issuer of the certificate's agency"));
    };
    if header.alg.parse().ok() != Some(key.algorithm) {
        return Err(invalid("alg must be that of the key"));
    }
    let mut validation = Validation::new(key.algorithm);
    // The library would ask the system for the time, and takes a missing aud or iss for a right one:
    // it verifies the signature here, and all claims are judged above.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    match decode::<T>(token, &key.key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::Json(_) | ErrorKind::Utf8(_) => invalid(CLAIMS),
            _ => invalid("its signature must be the issuer's"),
        }),
    }
}

pub(super) const CLAIMS: &str =
    "its claims must be iss, aud, sub, agency, exp and iat in their usual forms (RFC 7519, 4.1)";

/// The header (RFC 7515, 4.1), read strictly: a member twice, or one that brings its own key, is a refusal.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
    /// RFC 7797: a payload that is not in base64.
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    agency: String,
    cnf: Option<Confirmation>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    areas: Vec<String>,
    /// OpenID Connect Core 1.0, 5.1.
    family_name: Option<String>,
    own_uprn: Option<String>,
    own_postcode: Option<String>,
}

/// RFC 7519, 4.1.3: one text, or an array of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// RFC 7800, 3.1 with the method of RFC 8705, 3.1.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    thumbprint: Option<String>,
}

impl Header {
    fn read(token: &str) -> Result<Self, Error> {
        let wrong = || invalid("it must be a JWS in compact form, with alg and kid (RFC 7515, 7.1)");
        let (first, _) = token.split_once('.').ok_or_else(wrong)?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(first).map_err(|_| wrong())?;
        let header: Self = serde_json::from_slice(&json).map_err(|_| wrong())?;
        if header.crit || header.b64 {
            return Err(invalid("crit and b64 are not understood (RFC 7515, 4.1.11)"));
        }
        if header.jku || header.jwk || header.x5u || header.x5c {
            return Err(invalid("it must not bring its own key: no jku, jwk, x5u or x5c"));
        }
        // RFC 8725, 3.11: a token of another sort, signed with the same key, must not pass for this one.
        let sort = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        match sort.strip_prefix("application/").unwrap_or(&sort) {
            "jwt" | "at+jwt" => Ok(header),
            _ => Err(invalid("typ must be JWT or at+jwt")),
        }
    }
}

impl Claims {
    fn lifetime(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let now = now.as_second();
        let life = self.exp.saturating_sub(self.iat);
        if !(1..=LONGEST_LIFE).contains(&life) {
            return Err(invalid("exp must be at most 15 minutes after iat"));
        }
        if self.iat.max(self.nbf.unwrap_or(i64::MIN)) > now.saturating_add(LEEWAY) {
            return Err(invalid("iat and nbf must not lie ahead"));
        }
        if self.exp.saturating_add(LEEWAY) <= now {
            return Err(Error::TokenExpired);
        }
        Timestamp::from_second(self.exp).map_err(|_| invalid(CLAIMS))
    }

    fn is_bound_to(&self, thumbprint: &[u8; 32]) -> bool {
        let claimed = self.cnf.as_ref().and_then(|cnf| cnf.thumbprint.as_deref());
        claimed
            .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .is_some_and(|claimed| same(&claimed, thumbprint))
    }
}

impl Claims {
    /// A claim that cannot be read is a refusal, because a look that should be flagged would not be.
    fn own(&self) -> Result<Own, Error> {
        let name = self.family_name.as_ref().filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.len() > 256) {
            return Err(invalid("family_name must have at most 256 bytes"));
        }
        let uprn = self.own_uprn.as_deref().map(str::parse).transpose();
        let postcode = self.own_postcode.as_deref().map(str::parse).transpose();
        Ok(Own {
            family_name: name.cloned(),
            uprn: uprn.map_err(|_| invalid("own_uprn must be a UPRN"))?,
            postcode: postcode.map_err(|_| invalid("own_postcode must be a postcode"))?,
        })
    }
}

impl Audience {
    fn holds(&self, hub: &str) -> bool {
        match self {
            Self::One(audience) => audience == hub,
            Self::Many(audiences) => audiences.iter().any(|audience| audience == hub),
        }
    }
}

/// Compares in a time that does not tell how far the two agree.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let differs = one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b));
    std::hint::black_box(differs) == 0
}

fn names(texts: Vec<String>) -> Result<BTreeSet<String>, Error> {
    let plain = |text: &String| {
        (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if texts.len() > MOST_NAMES {
        Err(invalid("roles, teams and areas must be at most 32 each"))
    } else if !texts.iter().all(plain) {
        Err(invalid(
            "roles, teams and areas must be names of 1 to 64 plain characters",
        ))
    } else {
        Ok(texts.into_iter().collect())
    }
}

/// What identity providers use: opaque ids, numbers, base64, `provider|id`, and names at a domain.
fn is_plain_subject(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-@:|/+=~".contains(&b))
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn invalid(rule: &'static str) -> Error {
    Error::TokenInvalid { rule }
}

//! What a practitioner's token says.
//! It carries no more about the practitioner than the agency's own name for them, unless it is told to.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Error, Result};

/// A token to be signed. Its agency is given here and not taken from the issuer,
/// so that one agency's issuer can be shown to speak for another and be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSpec {
    /// The practitioner, in the agency's own words (`sub`).
    pub subject: String,
    /// The practitioner's agency.
    pub agency: String,
    /// The hub that the token is for (`aud`).
    pub audience: String,
    /// What the practitioner is, such as `neighbourhood-officer`.
    pub roles: Vec<String>,
    /// The teams that the practitioner works in.
    pub teams: Vec<String>,
    /// The practitioner's patch: area codes.
    pub areas: Vec<String>,
    /// The practitioner's own name and home, as claims that the hub compares and never keeps: `family_name`, `own_uprn`,
    /// `own_postcode`. What is not told is left out.
    pub own: Own,
    /// The client certificate that alone may present the token (`x5t#S256`, RFC 8705, 3.1).
    pub thumbprint: String,
    /// Issued and valid from, to the second (`iat`, `nbf`).
    pub issued_at: Timestamp,
    /// How long it is valid, in whole seconds (`exp` is the end).
    pub lifetime: Duration,
}

/// A practitioner's own name and home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Family name (OpenID Connect Core 1.0, 5.1).
    pub family_name: Option<String>,
    /// UPRN of the home.
    pub uprn: Option<String>,
    /// Postcode of the home.
    pub postcode: Option<String>,
}

impl TokenSpec {
    pub(super) fn claims(&self, issuer_url: &str) -> Result<Value> {
        let expires = self
            .issued_at
            .checked_add(self.lifetime)
            .map_err(|_| Error::Time { field: "lifetime" })?;
        let mut claims = json!({
            "iss": issuer_url,
            "sub": self.subject,
            "aud": self.audience,
            "agency": self.agency,
            "roles": self.roles,
            "teams": self.teams,
            "areas": self.areas,
            "iat": self.issued_at.as_second(),
            "nbf": self.issued_at.as_second(),
            "exp": expires.as_second(),
            "jti": Uuid::new_v4().to_string(),
            "cnf": { "x5t#S256": self.thumbprint },
        });
        let own = [
            ("family_name", &self.own.family_name),
            ("own_uprn", &self.own.uprn),
            ("own_postcode", &self.own.postcode),
        ];
        for (name, told) in own {
            if let (Some(claims), Some(told)) = (claims.as_object_mut(), told) {
                claims.insert(name.to_owned(), told.as_str().into());
            }
        }
        Ok(claims)
    }
}

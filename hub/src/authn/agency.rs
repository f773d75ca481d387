//! The register of agencies: who takes part in this place, and who vouches for their practitioners.
//! It never reads a file, and never holds two agencies that could be taken for each other.

use std::{collections::HashMap, path::PathBuf};

use serde::Deserialize;

use super::LoadError;
use crate::model::{AgencyId, Sector};

/// An agency, as the hub's settings have it (`[[agency]]`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// Its id, as in its certificates: `spiffe://PLACE/agency/ID/WORKLOAD`.
    pub id: AgencyId,
    /// Its sort, which the catalogue and agreements speak of.
    pub sector: Sector,
    /// Its full name, for people.
    pub name: String,
    /// Whom to write to about it.
    pub contact: String,
    /// Who vouches for its practitioners. Without one it has workloads only.
    pub issuer: Option<Issuer>,
}

/// An agency's identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// What its tokens say as `iss`, to the letter (RFC 7519, 4.1.1). Nothing is fetched from it.
    pub url: String,
    /// Its public keys, a JSON Web Key Set (RFC 7517) in which each key says its `kid` and `alg`.
    pub keys: PathBuf,
}

/// The agencies of the place, by id. Ids and issuer urls are unique.
#[derive(Debug, Clone, Default)]
pub struct Agencies(HashMap<AgencyId, Agency>);

impl Agencies {
    /// Checks the register.
    ///
    /// # Errors
    /// [`LoadError::Twice`], [`LoadError::SharedIssuer`], [`LoadError::IssuerUrl`].
    pub fn new(agencies: impl IntoIterator<Item = Agency>) -> Result<Self, LoadError> {
        let mut by_id = HashMap::new();
        let mut by_url: HashMap<String, AgencyId> = HashMap::new();
        for agency in agencies {
            if let Some(issuer) = &agency.issuer {
                check_url(&issuer.url, &agency.id)?;
                if let Some(one) = by_url.insert(issuer.url.clone(), agency.id.clone()) {
                    return Err(LoadError::SharedIssuer { one, other: agency.id });
                }
            }
            if let Some(one) = by_id.insert(agency.id.clone(), agency) {
                return Err(LoadError::Twice { id: one.id });
            }
        }
        Ok(Self(by_id))
    }

    /// The agency of this id, if it is registered.
    pub fn find(&self, id: &AgencyId) -> Option<&Agency> {
        self.0.get(id)
    }

    /// All agencies, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Agency> {
        self.0.values()
    }
}

/// RFC 8414, 2: an issuer is an https url. It is compared letter by letter, so no spaces may hide in it.
fn check_url(url: &str, id: &AgencyId) -> Result<(), LoadError> {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(LoadError::IssuerUrl { id: id.clone() })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agency(id: &str, url: &str) -> Agency {
        Agency {
            id: id.parse().unwrap(),
            sector: id.parse().unwrap(),
            name: id.into(),
            contact: "someone@example.invalid".into(),
            issuer: Some(Issuer {
                url: url.into(),
                keys: PathBuf::new(),
            }),
        }
    }

    #[test]
    fn two_agencies_never_share_an_id_or_an_issuer() {
        let police = agency("police", "https://a.example");
        let twice = [police.clone(), agency("police", "https://b.example")];
        assert!(matches!(Agencies::new(twice), Err(LoadError::Twice { .. })));
        let shared = [police, agency("health", "https://a.example")];
        assert!(matches!(Agencies::new(shared), Err(LoadError::SharedIssuer { .. })));
    }

    #[test]
    fn an_issuer_is_an_https_url() {
        for url in ["", "https://", "http://a.example", "https://a.example ", "a.example"] {
            let register = Agencies::new([agency("police", url)]);
            assert!(matches!(register, Err(LoadError::IssuerUrl { .. })), "{url:?}");
        }
    }

    #[test]
    fn settings_with_an_unknown_name_are_refused() {
        let text = r#"
            id = "police"
            sector = "police"
            name = "Made-up Constabulary"
            contact = "someone@example.invalid"
            issuer = { url = "https://a.example", keys = "police.jwks.json" }
        "#;
        assert!(toml::from_str::<Agency>(text).is_ok());
        assert!(toml::from_str::<Agency>(&format!("{text}\nroles = []")).is_err());
    }
}

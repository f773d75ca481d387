//! Who calls, proved; and the one place that proves it.
//! A caller is never made of a certificate that is revoked or expired, nor of a token that is not bound to it.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use spiffe::TrustDomain;

use super::{
    Agencies, Agency, Error, LoadError, Peer,
    jwks::Keys,
    peer::sha256,
    provider,
    token::{self, Expected},
};
use crate::{
    model::{AgencyId, AreaCode, Postcode, Sector, Uprn},
    tls::{Live, Standing},
};

/// How many verified tokens are remembered: the practitioners of a place who are at work at once, with room.
const REMEMBERED: usize = 8192;

/// A proved caller: a workload of an agency and, where a token came with the request, the practitioner who asks
/// through it. Made by [`Authenticator::caller`] alone.
#[derive(Debug, Clone)]
pub struct Caller {
    agency: AgencyId,
    sector: Sector,
    workload: Arc<str>,
    thumbprint: [u8; 32],
    practitioner: Option<Arc<Practitioner>>,
}

/// A person at an agency who asks, as the agency's issuer describes them. Prints as `Practitioner(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Practitioner {
    /// Who it is, in the agency's own words (`sub`).
    pub subject: String,
    /// What they are, e.g. `neighbourhood-officer`.
    pub roles: BTreeSet<String>,
    /// The teams they work in.
    pub teams: BTreeSet<String>,
    /// Their patch.
    pub areas: BTreeSet<AreaCode>,
    /// Their own name and home, as far as the issuer tells: compared with whom they ask about, and never kept.
    pub own: Own,
    /// When their token ends, and with it what they have been let see: a watch must end by then.
    pub expires_at: Timestamp,
}

/// What an issuer may tell of a practitioner's own name and home (`family_name`, `own_uprn`, `own_postcode`).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// Family name.
    pub family_name: Option<String>,
    /// Home address.
    pub uprn: Option<Uprn>,
    /// Home postcode.
    pub postcode: Option<Postcode>,
}

/// Proves callers. One for the hub; shared.
pub struct Authenticator {
    place: TrustDomain,
    audience: String,
    tls: Arc<Live>,
    known: ArcSwap<Known>,
    reloading: Mutex<()>,
}

/// The agencies and keys in force, and what was verified with them. The three are replaced as one, so that no token
/// verified with a withdrawn key is remembered, not even by a request that was under way.
struct Known {
    agencies: Agencies,
    keys: HashMap<AgencyId, Keys>,
    verified: Cache<[u8; 32], Arc<Practitioner>>,
}

/// The token of an `authorization` header: `Bearer TOKEN` (RFC 6750, 2.1), the scheme in any case.
///
/// # Errors
/// [`Error::TokenInvalid`] for another scheme or no token.
pub fn bearer(authorization: &str) -> Result<&str, Error> {
    match authorization.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        _ => Err(Error::TokenInvalid {
            rule: "authorization must be: Bearer TOKEN",
        }),
    }
}

impl Authenticator {
    /// Reads the keys of every agency's issuer.
    ///
    /// `place` is the trust domain of client certificates, `audience` what tokens must say as `aud`, `tls` whose
    /// revocation list is asked at every request.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn open(place: &str, audience: &str, agencies: Agencies, tls: Arc<Live>) -> Result<Self, LoadError> {
        provider::install();
        if audience.is_empty() {
            return Err(LoadError::Audience);
        }
        Ok(Self {
            place: TrustDomain::new(place).map_err(|_| LoadError::Place)?,
            audience: audience.to_owned(),
            tls,
            known: ArcSwap::from_pointee(Known::load(agencies)?),
            reloading: Mutex::new(()),
        })
    }

    /// Reads the key sets again. Tokens of a key that is gone are refused from then on, remembered or not.
    ///
    /// # Errors
    /// [`LoadError`]: what was in force before then stays in force.
    pub fn reload(&self) -> Result<(), LoadError> {
        let _one_at_a_time = self.reloading.lock();
        let agencies = self.known.load().agencies.clone();
        self.known.store(Arc::new(Known::load(agencies)?));
        Ok(())
    }

    /// Reads a client certificate, once a connection: for `tls::listen`.
    ///
    /// # Errors
    /// [`Error::CertificateUnknown`].
    pub fn identify(&self, certificate: &[u8]) -> Result<Peer, Error> {
        Peer::from_certificate(certificate, &self.place, &self.known.load().agencies)
    }

    /// Proves the caller of one request. Without a token it is a workload; a token that is not right is a refusal, and
    /// never a workload. A token is verified once and then remembered until it expires.
    ///
    /// # Errors
    /// All of [`Error`] but [`Error::TokenMissing`].
    pub fn caller(&self, peer: &Peer, bearer: Option<&str>, now: Timestamp) -> Result<Caller, Error> {
        match self.tls.revoked().standing(peer.certificate(), now) {
            Standing::Good => {}
            Standing::Revoked => return Err(Error::CertificateRevoked),
            Standing::Stale => return Err(Error::RevocationStale),
        }
        if peer.not_after() < now {
            return Err(Error::CertificateExpired);
        }
        let known = self.known.load();
        let Some(agency) = known.agencies.find(peer.agency()) else {
            return Err(Error::CertificateUnknown {
                rule: "its agency is not registered",
            });
        };
        let practitioner = match bearer {
            Some(token) => Some(known.practitioner(token, agency, peer, &self.audience, now)?),
            None => None,
        };
        Ok(Caller {
            agency: agency.id.clone(),
            sector: agency.sector.clone(),
            workload: peer.shared_workload(),
            thumbprint: *peer.thumbprint(),
            practitioner,
        })
    }
}

impl Known {
    fn load(agencies: Agencies) -> Result<Self, LoadError> {
        let keys = agencies
            .iter()
            .filter_map(|agency| agency.issuer.as_ref().map(|issuer| (agency, issuer)))
            .map(|(agency, issuer)| Ok((agency.id.clone(), Keys::read(&issuer.keys)?)))
            .collect::<Result<_, LoadError>>()?;
        Ok(Self {
            agencies,
            keys,
            verified: Cache::new(REMEMBERED),
        })
    }

    fn practitioner(
        &self,
        token: &str,
        agency: &Agency,
        peer: &Peer,
        audience: &str,
        now: Timestamp,
    ) -> Result<Arc<Practitioner>, Error> {
        // By its digest, so that no token stays in memory; and with the certificate, so that what one certificate has
        // shown is verified anew for another.
        let key = sha256(&[peer.thumbprint(), token.as_bytes()]);
        if let Some(practitioner) = self.verified.get(&key)
            && now < practitioner.expires_at
        {
            return Ok(practitioner);
        }
        let (Some(issuer), Some(keys)) = (&agency.issuer, self.keys.get(&agency.id)) else {
            return Err(Error::TokenInvalid {
                rule: "the certificate's agency has no issuer",
            });
        };
        let expected = Expected {
            issuer: &issuer.url,
            audience,
            agency: agency.id.as_str(),
            thumbprint: peer.thumbprint(),
        };
        let practitioner = Arc::new(token::verify(token, keys, &expected, now)?);
        self.verified.insert(key, Arc::clone(&practitioner));
        Ok(practitioner)
    }
}

impl Caller {
    /// The agency.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// The agency's sort.
    pub fn sector(&self) -> &Sector {
        &self.sector
    }

    /// The workload, in the agency's words: `adapter`, `desk`.
    pub fn workload(&self) -> &str {
        &self.workload
    }

    /// SHA-256 of the client certificate's DER.
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// The practitioner, where a token came with the request.
    pub fn practitioner(&self) -> Option<&Practitioner> {
        self.practitioner.as_deref()
    }

    /// The practitioner, for a call that only people make.
    ///
    /// # Errors
    /// [`Error::TokenMissing`].
    pub fn need_practitioner(&self) -> Result<&Practitioner, Error> {
        self.practitioner().ok_or(Error::TokenMissing)
    }
}

#[cfg(test)]
impl Caller {
    /// A caller for the tests of other rooms, which prove nothing about callers.
    pub(crate) fn sample(agency: &str, sector: &str, workload: &str, practitioner: Option<Practitioner>) -> Self {
        Self {
            agency: agency.parse().unwrap(),
            sector: sector.parse().unwrap(),
            workload: workload.into(),
            thumbprint: [7; 32],
            practitioner: practitioner.map(Arc::new),
        }
    }
}

impl fmt::Debug for Practitioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Practitioner(…)")
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("place", &self.place)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

//! Which certificates have been revoked, for a look-up at every request.
//! It never decides what a revoked caller is told, and never holds more than fingerprints.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate, X509Name};

use super::Error;

/// What names a certificate for good: SHA-256 of its issuer's name (DER) and its serial number (RFC 5280, 4.1.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificateName([u8; 32]);

/// What the revocation lists say of a certificate at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No list names it.
    Good,
    /// A list names it.
    Revoked,
    /// A list is past its next update, so nothing can be said of any certificate: closed to all.
    Stale,
}

/// Everything that the revocation lists in force name.
#[derive(Debug, Default)]
pub struct Revoked {
    names: HashSet<CertificateName>,
    next_update: Option<Timestamp>,
}

impl CertificateName {
    /// Names the certificate of this issuer and serial. `issuer` is the DER of the name, as it stands in the
    /// certificate; leading zeros of `serial` are dropped, since encoders differ in them.
    pub fn new(issuer: &[u8], serial: &[u8]) -> Self {
        let zeros = serial.iter().take_while(|byte| **byte == 0).count();
        let mut context = Context::new(&SHA256);
        // The DER of a name says its own length, so the two parts cannot run into each other.
        context.update(issuer);
        context.update(serial.get(zeros..).unwrap_or_default());
        let digest = context.finish();
        Self(std::array::from_fn(|i| {
            digest.as_ref().get(i).copied().unwrap_or_default()
        }))
    }
}

impl Revoked {
    /// What is known of a certificate now. A list that has run out closes the door to everybody: a thief who can
    /// hold back the next list must gain nothing by it.
    pub fn standing(&self, certificate: &CertificateName, now: Timestamp) -> Standing {
        if self.names.contains(certificate) {
            Standing::Revoked
        } else if self.next_update.is_some_and(|next| next <= now) {
            Standing::Stale
        } else {
            Standing::Good
        }
    }

    /// When the first of the lists runs out, and all clients are shut out unless newer ones have been loaded.
    /// None if the hub keeps no list.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// How many certificates are named.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no certificate is named.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Reads lists that the authorities signed. Each authority must have one: the verifier of handshakes refuses
    /// every certificate of an authority that has none.
    pub(super) fn read(
        lists: &[CertificateRevocationListDer<'_>],
        authorities: &[CertificateDer<'_>],
        path: &Path,
    ) -> Result<Self, Error> {
        let refuse = |fault| Error::List {
            path: path.to_owned(),
            fault,
        };
        let authorities = authorities
            .iter()
            .map(|der| X509Certificate::from_der(der).map(|(_, certificate)| certificate))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| refuse("stands beside an authority that cannot be read"))?;
        let mut all = Self::default();
        let mut issuers = BTreeSet::new();
        for der in lists {
            let (_, list) =
                CertificateRevocationList::from_der(der).map_err(|_| refuse("cannot be read as one (RFC 5280, 5)"))?;
            if !signed_by_one_of(&list, &authorities) {
                return Err(refuse("is not signed by a client authority"));
            }
            issuers.insert(list.issuer().as_raw().to_owned());
            all.add(&list)
                .ok_or_else(|| refuse("does not say when the next one is due"))?;
        }
        let covers = |name: &X509Name<'_>| issuers.contains(name.as_raw());
        if authorities.iter().all(|authority| covers(authority.subject())) {
            Ok(all)
        } else {
            Err(refuse(
                "leaves out a client authority, whose certificates would all be refused",
            ))
        }
    }

    fn add(&mut self, list: &CertificateRevocationList<'_>) -> Option<()> {
        let due = Timestamp::from_second(list.next_update()?.timestamp()).ok()?;
        self.next_update = Some(self.next_update.map_or(due, |earlier| earlier.min(due)));
        let issuer = list.issuer().as_raw();
        self.names.extend(
            list.iter_revoked_certificates()
                .map(|entry| CertificateName::new(issuer, entry.raw_serial())),
        );
        Some(())
    }
}

fn signed_by_one_of(list: &CertificateRevocationList<'_>, authorities: &[X509Certificate<'_>]) -> bool {
    authorities.iter().any(|authority| {
        authority.subject().as_raw() == list.issuer().as_raw() && list.verify_signature(authority.public_key()).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_leading_zero_does_not_make_another_certificate() {
        assert_eq!(
            CertificateName::new(b"ca", &[0, 0x81, 2]),
            CertificateName::new(b"ca", &[0x81, 2])
        );
        assert_ne!(CertificateName::new(b"ca", &[1]), CertificateName::new(b"cb", &[1]));
    }

    #[test]
    fn a_list_that_ran_out_closes_the_door_to_everybody() {
        let (good, bad) = (CertificateName::new(b"ca", &[1]), CertificateName::new(b"ca", &[2]));
        let revoked = Revoked {
            names: [bad].into(),
            next_update: Some(at(100)),
        };
        assert_eq!(revoked.standing(&good, at(99)), Standing::Good);
        assert_eq!(revoked.standing(&bad, at(99)), Standing::Revoked);
        assert_eq!(revoked.standing(&good, at(100)), Standing::Stale);
        assert_eq!(revoked.standing(&bad, at(100)), Standing::Revoked);
    }

    #[test]
    fn no_list_never_runs_out() {
        let name = CertificateName::new(b"ca", &[1]);
        assert_eq!(Revoked::default().standing(&name, Timestamp::MAX), Standing::Good);
    }
}

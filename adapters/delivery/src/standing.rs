//! How an adapter stands: what waits, what is kept back, when the hub last answered, how long its certificate is good for.
//! It reads files alone, so it works beside a running daemon and without one; it never opens the outbox.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use x509_parser::pem::Pem;

use crate::{
    metrics::Gauges,
    outbox::{self, Glance},
    quarantine::{self, Quarantine},
    settings::{Settings, Station},
};

/// How few days a certificate may have left before somebody should see to it.
const SOON: i64 = 14;

/// How an adapter stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// What waits in the outbox.
    pub outbox: Glance,
    /// How many entries the quarantine holds.
    pub quarantined: u64,
    /// How many entries of the quarantine are to be sent again when the daemon next looks.
    pub to_be_sent: u64,
    /// When the adapter's certificate ends.
    pub certificate_ends: Option<Timestamp>,
    /// What could not be found out, and why.
    pub faults: Vec<String>,
}

impl Standing {
    /// Looks at the state of an adapter.
    pub fn of(station: &Station) -> Self {
        let mut standing = Self::default();
        match outbox::glance(&station.outbox()) {
            Ok(glance) => standing.outbox = glance,
            Err(error) => standing.faults.push(crate::folder::chain(&error)),
        }
        if quarantine::exists(&station.quarantine()) {
            let counts =
                Quarantine::open(&station.quarantine()).and_then(|it| Ok((it.count()?, it.to_be_sent()?.len() as u64)));
            match counts {
                Ok((held, again)) => (standing.quarantined, standing.to_be_sent) = (held, again),
                Err(error) => standing.faults.push(crate::folder::chain(&error)),
            }
        }
        match Settings::load(&station.file) {
            Ok(settings) => standing.certificate_ends = end_of(&settings.certificate),
            Err(error) => standing.faults.push(crate::folder::chain(&error)),
        }
        standing
    }

    /// Whether somebody should look at it.
    pub fn needs_somebody(&self, now: Timestamp) -> bool {
        let certificate = self.certificate_days(now).is_none_or(|days| days < SOON);
        self.quarantined > 0 || certificate || !self.faults.is_empty()
    }

    /// As numbers for Prometheus.
    pub fn gauges(&self, now: Timestamp) -> Gauges {
        Gauges {
            waiting: self.outbox.waiting,
            oldest_seconds: self.outbox.oldest.map(|at| now.as_second() - at.as_second()),
            last_answer: self.outbox.last_answer.map(Timestamp::as_second),
            quarantined: self.quarantined,
            certificate_days: self.certificate_days(now),
        }
    }

    /// As JSON, for scripts.
    pub fn json(&self, now: Timestamp) -> Json {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({
            "outbox_depth": self.outbox.waiting,
            "oldest_entry_at": text(self.outbox.oldest),
            "last_answer_at": text(self.outbox.last_answer),
            "quarantined": self.quarantined,
            "to_be_sent_again": self.to_be_sent,
            "certificate_ends_at": text(self.certificate_ends),
            "certificate_days_left": self.certificate_days(now),
            "faults": self.faults,
        })
    }

    /// For a person, a line for each.
    pub fn lines(&self, now: Timestamp) -> String {
        let since = self
            .outbox
            .oldest
            .map(|at| format!(", the oldest since {at}"))
            .unwrap_or_default();
        let again = match self.to_be_sent {
            0 => String::new(),
            count => format!(", {count} to be sent again"),
        };
        let last = self.outbox.last_answer.map_or("never".to_owned(), |at| at.to_string());
        let certificate = match self.certificate_days(now) {
            Some(days) if days < 0 => "has expired".to_owned(),
            Some(days) => format!("{days} days left"),
            None => "not known".to_owned(),
        };
        let mut lines = format!(
            "outbox: {} waiting{since}\nquarantine: {} held{again}\nlast answer of the hub: {last}\ncertificate: {certificate}",
            self.outbox.waiting, self.quarantined
        );
        for fault in &self.faults {
            lines = format!("{lines}\nfault: {fault}");
        }
        lines
    }

    fn certificate_days(&self, now: Timestamp) -> Option<i64> {
        let end = self.certificate_ends?;
        Some((end.as_second() - now.as_second()).div_euclid(24 * 60 * 60))
    }
}

/// When the first certificate of a PEM file ends.
fn end_of(pem: &[u8]) -> Option<Timestamp> {
    let pem = Pem::iter_from_buffer(pem).next()?.ok()?;
    let certificate = pem.parse_x509().ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_soon_needs_somebody() {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let end = end_of(own.cert.pem().as_bytes()).unwrap();
        let standing = Standing {
            certificate_ends: Some(end),
            ..Default::default()
        };
        let days = |days: i64| Timestamp::from_second(end.as_second() - days * 86_400).unwrap();
        assert!(!standing.needs_somebody(days(14)));
        assert!(standing.needs_somebody(days(13)));
        assert!(standing.lines(days(13)).ends_with("certificate: 13 days left"));
        assert!(standing.lines(days(-1)).ends_with("certificate: has expired"));
    }

    #[test]
    fn an_entry_in_quarantine_needs_somebody() {
        let standing = Standing {
            quarantined: 1,
            certificate_ends: Some(Timestamp::MAX),
            ..Default::default()
        };
        assert!(standing.needs_somebody(Timestamp::UNIX_EPOCH));
        assert_eq!(standing.json(Timestamp::UNIX_EPOCH)["quarantined"], 1);
    }
}

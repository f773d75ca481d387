//! What the mapping says on consents: the hub's words for the codes that a FHIR Consent may name.
//! It never guesses: a code that it does not know has no word.

use std::collections::BTreeMap;

use placehub_proto::v1::ConsentMethod;

use super::catalogue::Catalogue;

/// The hub's words for the codes of consents.
#[derive(Debug, Clone)]
pub(crate) struct Consents {
    /// How it was said, if the Consent does not show.
    pub(crate) method: ConsentMethod,
    pub(super) agencies: BTreeMap<String, String>,
    pub(super) purposes: BTreeMap<String, String>,
    pub(super) kinds: BTreeMap<String, String>,
    pub(super) catalogue: Catalogue,
}

impl Consents {
    /// The hub's agency, by a code or reference.
    pub(crate) fn agency(&self, code: &str) -> Option<String> {
        self.agencies.get(code).cloned()
    }

    /// The hub's purpose, by the mapping's code or its own.
    pub(crate) fn purpose(&self, code: &str) -> Option<String> {
        let own = || self.catalogue.has_purpose(code).then(|| code.to_owned());
        self.purposes.get(code).cloned().or_else(own)
    }

    /// The hub's kind, by the mapping's code or its own. A consent may be about the kinds of any agency; a word of the mapping
    /// is the trust's to answer for.
    pub(crate) fn kind(&self, code: &str) -> Option<String> {
        let own = || self.catalogue.has_kind(code).then(|| code.to_owned());
        self.kinds.get(code).cloned().or_else(own)
    }
}

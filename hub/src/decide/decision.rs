//! What was decided: a value with one maker (this room), which the ledger records before anything follows from it.
//! Holds labels and ids; never content, never identifiers of people.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{Ruling, explain::Explanation};
use crate::{
    authn::Caller,
    model::{AgreementId, AreaCode, Header, KindId, Level, PolicyVersion, Question, Sector, Stance},
};

/// A decision. Private fields: only `decide` makes one.
#[derive(Debug, Clone)]
pub struct Decision {
    pub(super) at: Timestamp,
    pub(super) caller: Caller,
    pub(super) deed: Deed,
    pub(super) reach: Arc<[AreaCode]>,
    pub(super) refusal: Option<Refusal>,
    pub(super) policy: Arc<str>,
    pub(super) version: PolicyVersion,
    pub(super) agreements: BTreeSet<AgreementId>,
    pub(super) rules: BTreeSet<String>,
    pub(super) shown: Vec<Shown>,
    pub(super) tally: Vec<Tally>,
}

/// What the caller wanted to do.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Ask a question.
    Ask(Box<Question>),
    /// Run the hub.
    Operate(Operation),
    /// Keep a question open.
    Watch(Box<Question>),
}

/// The things that run the hub and show no signal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// See a person's access log, as a resident may.
    AccessLog,
    /// Ask what a practitioner asked.
    AskedBy,
    /// Say that an NHS number was replaced.
    ChangeNhsNumber,
    /// Take the whole ledger away.
    ExportLedger,
    /// Say that records are of one person.
    JoinIdentities {
        /// Whether any of them is named by an NHS number; else only by references of the caller's own agency.
        by_nhs_number: bool,
    },
    /// Ask what left under an agreement.
    LeftUnder,
    /// See what people said.
    ListConsents {
        /// Whether only the caller's agency's own statements are asked for.
        own_statements_only: bool,
    },
    /// Page through the ledger.
    ListEntries,
    /// See what is held back from access logs.
    ListHeld,
    /// Ask who asked about a name or a home of their own.
    NearSelf,
    /// Have it proved that an entry is in the ledger, or that the ledger only grew.
    ProveLedger,
    /// Keep a signal.
    Push {
        /// Its kind.
        kind: KindId,
        /// Which sort of agency may own it.
        owner_sector: Sector,
    },
    /// Read the signed head of the ledger.
    ReadCheckpoint,
    /// Take down what a person said.
    RecordConsent {
        /// What they said.
        stance: Stance,
    },
    /// Say that a person died.
    RecordDeath,
    /// Ask who was refused, and why.
    Refusals,
    /// Take back a signal of one's own: sources are looked up under the caller's agency alone.
    Retract,
    /// Take back the news of a death that one brought: sources are looked up under the caller's agency alone.
    RetractDeath,
    /// Release or keep what is held back from access logs.
    ReviewHeld,
    /// Take back a join or a replaced number of one's own: sources are looked up under the caller's agency alone.
    SeparateIdentities,
    /// See all of one entry.
    ShowEntry,
    /// Ask who saw a person.
    WhoSaw,
    /// Ask who looked people up without naming a case.
    WithoutCase,
}

/// Why somebody was refused. Speaks of the asker's standing alone, never of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which sort of reason.
    pub code: RefusalCode,
    /// One sentence.
    pub reason: String,
    /// For a question: the nearest rule, what of it is not met, and who could lift that.
    pub explanation: Option<Arc<Explanation>>,
}

/// Sorts of refusal, as the contract lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// The kind belongs to another sort of agency.
    KindNotYours,
    /// No rule permits it.
    NotPermitted,
}

/// A signal that is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its labels.
    pub header: Arc<Header>,
    /// How much of it.
    pub level: Level,
}

/// How many signals of a class were looked at, and what was decided for the class.
#[derive(Debug, Clone)]
pub struct Tally {
    /// What was decided, on which class.
    pub ruling: Arc<Ruling>,
    /// How many.
    pub count: u32,
}

impl Decision {
    /// When it was made.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// For whom.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// On what.
    pub fn deed(&self) -> &Deed {
        &self.deed
    }

    /// If it is about an address or area: its area and every area around it.
    pub fn reach(&self) -> &[AreaCode] {
        &self.reach
    }

    /// Why not, if it is a refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Digest of the policy set.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// The version of the policy set that decided, as it calls itself.
    pub fn version(&self) -> &PolicyVersion {
        &self.version
    }

    /// The agreements that permitted it.
    pub fn agreements(&self) -> &BTreeSet<AgreementId> {
        &self.agreements
    }

    /// The rules that decided.
    pub fn rules(&self) -> &BTreeSet<String> {
        &self.rules
    }

    /// What is shown.
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    /// What is shown, by itself.
    pub fn into_shown(self) -> Vec<Shown> {
        self.shown
    }

    /// What was looked at, by class.
    pub fn tally(&self) -> &[Tally] {
        &self.tally
    }
}

impl Deed {
    /// The word that the ledger uses.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ask(_) => "ask",
            Self::Operate(operation) => operation.word(),
            Self::Watch(_) => "watch",
        }
    }

    /// The question, if it is one.
    pub fn question(&self) -> Option<&Question> {
        match self {
            Self::Ask(question) | Self::Watch(question) => Some(question),
            Self::Operate(_) => None,
        }
    }
}

impl Operation {
    /// The name of its action in the policies.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::AccessLog => "access_log",
            Self::AskedBy => "asked_by",
            Self::ChangeNhsNumber => "change_nhs_number",
            Self::ExportLedger => "export_ledger",
            Self::JoinIdentities { .. } => "join_identities",
            Self::LeftUnder => "left_under",
            Self::ListConsents { .. } => "list_consents",
            Self::ListEntries => "list_entries",
            Self::ListHeld => "list_held",
            Self::NearSelf => "near_self",
            Self::ProveLedger => "prove_ledger",
            Self::Push { .. } => "push",
            Self::ReadCheckpoint => "read_checkpoint",
            Self::RecordConsent { .. } => "record_consent",
            Self::RecordDeath => "record_death",
            Self::Refusals => "refusals",
            Self::Retract => "retract",
            Self::RetractDeath => "retract_death",
            Self::ReviewHeld => "review_held",
            Self::SeparateIdentities => "separate_identities",
            Self::ShowEntry => "show_entry",
            Self::WhoSaw => "who_saw",
            Self::WithoutCase => "without_case",
        }
    }

    /// The word that the ledger uses.
    pub fn word(&self) -> &'static str {
        match self {
            Self::AccessLog => "access-log",
            Self::AskedBy => "asked-by",
            Self::ChangeNhsNumber => "change-nhs-number",
            Self::ExportLedger => "export-ledger",
            Self::JoinIdentities { .. } => "join-identities",
            Self::LeftUnder => "left-under",
            Self::ListConsents { .. } => "list-consents",
            Self::ListEntries => "list-entries",
            Self::ListHeld => "list-held",
            Self::NearSelf => "near-self",
            Self::ProveLedger => "prove-ledger",
            Self::Push { .. } => "push",
            Self::ReadCheckpoint => "read-checkpoint",
            Self::RecordConsent { .. } => "record-consent",
            Self::RecordDeath => "record-death",
            Self::Refusals => "refusals",
            Self::Retract => "retract",
            Self::RetractDeath => "retract-death",
            Self::ReviewHeld => "review-held",
            Self::SeparateIdentities => "separate-identities",
            Self::ShowEntry => "show-entry",
            Self::WhoSaw => "who-saw",
            Self::WithoutCase => "without-case",
        }
    }
}

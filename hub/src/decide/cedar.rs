//! Puts one question to Cedar. The only file that builds Cedar requests; every uid is built as a value.
//! Any evaluation error, and any request that does not fit the schema, is a denial.

use std::collections::{BTreeMap, HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression as Expression, Schema,
};

use super::class::{Class, Reasons, Standing};
use crate::model::{AgencyId, AreaCode, Level, Sector};

/// Cedar's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Permitted, by these rules.
    Allow(Vec<String>),
    /// Not permitted; by these forbids, if any.
    Deny(Vec<String>),
    /// Something was wrong with the evaluation. Counts as a denial, and is to be looked into.
    Fault(String),
}

/// An entity that is not in the schema's words would be a mistake of this file or of the schema.
type Built<T> = Result<T, String>;

/// A request in the making.
pub(super) struct Asking<'s> {
    schema: &'s Schema,
    types: &'s Types,
    entities: BTreeMap<String, Entity>,
}

/// The entity types of the schema, parsed once.
#[derive(Debug)]
pub(super) struct Types(HashMap<&'static str, EntityTypeName>);

impl Types {
    pub(super) fn parse() -> Built<Self> {
        let names = [
            "Action",
            "Agency",
            "ConsentRecord",
            "Gateway",
            "Identities",
            "Inquiry",
            "Kind",
            "Ledger",
            "Practitioner",
            "Purpose",
            "Signal",
            "Statement",
            "Workload",
        ];
        let mut types = HashMap::new();
        for name in names {
            let parsed = format!("Placehub::{name}").parse();
            let parsed = parsed.map_err(|why: cedar_policy::ParseErrors| why.to_string())?;
            types.insert(name, parsed);
        }
        Ok(Self(types))
    }

    fn uid(&self, name: &str, id: &str) -> Built<EntityUid> {
        let name = self.0.get(name).ok_or_else(|| format!("no entity type {name}"))?;
        Ok(EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id)))
    }
}

/// May a question be put at all?
pub(super) fn ask(schema: &Schema, types: &Types, slice: &PolicySet, who: &Standing, why: &Reasons) -> Answer {
    settle(|| {
        let mut asking = Asking::new(schema, types);
        let principal = asking.principal(who)?;
        let question = asking.entity(
            "Inquiry",
            "question",
            [
                ("subject", text(why.subject.word())),
                ("areas", areas(why.areas.iter())),
            ],
        )?;
        let context = asking.reasons(why, [])?;
        asking.put(principal, "ask", question, context, slice)
    })
}

/// May a class of signals be seen at a level?
pub(super) fn see(
    schema: &Schema,
    types: &Types,
    slice: &PolicySet,
    (who, why): (&Standing, &Reasons),
    (class, owner_sector): (&Class, &Sector),
    level: Level,
) -> Answer {
    settle(|| {
        let mut asking = Asking::new(schema, types);
        let principal = asking.principal(who)?;
        let owner = asking.agency(&class.owner, owner_sector)?;
        let kind = asking.types.uid("Kind", class.kind.as_str())?;
        let signal = asking.entity(
            "Signal",
            "class",
            [
                ("kind", Expression::new_entity_uid(kind)),
                ("owner", Expression::new_entity_uid(owner)),
                ("severity", Expression::new_long(class.severity.rank())),
                ("sensitivity", text(class.sensitivity.word())),
                ("areas", areas(class.areas.iter())),
                ("about", text(class.about.word())),
            ],
        )?;
        let context = asking.reasons(
            why,
            [
                ("subject", text(why.subject.word())),
                ("consent", text(class.consent.word())),
                ("deceased", Expression::new_bool(class.deceased)),
            ],
        )?;
        asking.put(principal, level.word(), signal, context, slice)
    })
}

/// May a caller do one of the things that run the hub?
pub(super) fn operate(
    schema: &Schema,
    types: &Types,
    slice: &PolicySet,
    who: &Standing,
    operation: &super::Operation,
) -> Answer {
    use super::Operation as Op;
    settle(|| {
        let mut asking = Asking::new(schema, types);
        let principal = asking.principal(who)?;
        let (resource, context) = match operation {
            Op::Push { kind, owner_sector } => (
                asking.types.uid("Kind", kind.as_str())?,
                vec![("owner_sector", text(owner_sector.as_str()))],
            ),
            Op::Retract => (
                asking.types.uid("Kind", "any")?,
                vec![("owner_sector", text(who.sector.as_str()))],
            ),
            Op::RecordConsent { stance } => (
                asking.entity("Statement", "statement", [("stance", text(stance.word()))])?,
                vec![],
            ),
            Op::ListConsents { own_statements_only } => (
                asking.types.uid("ConsentRecord", "record")?,
                vec![("own_statements_only", Expression::new_bool(*own_statements_only))],
            ),
            Op::JoinIdentities { by_nhs_number } => (
                asking.types.uid("Identities", "identities")?,
                vec![("by_nhs_number", Expression::new_bool(*by_nhs_number))],
            ),
            Op::ChangeNhsNumber | Op::RecordDeath | Op::RetractDeath | Op::SeparateIdentities => {
                (asking.types.uid("Identities", "identities")?, vec![])
            }
            Op::AccessLog
            | Op::AskedBy
            | Op::ExportLedger
            | Op::LeftUnder
            | Op::ListEntries
            | Op::ListHeld
            | Op::NearSelf
            | Op::ProveLedger
            | Op::ReadCheckpoint
            | Op::Refusals
            | Op::ReviewHeld
            | Op::ShowEntry
            | Op::WhoSaw
            | Op::WithoutCase => (asking.types.uid("Ledger", "ledger")?, vec![]),
        };
        let context = Context::from_pairs(context.into_iter().map(|(name, value)| (name.to_owned(), value)))
            .map_err(|why| why.to_string())?;
        asking.put(principal, operation.action(), resource, context, slice)
    })
}

impl<'s> Asking<'s> {
    fn new(schema: &'s Schema, types: &'s Types) -> Self {
        Self {
            schema,
            types,
            entities: BTreeMap::new(),
        }
    }

    fn entity<const N: usize>(
        &mut self,
        kind: &str,
        id: &str,
        attributes: [(&str, Expression); N],
    ) -> Built<EntityUid> {
        let uid = self.types.uid(kind, id)?;
        let attributes = attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let entity = Entity::new(uid.clone(), attributes, HashSet::new()).map_err(|why| why.to_string())?;
        self.entities.insert(uid.to_string(), entity);
        Ok(uid)
    }

    fn agency(&mut self, agency: &AgencyId, sector: &Sector) -> Built<EntityUid> {
        self.entity("Agency", agency.as_str(), [("sector", text(sector.as_str()))])
    }

    fn principal(&mut self, who: &Standing) -> Built<EntityUid> {
        let agency = Expression::new_entity_uid(self.agency(&who.agency, &who.sector)?);
        match &who.practitioner {
            Some(office) => self.entity(
                "Practitioner",
                "standing",
                [
                    ("agency", agency),
                    ("roles", Expression::new_set(office.roles.iter().map(|role| text(role)))),
                    ("teams", Expression::new_set(office.teams.iter().map(|team| text(team)))),
                    ("areas", areas(&office.areas)),
                ],
            ),
            None => self.entity("Workload", "standing", [("agency", agency)]),
        }
    }

    fn reasons<const N: usize>(&self, why: &Reasons, more: [(&str, Expression); N]) -> Built<Context> {
        let purpose = self.types.uid("Purpose", why.purpose.as_str())?;
        let gateway = self.types.uid("Gateway", why.gateway.as_str())?;
        let pairs = [
            ("purpose", Expression::new_entity_uid(purpose)),
            ("gateway", Expression::new_entity_uid(gateway)),
            ("case_reference", Expression::new_bool(why.case_reference)),
        ];
        let all = pairs.into_iter().chain(more);
        Context::from_pairs(all.map(|(name, value)| (name.to_owned(), value))).map_err(|why| why.to_string())
    }

    fn put(
        self,
        principal: EntityUid,
        action: &str,
        resource: EntityUid,
        context: Context,
        slice: &PolicySet,
    ) -> Built<Answer> {
        let action = self.types.uid("Action", action)?;
        let request =
            Request::new(principal, action, resource, context, Some(self.schema)).map_err(|why| why.to_string())?;
        let entities =
            Entities::from_entities(self.entities.into_values(), Some(self.schema)).map_err(|why| why.to_string())?;
        let response = Authorizer::new().is_authorized(&request, slice, &entities);
        let diagnostics = response.diagnostics();
        if let Some(why) = diagnostics.errors().next() {
            return Ok(Answer::Fault(why.to_string()));
        }
        let rules = diagnostics.reason().map(ToString::to_string).collect();
        Ok(match response.decision() {
            Decision::Allow => Answer::Allow(rules),
            Decision::Deny => Answer::Deny(rules),
        })
    }
}

fn settle(put: impl FnOnce() -> Built<Answer>) -> Answer {
    put().unwrap_or_else(Answer::Fault)
}

fn text(word: &str) -> Expression {
    Expression::new_string(word.to_owned())
}

fn areas<'a>(codes: impl IntoIterator<Item = &'a AreaCode>) -> Expression {
    Expression::new_set(codes.into_iter().map(|code| text(code.as_str())))
}

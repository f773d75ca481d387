//! Reads a condition over a request of which not everything is known: it holds, it does not, or it is open.
//! Whatever it cannot read is open, so that `Yes` and `No` are always right.

use std::collections::BTreeSet;

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

use super::{Picture, Roles};

/// Three values, in the order in which the least decides a chain of "and" and the greatest a chain of "or" (Kleene).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::decide) enum Truth {
    No,
    Open,
    Yes,
}

impl Truth {
    pub(in crate::decide) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Open => Self::Open,
            Self::Yes => Self::No,
        }
    }

    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// A value, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
enum Value<'a> {
    Truth(Truth),
    Long(i64),
    Text(&'a str),
    Entity(&'a str, &'a str),
    Set(Vec<Value<'a>>),
    Roles(&'a Roles),
    Principal,
    Resource,
    Context,
    Open,
}

/// Whether an expression holds.
pub(super) fn of(expr: &Expr, picture: &Picture) -> Truth {
    match read(expr, picture) {
        Value::Truth(truth) => truth,
        _ => Truth::Open,
    }
}

/// The names of all attributes that an expression reads.
pub(super) fn attributes<'e>(expr: &'e Expr, found: &mut BTreeSet<&'e str>) {
    match expr {
        Expr::GetAttr { expr, attr } => {
            found.insert(attr);
            attributes(expr, found);
        }
        Expr::UnaryOp { expr, .. } | Expr::HasAttr { expr, .. } | Expr::Like { expr, .. } | Expr::Is { expr, .. } => {
            attributes(expr, found);
        }
        Expr::BinaryOp { left, right, .. } => {
            attributes(left, found);
            attributes(right, found);
        }
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => [cond, then_expr, else_expr]
            .into_iter()
            .for_each(|e| attributes(e, found)),
        Expr::Set(items) => items.iter().for_each(|item| attributes(item, found)),
        _ => {}
    }
}

fn read<'a>(expr: &'a Expr, picture: &'a Picture) -> Value<'a> {
    match expr {
        Expr::Literal(Literal::Bool(holds)) => Value::Truth(Truth::of(*holds)),
        Expr::Literal(Literal::Long(number)) => Value::Long(*number),
        Expr::Literal(Literal::String(text)) => Value::Text(text),
        Expr::Literal(Literal::EntityUID(uid)) => Value::Entity(uid.ty.0.id.as_str(), &uid.eid),
        Expr::Var(Var::Principal) => Value::Principal,
        Expr::Var(Var::Resource) => Value::Resource,
        Expr::Var(Var::Context) => Value::Context,
        Expr::GetAttr { expr, attr } => attribute(read(expr, picture), attr, picture),
        Expr::UnaryOp { op: UnaryOp::Not, expr } => Value::Truth(of(expr, picture).not()),
        Expr::UnaryOp {
            op: UnaryOp::IsEmpty,
            expr,
        } => Value::Truth(match read(expr, picture) {
            Value::Set(items) => Truth::of(items.is_empty()),
            Value::Roles(Roles::Are(roles)) => Truth::of(roles.is_empty()),
            Value::Roles(Roles::AreNone(_)) => Truth::No,
            _ => Truth::Open,
        }),
        Expr::BinaryOp {
            op: BinaryOp::And,
            left,
            right,
        } => Value::Truth(of(left, picture).min(of(right, picture))),
        Expr::BinaryOp {
            op: BinaryOp::Or,
            left,
            right,
        } => Value::Truth(of(left, picture).max(of(right, picture))),
        Expr::BinaryOp { op, left, right } => Value::Truth(compare(*op, &read(left, picture), &read(right, picture))),
        Expr::Set(items) => Value::Set(items.iter().map(|item| read(item, picture)).collect()),
        Expr::Is {
            expr,
            entity_type,
            in_expr: None,
        } => {
            let wanted = entity_type.0.id.as_str();
            Value::Truth(match read(expr, picture) {
                Value::Principal => Truth::of(wanted == "Practitioner"),
                Value::Resource => Truth::of(wanted == if picture.action == "ask" { "Inquiry" } else { "Signal" }),
                Value::Entity(sort, _) => Truth::of(sort == wanted),
                _ => Truth::Open,
            })
        }
        Expr::IfThenElse {
            cond,
            then_expr,
            else_expr,
        } => match of(cond, picture) {
            Truth::Yes => read(then_expr, picture),
            Truth::No => read(else_expr, picture),
            Truth::Open => Value::Open,
        },
        _ => Value::Open,
    }
}

fn attribute<'a>(of: Value<'a>, name: &str, picture: &'a Picture) -> Value<'a> {
    let text = |word: Option<&'a str>| word.map_or(Value::Open, Value::Text);
    let entity = |sort, id: Option<&'a str>| id.map_or(Value::Open, |id| Value::Entity(sort, id));
    let agency = |known: &'a Option<(crate::model::AgencyId, crate::model::Sector)>| {
        entity("Agency", known.as_ref().map(|(id, _)| id.as_str()))
    };
    match (of, name) {
        (Value::Principal, "agency") => agency(&picture.agency),
        (Value::Principal, "areas") => picture.patch.as_ref().map_or(Value::Open, |areas| {
            Value::Set(areas.iter().map(|area| Value::Text(area.as_str())).collect())
        }),
        (Value::Principal, "roles") => Value::Roles(&picture.roles),
        (Value::Principal, "teams") => picture.teams.as_ref().map_or(Value::Open, |teams| {
            Value::Set(teams.iter().map(|team| Value::Text(team)).collect())
        }),
        (Value::Resource, "about") => text(picture.about.map(|about| about.word())),
        (Value::Resource, "areas") => picture.areas.as_ref().map_or(Value::Open, |areas| {
            Value::Set(areas.iter().map(|area| Value::Text(area.as_str())).collect())
        }),
        (Value::Resource, "kind") => entity("Kind", picture.kind.as_ref().map(|kind| kind.as_str())),
        (Value::Resource, "owner") => agency(&picture.owner),
        (Value::Resource, "sensitivity") => text(picture.sensitivity.map(|sensitivity| sensitivity.word())),
        (Value::Resource, "severity") => picture
            .severity
            .map_or(Value::Open, |severity| Value::Long(severity.rank())),
        (Value::Resource | Value::Context, "subject") => text(picture.subject.map(|subject| subject.word())),
        (Value::Context, "case_reference") => Value::Truth(picture.case_reference.map_or(Truth::Open, Truth::of)),
        (Value::Context, "consent") => text(picture.consent.map(|consent| consent.word())),
        (Value::Context, "deceased") => Value::Truth(picture.deceased.map_or(Truth::Open, Truth::of)),
        (Value::Context, "gateway") => entity("Gateway", picture.gateway.as_ref().map(|gateway| gateway.as_str())),
        (Value::Context, "purpose") => entity("Purpose", picture.purpose.as_ref().map(|purpose| purpose.as_str())),
        (Value::Entity("Agency", id), "sector") => text(picture.sector(id)),
        _ => Value::Open,
    }
}

fn compare(op: BinaryOp, left: &Value<'_>, right: &Value<'_>) -> Truth {
    match (op, left, right) {
        (BinaryOp::Eq, ..) => same(left, right),
        (BinaryOp::NotEq, ..) => same(left, right).not(),
        (BinaryOp::Less, Value::Long(a), Value::Long(b)) => Truth::of(a < b),
        (BinaryOp::LessEq, Value::Long(a), Value::Long(b)) => Truth::of(a <= b),
        (BinaryOp::Greater, Value::Long(a), Value::Long(b)) => Truth::of(a > b),
        (BinaryOp::GreaterEq, Value::Long(a), Value::Long(b)) => Truth::of(a >= b),
        // Nothing here has parents, so to be in an entity is to be that entity.
        (BinaryOp::In, Value::Entity(..), Value::Set(_)) => holds(right, left),
        (BinaryOp::In, Value::Entity(..), Value::Entity(..)) => same(left, right),
        (BinaryOp::Contains, set, item) => holds(set, item),
        (BinaryOp::ContainsAny, set, Value::Set(items)) => {
            items.iter().map(|item| holds(set, item)).max().unwrap_or(Truth::No)
        }
        (BinaryOp::ContainsAll, set, Value::Set(items)) => {
            items.iter().map(|item| holds(set, item)).min().unwrap_or(Truth::Yes)
        }
        _ => Truth::Open,
    }
}

fn holds(set: &Value<'_>, item: &Value<'_>) -> Truth {
    match (set, item) {
        (Value::Set(items), item) => items.iter().map(|each| same(each, item)).max().unwrap_or(Truth::No),
        (Value::Roles(Roles::Are(roles)), Value::Text(role)) => Truth::of(roles.contains(*role)),
        (Value::Roles(Roles::AreNone(roles)), Value::Text(role)) if roles.contains(*role) => Truth::No,
        _ => Truth::Open,
    }
}

fn same(left: &Value<'_>, right: &Value<'_>) -> Truth {
    match (left, right) {
        (Value::Truth(Truth::Open), _) | (_, Value::Truth(Truth::Open)) => Truth::Open,
        (Value::Truth(a), Value::Truth(b)) => Truth::of(a == b),
        (Value::Long(a), Value::Long(b)) => Truth::of(a == b),
        (Value::Text(a), Value::Text(b)) => Truth::of(a == b),
        (Value::Entity(sort, id), Value::Entity(other, another)) => Truth::of((sort, id) == (other, another)),
        _ => Truth::Open,
    }
}

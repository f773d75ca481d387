//! Says a rule and its conditions in English. What it has no words for, it says in Cedar.

use std::fmt;

use cedar_policy::pst::{BinaryOp, Expr, Literal, UnaryOp, Var};

use super::{Clause, Rule};

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.permits { "permits" } else { "forbids" };
        let actions = match &self.actions {
            None => "anything".to_owned(),
            Some(actions) => list(actions.iter().cloned().collect(), "and"),
        };
        write!(f, "{verb} {actions}")?;
        for (index, clause) in self.clauses.iter().enumerate() {
            let link = if index == 0 { " if" } else { ", and" };
            write!(f, "{link} {clause}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wanted {
            true => f.write_str(&holds(&self.expr)),
            false => write!(f, "not ({})", holds(&self.expr)),
        }
    }
}

/// A condition that holds, in words.
pub(super) fn holds(expr: &Expr) -> String {
    match expr {
        Expr::BinaryOp { op, left, right } => match op {
            BinaryOp::And => format!("{} and {}", holds(left), holds(right)),
            BinaryOp::Or => format!("either {}, or {}", holds(left), alternative(right)),
            BinaryOp::Eq => format!("{} is {}", noun(left), noun(right)),
            BinaryOp::In => format!("{} is {}", noun(left), noun(right)),
            BinaryOp::NotEq => format!("{} is not {}", noun(left), noun(right)),
            BinaryOp::GreaterEq => format!("{} is at least {}", noun(left), noun(right)),
            BinaryOp::Greater => format!("{} is above {}", noun(left), noun(right)),
            BinaryOp::LessEq => format!("{} is at most {}", noun(left), noun(right)),
            BinaryOp::Less => format!("{} is below {}", noun(left), noun(right)),
            BinaryOp::Contains => match &**left {
                Expr::Set(_) => format!("{} is {}", noun(right), noun(left)),
                _ => format!("{} include {}", noun(left), noun(right)),
            },
            BinaryOp::ContainsAny => format!("{} lie within {}", noun(left), noun(right)),
            _ => expr.to_string(),
        },
        Expr::UnaryOp { op: UnaryOp::Not, expr } => format!("not ({})", holds(expr)),
        Expr::UnaryOp {
            op: UnaryOp::IsEmpty,
            expr,
        } => format!("{} are none", noun(expr)),
        Expr::GetAttr { attr, .. } if attr == "case_reference" => "a case reference is given".to_owned(),
        other => other.to_string(),
    }
}

fn alternative(expr: &Expr) -> String {
    match expr {
        Expr::BinaryOp {
            op: BinaryOp::Or,
            left,
            right,
        } => format!("{}, or {}", holds(left), alternative(right)),
        other => holds(other),
    }
}

fn noun(expr: &Expr) -> String {
    match expr {
        Expr::Literal(Literal::String(text)) => format!("`{text}`"),
        Expr::Literal(Literal::EntityUID(uid)) => format!("`{}`", uid.eid),
        Expr::Set(items) => list(items.iter().map(|item| noun(item)).collect(), "or"),
        Expr::GetAttr { expr: of, attr } => named(of, attr).map_or_else(|| expr.to_string(), ToOwned::to_owned),
        other => other.to_string(),
    }
}

fn named(of: &Expr, attribute: &str) -> Option<&'static str> {
    Some(match (of, attribute) {
        (Expr::Var(Var::Principal), "agency") => "the asker's agency",
        (Expr::Var(Var::Principal), "areas") => "the asker's patch",
        (Expr::Var(Var::Principal), "roles") => "the asker's roles",
        (Expr::Var(Var::Principal), "teams") => "the asker's teams",
        (Expr::Var(Var::Resource), "about") => "what the signal is about",
        (Expr::Var(Var::Resource), "areas") => "its areas",
        (Expr::Var(Var::Resource), "kind") => "the kind",
        (Expr::Var(Var::Resource), "owner") => "the owner",
        (Expr::Var(Var::Resource), "sensitivity") => "the sensitivity",
        (Expr::Var(Var::Resource), "severity") => "the severity",
        (Expr::Var(Var::Resource | Var::Context), "subject") => "what is asked about",
        (Expr::Var(Var::Context), "consent") => "what the person said",
        (Expr::Var(Var::Context), "deceased") => "whether the person has died",
        (Expr::Var(Var::Context), "gateway") => "the gateway",
        (Expr::Var(Var::Context), "purpose") => "the purpose",
        (Expr::GetAttr { attr, .. }, "sector") if attr == "agency" => "the sort of the asker's agency",
        (Expr::GetAttr { attr, .. }, "sector") if attr == "owner" => "the sort of the owner",
        _ => return None,
    })
}

fn list(mut items: Vec<String>, link: &str) -> String {
    let last = items.pop().unwrap_or_default();
    match items.is_empty() {
        true => last,
        false => format!("{} {link} {last}", items.join(", ")),
    }
}

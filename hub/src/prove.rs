//! Proves, for every request there can be, that new policies permit nothing that the old ones did not: with Cedar's
//! symbolic compiler and a solver of its own process (cvc5). Built with the feature `prove` alone; never decides anything.

use std::{collections::BTreeMap, path::Path};

use cedar_policy::{PolicySet as Cedar, Schema};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicySet, Env, solver::LocalSolver};

use crate::decide::PolicySet;

/// The longest that the solver may think about one question, in milliseconds.
const PATIENCE: &str = "--tlimit=60000";

/// Why nothing could be proved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such solver, or it does not start.
    #[error("the solver cannot be started")]
    Solver(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The policies cannot be compared, or the solver gave up.
    #[error("`{part}`, {request}: this cannot be settled")]
    Unsettled {
        /// Which agreement, or `operation`.
        part: String,
        /// Which type of request.
        request: String,
        /// The solver's or the compiler's word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What was proved of one type of request under one agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Which agreement, or `operation`.
    pub part: String,
    /// Which type of request: principal, action, resource.
    pub request: String,
    /// A request that the new policies permit and the old ones do not; `None` if there is none.
    pub counterexample: Option<String>,
}

/// Settles, agreement by agreement and for each type of request, whether `new` can permit anything that `old` does not.
/// Dates, signatures and parties are not looked at: the rules alone are.
///
/// # Errors
/// If the solver cannot be started, gives up, or the old rules do not fit the new schema.
pub async fn more(old: &PolicySet, new: &PolicySet, solver: &Path) -> Result<Vec<Proof>, Error> {
    let mut command = tokio::process::Command::new(solver);
    command.args(["--lang", "smt", PATIENCE]).kill_on_drop(true);
    let local = LocalSolver::from_command(&mut command).map_err(|why| Error::Solver(Box::new(why)))?;
    let mut compiler = CedarSymCompiler::new(local).map_err(|why| Error::Solver(Box::new(why)))?;
    let nothing = Cedar::new();
    let mut proofs = Vec::new();
    for (part, rules) in new.slices() {
        let before = old.slices().into_iter().find(|(known, _)| *known == part);
        let before = before.map_or(&nothing, |(_, rules)| rules);
        proofs.extend(compare(&mut compiler, &part, new.schema(), rules, before).await?);
    }
    Ok(proofs)
}

/// A request in lines: the action, what is so of who asks and of what it is about, and why. What a solver makes up beside
/// that is left out, as no rule looks at it.
fn told(example: &Env) -> String {
    let (request, mut lines) = (&example.request, Vec::new());
    if let Some(action) = request.action() {
        lines.push(format!("  action: {}", action.id().unescaped()));
    }
    for (name, uid) in [("principal", request.principal()), ("resource", request.resource())] {
        let entity = uid.and_then(|uid| example.entities.get(uid));
        let attributes: BTreeMap<&str, String> = entity
            .into_iter()
            .flat_map(|entity| entity.attrs())
            .filter_map(|(attribute, value)| Some((attribute, value.ok()?.to_string())))
            .collect();
        let attributes = attributes.into_iter();
        let attributes: Vec<String> = attributes.map(|(name, value)| format!("{name}: {value}")).collect();
        lines.push(format!("  {name}: {{{}}}", attributes.join(", ")));
    }
    if let Some(context) = request.context() {
        lines.push(format!("  context: {context}"));
    }
    lines.join("\n")
}

async fn compare(
    compiler: &mut CedarSymCompiler<LocalSolver>,
    part: &str,
    schema: &Schema,
    new: &Cedar,
    old: &Cedar,
) -> Result<Vec<Proof>, Error> {
    let mut proofs = Vec::new();
    for env in schema.request_envs() {
        let request = format!("{} {} {}", env.principal(), env.action(), env.resource());
        let unsettled = |source: Box<dyn std::error::Error + Send + Sync>| Error::Unsettled {
            part: part.to_owned(),
            request: request.clone(),
            source,
        };
        let compile = |rules| CompiledPolicySet::compile(rules, &env, schema).map_err(|why| unsettled(Box::new(why)));
        let (new, old) = (compile(new)?, compile(old)?);
        let found = compiler.check_implies_with_counterexample_opt(&new, &old).await;
        let found = found.map_err(|why| unsettled(Box::new(why)))?;
        proofs.push(Proof {
            part: part.to_owned(),
            counterexample: found.map(|example| told(&example)),
            request,
        });
    }
    Ok(proofs)
}

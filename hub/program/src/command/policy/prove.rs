//! `placehub policy prove`: proves, for every request there can be, that new rules permit nothing that the old did not, and
//! says where particulars or the catalogue differ, of which that is no proof.
//! Without a solver, or in a program built without the feature `prove`, it says how to get one.

use std::path::PathBuf;

use clap::Args;

use crate::ending::{Outcome, Stop};

/// Which policies.
#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 1 if the new rules permit something that the old ones do not, or if particulars or the\n\
    catalogue differ, which no proof covers; and 4 if it could not be asked. It takes the solver cvc5 (1.0.3 or later: https://cvc5.github.io, or `apt-get install cvc5`) and a program that was built with\n\
    `cargo build --release --features prove`."
)]
pub(crate) struct Prove {
    /// The folder with the rules as they are.
    old: PathBuf,
    /// The folder with the rules as they are to be.
    new: PathBuf,
    /// The solver.
    #[arg(long, env = "CVC5", value_name = "FILE", default_value = "cvc5")]
    solver: PathBuf,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
}

impl Prove {
    #[cfg(feature = "prove")]
    pub(super) async fn run(self) -> Outcome {
        use placehub_hub::prove;
        use serde_json::{Value, json};

        use super::{
            diff::{catalogue, particulars},
            open,
        };
        use crate::{ending::Ending, out};

        let (old, new) = (open(&self.old)?.1, open(&self.new)?.1);
        let beside = particulars(&old, &new).into_iter().chain(catalogue(&old, &new));
        let beside: Vec<String> = beside.map(|change| change.what).collect();
        let proofs = match prove::more(&old, &new, &self.solver).await {
            Err(prove::Error::Solver(why)) => {
                return Err(anyhow::Error::from(prove::Error::Solver(why)).context(Stop::NoSolver));
            }
            proofs => proofs?,
        };
        let more: Vec<&prove::Proof> = proofs.iter().filter(|proof| proof.counterexample.is_some()).collect();
        if self.json {
            let proofs: Vec<Value> = proofs
                .iter()
                .map(|one| json!({ "agreement": one.part, "request": one.request, "counterexample": one.counterexample }))
                .collect();
            out::document(json!({
                "ok": more.is_empty() && beside.is_empty(),
                "proofs": proofs,
                "differs_beside": beside,
            }))?;
        } else {
            for proof in &more {
                let example = proof.counterexample.as_deref().unwrap_or_default();
                out::line(format_args!(
                    "`{}`, {}: more is permitted, such as\n{example}\n",
                    proof.part, proof.request
                ))?;
            }
            let (all, found) = (proofs.len(), more.len());
            out::line(format_args!(
                "Of {all} types of request, {found} permit something new, and {} provably nothing.",
                all - found
            ))?;
            for what in &beside {
                out::line(format_args!("No proof covers what else differs: {what}."))?;
            }
        }
        Ok(match more.is_empty() && beside.is_empty() {
            true => Ending::Well,
            false => Ending::Finding,
        })
    }

    #[cfg(not(feature = "prove"))]
    pub(super) async fn run(self) -> Outcome {
        let (old, new, solver) = (self.old.display(), self.new.display(), self.solver.display());
        tracing::debug!(%old, %new, %solver, json = self.json, "prove is not built in");
        Err(Stop::NoSolver.into())
    }
}

#[cfg(all(test, feature = "prove"))]
mod tests {
    use std::path::Path;

    use placehub_hub::{
        decide::{Files, PolicySet, Trust},
        prove::{Error, Proof, more},
    };

    use crate::embedded::POLICIES;

    const FILE: &str = "agreements/homelessness-prevention.cedar";
    const RULE: &str = "@id(\"homelessness-prevention-see-hardship\")";
    const CONDITION: &str = "when { [\"person\", \"address\"].contains(context.subject) }";

    /// The policies of the repository, and the same with one condition fewer, which opens no more than the particulars say.
    fn old_and_wider() -> (PolicySet, PolicySet) {
        let mut files: Files = POLICIES.iter().copied().collect();
        let old = PolicySet::of(&files, &Trust::default()).unwrap();
        let text = files.text(FILE).unwrap();
        let (before, rule) = text.split_once(RULE).unwrap();
        assert!(rule.contains(CONDITION));
        let wider = format!("{before}{RULE}{}", rule.replacen(CONDITION, "", 1));
        files.put(FILE, wider);
        (old, PolicySet::of(&files, &Trust::default()).unwrap())
    }

    #[tokio::test]
    async fn a_condition_fewer_is_found_by_an_example_and_a_condition_more_is_proved_to_open_nothing() {
        let Some(solver) = std::env::var_os("PLACEHUB_TEST_CVC5") else {
            eprintln!("not run: PLACEHUB_TEST_CVC5 names no solver");
            return;
        };
        let (old, wider) = old_and_wider();
        let found = more(&old, &wider, Path::new(&solver)).await.unwrap();
        let examples: Vec<&Proof> = found.iter().filter(|proof| proof.counterexample.is_some()).collect();
        assert_eq!(examples.len(), 3, "one a level: {examples:?}");
        for proof in examples {
            let example = proof.counterexample.as_deref().unwrap();
            assert!(
                proof.part == "homelessness-prevention" && example.contains("consent: \"given\""),
                "{proof:?}"
            );
            assert!(
                !example.contains("subject: \"person\"") && example.contains("principal: {agency: "),
                "{example}"
            );
        }
        for (before, after) in [(&wider, &old), (&old, &old)] {
            let proofs = more(before, after, Path::new(&solver)).await.unwrap();
            assert!(proofs.len() > 100 && proofs.iter().all(|proof| proof.counterexample.is_none()));
        }
    }

    #[tokio::test]
    async fn without_a_solver_nothing_is_proved() {
        let (old, wider) = old_and_wider();
        let proved = more(&old, &wider, Path::new("no-such-solver")).await;
        assert!(matches!(proved, Err(Error::Solver(_))), "{proved:?}");
    }
}

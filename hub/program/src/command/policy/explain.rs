//! `placehub policy explain`: what a sort of question could show, by which rules, and who could lift what stands between.
//! It looks at nobody's record.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use placehub_proto::v1::{
    ExplainQuestionRequest, ExplainQuestionResponse, Explanation, KindOutlook, QuestionSort, Rule, SubjectSort,
};
use serde_json::{Value, json};

use crate::{
    ending::{Ending, Outcome},
    grid::Grid,
    link::LinkArguments,
    out,
    words::{self, Sort},
};

/// Which sort of question.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  placehub policy explain --home wigan --as officer-42 --subject person \\\n    \
    --purpose homelessness-prevention"
)]
pub(crate) struct Explain {
    /// What it would be about.
    #[arg(long)]
    subject: Sort,
    /// Why.
    #[arg(long, value_name = "PURPOSE")]
    purpose: String,
    /// The law relied on instead of consent.
    #[arg(long, value_name = "GATEWAY", default_value = "", hide_default_value = true)]
    gateway: String,
    /// As if a case reference were given.
    #[arg(long)]
    with_case: bool,
    /// The area in which the address or area lies [default: one within your patch].
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    area: String,
    /// Print a JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: LinkArguments,
}

impl Explain {
    pub(super) async fn run(self, now: Timestamp) -> Outcome {
        let link = self.link.link("desk", now)?;
        let question = QuestionSort {
            subject: SubjectSort::from(self.subject).into(),
            purpose: self.purpose,
            gateway: self.gateway,
            with_case_reference: self.with_case,
            area_code: self.area,
        };
        let request = ExplainQuestionRequest {
            question: Some(question),
        };
        let explained = link.policies().explain_question(link.call(request)?).await;
        let explained = explained.map_err(|status| link.fault(status))?.into_inner();
        if self.json {
            let outlooks: Vec<Value> = explained.outlooks.iter().map(outlook).collect();
            out::document(json!({ "allowed": explained.allowed, "reason": explained.reason,
                "explanation": explained.explanation.as_ref().map(why_json), "outlooks": outlooks,
                "policy_version": explained.policy_version, "policy_digest": explained.policy_digest,
                "agreements": explained.agreements, "asking_rules": rules(&explained.asking_rules) }))?;
        } else {
            tell(&explained)?;
            let (version, digest) = (&explained.policy_version, &explained.policy_digest);
            out::line(format_args!("By the policies {version}, digest {digest}."))?;
        }
        Ok(if explained.allowed {
            Ending::Well
        } else {
            Ending::Finding
        })
    }
}

fn tell(explained: &ExplainQuestionResponse) -> Result<()> {
    if !explained.allowed {
        out::line(format_args!("Such a question would be refused: {}", explained.reason))?;
        return explained.explanation.as_ref().map_or(Ok(()), why);
    }
    out::line(format_args!(
        "Such a question would be taken under {}:",
        explained.agreements.join(" and ")
    ))?;
    for rule in &explained.asking_rules {
        out::line(format_args!("    {}: {} ({})", rule.id, rule.reason, rule.law))?;
    }
    let mut grid = Grid::new(["KIND", "OF", "WITH CONSENT", "WITHOUT"]);
    let shows = |one: &&KindOutlook| one.with_consent != 0 || one.without_consent != 0;
    for one in explained.outlooks.iter().filter(shows) {
        let rules = one.rules.iter();
        let mut below: Vec<String> = rules
            .map(|rule| format!("{}: {} ({})", rule.id, rule.reason, rule.law))
            .collect();
        if let Some(explanation) = &one.explanation {
            below.push("Without consent:".to_owned());
            below.extend(lines(explanation));
        }
        let cells = [
            one.kind.clone(),
            one.owner_agency.clone(),
            words::level(one.with_consent()).to_owned(),
            words::level(one.without_consent()).to_owned(),
        ];
        grid.row_with(cells, below);
    }
    out::line(grid)?;
    let hidden: Vec<&KindOutlook> = explained.outlooks.iter().filter(|one| !shows(one)).collect();
    out::line(format_args!("Of {} other kinds nothing would be shown.", hidden.len()))?;
    let mut grid = Grid::new(["KIND", "OF"]);
    for one in hidden {
        let below = one.explanation.as_ref().map(lines).unwrap_or_default();
        grid.row_with([one.kind.clone(), one.owner_agency.clone()], below);
    }
    out::line(grid)
}

fn why(explanation: &Explanation) -> Result<()> {
    lines(explanation)
        .into_iter()
        .try_for_each(|line| out::line(format_args!("  {line}")))
}

/// All that an explanation says, line by line.
fn lines(explanation: &Explanation) -> Vec<String> {
    let told = [
        ("Agreement", explanation.agreement.clone()),
        ("Nearest rule", explanation.rule.clone()),
        ("Not met", unmet(&explanation.unmet)),
        ("Who could lift it", explanation.remedy.clone()),
        ("Law", explanation.law.clone()),
    ];
    let said = told.into_iter().filter(|(_, text)| !text.is_empty());
    said.map(|(name, text)| format!("{name}: {text}")).collect()
}

/// What is not met, in words where the contract's word says too little.
fn unmet(of: &[String]) -> String {
    let words = of.iter().map(|word| match word.as_str() {
        "consent" => "consent not given",
        other => other,
    });
    words.collect::<Vec<_>>().join(", ")
}

fn why_json(explanation: &Explanation) -> Value {
    json!({
        "agreement": explanation.agreement,
        "rule": explanation.rule,
        "unmet": explanation.unmet,
        "remedy": explanation.remedy,
        "law": explanation.law,
    })
}

fn rules(of: &[Rule]) -> Value {
    let one =
        |rule: &Rule| json!({ "id": rule.id, "agreement": rule.agreement, "reason": rule.reason, "law": rule.law });
    of.iter().map(one).collect()
}

fn outlook(one: &KindOutlook) -> Value {
    json!({
        "kind": one.kind,
        "owner_agency": one.owner_agency,
        "with_consent": words::level(one.with_consent()),
        "without_consent": words::level(one.without_consent()),
        "rules": rules(&one.rules),
        "explanation": one.explanation.as_ref().map(why_json),
    })
}

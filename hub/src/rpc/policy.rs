//! PolicyService: what the rules say of the asker's own standing. Looks at no record, so it needs no permit.

use std::{collections::BTreeSet, sync::Arc};

use placehub_proto::v1::{self as proto, policy_service_server::PolicyService};
use tonic::{Request, Response, Status};

use super::{House, Trouble};
use crate::{
    authn::Caller,
    decide::{Explanation, PolicySet, Reasons, Rule, Standing, Taken},
    model::Level,
    wire,
};

/// The sort of agency that is told what is wrong with policies: the words of a draft are not everybody's.
const GOVERNANCE: &str = "governance";

/// The service.
#[derive(Clone)]
pub struct Policies(pub Arc<House>);

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn get_policy_set(
        &self,
        request: Request<proto::GetPolicySetRequest>,
    ) -> Result<Response<proto::GetPolicySetResponse>, Status> {
        let caller = self.0.caller(&request)?;
        let policies = self.0.gate.policies();
        let now = self.0.clock.now();
        let governance = caller.sector().as_str() == GOVERNANCE;
        let agreements = policies.agreements().iter().map(|agreement| {
            let particulars = agreement.particulars();
            proto::Agreement {
                id: agreement.id().to_string(),
                title: particulars.title.clone(),
                parties: particulars.party.iter().map(|party| party.agency.to_string()).collect(),
                purpose: particulars.purpose.to_string(),
                review_date: particulars.review_date.to_string(),
                in_force: agreement.in_force(now),
                unsigned: agreement.unsigned().iter().map(ToString::to_string).collect(),
            }
        });
        Ok(Response::new(proto::GetPolicySetResponse {
            digest: policies.digest().to_owned(),
            version: policies.version().to_string(),
            title: policies.title().to_owned(),
            loaded_at: Some(wire::timestamp(**self.0.loaded_at.load())),
            agreements: agreements.collect(),
            your_agency: caller.agency().to_string(),
            your_workload: caller.workload().to_owned(),
            refused: self.0.refused.load().as_deref().map(|refused| proto::RefusedPolicies {
                at: Some(wire::timestamp(refused.at)),
                digest: refused.digest.clone(),
                version: refused.version.as_ref().map(ToString::to_string).unwrap_or_default(),
                fault: if governance {
                    refused.fault.clone()
                } else {
                    String::new()
                },
            }),
        }))
    }

    async fn check_question(
        &self,
        request: Request<proto::CheckQuestionRequest>,
    ) -> Result<Response<proto::CheckQuestionResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        let policies = self.0.gate.policies();
        let reasons = self
            .0
            .reasons(&caller, request.get_ref().question.as_ref(), &policies)?;
        let taken = policies.check(&Standing::of(&caller), &reasons, self.0.clock.now());
        let (allowed, reason, agreements, explanation) = told(taken);
        Ok(Response::new(proto::CheckQuestionResponse {
            allowed,
            reason,
            agreements,
            explanation,
        }))
    }

    async fn explain_question(
        &self,
        request: Request<proto::ExplainQuestionRequest>,
    ) -> Result<Response<proto::ExplainQuestionResponse>, Status> {
        let caller = self.0.practitioner(&request)?;
        let policies = self.0.gate.policies();
        let reasons = self
            .0
            .reasons(&caller, request.get_ref().question.as_ref(), &policies)?;
        let standing = Standing::of(&caller);
        let now = self.0.clock.now();
        let taken = policies.check(&standing, &reasons, now);
        let law = policies.catalogue().gateway(&reasons.gateway);
        let law = law.map(|gateway| gateway.law.as_str()).unwrap_or_default();
        let asking_rules = taken.rules.iter().map(|one| rule(one, law)).collect();
        let (allowed, reason, agreements, explanation) = told(taken);
        let owners: Vec<_> = self
            .0
            .agencies
            .iter()
            .map(|agency| (agency.id.clone(), agency.sector.clone()))
            .collect();
        let outlooks = policies
            .outlook(&standing, &reasons, &owners, now)
            .into_iter()
            .map(|outlook| proto::KindOutlook {
                kind: outlook.kind.to_string(),
                owner_agency: outlook.owner.to_string(),
                with_consent: level(outlook.with_consent).into(),
                without_consent: level(outlook.without_consent).into(),
                rules: outlook.rules.iter().map(|one| rule(one, law)).collect(),
                explanation: outlook.explanation.as_ref().map(explained),
            });
        Ok(Response::new(proto::ExplainQuestionResponse {
            allowed,
            reason,
            outlooks: outlooks.collect(),
            explanation,
            policy_digest: policies.digest().to_owned(),
            policy_version: policies.version().to_string(),
            agreements,
            asking_rules,
        }))
    }
}

impl House {
    fn reasons(
        &self,
        caller: &Caller,
        given: Option<&proto::QuestionSort>,
        policies: &PolicySet,
    ) -> Result<Reasons, Trouble> {
        let none = BTreeSet::new();
        let patch = caller.practitioner().map_or(&none, |practitioner| &practitioner.areas);
        Ok(wire::sort(given, patch, self.against(policies))?)
    }
}

fn told(taken: Taken) -> (bool, String, Vec<String>, Option<proto::Explanation>) {
    match taken.agreements {
        Ok(agreements) => (
            true,
            String::new(),
            agreements.iter().map(ToString::to_string).collect(),
            None,
        ),
        Err(refusal) => {
            let explanation = refusal.explanation.as_deref().map(explained);
            (false, refusal.reason, Vec::new(), explanation)
        }
    }
}

fn rule(rule: &Rule, law: &str) -> proto::Rule {
    proto::Rule {
        id: rule.id.clone(),
        agreement: rule.agreement.clone(),
        reason: rule.reason.clone(),
        law: law.to_owned(),
    }
}

fn explained(explanation: &Explanation) -> proto::Explanation {
    proto::Explanation {
        agreement: explanation.agreement.clone(),
        rule: explanation.rule.clone(),
        unmet: explanation.unmet.iter().map(|unmet| unmet.word().to_owned()).collect(),
        remedy: explanation.remedy.clone(),
        law: explanation.law.clone(),
    }
}

fn level(level: Option<Level>) -> proto::DisclosureLevel {
    level.map_or(proto::DisclosureLevel::Unspecified, wire::level)
}

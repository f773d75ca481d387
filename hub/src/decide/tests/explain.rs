//! What an explanation names where a rule forbids: that rule, and who could lift it.

use std::{collections::BTreeSet, sync::Arc};

use super::changed_files;
use crate::{
    decide::{Explanation, Office, PolicySet, Reasons, Standing, Trust, Unmet},
    model::SubjectSort,
};

/// Why a housing officer sees no crisis grant where this is forbidden as well.
fn explanation(unless: &str) -> Explanation {
    let rule = format!(
        "\n@id(\"homelessness-prevention-no-grants\") @agreement(\"homelessness-prevention\") @reason(\"No grants.\")\n\
         forbid (principal, action, resource is Placehub::Signal)\n\
         when {{ resource.kind == Placehub::Kind::\"welfare.crisis-grant\" }} {unless};\n"
    );
    let files = changed_files("agreements/homelessness-prevention.cedar", |text| text + &rule);
    let set = PolicySet::of(&files, &Trust::default()).unwrap();
    let who = Standing {
        agency: "housing".parse().unwrap(),
        sector: "housing".parse().unwrap(),
        practitioner: Some(Office {
            roles: BTreeSet::from(["housing-officer".to_owned()]),
            teams: BTreeSet::new(),
            areas: BTreeSet::from(["central".parse().unwrap()]),
        }),
    };
    let why = Reasons {
        purpose: "homelessness-prevention".parse().unwrap(),
        gateway: "none".parse().unwrap(),
        case_reference: false,
        subject: SubjectSort::Person,
        areas: Arc::default(),
    };
    let owners = [("welfare".parse().unwrap(), "welfare".parse().unwrap())];
    let outlooks = set.outlook(&who, &why, &owners, "2026-11-21T12:00:00Z".parse().unwrap());
    let grant = outlooks
        .into_iter()
        .find(|one| one.kind.as_str() == "welfare.crisis-grant");
    grant.unwrap().explanation.unwrap()
}

#[test]
fn where_a_rule_forbids_what_another_permits_the_explanation_names_it_and_who_could_lift_it() {
    for (unless, remedy) in [
        ("", "nobody: "),
        ("unless { context.case_reference }", "you, by naming your case"),
    ] {
        let explanation = explanation(unless);
        assert_eq!(explanation.rule, "homelessness-prevention-no-grants");
        assert_eq!(explanation.unmet, [Unmet::Forbidden]);
        assert!(explanation.remedy.starts_with(remedy), "{explanation:?}");
    }
}

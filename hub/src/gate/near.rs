//! Whether who asks shares a name or a home with whom they ask about. Compares what the token says of the practitioner
//! with what the question says, and keeps neither; where one of them says nothing, it is not known.

use crate::{
    authn::Caller,
    ledger::Near,
    model::{Question, Subject},
    person,
};

/// What a question's entry says of it.
pub(super) fn of(caller: &Caller, question: &Question) -> Near {
    let Some(own) = caller.practitioner().map(|practitioner| &practitioner.own) else {
        return Near::default();
    };
    let (name, uprn, postcode) = match &question.subject {
        Subject::Address(uprn) => (None, Some(*uprn), None),
        Subject::Area(_) => return Near::default(),
        Subject::Person(who) => (
            Some(who.family_name.as_str()).filter(|name| !name.is_empty()),
            who.uprn,
            who.postcode.as_ref(),
        ),
    };
    Near {
        name: name
            .zip(own.family_name.as_deref())
            .map(|(one, other)| person::is_same_name(one, other)),
        address: uprn.zip(own.uprn).map(|(one, other)| one == other),
        street: postcode.zip(own.postcode.as_ref()).map(|(one, other)| one == other),
    }
}

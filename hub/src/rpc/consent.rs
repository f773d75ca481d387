//! ConsentService: takes down what people said, and shows what was taken down.

use std::sync::Arc;

use placehub_proto::v1::{self as proto, consent_service_server::ConsentService};
use tonic::{Request, Response, Status};

use super::{House, Trouble};
use crate::{
    authn::Caller,
    changes::{self, Change},
    consent::{self, Recorded},
    decide::Operation,
    gate::Error,
    ledger::{Hex, Touched},
    locate::{About, about},
    model::StatementId,
    person,
    store::Read,
    wire,
};

/// The service.
#[derive(Clone)]
pub struct Consents(pub Arc<House>);

#[tonic::async_trait]
impl ConsentService for Consents {
    async fn record_consent(
        &self,
        request: Request<proto::RecordConsentRequest>,
    ) -> Result<Response<proto::RecordConsentResponse>, Status> {
        let caller = self.0.caller(&request)?;
        Ok(Response::new(self.0.record(&caller, request.get_ref()).await?))
    }

    async fn list_consents(
        &self,
        request: Request<proto::ListConsentsRequest>,
    ) -> Result<Response<proto::ListConsentsResponse>, Status> {
        let caller = self.0.caller(&request)?;
        Ok(Response::new(self.0.list(&caller, request.get_ref()).await?))
    }
}

impl House {
    async fn record(
        &self,
        caller: &Caller,
        request: &proto::RecordConsentRequest,
    ) -> Result<proto::RecordConsentResponse, Trouble> {
        let policies = self.gate.policies.load_full();
        let (who, statement) = wire::statement(request.statement.as_ref(), self.against(&policies))?;
        let operation = Operation::RecordConsent {
            stance: statement.stance,
        };
        let now = self.clock.now();
        let recorded = Recorded {
            id: StatementId(uuid::Uuid::new_v4().into_bytes()),
            statement,
            taken_by: caller.agency().clone(),
            recorded_at: now,
        };
        let id = recorded.id;
        let (owner, keys, same) = (caller.agency().clone(), self.gate.keys.clone(), who.clone());
        let plan = move |read: &dyn Read| {
            let touched = Touched {
                statement: Some(Hex(id.0)),
                outcome: "recorded".to_owned(),
                ..Touched::default()
            };
            Ok(((), about(read, &keys.hashes, &owner, &same)?, Some(touched)))
        };
        let keys = self.gate.keys.clone();
        let act = self.gate.operate(caller, operation, now, plan, move |txn, permit, ()| {
            let person = person::resolve(txn, &keys.hashes, permit.scope().agency(), &who)?;
            consent::record(txn, &keys.vault, person, &recorded)?;
            changes::record(txn, Change::Consent(person), now)?;
            Ok(())
        });
        let (permit, ()) = act.await?;
        Ok(proto::RecordConsentResponse {
            statement_id: uuid::Uuid::from_bytes(id.0).to_string(),
            ledger_entry: permit.entry(),
        })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: &proto::ListConsentsRequest,
    ) -> Result<proto::ListConsentsResponse, Trouble> {
        let mut fields = wire::Fields::new();
        let who = request
            .person
            .as_ref()
            .map(|who| wire::person(&mut fields, "person", who, None));
        if who.is_none() {
            fields.wrong("person", "must be given");
        }
        let who = fields.finish(who)?;
        let now = self.clock.now();
        let wide = Operation::ListConsents {
            own_statements_only: false,
        };
        let own = Operation::ListConsents {
            own_statements_only: true,
        };
        let operation = self.gate.first_permitted(caller, wide.clone(), own, now);
        let all = operation == wide;
        let (agency, keys) = (caller.agency().clone(), self.gate.keys.clone());
        let plan = move |read: &dyn Read| {
            let about = about(read, &keys.hashes, &agency, &who)?;
            let found = match &about {
                About::Person(person) => consent::statements(read, &keys.vault, *person)?,
                _ => Vec::new(),
            };
            let visible = found.into_iter().filter(|recorded| all || recorded.taken_by == agency);
            Ok((visible.collect::<Vec<_>>(), about, None))
        };
        let act = self
            .gate
            .operate(caller, operation, now, plan, |_, _, found| Ok::<_, Error>(found));
        let (permit, found) = act.await?;
        Ok(proto::ListConsentsResponse {
            consents: found.into_iter().map(wire::recorded).collect(),
            ledger_entry: permit.entry(),
        })
    }
}

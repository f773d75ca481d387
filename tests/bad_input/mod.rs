//! Bad input, a row a test: each refusal names field and rule and never the value, stores nothing, and leaves the
//! connection as good as it was. Never asks how the hub found out.

mod addresses;
mod certificates;
mod consents;
mod garbage;
mod owners;
mod pages;
mod persons;
mod questions;
mod revocation;
mod signals;
mod stream;
mod tokens;
mod versions;

use std::fmt::Debug;

use placehub_proto::v1::{ConsentStance, PushOutcome, PushSignalResponse, Question, SignalDraft};
use tonic::{Code, Status};

use crate::harness::{
    Client, Hub, Line, Presents, Refused, alex, arrears, cast, channel, contents, question_person, refused,
};

const HOMELESSNESS: &str = "homelessness-prevention";

/// A hub that holds one signal of Alex, who gave consent; housing's adapter and a housing officer are connected,
/// each over a line of its own.
struct Wall {
    hub: Hub,
    adapter: Client,
    officer: Client,
    lines: [Line; 2],
    first: PushSignalResponse,
}

impl Wall {
    async fn new() -> Self {
        let hub = Hub::fresh().await;
        let lines = [Line::to(hub.address).await, Line::to(hub.address).await];
        let over = |line: &Line, workload| channel(&hub.place, "housing", workload, line.address);
        let adapter = Client::over(over(&lines[0], "adapter"), Presents::Nothing);
        let officer = Presents::Fresh(hub.place.clone(), cast("officer-42"));
        let officer = Client::over(over(&lines[1], "desk"), officer);
        let first = adapter.push(arrears(alex(), hub.days_ago(3))).await.unwrap();
        officer.says(alex(), ConsentStance::Given).await.unwrap();
        Self {
            hub,
            adapter,
            officer,
            lines,
            first,
        }
    }

    /// A draft that is right as it stands.
    fn draft(&self) -> SignalDraft {
        arrears(alex(), self.hub.days_ago(2))
    }

    /// A question that is right as it stands.
    fn question(&self) -> Question {
        question_person(alex(), HOMELESSNESS)
    }

    /// Checks that a call is refused for these fields and no others, that the refusal says nothing of `secret`,
    /// that it left nothing in the store, and that both connections are still good.
    async fn refuses<T: Debug>(&self, call: impl Future<Output = Result<T, Status>>, fields: &[&str], secret: &str) {
        let refusal = self.leaves_no_trace(call).await;
        assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:?}");
        assert_eq!(refusal.reason, "FIELD_INVALID", "{refusal:?}");
        assert_eq!(refusal.fields, fields, "{refusal:?}");
        assert!(refusal.rules.iter().all(|rule| !rule.is_empty()), "{refusal:?}");
        assert!(secret.is_empty() || !refusal.says(secret), "{refusal:?} says {secret}");
    }

    /// Checks that a push of the right draft with one change is refused.
    async fn refuses_push(&self, change: impl FnOnce(&mut SignalDraft), fields: &[&str], secret: &str) {
        let mut bad = self.draft();
        change(&mut bad);
        self.refuses(self.adapter.push(bad), fields, secret).await;
    }

    /// Checks that the right question with one change is refused.
    async fn refuses_question(&self, change: impl FnOnce(&mut Question), fields: &[&str], secret: &str) {
        let mut bad = self.question();
        change(&mut bad);
        self.refuses(self.officer.ask(bad.clone()), fields, secret).await;
        self.refuses(self.officer.watch(bad, ""), fields, secret).await;
    }

    /// The refusal of a call that wrote nothing at all, and after which both connections are still good.
    async fn leaves_no_trace<T: Debug>(&self, call: impl Future<Output = Result<T, Status>>) -> Refused {
        let before = contents(&*self.hub.store);
        let refusal = refused(call.await);
        assert!(contents(&*self.hub.store) == before, "something was written");
        if !refusal.reason.is_empty() {
            assert_eq!(refusal.domain, "placehub", "{refusal:?}");
        }
        self.still_serves().await;
        refusal
    }

    /// Checks that both connections still take a good call, and are the connections of the start.
    async fn still_serves(&self) {
        let pushed = self.adapter.push(self.draft()).await.unwrap();
        assert_eq!(pushed.outcome(), PushOutcome::Recorded);
        let answer = self.officer.ask(self.question()).await.unwrap();
        assert!(answer.signals.iter().any(|signal| signal.id == self.first.signal_id));
        assert_eq!(
            self.lines.each_ref().map(Line::connections),
            [1, 1],
            "a connection was made anew"
        );
    }
}

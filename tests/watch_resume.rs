//! Watches that break and go on: whatever happened in between, the screen is in the end that of somebody who asks.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use placehub_hub::store::Memory;
use placehub_proto::v1::{
    ConsentStance, PersonIdentity, Question, WatchSignalsRequest, signal_service_client::SignalServiceClient,
    watch_signals_response::Event,
};
use tokio::time::timeout;
use tonic::{
    Code, Request,
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity},
};

use crate::harness::{
    Adjust, Client, Hub, Place, Practitioner, Screen, Told, Watcher, alex, arrears, casey, cast, grant,
    question_person, refused,
};

use ConsentStance::{Given, Refused, Withdrawn};

const PURPOSE: &str = "homelessness-prevention";

fn about(who: PersonIdentity) -> Question {
    question_person(who, PURPOSE)
}

/// What the tests of this file do, one thing at a time.
struct Script {
    hub: Hub,
    housing: Client,
    welfare: Client,
    adviser: Client,
}

impl Script {
    async fn begin() -> Self {
        let hub = Hub::fresh().await;
        let (housing, welfare, adviser) = (hub.adapter("housing"), hub.adapter("welfare"), hub.as_cast("adviser-8"));
        Self {
            hub,
            housing,
            welfare,
            adviser,
        }
    }

    async fn says(&self, stance: ConsentStance) {
        self.adviser.says(casey(), stance).await.unwrap();
    }

    async fn arrears(&self, id: &str, version: u64) {
        let summary = format!("version {version}");
        let draft = arrears(casey(), self.hub.days_ago(3)).id(id).version(version);
        self.housing.push(draft.summary(&summary)).await.unwrap();
    }

    async fn grant(&self, id: &str) {
        let draft = grant(casey(), self.hub.days_ago(2)).id(id);
        self.welfare.push(draft).await.unwrap();
    }

    async fn retract(&self, id: &str, version: u64) {
        self.housing.retract(id, version).await.unwrap();
    }

    /// The screen of somebody who asks now.
    async fn asked(&self) -> Screen {
        Screen::of(&self.adviser.ask(about(casey())).await.unwrap())
    }

    /// Plays the steps of a life, and calls `after` behind each with how many events a watch has to tell of it.
    async fn play(&self, mut after: impl AsyncFnMut(usize)) {
        self.grant("g1").await;
        self.arrears("a1", 1).await;
        self.arrears("a2", 1).await;
        after(2).await; // the grant, and the line of housing
        self.arrears("a3", 1).await;
        after(0).await;
        self.says(Given).await;
        after(4).await; // three arrears, and the line goes
        self.arrears("a1", 2).await;
        after(1).await;
        self.retract("a2", 2).await;
        after(1).await;
        self.arrears("a4", 1).await;
        after(1).await;
        self.says(Withdrawn).await;
        after(4).await; // the grant, too: consent alone is relied on
        self.arrears("a5", 1).await;
        self.retract("a3", 2).await;
        after(0).await;
        self.says(Given).await;
        after(4).await;
        self.says(Refused).await;
        after(4).await;
        self.says(Given).await;
        after(4).await;
    }
}

/// All events of the play.
const EVENTS: usize = 25;

#[tokio::test]
async fn a_watch_that_breaks_after_any_event_goes_on_without_gap_or_repetition() {
    let script = Script::begin().await;
    let question = about(casey());
    let reader = script.adviser.clone();
    let mut watchers: Vec<Option<Watcher>> = (0..=EVENTS).map(|_| None).collect();
    let mut told: Vec<Vec<Told>> = vec![Vec::new(); EVENTS + 1];
    let step = async |count: usize| {
        for (breaks_after, watcher) in watchers.iter_mut().enumerate() {
            let told = &mut told[breaks_after];
            let watch = match watcher {
                Some(watch) => watch,
                None => watcher.insert(Watcher::open(&reader, &question).await),
            };
            for _ in 0..count {
                told.push(watch.event().await);
                if told.len() == breaks_after {
                    let (cursor, screen) = (watch.cursor.clone(), watch.screen.clone());
                    *watch = Watcher::resume(&reader, &question, &cursor, screen).await.unwrap();
                }
            }
        }
    };
    script.play(step).await;
    let asked = script.asked().await;
    assert_eq!(told[0].len(), EVENTS);
    // Within one step the order is the hub's own, but each event comes once.
    let sorted = |mut told: Vec<Told>| {
        told.sort();
        told
    };
    let unbroken = sorted(told[0].clone());
    for (breaks_after, told) in told.into_iter().enumerate() {
        assert_eq!(sorted(told), unbroken, "broken after {breaks_after}");
    }
    for watcher in watchers.iter_mut().flatten() {
        assert_eq!(watcher.screen, asked);
    }
}

#[tokio::test]
async fn every_cursor_of_a_whole_life_leads_to_the_same_screen() {
    let script = Script::begin().await;
    let question = about(casey());
    let mut watch = None;
    let mut stations = vec![(String::new(), Screen::default())];
    script
        .play(async |count| {
            let watch = match &mut watch {
                Some(watch) => watch,
                None => watch.insert(Watcher::open(&script.adviser, &question).await),
            };
            for _ in 0..count {
                watch.event().await;
                stations.push((watch.cursor.clone(), watch.screen.clone()));
            }
        })
        .await;
    assert_eq!(stations.len(), EVENTS + 1);
    settle(&script, stations, &question).await;
}

/// Resumes from every station; each reader must come to see what an asker sees.
async fn settle(script: &Script, stations: Vec<(String, Screen)>, question: &Question) {
    let mut late = Vec::new();
    for (cursor, screen) in stations {
        let watch = Watcher::resume(&script.adviser, question, &cursor, screen)
            .await
            .unwrap();
        late.push(watch);
    }
    // Consent is given for the last part, so that a last signal shows that a reader has come to the end.
    script.says(Given).await;
    let marker = script
        .welfare
        .push(grant(casey(), script.hub.days_ago(1)))
        .await
        .unwrap();
    let asked = script.asked().await;
    for (station, watch) in late.iter_mut().enumerate() {
        watch.until(&marker.signal_id).await;
        assert_eq!(watch.screen, asked, "resumed from event {station}");
    }
}

/// Small numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test]
async fn whatever_happens_and_wherever_it_breaks_the_screen_is_that_of_an_asker() {
    for seed in 1..=3 {
        let script = Script::begin().await;
        let question = about(casey());
        let mut dice = Dice(seed);
        let mut stations = vec![(String::new(), Screen::default())];
        let mut watch = Watcher::open(&script.adviser, &question).await;
        let mut versions = [0; 4];
        for _ in 0..40 {
            let which = dice.throw(4);
            let (id, version) = (format!("a{which}"), &mut versions[which as usize]);
            *version += 1;
            match dice.throw(8) {
                0 => script.says(Given).await,
                1 => script.says(Refused).await,
                2 => script.grant(&format!("g{which}")).await,
                3 | 4 => script.retract(&id, *version).await,
                _ => script.arrears(&id, *version).await,
            }
            // Reads some of what comes, breaks at times, and at times goes back to where it was long ago.
            for _ in 0..dice.throw(4) {
                let Ok(next) = timeout(Duration::from_millis(20), watch.next()).await else {
                    break;
                };
                if next.unwrap().is_some() {
                    stations.push((watch.cursor.clone(), watch.screen.clone()));
                }
            }
            let back = match dice.throw(6) {
                0 => stations.len() - 1,
                1 => dice.throw(stations.len() as u64) as usize,
                _ => continue,
            };
            let (cursor, screen) = stations[back].clone();
            watch = Watcher::resume(&script.adviser, &question, &cursor, screen)
                .await
                .unwrap();
        }
        settle(&script, stations, &question).await;
    }
}

#[tokio::test]
async fn a_heartbeats_cursor_is_as_good_as_any() {
    let script = Script::begin().await;
    let mut watch = Watcher::open(&script.adviser, &about(casey())).await;
    script.grant("before").await;
    watch.event().await;
    watch.quiet().await;
    let (cursor, screen) = (watch.cursor.clone(), watch.screen.clone());
    drop(watch);
    script.grant("meanwhile").await;
    let mut watch = Watcher::resume(&script.adviser, &about(casey()), &cursor, screen)
        .await
        .unwrap();
    watch.event().await;
    watch.quiet().await;
    assert_eq!(watch.screen, script.asked().await);
    assert_eq!(watch.screen.0.len(), 2);
}

#[tokio::test]
async fn a_first_run_of_many_signals_can_be_broken_anywhere() {
    let script = Script::begin().await;
    script.says(Given).await;
    for number in 0..150 {
        script.arrears(&format!("many-{number}"), 1).await;
    }
    let question = about(casey());
    let mut watch = Watcher::open(&script.adviser, &question).await;
    for breaks_after in [1, 60, 66, 2, 20] {
        watch.events(breaks_after).await;
        let (cursor, screen) = (watch.cursor.clone(), watch.screen.clone());
        watch = Watcher::resume(&script.adviser, &question, &cursor, screen)
            .await
            .unwrap();
    }
    watch.events(1).await;
    watch.quiet().await;
    assert_eq!(watch.screen.0.len(), 150);
}

#[tokio::test]
async fn a_cursor_is_of_no_use_to_anyone_else() {
    let script = Script::begin().await;
    let question = about(casey());
    for id in ["one", "two"] {
        script.grant(id).await;
    }
    let mut watch = Watcher::open(&script.adviser, &question).await;
    watch.event().await;
    let cursor = watch.cursor.clone();
    let colleague = Practitioner {
        subject: "adviser-9".to_owned(),
        ..cast("adviser-8")
    };
    let mut altered = cursor.clone();
    altered.replace_range(..1, if cursor.starts_with('A') { "B" } else { "A" });
    let page = script.adviser.ask_page(question.clone(), 1, "").await.unwrap();
    assert!(!page.next_page_token.is_empty());
    let tries = [
        (script.hub.practitioner(colleague), question.clone(), cursor.clone()),
        (script.hub.as_cast("officer-42"), question.clone(), cursor.clone()),
        (script.adviser.clone(), about(alex()), cursor),
        (script.adviser.clone(), question.clone(), altered),
        (script.adviser.clone(), question, page.next_page_token),
    ];
    for (client, question, cursor) in tries {
        let refused = refused(client.watch(question, &cursor).await.map(|_| ()));
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::InvalidArgument, "CURSOR_INVALID")
        );
    }
}

#[tokio::test]
async fn a_cursor_outlives_the_hub_and_ends_when_what_it_stands_on_is_forgotten() {
    let (place, store) = (Place::new(), Arc::new(Memory::new()));
    let question = about(casey());
    let hub = Hub::start(&place, store.clone()).await;
    let (housing, welfare) = (hub.adapter("housing"), hub.adapter("welfare"));
    welfare.push(grant(casey(), hub.days_ago(2))).await.unwrap();
    let mut watch = Watcher::open(&hub.as_cast("adviser-8"), &question).await;
    watch.event().await;
    let (cursor, screen) = (watch.cursor.clone(), watch.screen.clone());
    housing
        .push(arrears(casey(), hub.days_ago(2)).id("line"))
        .await
        .unwrap();
    hub.stop().await;
    let hub = Hub::start(&place, store.clone()).await;
    let adviser = hub.as_cast("adviser-8");
    let mut watch = Watcher::resume(&adviser, &question, &cursor, screen).await.unwrap();
    assert_eq!(watch.event().await, Told::Shown("housing".to_owned(), 0));
    hub.stop().await;
    place.clock.advance(SignedDuration::from_hours(24 * 15));
    let hub = Hub::start(&place, store).await;
    hub.adapter("housing").retract("line", 2).await.unwrap();
    let again = hub.as_cast("adviser-8").watch(question, &cursor).await.map(|_| ());
    assert_eq!(refused(again).reason, "CURSOR_INVALID");
}

#[tokio::test]
async fn nothing_waits_to_be_sent_to_a_slow_reader_when_a_withdrawal_is_acknowledged() {
    let script = Script::begin().await;
    script.says(Given).await;
    for number in 0..300 {
        let mut draft = arrears(casey(), script.hub.days_ago(3)).id(&format!("long-{number}"));
        draft.summary = "y".repeat(280);
        draft.pointer = format!("https://housing.example/{}", "z".repeat(400));
        script.housing.push(draft).await.unwrap();
    }
    let mut slow = slow(&script.hub).await;
    let first = slow.message().await.unwrap().unwrap();
    assert!(matches!(first.event, Some(Event::Shown(_))));
    script.says(Withdrawn).await;
    let (mut shown, mut hidden) = (1, 0);
    loop {
        match slow.message().await.unwrap().unwrap().event.unwrap() {
            Event::Shown(_) => shown += 1,
            Event::Hidden(_) => hidden += 1,
            Event::Heartbeat(_) => break,
        }
    }
    assert_eq!(shown, hidden, "what was shown was taken off");
    // What the two ends had in their buffers was sent before the withdrawal.
    assert!(shown < 20, "{shown} of 300 were shown");
}

/// A watch of a reader who takes in little at once.
async fn slow(hub: &Hub) -> tonic::Streaming<placehub_proto::v1::WatchSignalsResponse> {
    let identity = hub.place.identity("welfare", "desk");
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(hub.place.pki.ca_pem()))
        .identity(Identity::from_pem(&identity.certificate_pem, &identity.key_pem))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", hub.address)).unwrap();
    let small = endpoint.tls_config(tls).unwrap().initial_stream_window_size(4096);
    let mut client = SignalServiceClient::new(small.connect_lazy());
    let mut request = Request::new(WatchSignalsRequest {
        question: Some(about(casey())),
        cursor: String::new(),
    });
    let token = format!("Bearer {}", hub.place.token(&cast("adviser-8")));
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    client.watch_signals(request).await.unwrap().into_inner()
}

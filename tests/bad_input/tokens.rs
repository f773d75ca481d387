//! Tokens that a practitioner must not get in with. Each differs from a right one in the one thing that the test names.

use std::{fs, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use placehub_certs::TokenSpec;
use placehub_proto::v1::GetPolicySetRequest;
use ring::hmac;
use serde_json::{Value, json};
use tonic::Code;

use super::Wall;
use crate::harness::{Client, Place, Practitioner, Presents, Refused, alex, cast, channel, refused};

/// Checks that housing's desk is refused with this token, whatever it wants, and let in with a right one.
async fn refuses(wall: &Wall, token: &str, reason: &str) {
    check(wall, "housing", "desk", token, reason).await;
}

async fn check(wall: &Wall, agency: &str, workload: &str, token: &str, reason: &str) {
    let channel = channel(&wall.hub.place, agency, workload, wall.hub.address);
    let caller = Client::over(channel.clone(), Presents::This(token.to_owned()));
    let refusals = [
        wall.leaves_no_trace(caller.ask(wall.question())).await,
        wall.leaves_no_trace(caller.watch(wall.question(), "")).await,
        // A wrong token is never as good as none: an adapter may push without one.
        wall.leaves_no_trace(caller.push(wall.draft())).await,
        wall.leaves_no_trace(caller.who_saw(alex())).await,
    ];
    for refusal in refusals {
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::Unauthenticated, reason),
            "{refusal:?}"
        );
        says_nothing_of(&refusal, token);
    }
    if workload == "desk" {
        let who = Practitioner::new(agency, "officer-99", &["housing-officer"], &["central"]);
        let right = Client::over(channel, Presents::Fresh(wall.hub.place.clone(), who));
        right
            .policies
            .clone()
            .get_policy_set(GetPolicySetRequest {})
            .await
            .unwrap();
    }
}

fn says_nothing_of(refusal: &Refused, token: &str) {
    for part in token.split('.').filter(|part| part.len() > 3) {
        assert!(!refusal.says(part), "{refusal:?} repeats a part of the token");
    }
    assert!(!refusal.says("officer-42"), "{refusal:?}");
}

impl Wall {
    fn spec(&self) -> TokenSpec {
        self.hub.place.token_spec(&cast("officer-42"))
    }

    fn sign(&self, spec: &TokenSpec) -> String {
        self.hub.place.issuer("housing").token(spec).unwrap()
    }

    /// A right token whose header or claims were changed before it was signed.
    fn altered(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let issuer = self.hub.place.issuer("housing");
        let (mut header, mut claims) = (issuer.header(), issuer.claims(&self.spec()).unwrap());
        change(&mut header, &mut claims);
        issuer.sign_raw(&header.to_string(), &claims.to_string()).unwrap()
    }
}

#[tokio::test]
async fn a_token_for_another_agencys_certificate_is_refused() {
    let wall = Wall::new().await;
    let housing = wall.sign(&wall.spec());
    check(&wall, "police", "desk", &housing, "TOKEN_INVALID").await;
    check(&wall, "housing", "adapter", &housing, "TOKEN_NOT_BOUND").await;
}

#[tokio::test]
async fn a_token_bound_to_another_certificate_or_to_none_is_refused() {
    let wall = Wall::new().await;
    let police = wall.hub.place.identity("police", "desk").thumbprint.clone();
    let spec = TokenSpec {
        thumbprint: police,
        ..wall.spec()
    };
    refuses(&wall, &wall.sign(&spec), "TOKEN_NOT_BOUND").await;
    let unbound = wall.altered(|_, claims| drop(claims.as_object_mut().unwrap().remove("cnf")));
    refuses(&wall, &unbound, "TOKEN_NOT_BOUND").await;
}

#[tokio::test]
async fn an_issuer_never_speaks_for_another_agency() {
    let wall = Wall::new().await;
    let spec = TokenSpec {
        agency: "police".to_owned(),
        ..wall.spec()
    };
    refuses(&wall, &wall.sign(&spec), "TOKEN_INVALID").await;
    // Signed by the police, for housing, and shown with housing's certificate.
    let police = wall.hub.place.issuer("police");
    refuses(&wall, &police.token(&wall.spec()).unwrap(), "TOKEN_INVALID").await;
    let mut header = police.header();
    header["kid"] = json!(wall.hub.place.issuer("housing").kid());
    let claims = wall.hub.place.issuer("housing").claims(&wall.spec()).unwrap();
    let posing = police.sign_raw(&header.to_string(), &claims.to_string()).unwrap();
    refuses(&wall, &posing, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused_whatever_it_calls_that() {
    let wall = Wall::new().await;
    let right = wall.sign(&wall.spec());
    let (_, claims, signature) = parts(&right);
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": alg, "typ": "JWT", "kid": wall.hub.place.issuer("housing").kid() });
        let header = BASE64.encode(header.to_string());
        for signature in ["", &signature] {
            refuses(&wall, &format!("{header}.{claims}.{signature}"), "TOKEN_INVALID").await;
        }
    }
    let bare = BASE64.encode(r#"{"alg":"none"}"#);
    refuses(&wall, &format!("{bare}.{claims}."), "TOKEN_INVALID").await;
    refuses(&wall, &format!("{bare}.{claims}"), "TOKEN_INVALID").await;
}

#[tokio::test]
async fn the_public_key_is_never_taken_for_a_secret() {
    let wall = Wall::new().await;
    let issuer = wall.hub.place.issuer("housing");
    let published = fs::read_to_string(issuer.jwks_path()).unwrap();
    let set: Value = serde_json::from_str(&published).unwrap();
    let key = &set["keys"][0];
    let coordinate = |name: &str| BASE64.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    // SubjectPublicKeyInfo of a P-256 key (RFC 5480, 2): this, and then the point.
    let info = [
        hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap(),
        point.clone(),
    ]
    .concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        base64::prelude::BASE64_STANDARD.encode(&info)
    );
    let (_, claims, _) = parts(&wall.sign(&wall.spec()));
    for secret in [
        point,
        info,
        pem.into_bytes(),
        published.into_bytes(),
        key.to_string().into_bytes(),
        Vec::new(),
    ] {
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": issuer.kid() }).to_string();
        let signed = format!("{}.{claims}", BASE64.encode(header));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        refuses(&wall, &format!("{signed}.{}", BASE64.encode(tag)), "TOKEN_INVALID").await;
    }
}

#[tokio::test]
async fn a_token_never_chooses_its_own_key() {
    let wall = Wall::new().await;
    let changes: [(&str, Value); 4] = [
        ("alg", json!("ES384")),
        ("kid", json!("unheard-of")),
        ("jwk", json!({ "kty": "EC" })),
        ("jku", json!("https://elsewhere.example/keys")),
    ];
    for (member, value) in changes {
        let token = wall.altered(|header, _| header[member] = value);
        refuses(&wall, &token, "TOKEN_INVALID").await;
    }
}

#[tokio::test]
async fn a_token_that_was_changed_after_it_was_signed_is_refused() {
    let wall = Wall::new().await;
    let (header, claims, signature) = parts(&wall.sign(&wall.spec()));
    let mut promoted: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
    promoted["roles"] = json!(["housing-officer", "safeguarding-lead"]);
    let promoted = BASE64.encode(promoted.to_string());
    refuses(&wall, &format!("{header}.{promoted}.{signature}"), "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_for_another_hub_or_too_long_a_time_is_refused() {
    let wall = Wall::new().await;
    let elsewhere = TokenSpec {
        audience: "https://hub.leeds.placehub.example".to_owned(),
        ..wall.spec()
    };
    refuses(&wall, &wall.sign(&elsewhere), "TOKEN_INVALID").await;
    let long = TokenSpec {
        lifetime: Duration::from_secs(15 * 60 + 1),
        ..wall.spec()
    };
    refuses(&wall, &wall.sign(&long), "TOKEN_INVALID").await;
    let early = TokenSpec {
        issued_at: wall.hub.days_ago(-1),
        ..wall.spec()
    };
    refuses(&wall, &wall.sign(&early), "TOKEN_INVALID").await;
    let foreign = wall.altered(|_, claims| claims["iss"] = json!("https://police.wigan.placehub.example/issuer"));
    refuses(&wall, &foreign, "TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_token_that_is_over_is_refused_even_if_it_was_right_a_moment_ago() {
    let wall = Wall::new().await;
    let token = wall.sign(&wall.spec());
    let caller = wall.hub.with_token("housing", "desk", &token);
    caller.ask(wall.question()).await.unwrap();
    wall.hub.place.clock.advance(jiff::SignedDuration::from_mins(11));
    refuses(&wall, &token, "TOKEN_EXPIRED").await;
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let wall = Wall::new().await;
    for wrong in ["x", "a.b.c", "..", "e30.e30.e30", &"a".repeat(9000)] {
        refuses(&wall, wrong, "TOKEN_INVALID").await;
    }
}

#[tokio::test]
async fn a_token_of_a_withdrawn_key_is_refused_after_a_reload_even_if_it_is_remembered() {
    let wall = Wall::new().await;
    let token = wall.sign(&wall.spec());
    let caller = wall.hub.with_token("housing", "desk", &token);
    caller.ask(wall.question()).await.unwrap();
    let place: &Place = &wall.hub.place;
    let keys = place.issuer("housing").jwks_path();
    let police = fs::read_to_string(place.issuer("police").jwks_path()).unwrap();
    let own = fs::read_to_string(&keys).unwrap();
    fs::write(&keys, police).unwrap();
    assert!(wall.hub.reloader.reload("signal").await.failed.is_empty());
    let refusal = refused(caller.ask(wall.question()).await);
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::Unauthenticated, "TOKEN_INVALID")
    );
    fs::write(&keys, own).unwrap();
    assert!(wall.hub.reloader.reload("signal").await.failed.is_empty());
    caller.ask(wall.question()).await.unwrap();
}

/// Header, claims and signature, as they stand in the token.
fn parts(token: &str) -> (String, String, String) {
    let parts: Vec<&str> = token.split('.').collect();
    (parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned())
}

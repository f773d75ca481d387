//! What every test starts from: a place with its keys and certificates, a hub in it, and callers of all agencies.
//! It never decides what is right, and never holds anything that outlives its test.

mod cast;
mod chance;
mod client;
mod clock;
mod draft;
mod hub;
mod identity;
mod line;
mod place;
mod question;
mod refused;
mod watcher;

pub(crate) use cast::{PLACE, Practitioner, alex, billie, casey, cast, drew, emery};
pub(crate) use chance::Chance;
pub(crate) use client::{Client, Presents, channel};
pub(crate) use clock::Clock;
pub(crate) use draft::{Adjust, arrears, asb_at, discharge, grant, integer, signal, text};
pub(crate) use hub::{Hub, contents};
pub(crate) use identity::{known_as, numbered, only};
pub(crate) use line::Line;
pub(crate) use place::{Place, copy, renew_agreements};
pub(crate) use question::{Narrow, question_address, question_area, question_person};
pub(crate) use refused::{Refused, refused};
pub(crate) use watcher::{PATIENCE, Screen, Told, Watcher};

//! The adapter's own part of the settings: its mapping, the hub's catalogue, and whether it is at work or on trial.
//! It never starts on a mapping that it cannot use: the file and the line are told.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use placehub_delivery::{
    Translate,
    catalogue::Need,
    program::{Answering, Opened},
    settings::{Error, Formats},
};
use serde::Deserialize;

use crate::{
    Reading, http,
    mapping::{self, Mapping, catalogue::Catalogue},
    mllp, rows,
};

/// What `init` writes on them.
pub const FORMATS: &str = "
[formats]
# What becomes of each message, resource and notification.
mapping = \"mapping.toml\"
# HL7 v2 messages whose MSH-11 says otherwise are refused: P at work, T or D on trial.
processing_id = \"P\"
# Whether HL7 v2 messages may have line feeds where carriage returns belong, or begin with a byte order mark.
lenient = true
# The hub's catalogue, if the place has changed it: copies of its files.
# kinds = \"kinds.toml\"
# purposes = \"purposes.toml\"
";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    mapping: Option<PathBuf>,
    #[serde(default)]
    processing_id: Processing,
    #[serde(default = "yes")]
    lenient: bool,
    kinds: Option<PathBuf>,
    purposes: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

/// HL7 table 0103.
#[derive(Deserialize, Default, Clone, Copy)]
enum Processing {
    D,
    #[default]
    P,
    T,
}

impl Reading {
    /// Reads by the mapping that comes with the adapter, as at work.
    ///
    /// # Errors
    ///
    /// [`mapping::Error`], if that mapping has a fault.
    pub fn usual() -> Result<Self, mapping::Error> {
        let catalogue = Catalogue::parse(Catalogue::KINDS, Catalogue::PURPOSES);
        let catalogue = catalogue.map_err(|error| mapping::Error::Toml(Box::new(error)))?;
        Ok(Self {
            mapping: Mapping::parse(Mapping::USUAL, &catalogue)?,
            processing_id: "P".to_owned(),
            lenient: true,
        })
    }
}

/// Gets the formats and the listeners ready, as the table `[formats]` asks.
///
/// # Errors
///
/// [`Error`] with the file that is at fault, and the line if there is one.
pub fn open(formats: &Formats) -> Result<Opened, Error> {
    let reading = Arc::new(reading(formats)?);
    let [of_files, of_mllp, of_http] = [reading.clone(), reading.clone(), reading.clone()];
    let mllp = Answering {
        protocol: None,
        source: Box::new(move |door| Box::new(mllp::Listener::new(door, mllp::Limits::USUAL, of_mllp))),
    };
    let http = Answering {
        protocol: Some("http/1.1"),
        source: Box::new(move |door| Box::new(http::Listener::new(door, http::Limits::USUAL, of_http))),
    };
    Ok(Opened {
        needs: reading.mapping.kinds().into_iter().map(Need::from).collect(),
        translate: Translate::new(move |input, name| rows(input, name, &of_files)),
        sources: vec![("mllp", mllp), ("http", http)],
    })
}

fn reading(formats: &Formats) -> Result<Reading, Error> {
    let written: Written = formats.parse()?;
    let beside = |path: &Path, rule: String| Error::Beside {
        file: formats.path(path),
        rule,
    };
    let text = |path: &Option<PathBuf>, usual: &str| match path {
        None => Ok(usual.to_owned()),
        Some(path) => fs::read_to_string(formats.path(path)).map_err(|error| beside(path, error.kind().to_string())),
    };
    let kinds = text(&written.kinds, Catalogue::KINDS)?;
    let purposes = text(&written.purposes, Catalogue::PURPOSES)?;
    let or = |path: &Option<PathBuf>, usual: &str| path.clone().unwrap_or_else(|| usual.into());
    let catalogue = Catalogue::parse(&kinds, &purposes)
        .map_err(|error| beside(&or(&written.kinds, "kinds.toml"), error.message().to_owned()))?;
    let mapping = Mapping::parse(&text(&written.mapping, Mapping::USUAL)?, &catalogue)
        .map_err(|error| beside(&or(&written.mapping, "mapping.toml"), error.to_string()))?;
    let processing_id = match written.processing_id {
        Processing::D => "D",
        Processing::P => "P",
        Processing::T => "T",
    };
    Ok(Reading {
        mapping,
        processing_id: processing_id.to_owned(),
        lenient: written.lenient,
    })
}

//! Makes a policy set of a folder's files, and refuses it whole if anything in it is wrong: with file and line.
//! Never changes what is in force; whoever loads decides that.

use std::{path::Path, sync::Arc};

use cedar_policy::{Policy, PolicySet as Cedar};
use quick_cache::sync::Cache;

use super::{
    Agreement, Edition, Error, Files, Particulars, Party, PolicySet, Rule, Signable, Trust, bounds,
    cedar::Types,
    closed,
    depth::on_own_stack,
    files::{line_at, line_of_heading, line_of_key},
    reader::{Part, Reader, join},
    vocabulary,
};
use crate::{
    catalogue::Catalogue,
    model::{AgencyId, AgreementId, NameInvalid},
};

const SCHEMA: &str = "placehub.cedarschema";
const BASE: &str = "base.cedar";
const OPERATION: &str = "operation.cedar";

impl PolicySet {
    /// Reads and checks a folder of policies, with its cases. Signatures are not asked for.
    ///
    /// # Errors
    /// If anything in it is wrong: names file and line.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        Self::load_trusting(folder, &Trust::default())
    }

    /// Reads and checks a folder of policies, with its cases and the parties' signatures.
    ///
    /// # Errors
    /// If anything in it is wrong: names file and line. A signature that is missing or does not fit is no error: the
    /// agreement permits nothing.
    pub fn load_trusting(folder: &Path, trust: &Trust) -> Result<Self, Error> {
        let files = Files::read(folder)?;
        let set = Self::of(&files, trust)?;
        let cases = on_own_stack(|| set.cases(&files))?;
        if cases.count() == 0 {
            return Err(Error::at(
                "cases/",
                1,
                "there are no cases, so nothing shows what the rules mean",
            ));
        }
        match cases.wrong().into_iter().next() {
            Some(wrong) => Err(wrong),
            None => Ok(set),
        }
    }

    /// Checks the files of a set, all but its cases.
    ///
    /// # Errors
    /// If anything in them is wrong: names file and line.
    pub fn of(files: &Files, trust: &Trust) -> Result<Self, Error> {
        on_own_stack(|| Self::made_of(files, trust))
    }

    fn made_of(files: &Files, trust: &Trust) -> Result<Self, Error> {
        let edition = Edition::read(files)?;
        let catalogue = Catalogue::parse(
            files.text("catalogue/kinds.toml")?,
            files.text("catalogue/purposes.toml")?,
            files.text("catalogue/gateways.toml")?,
        )
        .map_err(Error::Catalogue)?;
        let schema = vocabulary::schema(files.text(SCHEMA)?)?;
        let types = Types::parse().map_err(|why| Error::at(SCHEMA, 1, why))?;
        let mut reader = Reader::new(&schema, &catalogue);
        let base = reader.policies(BASE, "base", files.text(BASE)?, Part::Base)?;
        if base.is_empty() {
            return Err(Error::at(
                BASE,
                1,
                "it forbids nothing: a set needs what is always forbidden",
            ));
        }
        closed::kept(base.iter().map(|(_, rule)| &**rule), &catalogue)?;
        let operation = reader.policies(OPERATION, "operation", files.text(OPERATION)?, Part::Operation)?;
        let mut agreements = Vec::new();
        for (file, source) in files.within("agreements/") {
            let Some(name) = file.strip_prefix("agreements/").and_then(|f| f.strip_suffix(".cedar")) else {
                // Particulars without rules would read as an agreement, and permit nothing.
                let name = file.trim_end_matches(".toml");
                files.text(&format!("{name}.cedar"))?;
                continue;
            };
            let id: AgreementId = name
                .parse()
                .map_err(|why: NameInvalid| Error::at(file, 1, why.to_string()))?;
            let particulars = read_particulars(files, name, &catalogue, trust)?;
            let own = reader.policies(file, name, source, Part::Agreement)?;
            check(&own, &particulars, &catalogue)?;
            agreements.push(Agreement {
                unsigned: unsigned(files, &id, &particulars, &catalogue, trust),
                slice: joined(file, &base, &own)?,
                particulars,
                id,
            });
        }
        let operation = joined(OPERATION, &base, &operation)?;
        let rules = reader.into_rules();
        Ok(Self {
            digest: digest(files, &agreements),
            edition,
            operation,
            agreements,
            rules,
            schema,
            types,
            catalogue,
            rulings: Cache::new(super::RULINGS_KEPT),
            takers: Cache::new(super::RULINGS_KEPT),
            in_force: Cache::new(super::RULINGS_KEPT),
            numbers: std::sync::atomic::AtomicU64::new(0),
            operations: Cache::new(super::RULINGS_KEPT),
        })
    }
}

fn read_particulars(files: &Files, name: &str, catalogue: &Catalogue, trust: &Trust) -> Result<Particulars, Error> {
    let file = format!("agreements/{name}.toml");
    let text = files.text(&file)?;
    let read: Particulars = toml::from_str(text).map_err(|why| {
        let line = why.span().map_or(1, |span| line_at(text, span.start));
        Error::at(&file, line, why.message())
    })?;
    bounds::particulars((&file, text), &read, catalogue)?;
    let other = |(_, party): &(usize, &Party)| {
        trust
            .sectors
            .get(&party.agency)
            .is_some_and(|sector| *sector != party.sector)
    };
    if let Some((place, Party { agency, sector, .. })) = read.party.iter().enumerate().find(other) {
        let line = line_of_key(text, line_of_heading(text, "[[party]]", place), "sector");
        let what = format!("`{agency}` is of the sort `{sector}` here, and the hub's settings have it of another");
        return Err(Error::at(&file, line, what));
    }
    Ok(read)
}

/// Holds the rules of an agreement to its particulars.
fn check(own: &[(Policy, Arc<Rule>)], particulars: &Particulars, catalogue: &Catalogue) -> Result<(), Error> {
    for (policy, rule) in own {
        for uid in policy.entity_literals() {
            let name = uid.id().unescaped();
            let at = |what| Error::at(&rule.file, rule.line, format!("policy `{}`: {uid} {what}", rule.id));
            let agency = |name: &str| name.parse().is_ok_and(|id: AgencyId| particulars.binds(&id));
            let owned = |name: &str| {
                let kind = name.parse().ok().and_then(|id| catalogue.kind(&id));
                kind.is_some_and(|kind| particulars.of_sector(&kind.owner).next().is_some())
            };
            match uid.type_name().basename() {
                "Agency" if !agency(name) => return Err(at("is no party of the agreement")),
                "Kind" if !owned(name) => return Err(at("is a kind that no party of the agreement owns")),
                _ => {}
            }
        }
        bounds::rule(rule, particulars, catalogue)?;
    }
    Ok(())
}

/// The parties whose signature is asked for and missing.
fn unsigned(
    files: &Files,
    id: &AgreementId,
    particulars: &Particulars,
    catalogue: &Catalogue,
    trust: &Trust,
) -> Vec<AgencyId> {
    if !trust.required {
        return Vec::new();
    }
    let signable = Signable::find(files, id);
    let signed = |party: &AgencyId| signable.as_ref().is_some_and(|it| it.is_signed_by(party, files, trust));
    particulars
        .owners(catalogue)
        .into_iter()
        .filter(|party| !signed(party))
        .collect()
}

/// SHA-256 (hex) over all that has a say: the files, and which signatures are missing.
fn digest(files: &Files, agreements: &[Agreement]) -> Arc<str> {
    let mut context = files.digest();
    for agreement in agreements {
        for party in &agreement.unsigned {
            context.update(format!("unsigned\0{}\0{party}\0", agreement.id).as_bytes());
        }
    }
    hex::encode(context.finish()).into()
}

fn joined(file: &str, base: &[(Policy, Arc<Rule>)], own: &[(Policy, Arc<Rule>)]) -> Result<Cedar, Error> {
    join(file, base.iter().chain(own).map(|(policy, _)| policy))
}

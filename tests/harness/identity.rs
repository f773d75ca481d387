//! Calls of IdentityService, with the system `sample` as their source.

use placehub_proto::v1::{
    ChangeNhsNumberRequest, IdentityOutcome, IdentityUndoOutcome, JoinIdentitiesRequest, LocalReference,
    PersonIdentity, RecordDeathRequest, RetractDeathRequest, SeparateIdentitiesRequest,
};
use tonic::Status;

use super::Client;

const SYSTEM: &str = "sample";

/// The same person, under a reference of the calling agency too.
pub(crate) fn known_as(value: &str, who: PersonIdentity) -> PersonIdentity {
    let system = "records".to_owned();
    let local_references = vec![LocalReference {
        system,
        value: value.to_owned(),
    }];
    PersonIdentity {
        local_references,
        ..who
    }
}

/// Whoever has this reference of the calling agency.
pub(crate) fn only(value: &str) -> PersonIdentity {
    known_as(value, PersonIdentity::default())
}

/// Whoever has this NHS number.
pub(crate) fn numbered(nhs_number: &str) -> PersonIdentity {
    PersonIdentity {
        nhs_number: nhs_number.to_owned(),
        ..PersonIdentity::default()
    }
}

impl Client {
    /// Says that two are one.
    pub(crate) async fn join(
        &self,
        (id, version): (&str, u64),
        survivor: PersonIdentity,
        retired: PersonIdentity,
    ) -> Result<IdentityOutcome, Status> {
        let request = JoinIdentitiesRequest {
            source_system: SYSTEM.to_owned(),
            source_id: id.to_owned(),
            version,
            survivor: Some(survivor),
            retired: Some(retired),
        };
        Ok(self
            .identities
            .clone()
            .join_identities(request)
            .await?
            .into_inner()
            .outcome())
    }

    /// Takes a join or a change of number back.
    pub(crate) async fn separate(&self, id: &str, version: u64) -> Result<IdentityUndoOutcome, Status> {
        let request = SeparateIdentitiesRequest {
            source_system: SYSTEM.to_owned(),
            source_id: id.to_owned(),
            version,
        };
        let separated = self.identities.clone().separate_identities(request).await?;
        Ok(separated.into_inner().outcome())
    }

    /// Says that an NHS number was replaced.
    pub(crate) async fn change_number(&self, id: &str, old: &str, new: &str) -> Result<IdentityOutcome, Status> {
        let request = ChangeNhsNumberRequest {
            source_system: SYSTEM.to_owned(),
            source_id: id.to_owned(),
            version: 1,
            old_nhs_number: old.to_owned(),
            new_nhs_number: new.to_owned(),
        };
        let changed = self.identities.clone().change_nhs_number(request).await?;
        Ok(changed.into_inner().outcome())
    }

    /// Says that a person died.
    pub(crate) async fn died(
        &self,
        (id, version): (&str, u64),
        who: PersonIdentity,
    ) -> Result<IdentityOutcome, Status> {
        let request = RecordDeathRequest {
            source_system: SYSTEM.to_owned(),
            source_id: id.to_owned(),
            version,
            person: Some(who),
        };
        Ok(self
            .identities
            .clone()
            .record_death(request)
            .await?
            .into_inner()
            .outcome())
    }

    /// Takes the news of a death back.
    pub(crate) async fn lives(&self, id: &str, version: u64) -> Result<IdentityUndoOutcome, Status> {
        let request = RetractDeathRequest {
            source_system: SYSTEM.to_owned(),
            source_id: id.to_owned(),
            version,
        };
        Ok(self
            .identities
            .clone()
            .retract_death(request)
            .await?
            .into_inner()
            .outcome())
    }
}

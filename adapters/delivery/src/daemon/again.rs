//! Sends again what a person has marked in the quarantine.
//! It never lets go of an entry before the outbox has it, or the quarantine has it anew.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    content::Told,
    draft::FileError,
    folder::{Translate, chain},
    intake::{self, Intake, Left, Taken},
    outbox,
    quarantine::{self, Held, Id, Kept, Quarantine},
};

/// How often the quarantine is looked through.
const EVERY: Duration = Duration::from_secs(2);

/// Sends again what a person has marked in the quarantine.
#[derive(Clone)]
pub(super) struct Again {
    pub(super) quarantine: Quarantine,
    pub(super) intake: Intake,
    pub(super) translate: Translate,
}

impl Again {
    pub(super) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let again = self.clone();
            let looked = tokio::task::spawn_blocking(move || again.look_through()).await;
            match looked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(cause = %error, "cannot send again"),
                Err(error) => tracing::error!(cause = %error, "sending again was cut short"),
            }
            stop.run_until_cancelled(tokio::time::sleep(EVERY)).await;
        }
    }

    fn look_through(&self) -> Result<(), String> {
        for id in self.quarantine.in_order().map_err(|error| chain(&error))? {
            let sent = catch_unwind(AssertUnwindSafe(|| self.send(&id)));
            let sent = sent.unwrap_or_else(|_| {
                tracing::error!(entry = %id, "a fault of this program keeps an entry back");
                self.quarantine.hold_again(&id)
            });
            sent.map_err(|error| chain(&error))?;
        }
        Ok(())
    }

    /// Hands one entry over and releases it; if nothing can be made of it even now, it is held again, with today's reason.
    fn send(&self, id: &Id) -> Result<(), quarantine::Error> {
        let kept = match self.quarantine.read_again(id) {
            Err(quarantine::Error::Unreadable(_)) => return self.quarantine.hold_again(id),
            read => read?,
        };
        let Kept { origin, held, .. } = kept;
        let taken = match held {
            Some(Held::Told(Told { content: Some(content) })) => vec![Taken {
                origin,
                content: Ok(content),
            }],
            Some(Held::Piece(piece)) => match translate(&self.translate, &origin, &piece) {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(origin, cause = %error, "still not translated");
                    return self.quarantine.hold_again(id);
                }
            },
            Some(Held::Told(Told { content: None })) | None => return self.quarantine.hold_again(id),
        };
        match self.intake.take(taken) {
            Ok(()) => self.quarantine.release(id),
            Err(intake::Error::Outbox(outbox::Error::Stopping)) => Ok(()),
            Err(error) => {
                tracing::error!(cause = %chain(&error), "cannot send again");
                Ok(())
            }
        }
    }
}

/// Translates a piece anew. It keeps the place that it had in its file.
fn translate(translate: &Translate, origin: &str, piece: &quarantine::Piece) -> Result<Vec<Taken>, FileError> {
    let rows = translate.rows(Box::new(io::Cursor::new(piece.bytes.clone())), &piece.name)?;
    rows.map(|row| {
        let mut taken = Taken::of(row?, &piece.name);
        origin.clone_into(&mut taken.origin);
        if let Err(Left { bytes, .. }) = &mut taken.content {
            bytes.clone_from(&piece.bytes);
        }
        Ok(taken)
    })
    .collect()
}

//! What a turn does of what its answer asks for: items are stored before they are told as done, pictures kept, widgets
//! replaced.

use super::answer::{Finished, Replacement, Shown, Stage, Step};
use super::messages;
use super::respond::Turn;
use crate::protocol::{Event, GeneratedImageItem, ItemUpdate, ThreadItem};
use crate::store::StoreError;
use crate::telemetry::chain;

impl Turn {
    /// Does what the answer asks for.
    pub(super) async fn perform(&mut self, steps: Vec<Step>) -> Result<(), StoreError> {
        for step in steps {
            self.flush().await?;
            match step {
                Step::Emit(event) => self.emit(event),
                Step::Finish(finished) => self.progress.held = Some(finished),
                Step::Show(shown) => self.show(shown).await,
                Step::Replace(replacement) => self.replace(replacement).await?,
                Step::Rename(title) => {
                    self.give_up_title();
                    if let Some(place) = &self.place
                        && let Some(event) = place.rename(&title).await?
                    {
                        self.emit(event);
                    }
                }
            }
        }
        Ok(())
    }

    /// Stores the item that is held back.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        match self.progress.held.take() {
            Some(finished) => self.finish(finished, false).await,
            None => Ok(()),
        }
    }

    /// Stores an item, then says that it is done: what the person has seen complete is never lost.
    async fn finish(&mut self, finished: Finished, ends_turn: bool) -> Result<(), StoreError> {
        let Some(place) = &mut self.place else {
            if !finished.item.is_hidden() {
                self.emit(Event::ItemDone { item: finished.item });
            }
            return Ok(());
        };
        let model_context = finished.model_context.clone().or_else(|| self.progress.trail.take());
        let files: Vec<_> = finished.item.files().into_iter().map(ToOwned::to_owned).collect();
        let item = match place.store(finished, model_context, ends_turn).await {
            Ok(item) => item,
            Err(error) => {
                Box::pin(self.drop_files(&files)).await;
                return Err(error);
            }
        };
        if !item.is_hidden() {
            let item = self.engine.shown(&self.identity.owner, item);
            self.emit(Event::ItemDone { item });
        }
        Ok(())
    }

    /// Keeps a picture and tells what it looks like. One that cannot be kept is taken back: the turn goes on.
    async fn show(&mut self, shown: Shown) {
        let Shown { header, picture, stage } = shown;
        if self.place.is_none() {
            return;
        }
        let owner = &self.identity.owner;
        let kept = match &stage {
            Stage::Partial(_) => self.engine.show_picture(owner, &picture).await,
            Stage::Whole { .. } => self.engine.keep_picture(owner, &header.id, &picture).await,
        };
        match (kept, stage) {
            (Ok(image), Stage::Partial(progress)) => {
                let update = ItemUpdate::GeneratedImageUpdated { image, progress: Some(progress) };
                self.emit(Event::ItemUpdated { item_id: header.id, update });
            }
            (Ok(image), Stage::Whole { upstream_id }) => {
                let item = ThreadItem::GeneratedImage(GeneratedImageItem { header, image: Some(image) });
                self.progress.held = Some(Finished { item, upstream_id, model_context: None });
            }
            (Err(error), stage) => {
                tracing::error!(error = chain(&error), "a picture was not kept");
                if matches!(stage, Stage::Whole { .. }) {
                    self.emit(Event::ItemRemoved { item_id: header.id });
                    self.emit(messages::picture_lost());
                }
            }
        }
    }

    async fn replace(&mut self, replacement: Replacement) -> Result<(), StoreError> {
        let Replacement { item_id, widget, copy_text } = replacement;
        let Some(place) = &self.place else { return Ok(()) };
        let replaced = match item_id.as_ref().or(place.sender.as_ref()) {
            Some(item_id) => place.replace(item_id, widget, copy_text).await?,
            None => None,
        };
        match replaced {
            Some(item) => self.emit(Event::ItemReplaced { item }),
            None => tracing::warn!("an endpoint replaced a widget that does not exist"),
        }
        Ok(())
    }

    /// Stores the last item, and ends the thread's run.
    pub(super) async fn end(&mut self) -> Result<(), StoreError> {
        let stored = match self.progress.held.take() {
            Some(finished) => Some(self.finish(finished, true).await),
            None => None,
        };
        match (stored, &self.place) {
            (Some(Err(error)), Some(place)) => {
                // Best effort: the lease ends by itself.
                let _ = place.end().await;
                Err(error)
            }
            (Some(stored), _) => stored,
            (None, Some(place)) => place.end().await,
            (None, None) => Ok(()),
        }
    }

    /// What a removed item showed. Nothing leads there any more, so a failure costs the operator's storage only.
    pub(super) async fn drop_files(&mut self, file_ids: &[String]) {
        if let Err(error) = self.engine.remove_files(&self.identity.owner, file_ids).await {
            tracing::error!(error = chain(&error), "the files of removed items were not removed");
        }
    }
}

//! The steps that an answer asks for: an item is stored before the client is told that it is done, pictures are kept,
//! widgets replaced.

use super::{ThreadWriter, Turn, TurnEnd};
use crate::engine::answer::{Finished, PictureStage, PictureUpdate, Step, WidgetReplacement};
use crate::engine::prompt_size::counted_prompt;
use crate::engine::{Failure, public_messages};
use crate::model::TokenUsage;
use crate::protocol::{Event, GeneratedImageItem, ItemUpdate, ThreadItem};
use crate::store::{ItemPosition, StoredItem};
use crate::telemetry::chain;

impl Turn {
    pub(crate) async fn perform(&mut self, steps: Vec<Step>) -> Result<(), Failure> {
        for step in steps {
            self.flush().await?;
            match step {
                Step::Emit(event) => self.emit(event),
                Step::Finish(finished) => self.held_item = Some(finished),
                Step::ShowPicture(update) => self.show_picture(update).await,
                Step::ReplaceWidget(replacement) => self.replace_widget(replacement).await?,
                Step::Rename(title) => {
                    self.give_up_title();
                    if let Some(event) = self.writer.rename(&title).await? {
                        self.emit(event);
                    }
                }
            }
        }
        Ok(())
    }

    /// Completes what is open of the answer with what has come of it.
    pub(super) async fn complete_answer(&mut self) -> Result<(), Failure> {
        let steps = self.answer.complete();
        self.perform(steps).await
    }

    /// Stores the item that is held.
    pub(crate) async fn flush(&mut self) -> Result<(), Failure> {
        match self.held_item.take() {
            Some(finished) => self.store(finished, false).await,
            None => Ok(()),
        }
    }

    /// Stores the last item, and releases the lease; whether there was one.
    pub(super) async fn store_last(&mut self) -> Result<bool, Failure> {
        let Some(finished) = self.held_item.take() else {
            self.writer.release_lease().await?;
            return Ok(false);
        };
        let stored = self.store(finished, true).await;
        if stored.is_err() {
            // Best effort: a run that gives no sign of life is over.
            let _ = self.writer.release_lease().await;
        }
        stored.map(|()| true)
    }

    async fn store(&mut self, finished: Finished, ends_turn: bool) -> Result<(), Failure> {
        let model_context = match (&finished.model_context, self.writer.is_thread()) {
            (Some(model_context), _) => Some(model_context.clone()),
            (None, true) => self.unstored_inputs.take(),
            (None, false) => None,
        };
        let file_ids: Vec<_> = finished.item.files().into_iter().map(ToOwned::to_owned).collect();
        let Finished { item, upstream_id, .. } = finished;
        let position = self.stream.next_position().filter(|_| !item.is_hidden());
        let used = ends_turn.then_some(self.usage).filter(|used| *used != TokenUsage::default());
        // What tools have returned since is not counted.
        let is_counted = ends_turn && self.prompt.is_counted();
        let counted = self.counted_tokens.filter(|_| is_counted).map(|tokens| counted_prompt(&self.prompt, tokens));
        let mut stored = StoredItem { upstream_id, model_context, position, used, counted, ..StoredItem::new(item) };
        let replaced = self.writer.replaced_end().await?;
        if let Some(replaced) = &replaced {
            self.engine.remove_files(&self.identity.owner, &replaced.files).await?;
        }
        if let Err(error) = self.writer.store(&mut stored, replaced, ends_turn).await {
            self.drop_files(&file_ids).await;
            return Err(error.into());
        }
        let StoredItem { item, .. } = stored;
        if !item.is_hidden() {
            let item = self.engine.with_file_urls(&self.identity.owner, item);
            self.emit(Event::ItemDone { item });
        }
        Ok(())
    }

    /// Keeps a picture and shows it. One that cannot be kept is taken back; the turn goes on.
    async fn show_picture(&mut self, PictureUpdate { header, picture, stage }: PictureUpdate) {
        if !self.writer.is_thread() {
            return;
        }
        let owner = &self.identity.owner;
        let kept = match &stage {
            PictureStage::Partial(_) => self.engine.keep_partial_picture(owner, &picture).await,
            PictureStage::Whole { .. } => self.engine.keep_picture(owner, &header.id, &picture).await,
        };
        match (kept, stage) {
            (Ok(image), PictureStage::Partial(progress)) => {
                let update = ItemUpdate::GeneratedImageUpdated { image, progress: Some(progress) };
                self.emit(Event::ItemUpdated { item_id: header.id, update });
            }
            (Ok(image), PictureStage::Whole { upstream_id }) => {
                let item = ThreadItem::GeneratedImage(GeneratedImageItem { header, image: Some(image) });
                self.held_item = Some(Finished { item, upstream_id, model_context: None });
            }
            (Err(error), stage) => {
                tracing::error!(error = chain(&error), "could not save a picture of the model");
                if matches!(stage, PictureStage::Whole { .. }) {
                    self.emit(Event::ItemRemoved { item_id: header.id });
                    self.say(&public_messages::picture_lost());
                }
            }
        }
    }

    async fn replace_widget(&mut self, replacement: WidgetReplacement) -> Result<(), Failure> {
        if !self.writer.is_thread() {
            return Ok(());
        }
        let WidgetReplacement { item_id, widget, copy_text } = replacement;
        let position = self.stream.next_position().map(|position| ItemPosition { is_replaced: true, ..position });
        match self.writer.replace_widget(item_id.as_ref(), widget, copy_text, position).await? {
            Some(item) => self.emit(Event::ItemReplaced { item }),
            None => tracing::warn!("an endpoint replaced a widget that does not exist"),
        }
        Ok(())
    }

    /// Removes items that have lost their meaning, which have no files. The model thinks meanwhile, so this delays no
    /// answer.
    pub(super) async fn clear_superseded(&mut self) -> Result<(), TurnEnd> {
        match self.writer.thread() {
            Some(writer) if !writer.superseded_item_ids.is_empty() => {
                let ThreadWriter { store, owner, thread_id, superseded_item_ids, .. } = writer;
                store.items.remove(owner, thread_id, superseded_item_ids).await?;
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Removes files that no item shows any more. A failure costs the operator's storage only.
    pub(super) async fn drop_files(&mut self, file_ids: &[String]) {
        if file_ids.is_empty() {
            return;
        }
        if let Err(error) = self.engine.remove_files(&self.identity.owner, file_ids).await {
            tracing::error!(error = chain(&error), "could not remove the files of removed items");
        }
    }
}

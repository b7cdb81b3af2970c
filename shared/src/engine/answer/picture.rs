use super::{Answer, PictureStage, PictureUpdate, Step};
use crate::ids;
use crate::model::Picture;
use crate::protocol::{Event, GeneratedImageItem, ItemHeader, ThreadItem};

impl Answer {
    pub(super) fn start_picture(&mut self, number: u64) -> Vec<Step> {
        // Numbers come in order; any other one is ignored.
        if usize::try_from(number).ok() != Some(self.pictures.len()) {
            return Vec::new();
        }
        let mut steps: Vec<_> = self.end_workflow().into_iter().collect();
        let header = self.header(ids::MESSAGE);
        let item = ThreadItem::GeneratedImage(GeneratedImageItem { header: header.clone(), image: None });
        steps.push(Step::Emit(Event::ItemAdded { item }));
        self.pictures.push(Some(header));
        steps
    }

    pub(super) fn partial_picture(&self, number: u64, picture: Picture, progress: f64) -> Vec<Step> {
        let header = usize::try_from(number).ok().and_then(|index| self.pictures.get(index)?.clone());
        let shown = header.map(|header| PictureUpdate { header, picture, stage: PictureStage::Partial(progress) });
        shown.map(Step::ShowPicture).into_iter().collect()
    }

    /// A picture that failed leaves nothing behind.
    pub(super) fn finish_picture(
        &mut self,
        number: u64,
        upstream_id: Option<String>,
        picture: Option<Picture>,
    ) -> Vec<Step> {
        let header = usize::try_from(number).ok().and_then(|index| self.pictures.get_mut(index)?.take());
        let step = match (header, picture) {
            (None, _) => None,
            (Some(header), None) => Some(removed(header)),
            (Some(header), Some(picture)) => {
                self.has_substance = true;
                Some(Step::ShowPicture(PictureUpdate { header, picture, stage: PictureStage::Whole { upstream_id } }))
            }
        };
        step.into_iter().collect()
    }

    pub(super) fn open_pictures(&self) -> impl Iterator<Item = ThreadItem> {
        let headers = self.pictures.iter().flatten().cloned();
        headers.map(|header| ThreadItem::GeneratedImage(GeneratedImageItem { header, image: None }))
    }

    /// Takes back the pictures that never became whole.
    pub(super) fn drop_unfinished_pictures(&mut self) -> Vec<Step> {
        self.pictures.iter_mut().filter_map(Option::take).map(removed).collect()
    }
}

fn removed(header: ItemHeader) -> Step {
    Step::Emit(Event::ItemRemoved { item_id: header.id })
}

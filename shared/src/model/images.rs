use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::event::{Events, ModelEvent, Picture};
use super::items::Items;
use super::prompt::Prompt;

/// The pictures of an answer on their way. They are not kept: each state leaves as it comes.
pub(super) struct Images {
    images: Items<()>,
    /// How many states come before the picture is whole, if the prompt says so.
    partials: Option<u64>,
}

impl Images {
    /// The pictures of an answer to this prompt.
    pub(super) fn new(prompt: &Prompt) -> Self {
        let partials = prompt.image_tool().and_then(|tool| tool["partial_images"].as_u64());
        Self { images: Items::default(), partials: partials.filter(|partials| *partials > 0) }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    pub(super) fn start(&mut self, place: u64, id: Option<String>, out: &mut Events) {
        let (image, ()) = self.images.begin(place, id, ());
        out.push_back(ModelEvent::ImageStarted { image });
    }

    /// The server says that it is at it; only news where the start was left out. Which picture it is; `None` if it is
    /// over.
    pub(super) fn go_on(&mut self, place: u64, out: &mut Events) -> Option<u64> {
        let (image, (), is_new) = self.images.open_or_begin(place, || ())?;
        if is_new {
            out.push_back(ModelEvent::ImageStarted { image });
        }
        Some(image)
    }

    /// What the picture looks like so far; `number` counts the states from 0.
    pub(super) fn show(&mut self, place: u64, number: u64, picture: Option<Picture>, out: &mut Events) {
        let Some(image) = self.go_on(place, out) else { return };
        let Some(picture) = picture else { return };
        #[expect(clippy::cast_precision_loss, reason = "there are three states at most")]
        let progress = self.partials.map_or(0.0, |all| ((number.saturating_add(1)) as f64 / all as f64).min(1.0));
        out.push_back(ModelEvent::ImagePartial { image, picture, progress });
    }

    /// A picture is whole, or failed.
    pub(super) fn finish(&mut self, place: u64, id: Option<String>, picture: Option<Picture>, out: &mut Events) {
        let open = self.images.open(place).map(|(image, ())| image);
        if open.is_none() {
            if self.images.is_over(place, id.as_deref()) {
                return;
            }
            self.start(place, id.clone(), out);
        }
        if let Some((image, ())) = self.images.open(place) {
            self.end(image, id, picture, out);
        }
    }

    /// The pictures in the upstream's summary of its output: whichever of them are not over yet, are now. Those that
    /// it does not have have failed.
    pub(super) fn finish_all(&mut self, listed: Vec<(Option<String>, Option<Picture>)>, out: &mut Events) {
        let ids: Vec<_> = listed.iter().map(|(id, _)| id.clone()).collect();
        for (known, (id, picture)) in self.images.listed(&ids).into_iter().zip(listed) {
            let image = known.unwrap_or_else(|| {
                let (image, ()) = self.images.begin(0, id.clone(), ());
                out.push_back(ModelEvent::ImageStarted { image });
                image
            });
            self.end(image, id, picture, out);
        }
        for image in self.images.unfinished() {
            self.end(image, None, None, out);
        }
    }

    fn end(&mut self, image: u64, upstream_id: Option<String>, picture: Option<Picture>, out: &mut Events) {
        if self.images.finish(image, upstream_id.clone()).is_some() {
            out.push_back(ModelEvent::ImageDone { image, upstream_id, picture });
        }
    }
}

impl Picture {
    /// The picture in base64; `None` for what no browser shows. Its type is what its first bytes say, or else what the
    /// upstream calls it.
    pub(super) fn from_base64(base64: &str, output_format: Option<&str>) -> Option<Self> {
        let bytes = Bytes::from(STANDARD.decode(base64).ok()?);
        let media_type = match (bytes.as_ref(), output_format) {
            ([0x89, b'P', b'N', b'G', ..], _) => "image/png",
            ([0xff, 0xd8, 0xff, ..], _) => "image/jpeg",
            ([b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..], _) => "image/webp",
            ([b'G', b'I', b'F', b'8', ..], _) => "image/gif",
            ([], _) => return None,
            (_, Some("png")) => "image/png",
            (_, Some("jpeg")) => "image/jpeg",
            (_, Some("webp")) => "image/webp",
            (_, Some(_) | None) => return None,
        };
        Some(Self { media_type, bytes })
    }
}

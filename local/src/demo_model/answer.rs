use super::request::Request;
use super::texts;

/// How much of a message is repeated, in characters.
const QUOTE: usize = 300;

/// What the demo model says.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Summaries of thoughts, before the text.
    pub(super) thoughts: Vec<&'static str>,
    pub(super) text: String,
    pub(super) citations: Vec<Citation>,
    pub(super) is_refusal: bool,
    /// Whether it ends with an error in place of its rest.
    pub(super) fails: bool,
    pub(super) is_slow: bool,
}

/// A source of the text between two positions, in characters.
#[derive(Debug)]
pub(super) struct Citation {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) title: &'static str,
    pub(super) url: &'static str,
}

impl Answer {
    /// The answer to a request. It depends on nothing else.
    pub(super) fn to(request: &Request) -> Self {
        let asked = request.user_texts();
        let latest = asked.last().map(String::as_str).unwrap_or_default();
        if request.wants_title() {
            return Self { text: title(latest), ..Self::default() };
        }
        let words = latest.to_lowercase();
        let words: Vec<_> = words.split(|character: char| !character.is_alphanumeric()).collect();
        let has = |keyword: &str| words.iter().any(|word| word.strip_suffix('s').unwrap_or(word) == keyword);

        let mut answer = Self { is_slow: has("slow"), ..Self::default() };
        if has("think") || has("thinking") {
            answer.thoughts = texts::THOUGHTS.to_vec();
        }
        if has("refuse") {
            return Self { text: texts::REFUSAL.to_owned(), is_refusal: true, ..answer };
        }
        if has("fail") {
            return Self { text: texts::BEFORE_FAILURE.to_owned(), fails: true, ..answer };
        }
        answer.text = opening(request, &asked);
        let pieces =
            [("markdown", texts::MARKDOWN), ("list", texts::LIST), ("table", texts::TABLE), ("code", texts::CODE)];
        let has_pieces = pieces.iter().filter(|(keyword, _)| has(keyword)).map(|(_, piece)| answer.add(piece)).count();
        if has("source") || has("link") {
            answer.cite();
        } else if has("long") {
            answer.add(&texts::long());
        } else if has_pieces == 0 {
            answer.add(texts::HELP);
        }
        answer
    }

    fn add(&mut self, paragraph: &str) {
        self.text.push_str("\n\n");
        self.text.push_str(paragraph);
    }

    /// Says a sentence for each source.
    fn cite(&mut self) {
        self.add("This is how sources look:");
        for (title, url) in texts::SOURCES {
            self.text.push(' ');
            let start = self.text.chars().count();
            self.text.push('“');
            self.text.push_str(title);
            self.text.push_str("” has more on it.");
            self.citations.push(Citation { start, end: self.text.chars().count(), title, url });
        }
    }
}

/// Who speaks, what was asked, and how much of the conversation has arrived.
fn opening(request: &Request, asked: &[String]) -> String {
    let latest = asked.last().map(String::as_str).unwrap_or_default();
    let mut text = "I am the **demo model**. I understand nothing, but I can repeat what you wrote:\n".to_owned();
    for line in shortened(latest).lines() {
        text.push_str("\n> ");
        text.push_str(line);
    }
    let history = match request.message_count() {
        1 => "It is the first message of our conversation.".to_owned(),
        count => format!("I was given {count} messages of our conversation, yours and mine."),
    };
    text.push_str("\n\n");
    text.push_str(&history);
    if let [.., previous, _] = asked {
        text.push_str(" Before this one you wrote: “");
        text.push_str(&shortened(previous).replace('\n', " "));
        text.push('”');
    }
    text
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// The first words of a message, as a title.
fn title(message: &str) -> String {
    let words: Vec<_> = message.split_whitespace().take(6).collect();
    let title = words.join(" ");
    let title = title.trim_matches(|character: char| !character.is_alphanumeric());
    let mut characters = title.chars().take(60);
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "A conversation".to_owned(),
    }
}

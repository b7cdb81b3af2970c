/// About how many tokens a text has: English has about four bytes a token, most other scripts more tokens a character
/// but also more bytes a character.
pub fn estimate_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

/// What a server or a library said, fit to stand inside a sentence of ours: without its own full stop.
pub(super) fn clause(words: &str) -> String {
    words.trim().trim_end_matches('.').to_owned()
}

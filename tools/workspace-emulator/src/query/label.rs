//! Names of labels, as searches write them.

/// A label as a search writes it: lower case, `-` for what is no letter or digit.
pub(super) fn label_name(text: &str) -> String {
    text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
}

//! The name under which a user's attribute leaves, where another one has taken its own.

use std::borrow::Cow;

use crate::names::key::MOVED_PREFIX;

/// The name, with as many prefixes as it takes until nobody has it. An attribute's name is never empty
/// (OpenTelemetry, common concepts).
pub(crate) fn free_name<'a>(name: &'a str, is_taken: impl Fn(&str) -> bool) -> Cow<'a, str> {
    let mut free = Cow::Borrowed(name);
    while free.is_empty() || is_taken(&free) {
        free = Cow::Owned(format!("{MOVED_PREFIX}{free}"));
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_moves_aside_until_it_is_free() {
        let taken = ["url.path", "field_url.path"];
        let free = |name| free_name(name, |name| taken.contains(&name)).into_owned();
        assert_eq!(free("seats"), "seats");
        assert_eq!(free("url.path"), "field_field_url.path");
        assert_eq!(free(""), "field_");
    }
}

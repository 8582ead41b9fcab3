//! The characters that the header grammars share: optional white space, tokens.

/// Without the optional white space around it (RFC 7230, 3.2.3: spaces and tabs).
#[inline]
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let is_ows = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_ows(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_ows(byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Is it a token (RFC 7230, 3.2.6)?
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_trimmed_at_both_ends_and_nowhere_else() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(trim(b"a\n"), b"a\n");
    }

    #[test]
    fn a_token_has_no_separator() {
        assert!(is_token(b"a-Z0!#$%&'*+.^_`|~"));
        for byte in b"\"(),/:;<=>?@[\\]{} \t\x7f\x80" {
            assert!(!is_token(&[b'a', *byte]), "{byte}");
        }
    }
}

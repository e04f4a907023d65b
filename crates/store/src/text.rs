//! Foreign text made safe to show on a terminal.
//!
//! Names, titles and paths come from other people. Shown raw, they could clear the screen, forge a fingerprint line or
//! reverse what is read. What is written into files is not this module's business.

use std::path::Path;

/// The longest path that is shown, in characters: more than a path of most systems has.
const SHOWN_PATH: usize = 4096;

/// `text` with every character that a terminal would obey, hide or reorder by written as `\u{..}`.
///
/// These are the control characters (C0, DEL, C1), the line and paragraph separators, the bidirectional controls and
/// the other invisible format characters. Everything else stays as it is, backslashes included. Of a text longer than
/// `max` characters the first `max` are shown, followed by `…`.
#[must_use]
pub fn escape(text: &str, max: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(max));
    for (position, character) in text.chars().enumerate() {
        if position == max {
            safe.push('…');
            break;
        }
        if is_hazardous(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// A path to be shown, [escaped](escape).
#[must_use]
pub fn path(path: &Path) -> String {
    escape(&path.to_string_lossy(), SHOWN_PATH)
}

/// A path as one word of a shell command that is suggested: in single quotes unless it is plain, and [escaped](escape).
#[must_use]
pub fn word(path: &Path) -> String {
    let shown = self::path(path);
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !shown.is_empty() && shown.chars().all(plain) { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
}

fn is_hazardous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' // soft hyphen
            | '\u{61c}' // Arabic letter mark
            | '\u{180e}' // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}' // zero width, direction marks
            | '\u{2028}'..='\u{202e}' // separators, embeddings, overrides
            | '\u{2060}'..='\u{206f}' // joiners, isolates, deprecated format characters
            | '\u{feff}' // byte order mark
            | '\u{fff9}'..='\u{fffb}' // interlinear annotations
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = r"Mutuelle de l'Océan n° 3 – «Été» \ 保険 🙂";
        assert_eq!(escape(text, 100), text);
    }

    #[test]
    fn controls_become_visible() {
        assert_eq!(escape("a\u{1b}[31m\r\nb\t", 100), r"a\u{1b}[31m\u{d}\u{a}b\u{9}");
    }

    /// [TEXT-2]
    #[test]
    fn every_hazard_of_the_list_is_escaped() {
        let ranges = [
            0x00..=0x1f,
            0x7f..=0x9f,
            0xad..=0xad,
            0x61c..=0x61c,
            0x180e..=0x180e,
            0x200b..=0x200f,
            0x2028..=0x202e,
            0x2060..=0x206f,
            0xfeff..=0xfeff,
            0xfff9..=0xfffb,
            0xe0000..=0xe007f,
        ];
        for point in ranges.into_iter().flatten() {
            let character = char::from_u32(point).unwrap();
            assert_eq!(escape(&character.to_string(), 1), format!("\\u{{{point:x}}}"));
        }
    }

    #[test]
    fn long_text_is_cut_at_the_limit() {
        assert_eq!(escape("éèà", 3), "éèà");
        assert_eq!(escape("éèàç", 3), "éèà…");
        assert_eq!(escape("a", 0), "…");
        assert_eq!(escape("", 0), "");
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_part_or_expand_it() {
        for plain in ["/srv/op-1", "a.b_c+d"] {
            assert_eq!(word(Path::new(plain)), plain);
        }
        for (path, quoted) in [
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("", "''"),
            ("~", "'~'"),
            ("a;b", "'a;b'"),
            ("é", "'é'"),
            ("a\u{1b}[2Jb", r"'a\u{1b}[2Jb'"),
        ] {
            assert_eq!(word(Path::new(path)), quoted);
        }
    }

    #[test]
    fn a_path_is_shown_without_controls() {
        assert_eq!(path(Path::new("/a b/\u{1b}é")), r"/a b/\u{1b}é");
    }

    proptest! {
        /// [TEXT-2]
        #[test]
        fn nothing_hazardous_is_left(text in any::<String>(), max in 0_usize..64) {
            let safe = escape(&text, max);
            prop_assert!(!safe.chars().any(is_hazardous));
            // An escape is at most ten characters: \u{10ffff}.
            prop_assert!(safe.chars().count() <= max * 10 + 1);
        }
    }
}

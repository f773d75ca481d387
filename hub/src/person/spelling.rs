//! Brings names into one spelling, so that `O'Brien-Łuczak` and `OBRIEN LUCZAK` are one name. Never used to show a name.

/// The letters of a name in lower case, Latin ones without accents; nothing else of it is left.
pub(super) fn plain(name: &str) -> String {
    let mut letters = String::with_capacity(name.len());
    // A combining accent that stands apart from its letter is no letter, so it is dropped with apostrophes and hyphens.
    for c in name.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphabetic()) {
        if c.is_ascii() {
            letters.push(c);
            continue;
        }
        match LATIN.iter().find(|(_, accented)| accented.contains(c)) {
            Some((base, _)) => letters.push_str(base),
            None => letters.push(c),
        }
    }
    letters
}

/// The first of several given names that has letters, in the same spelling.
pub(super) fn first_plain(names: &str) -> String {
    names
        .split_whitespace()
        .map(plain)
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

/// Plain spelling of accented letters: Unicode blocks Latin-1 Supplement and Latin Extended-A, and of Extended-B and
/// Extended Additional what Romanian, Vietnamese, Welsh, Yoruba and Pinyin need.
const LATIN: &[(&str, &str)] = &[
    ("a", "àáâãäåāăąǎạảấầẩẫậắằẳẵặ"),
    ("ae", "æ"),
    ("c", "çćĉċč"),
    ("d", "ďđð"),
    ("e", "èéêëēĕėęěẹẻẽếềểễệ"),
    ("g", "ĝğġģ"),
    ("h", "ĥħ"),
    ("i", "ìíîïĩīĭįıǐỉị"),
    ("ij", "ĳ"),
    ("j", "ĵ"),
    ("k", "ķĸ"),
    ("l", "ĺļľŀł"),
    ("n", "ñńņňŉŋ"),
    ("o", "òóôõöøōŏőǒơọỏốồổỗộớờởỡợ"),
    ("oe", "œ"),
    ("r", "ŕŗř"),
    ("s", "śŝşšșṣſ"),
    ("ss", "ß"),
    ("t", "ţťŧț"),
    ("th", "þ"),
    ("u", "ùúûüũūŭůűųǔǖǘǚǜưụủứừửữự"),
    ("w", "ŵẁẃẅ"),
    ("y", "ýÿŷỳỵỷỹ"),
    ("z", "źżž"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one() {
        for (name, expected) in [
            ("O'Connor", "oconnor"),
            ("O’CONNOR", "oconnor"),
            ("Smith-Jones", "smithjones"),
            ("de la Cruz", "delacruz"),
            ("Müller", "muller"),
            ("Mu\u{308}ller", "muller"),
            ("ŁUCZAK", "luczak"),
            ("Nguyễn", "nguyen"),
            ("Siân", "sian"),
            ("STRAßE", "strasse"),
            ("İnan", "inan"),
            ("Ægir Þór", "aegirthor"),
            ("Sample 2nd", "samplend"),
            ("王", "王"),
            (" -'. ", ""),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
    }

    #[test]
    fn the_first_given_name_counts() {
        for (names, expected) in [
            ("Alex", "alex"),
            ("  Mary-Jane Ann", "maryjane"),
            ("- Alex", "alex"),
            ("", ""),
        ] {
            assert_eq!(first_plain(names), expected, "{names}");
        }
    }

    #[test]
    fn no_accented_letter_stands_in_two_rows() {
        let all: Vec<char> = LATIN.iter().flat_map(|(_, accented)| accented.chars()).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}

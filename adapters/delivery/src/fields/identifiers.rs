//! NHS numbers, postcodes and UPRNs: checked, and brought to the one form that the hub is given.
//! It never looks anything up: a well-formed identifier may still belong to nobody.

/// An NHS number, apart by whether its check digit is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nhs {
    /// Ten digits whose check digit is right: fit to match on.
    Checked(String),
    /// Ten digits whose check digit is wrong: fit to keep, never to match on.
    Unchecked(String),
}

/// Reads an NHS number that may have a wrong check digit. Spaces and hyphens are allowed.
///
/// # Errors
///
/// The rule, if there are not ten digits.
pub fn nhs(text: &str) -> Result<Nhs, &'static str> {
    let digits: String = text
        .chars()
        .filter(|character| !matches!(character, ' ' | '-'))
        .collect();
    if digits.len() != 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is not ten digits");
    }
    Ok(if passes_modulus_11(&digits) {
        Nhs::Checked(digits)
    } else {
        Nhs::Unchecked(digits)
    })
}

/// Reads an NHS number whose check digit is right. Spaces and hyphens are allowed.
///
/// # Errors
///
/// The rule, if there are not ten digits or the check digit is wrong.
pub fn nhs_number(text: &str) -> Result<String, &'static str> {
    match nhs(text)? {
        Nhs::Checked(digits) => Ok(digits),
        Nhs::Unchecked(_) => Err("has a wrong check digit (modulus 11)"),
    }
}

/// Reads a UK postcode of one of the six usual shapes (BS 7666) and gives it in capitals with one space, e.g. `WN1 1AA`.
///
/// # Errors
///
/// The rule, if it has none of these shapes.
pub fn postcode(text: &str) -> Result<String, &'static str> {
    let rule = "does not have the shape of a UK postcode";
    let characters: Vec<char> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|it| it.to_ascii_uppercase())
        .collect();
    let [outward @ .., sector, first, second] = characters.as_slice() else {
        return Err(rule);
    };
    let letter = |it: &char| it.is_ascii_uppercase();
    let digit = |it: &char| it.is_ascii_digit();
    let outward_fits = match outward {
        [a, b] => letter(a) && digit(b),
        [a, b, c] => letter(a) && ((digit(b) && (digit(c) || letter(c))) || (letter(b) && digit(c))),
        [a, b, c, d] => letter(a) && letter(b) && digit(c) && (digit(d) || letter(d)),
        _ => false,
    };
    if !(outward_fits && digit(sector) && letter(first) && letter(second)) {
        return Err(rule);
    }
    let outward: String = outward.iter().collect();
    Ok(format!("{outward} {sector}{first}{second}"))
}

/// Reads a UPRN of 1 to 12 digits and leaves out leading zeros, which some systems pad with.
///
/// # Errors
///
/// The rule, if there is anything else, such as the `9.99E+11` that a spreadsheet makes of it.
pub fn uprn(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let digits = text.trim_start_matches('0');
    let fits = text.len() <= 12 && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.to_owned()).ok_or("is not 1 to 12 digits")
}

/// NHS Data Dictionary, NHS NUMBER: weights 10 to 2 on the first nine digits; eleven less the remainder of the sum
/// by eleven is the check digit, with 11 standing for 0 and 10 for no number at all.
fn passes_modulus_11(digits: &str) -> bool {
    let values: Vec<u32> = digits.chars().filter_map(|it| it.to_digit(10)).collect();
    let [first_nine @ .., check] = values.as_slice() else {
        return false;
    };
    let sum: u32 = first_nine
        .iter()
        .zip((2..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    // Ten zeros pass the sum, but are what systems write for "unknown".
    sum != 0 && (11 - sum % 11) % 11 == *check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_nhs_documentation_pass() {
        for good in ["9912003888", "973 067 6240", "999-000-1006", "9990001014"] {
            assert!(nhs_number(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_wrong_check_digit_is_kept_apart() {
        assert_eq!(nhs("9990001007"), Ok(Nhs::Unchecked("9990001007".into())));
        assert_eq!(nhs("0000000000"), Ok(Nhs::Unchecked("0000000000".into())));
        assert!(nhs("999000100").is_err());
        assert!(nhs("٩٩٩٠٠٠١٠٠٦").is_err());
    }

    #[test]
    fn a_postcode_gets_its_one_space() {
        assert_eq!(postcode("wn999aa"), Ok("WN99 9AA".into()));
        assert_eq!(postcode(" m1 1ae "), Ok("M1 1AE".into()));
        assert_eq!(postcode("EC1A1BB"), Ok("EC1A 1BB".into()));
        for bad in ["", "27401", "WN99", "999 9AA", "WN999 9AA", "WN1 AAA"] {
            assert!(postcode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_padded_uprn_is_the_same_uprn() {
        assert_eq!(uprn("000000199356"), uprn("199356"));
        for bad in ["", "0", "000000000000", "9.99E+11", "1234567890123", "12a"] {
            assert!(uprn(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_never_passes(position in 0..10usize, change in 1..10u32) {
            let changed: String = "9990001006"
                .chars()
                .enumerate()
                .map(|(index, digit)| {
                    let value = digit.to_digit(10).unwrap_or_default();
                    let value = if index == position { (value + change) % 10 } else { value };
                    char::from_digit(value, 10).unwrap_or_default()
                })
                .collect();
            prop_assert!(nhs_number(&changed).is_err());
        }

        #[test]
        fn reading_a_postcode_twice_changes_nothing(text in "[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}") {
            let once = postcode(&text).unwrap();
            prop_assert_eq!(postcode(&once).unwrap(), once);
        }
    }
}

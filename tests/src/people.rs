//! Invented people.

/// The social security number of the n-th person, 13 digits; n below a million.
pub fn number(n: u32) -> String {
    let (sex, year, month) = (1 + n % 2, 50 + n % 50, 1 + n % 12);
    format!("{sex}{year:02}{month:02}75{:03}{:03}", n / 1000 % 1000, n % 1000)
}

/// The numbers of people `from` to `to - 1`.
pub fn numbers(from: u32, to: u32) -> Vec<String> {
    (from..to).map(number).collect()
}

/// A number of 13 characters with its key of two digits behind it.
pub fn with_key(number: &str) -> String {
    let as_digits = number.replace("2A", "19").replace("2B", "18");
    let value: u64 = as_digits.parse().unwrap();
    format!("{number}{:02}", 97 - value % 97)
}

/// As people write it on paper: `1 85 05 78 006 084 36`.
pub fn spaced(number_with_key: &str) -> String {
    let groups = [0..1, 1..3, 3..5, 5..7, 7..10, 10..13, 13..15];
    groups.map(|group| number_with_key.get(group).unwrap()).join(" ")
}

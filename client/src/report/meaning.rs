//! What the numbers of a check mean, and what they do not.

use maud::{Markup, html};

use super::count;
use crate::check::summary::{ListSummary, Summary};
use crate::show::number;

/// From here on, so many false positives are told as a number; fewer as odds.
const MANY: f64 = 0.1;
/// Digits of odds that are told.
const TOLD: usize = 3;

pub(super) fn of(summary: &Summary) -> Markup {
    html! {
        ul {
            li {
                strong { "Affected" } " means that the identifier in the row is on a list as the operator sealed it. The label that "
                "came with it names the data that leaked. Two rows of one person are two rows, and one of the people."
            }
            li {
                strong { "Not affected" } " means: not on the lists as the operator sealed them. Whoever the operator left out, "
                "knows by another number, or has not found yet, is not on them."
            }
            li {
                strong { "Not checked" } " means that nothing is known: a row without an identifier was not asked about. "
                "A child under the number of a parent is found by that number; it says that somebody under it is on the list, not who."
            }
            li {
                strong { "By chance" } " a person who is not on a list can be found on it. How often that is to be expected at most is in "
                "the table; it follows from the number of people and from the size f that the operator chose for each list."
            }
            li {
                strong { "Canaries" } " are made-up entries that are on every list. All were found with the labels that they should have: "
                "key, proofs, list and program agree. They would not show that an operator left people out."
            }
            li {
                strong { "Proofs" } " were verified for every answer before anything was read from it, and every paid question is in the "
                "operator's audit log, whose root is below."
            }
            @if !summary.complete {
                li { strong { "An operator that is missing" } " says nothing: its members were not checked, and are not counted as unaffected." }
            }
        }
        (by_chance(summary))
    }
}

/// How many are found by chance.
fn by_chance(summary: &Summary) -> Markup {
    let lists =
        || summary.operators.iter().flat_map(|operator| operator.lists.iter().map(move |list| (operator, list)));
    let all = lists().map(|(_, list)| list.expected_false_positives).sum();
    html! {
        @if lists().next().is_some() {
            table .wide {
                caption { "Found by chance: " (count(summary.members.distinct, "different identifier")) " looked up in each list" }
                thead {
                    tr {
                        th scope="col" { "List" } th .number scope="col" { "Entries" } th .number scope="col" { "One look-up" }
                        th .number scope="col" { "All together, at most" }
                    }
                }
                tbody {
                    @for (operator, list) in lists() { (list_by_chance(&operator.operator, list)) }
                    @if lists().nth(1).is_some() {
                        tr {
                            th scope="row" { "all lists" }
                            td .number data-label="Entries" { "" } td .number data-label="One look-up" { "" }
                            td .number data-label="All together, at most" { (expected(all)) }
                        }
                    }
                }
            }
        }
    }
}

fn list_by_chance(operator: &str, list: &ListSummary) -> Markup {
    html! {
        tr {
            th scope="row" { (operator) "/" (list.list) }
            td .number data-label="Entries" { (number(list.entries.into())) }
            td .number data-label="One look-up" { "1 in 2" sup { (list.false_positive_bits) } }
            td .number data-label="All together, at most" { (expected(list.expected_false_positives)) }
        }
    }
}

/// How many people are expected, in words.
fn expected(people: f64) -> String {
    if people >= MANY {
        return format!("{people:.1} people");
    }
    if people <= 0.0 {
        return "nobody".to_owned();
    }
    let odds = format!("{:.0}", (1.0 / people).floor());
    let told: String = odds.char_indices().map(|(place, digit)| if place < TOLD { digit } else { '0' }).collect();
    format!("1 chance in {}", grouped(&told))
}

/// Digits with a comma at every third.
fn grouped(digits: &str) -> String {
    let place = |(i, digit): (usize, char)| {
        let comma = i > 0 && (digits.len() - i).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_told_in_words() {
        let of = |people: f64, f: i32| expected(people * 2_f64.powi(-f));
        assert_eq!(of(5e6, 32), "1 chance in 858");
        assert_eq!(of(1e5, 40), "1 chance in 10,900,000");
        assert_eq!(of(1.0, 56), "1 chance in 72,000,000,000,000,000");
        assert_eq!(of(4e9, 32), "0.9 people");
        assert_eq!(expected(12.0), "12.0 people");
        assert_eq!(expected(0.0), "nobody");
    }
}

//! Bars, drawn in SVG. They differ in pattern and not in colour alone, and each says in words what it shows.

use maud::{Markup, html};

use crate::show::number;

/// The least that is seen of what is not nothing, in percent.
const LEAST: f64 = 0.4;

/// The bar of a table's row: a part of the whole.
pub(super) fn bar(part: u64, whole: u64) -> Markup {
    let width = percent(part, whole);
    html! {
        svg .bar role="img" aria-label=(format!("{} of {}", number(part), number(whole))) {
            rect .fill width=(format!("{width:.3}%")) height="100%" {}
        }
    }
}

/// One bar for all rows of the member file: affected, on no list, not checked.
pub(super) fn rows(affected: u64, clear: u64, rejected: u64) -> Markup {
    let whole = affected + clear + rejected;
    let (first, last) = (percent(affected, whole), percent(rejected, whole));
    let told = format!(
        "Of {} rows, {} are affected, {} are on no list, and {} could not be checked.",
        number(whole),
        number(affected),
        number(clear),
        number(rejected)
    );
    html! {
        figure {
            svg .whole role="img" aria-label=(told) {
                (hatching("hatching"))
                rect .none width="100%" height="100%" {}
                rect .fill width=(format!("{first:.3}%")) height="100%" {}
                rect fill="url(#hatching)" x=(format!("{:.3}%", 100.0 - last)) width=(format!("{last:.3}%")) height="100%" {}
            }
            figcaption {
                span { (sample(&html! { rect .fill width="100%" height="100%" {} })) (number(affected)) " affected" }
                span { (sample(&html! { rect .none width="100%" height="100%" {} })) (number(clear)) " on no list" }
                span {
                    (sample(&html! { (hatching("hatching-2")) rect fill="url(#hatching-2)" width="100%" height="100%" {} }))
                    (number(rejected)) " not checked"
                }
            }
        }
    }
}

/// A sample of a bar, for the legend.
fn sample(contents: &Markup) -> Markup {
    html! { svg .whole aria-hidden="true" { (contents) } }
}

fn hatching(id: &str) -> Markup {
    html! {
        defs {
            pattern id=(id) width="6" height="6" patternUnits="userSpaceOnUse" {
                rect .none width="6" height="6" {}
                path .hatch d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" {}
            }
        }
    }
}

/// A part of the whole in percent; what is not nothing can be seen.
fn percent(part: u64, whole: u64) -> f64 {
    if part == 0 || whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 100.0).clamp(LEAST, 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_can_be_seen_and_are_never_more_than_the_whole() {
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
        for (part, whole, expected) in [(0, 0, 0.0), (0, 9, 0.0), (1, 4, 25.0), (1, u64::MAX, LEAST), (9, 3, 100.0)] {
            assert!(near(percent(part, whole), expected), "{part} of {whole}");
        }
        assert!(near(percent(7, 7), 100.0));
    }

    #[test]
    fn charts_are_told_in_words() {
        let chart = rows(1_200, 3, 4).into_string();
        assert!(chart.contains("Of 1,207 rows, 1,200 are affected, 3 are on no list, and 4 could not be checked."));
        assert!(bar(2, 8).into_string().contains(r#"role="img" aria-label="2 of 8""#));
    }
}

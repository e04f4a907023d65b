//! Invented people, each a function of a number and the seed. No two of one seed share a social security number, nor
//! a birth name, given name and birth date together. Nobody is meant: the birth names are made of random syllables.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

use super::permutation::Permutation;

const FIRST_YEAR: u64 = 1930;
const YEARS: u64 = 80;
const MONTHS: u64 = 12;
const COMMUNES: u64 = 300;
const ORDERS: u64 = 500;
/// 01 to 95 with 2A and 2B in place of 20, then 97 (overseas) and 99 (born abroad).
const DEPARTMENTS: u64 = 98;

/// How many people there are to choose from.
pub(super) const POPULATION: u64 = 2 * YEARS * MONTHS * DEPARTMENTS * COMMUNES * ORDERS;

/// Bits of a number that names are spelled from; it must hold a department, commune and order.
const NAME_BITS: u32 = 25;
const _: () = assert!(DEPARTMENTS * COMMUNES * ORDERS <= 1 << NAME_BITS, "a name would stand for two people");

/// ChaCha words of one person's other facts: one block.
const WORDS: u128 = 16;

const CONSONANTS: [char; 16] = ['b', 'c', 'd', 'f', 'g', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z'];
const VOWELS: [char; 4] = ['a', 'é', 'i', 'o'];
const ENDINGS: [&str; 4] = ["", "n", "r", "t"];

const MEN: [&str; 32] = [
    "Aloïs",
    "Anatole",
    "Aubin",
    "Baptiste",
    "Célestin",
    "Côme",
    "Cyprien",
    "Edgar",
    "Élie",
    "Evan",
    "Félix",
    "Gaspard",
    "Hélio",
    "Ignace",
    "Jean-Loup",
    "Jules",
    "Lazare",
    "Léandre",
    "Loïc",
    "Lubin",
    "Marceau",
    "Maël",
    "Noé",
    "Octave",
    "Pol",
    "Quentin",
    "Rémi",
    "Sacha",
    "Théo",
    "Titouan",
    "Ugo",
    "Zacharie",
];

const WOMEN: [&str; 32] = [
    "Agathe",
    "Aliénor",
    "Anaïs",
    "Apolline",
    "Aurore",
    "Bérénice",
    "Capucine",
    "Céleste",
    "Chloé",
    "Clémence",
    "Diane",
    "Élise",
    "Émeline",
    "Flore",
    "Gaëlle",
    "Hélène",
    "Inès",
    "Jeanne",
    "Joséphine",
    "Lise-Marie",
    "Lucie",
    "Maëlys",
    "Margot",
    "Ninon",
    "Océane",
    "Perrine",
    "Romane",
    "Solène",
    "Suzanne",
    "Violette",
    "Ysé",
    "Zélie",
];

/// One invented person.
pub(super) struct Person {
    /// The 13 characters of the number.
    pub(super) number: String,
    pub(super) birth_name: String,
    pub(super) given_name: &'static str,
    pub(super) year: u64,
    pub(super) month: u64,
    pub(super) day: u64,
    /// A non-zero mask of six bits, one for each category.
    pub(super) categories: usize,
    /// Bits for what has no bearing on a match.
    pub(super) rest: u64,
}

pub(super) struct People {
    order: Permutation,
    facts: ChaCha12Rng,
}

impl People {
    pub(super) fn new(rng: &mut ChaCha12Rng) -> Self {
        Self { order: Permutation::new(POPULATION, rng), facts: ChaCha12Rng::from_rng(rng) }
    }

    /// The person of this number, which is below [`POPULATION`].
    pub(super) fn person(&mut self, number: u64) -> Person {
        let mut code = self.order.at(number);
        let mut digit = |base: u64| {
            let digit = code % base;
            code /= base;
            digit
        };
        let (sex, year, month) = (digit(2) + 1, digit(YEARS) + FIRST_YEAR, digit(MONTHS) + 1);
        let (department, commune, order) = (digit(DEPARTMENTS), digit(COMMUNES), digit(ORDERS));
        let place = department_code(department);
        let (birth_name, given_name) = names(sex, (department * COMMUNES + commune) * ORDERS + order);
        self.facts.set_word_pos(u128::from(number) * WORDS);
        let (day, categories) = (self.below(28) + 1, self.below(63) + 1);
        Person {
            number: format!("{sex}{:02}{month:02}{place}{:03}{:03}", year % 100, commune + 1, order + 1),
            birth_name,
            given_name,
            year,
            month,
            day,
            categories: usize::try_from(categories).expect("six bits"),
            rest: self.facts.next_u64(),
        }
    }

    /// A number below a small bound; that it is not quite uniform does not matter here.
    fn below(&mut self, bound: u64) -> u64 {
        self.facts.next_u64() % bound
    }
}

fn department_code(department: u64) -> String {
    match department {
        0..=18 => format!("{:02}", department + 1),
        19 => "2A".to_owned(),
        20 => "2B".to_owned(),
        21..=95 => department.to_string(),
        96 => "97".to_owned(),
        _ => "99".to_owned(),
    }
}

/// A birth name and a given name that no other number below 2^25 spells for this sex.
fn names(sex: u64, number: u64) -> (String, &'static str) {
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << NAME_BITS) - 1);
    let mut take = |count: usize| {
        let count = u64::try_from(count).expect("a short list");
        let taken = bits % count;
        bits /= count;
        usize::try_from(taken).expect("below the length of a list")
    };
    let mut name = String::with_capacity(10);
    for syllable in 0..3 {
        let consonant = CONSONANTS[take(CONSONANTS.len())];
        name.push(if syllable == 0 { consonant.to_ascii_uppercase() } else { consonant });
        name.push(VOWELS[take(VOWELS.len())]);
    }
    name.push_str(ENDINGS[take(ENDINGS.len())]);
    let given = if sex == 1 { &MEN } else { &WOMEN };
    (name, given[take(given.len())])
}

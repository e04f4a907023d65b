//! The public functions, and which way they compute.

use crate::digits::Digits;
use crate::group::{IDENTITY, Stored};
use crate::point::{Form, Point};
use crate::portable;
#[cfg(target_arch = "x86_64")]
use crate::x86;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use std::fmt;
use std::sync::LazyLock;

/// A way to compute. All ways have the same results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Vectors(x86::Vectors),
    Portable,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => vectors.name(),
            Kind::Portable => "curve25519-dalek",
        })
    }
}

/// The multiples of one point, by which it is multiplied. Made once for many multiplications: about 100 KB and as much work
/// as ten multiplications.
#[derive(Clone)]
pub struct Table(Multiples);

#[derive(Clone)]
enum Multiples {
    #[cfg(target_arch = "x86_64")]
    Vectors(x86::Windows),
    Portable(Box<RistrettoBasepointTable>),
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

impl Table {
    /// The table of a point on the fastest path.
    pub fn new(point: &Point) -> Self {
        Path::fastest().table(point)
    }

    /// The table of the generator (RFC 9496 section 4) on the fastest path.
    pub fn generator() -> &'static Self {
        static TABLE: LazyLock<Table> =
            LazyLock::new(|| Table::new(&curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT.into()));
        &TABLE
    }
}

/// The first of several encodings that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCanonical {
    /// Its position.
    pub position: usize,
}

impl fmt::Display for NotCanonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {} is not the canonical encoding of an element", self.position)
    }
}

impl std::error::Error for NotCanonical {}

impl Path {
    /// The fastest that this processor has, with no more lanes than the environment variable `BLINDLIST_LANES` says: 1 is
    /// the portable one. What is no number says nothing.
    pub fn fastest() -> Self {
        static FASTEST: LazyLock<Path> = LazyLock::new(|| {
            let most = std::env::var("BLINDLIST_LANES").ok().and_then(|most| most.parse().ok());
            Path::all().find(|path| path.lanes() <= most.unwrap_or(usize::MAX)).unwrap_or(Path::portable())
        });
        *FASTEST
    }

    /// Elements that it works on at once.
    pub fn lanes(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => vectors.lanes(),
            Kind::Portable => 1,
        }
    }

    /// All that this processor has, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = x86::Vectors::all().map(|vectors| Self(Kind::Vectors(vectors)));
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = std::iter::empty();
        vectors.chain([Self::portable()])
    }

    /// The one that every processor has.
    pub const fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// See [`decode_each`](crate::decode_each).
    pub fn decode_each(self, encodings: &[[u8; 32]]) -> Vec<Option<Point>> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                let mut valid = vec![false; encodings.len()];
                let points = fill(encodings.len(), |points| vectors.decode_all(encodings, points, &mut valid));
                points.into_iter().zip(valid).map(|(point, valid)| valid.then_some(point)).collect()
            }
            Kind::Portable => {
                portable::decode_each(encodings).into_iter().map(|point| point.map(Point::from)).collect()
            }
        }
    }

    /// See [`decode_all`](crate::decode_all).
    ///
    /// # Errors
    /// For the first encoding that is none.
    pub fn decode_all(self, encodings: &[[u8; 32]]) -> Result<Vec<Point>, NotCanonical> {
        let points = self.decode_each(encodings).into_iter().enumerate();
        points.map(|(position, point)| point.ok_or(NotCanonical { position })).collect()
    }

    /// See [`hash_to_group_all`](crate::hash_to_group_all).
    pub fn hash_to_group_all(self, uniform: &[[u8; 64]]) -> Vec<Point> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => fill(uniform.len(), |points| vectors.hash_to_group_all(uniform, points)),
            Kind::Portable => wrap(portable::hash_to_group_all(uniform)),
        }
    }

    /// See [`encode_all`](crate::encode_all).
    pub fn encode_all(self, points: &[Point]) -> Vec<[u8; 32]> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                let mut encodings = vec![[0; 32]; points.len()];
                vectors.encode_all(&self.limbs(points), &mut encodings);
                encodings
            }
            Kind::Portable => portable::encode_all(&dalek(points)),
        }
    }

    /// See [`encode_doubled_all`](crate::encode_doubled_all).
    pub fn encode_doubled_all(self, points: &[Point]) -> Vec<[u8; 32]> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                let mut encodings = vec![[0; 32]; points.len()];
                vectors.encode_doubled_all(&self.limbs(points), &mut encodings);
                encodings
            }
            Kind::Portable => portable::encode_doubled_all(&dalek(points)),
        }
    }

    /// See [`equal_all`](crate::equal_all).
    pub fn equal_all(self, some: &[Point], others: &[Point]) -> Vec<bool> {
        assert_eq!(some.len(), others.len(), "as many points as others");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                let mut equal = vec![false; some.len()];
                vectors.equal_all(&self.limbs(some), &self.limbs(others), &mut equal);
                equal
            }
            Kind::Portable => dalek(some).iter().zip(dalek(others)).map(|(some, other)| *some == other).collect(),
        }
    }

    /// See [`add_all`](crate::add_all).
    pub fn add_all(self, some: &[Point], others: &[Point]) -> Vec<Point> {
        self.add_or_subtract(some, others, false)
    }

    /// See [`sub_all`](crate::sub_all).
    pub fn sub_all(self, some: &[Point], others: &[Point]) -> Vec<Point> {
        self.add_or_subtract(some, others, true)
    }

    fn add_or_subtract(self, some: &[Point], others: &[Point], negate: bool) -> Vec<Point> {
        assert_eq!(some.len(), others.len(), "as many points as others");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                let (some, others) = (self.limbs(some), self.limbs(others));
                fill(some.len(), |sums| vectors.add_all(&some, &others, negate, sums))
            }
            Kind::Portable => {
                let pairs = dalek(some).into_iter().zip(dalek(others));
                pairs.map(|(some, other)| if negate { some - other } else { some + other }.into()).collect()
            }
        }
    }

    /// See [`mul_all`](crate::mul_all).
    pub fn mul_all(self, s: &Scalar, points: &[Point]) -> Vec<Point> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                let points = self.limbs(points);
                fill(points.len(), |products| vectors.mul_all(&Digits::new(s), &points, products))
            }
            Kind::Portable => wrap(portable::mul_all(s, &dalek(points))),
        }
    }

    /// See [`Table::new`].
    pub fn table(self, point: &Point) -> Table {
        Table(match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => {
                Multiples::Vectors(vectors.windows(self.limbs(&[*point]).first().unwrap_or(&IDENTITY)))
            }
            Kind::Portable => Multiples::Portable(Box::new(RistrettoBasepointTable::create(&(*point).into()))),
        })
    }

    /// See [`multiscalar_vartime`](crate::multiscalar_vartime).
    pub fn multiscalar_vartime(self, numbers: &[u128], points: &[Point]) -> Point {
        assert_eq!(numbers.len(), points.len(), "as many numbers as points");
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Vectors(vectors) => Point(Form::Limbs(vectors.multiscalar_vartime(numbers, &self.limbs(points)))),
            Kind::Portable => portable::multiscalar_vartime(numbers, &dalek(points)).into(),
        }
    }

    /// The coordinates for vectors.
    #[cfg(target_arch = "x86_64")]
    fn limbs(self, points: &[Point]) -> Vec<Stored> {
        let limbs = |point: &Point| match point.0 {
            Form::Limbs(limbs) => limbs,
            Form::Dalek(point) => self.limbs_of(&point.compress()),
        };
        points.iter().map(limbs).collect()
    }

    #[cfg(target_arch = "x86_64")]
    fn limbs_of(self, encoding: &CompressedRistretto) -> Stored {
        match self.decode_each(&[encoding.0]).first() {
            Some(Some(Point(Form::Limbs(limbs)))) => *limbs,
            _ => unreachable!("what was encoded from a point encodes one"),
        }
    }
}

/// See [`crate::fixed_base_all`]: the path is the table's.
pub(crate) fn fixed_base_all(table: &Table, scalars: &[Scalar]) -> Vec<Point> {
    match &table.0 {
        #[cfg(target_arch = "x86_64")]
        Multiples::Vectors(windows) => {
            let digits: Vec<Digits> = scalars.iter().map(Digits::new).collect();
            fill(scalars.len(), |products| windows.fixed_base_all(&digits, products))
        }
        Multiples::Portable(table) => wrap(portable::fixed_base_all(table, scalars)),
    }
}

/// Points whose coordinates a function of vectors fills in.
#[cfg(target_arch = "x86_64")]
fn fill(count: usize, function: impl FnOnce(&mut [Stored])) -> Vec<Point> {
    let mut points = vec![IDENTITY; count];
    function(&mut points);
    points.into_iter().map(|limbs| Point(Form::Limbs(limbs))).collect()
}

fn wrap(points: Vec<RistrettoPoint>) -> Vec<Point> {
    points.into_iter().map(Point::from).collect()
}

fn dalek(points: &[Point]) -> Vec<RistrettoPoint> {
    points.iter().map(|point| (*point).into()).collect()
}

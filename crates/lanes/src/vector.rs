//! What a vector of field elements must be able to do: the only thing that differs between kinds of processors.
//!
//! A value of a type that implements [`Field`] is `LANES` elements of GF(p), p = 2^255 - 19, one in each lane. All lanes take
//! the same steps, and no step depends on a value: what differs between lanes is chosen by masks.
//!
//! # Bounds on limbs
//! A product leaves its limbs *tight*: at most a little more than their nominal size, which is **weight 1**. Sums and
//! differences are not carried; their weight grows, and a product takes unreduced operands within limits:
//!
//! | operation | operands | result |
//! |---|---|---|
//! | `add(a, b)` | any | a + b |
//! | `sub(a, b)`, `neg(b)` | b at most 1 | a + 2 (it adds 2p) |
//! | `sub_wide(a, b)` | b at most 3 | a + 4 (it adds 4p) |
//! | `mul(x, y)` | y at most 3, x · y at most 32 | 1 |
//! | `square(x)` | x at most 3 | 1 |
//! | `carry(a)` | at most 32 | 1 |
//! | `select(a, b)` | any | the greater |
//! | `canonical(a)`, `scatter(a)` | 1 | 1 |
//! | `pack(a)` | at most 32 | |
//!
//! A vector type without that much room carries every sum at once, and takes all elements for tight.
//!
//! Every formula above this layer is run in tests on a type that computes these weights and nothing else, so that no
//! formula can exceed them on any path; and each vector type is tested at the limits.

/// An element in five limbs of 51 bits, least first: how elements rest outside vectors. Limbs are at most 2^51 + 2^44.
pub(crate) type Limbs = [u64; 5];

/// No vector has more lanes.
pub(crate) const MAX_LANES: usize = 8;

/// Entries of one table that `look_up` reads.
pub(crate) const ENTRIES: usize = 16;

/// `LANES` elements of GF(2^255 - 19). See the module's head for the bounds.
pub(crate) trait Field: Copy {
    /// How many elements.
    const LANES: usize;
    /// All or nothing, for each lane.
    type Mask: Copy;
    /// An element that waits in a table, in as little room as selection allows.
    type Packed: Copy;
    /// `ENTRIES` elements, ready for `look_up`.
    type Table: Copy;
    /// A number below `ENTRIES` for each lane.
    type Index: Copy;

    /// The same element in every lane.
    fn splat(limbs: &Limbs) -> Self;
    /// Takes up `LANES` elements; further ones are left alone.
    fn gather(elements: [&Limbs; MAX_LANES]) -> Self;
    /// Lays the elements down; places beyond `LANES` are left alone.
    fn scatter(&self, elements: &mut [Limbs; MAX_LANES]);

    /// Lays lane l down as one coordinate of the point at the l-th of some places, for at most `LANES` places.
    fn lay_down(&self, points: &mut [[Limbs; 4]], places: &[usize], coordinate: usize);

    /// a + b.
    fn add(&self, b: &Self) -> Self;
    /// a - b.
    fn sub(&self, b: &Self) -> Self;
    /// a - b for a heavier b.
    fn sub_wide(&self, b: &Self) -> Self;
    /// x · y.
    fn mul(&self, y: &Self) -> Self;
    /// Becomes x · y: where the result has its place already, which a moved value of this size costs half a product to reach.
    fn set_product(&mut self, x: &Self, y: &Self);
    /// x².
    fn square(&self) -> Self;
    /// x^(2^k).
    fn square_times(&self, k: u32) -> Self;
    /// The same elements with tight limbs.
    fn carry(&self) -> Self;
    /// The same elements as the integers from 0 to p - 1.
    fn canonical(&self) -> Self;

    /// b where the mask is set, else a.
    fn select(a: &Self, b: &Self, mask: Self::Mask) -> Self;
    /// Where the limbs are the same: of canonical elements, where they are equal.
    fn same(&self, b: &Self) -> Self::Mask;
    /// Where a canonical element is odd: the *negative* ones of RFC 9496 section 3.1.
    fn odd(&self) -> Self::Mask;

    /// Set where the number is 1; numbers are 0 or 1.
    fn mask(bits: &[u64; MAX_LANES]) -> Self::Mask;
    /// Bit i is set where lane i is.
    fn bits(mask: Self::Mask) -> u32;
    /// Where either is set.
    fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Where both are set.
    fn and(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Where it is not set.
    fn not(a: Self::Mask) -> Self::Mask;

    /// Ready for a table.
    fn pack(&self) -> Self::Packed;
    /// Back from a table.
    fn unpack(packed: &Self::Packed) -> Self;
    /// The entry of this number, the same in all lanes, of a table of `ENTRIES` times `N` elements. Reads all of them.
    fn choose<const N: usize>(table: &[[Self::Packed; N]], number: u64) -> [Self::Packed; N];

    /// A table of the same elements for all lanes.
    fn table(entries: &[Limbs; ENTRIES]) -> Self::Table;
    /// A number for each lane, all below `ENTRIES`.
    fn index(numbers: &[u64; MAX_LANES]) -> Self::Index;
    /// For each lane its own entry. Reads all of them.
    fn look_up(table: &Self::Table, index: Self::Index) -> Self;
}

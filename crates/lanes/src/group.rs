//! The curve -x² + y² = 1 + D x² y² in extended coordinates (Hisil, Wong, Carter, Dawson 2008; RFC 8032 section 5.1.4).
//!
//! The formulas are complete: they hold for all points, equal, opposite or the identity. The numbers after them are
//! weights (see `vector`).

use crate::constants::{D2, ONE, ZERO};
use crate::field::neg_where;
use crate::vector::{Field, Limbs, MAX_LANES};

/// A point at rest: x, y, z, t in limbs.
pub(crate) type Stored = [Limbs; 4];

/// The identity at rest.
pub(crate) const IDENTITY: Stored = [ZERO, ONE, ONE, ZERO];

/// Points (x/z, y/z) with t = x · y / z. All four tight.
#[derive(Clone, Copy)]
pub(crate) struct Extended<F> {
    pub(crate) x: F,
    pub(crate) y: F,
    pub(crate) z: F,
    pub(crate) t: F,
}

/// A point to be added: y + x (2), y - x (3), 2 · z (2), 2 · D · t (2).
#[derive(Clone, Copy)]
pub(crate) struct Cached<F> {
    plus: F,
    minus: F,
    z2: F,
    t2d: F,
}

/// A point to be added whose z is 1: y + x (2), y - x (3), 2 · D · x · y (2).
#[derive(Clone, Copy)]
pub(crate) struct Niels<F> {
    pub(crate) plus: F,
    pub(crate) minus: F,
    pub(crate) t2d: F,
}

impl<F: Field> Extended<F> {
    #[inline(always)]
    pub(crate) fn identity() -> Self {
        let (zero, one) = (F::splat(&ZERO), F::splat(&ONE));
        Self { x: zero, y: one, z: one, t: zero }
    }

    /// As many points as there are lanes; where there are fewer, the identity.
    #[inline(always)]
    pub(crate) fn gather(points: &[Stored]) -> Self {
        Self::gather_from(std::array::from_fn(|l| points.get(l).unwrap_or(&IDENTITY)))
    }

    /// A point for each lane; further ones are left alone.
    #[inline(always)]
    pub(crate) fn gather_from(lanes: [&Stored; MAX_LANES]) -> Self {
        Self {
            x: F::gather(lanes.map(|point| &point[0])),
            y: F::gather(lanes.map(|point| &point[1])),
            z: F::gather(lanes.map(|point| &point[2])),
            t: F::gather(lanes.map(|point| &point[3])),
        }
    }

    /// Lays down as many points as there are, at most `LANES`.
    #[inline(always)]
    pub(crate) fn scatter(&self, points: &mut [Stored]) {
        const PLACES: [usize; MAX_LANES] = [0, 1, 2, 3, 4, 5, 6, 7];
        self.scatter_to(points, &PLACES[..points.len().min(F::LANES)]);
    }

    /// Lays the lanes down at these places, at most `LANES`.
    #[inline(always)]
    pub(crate) fn scatter_to(&self, points: &mut [Stored], places: &[usize]) {
        self.x.lay_down(points, places, 0);
        self.y.lay_down(points, places, 1);
        self.z.lay_down(points, places, 2);
        self.t.lay_down(points, places, 3);
    }

    /// P becomes 2 · P; t only if it will be read: a doubling does not.
    #[inline(always)]
    pub(crate) fn double<const T: bool>(&mut self) {
        let xx = self.x.square();
        let yy = self.y.square();
        let zz = self.z.square();
        let sum = self.x.add(&self.y).square();
        let h = yy.add(&xx); // 2
        let g = yy.sub(&xx); // 3
        let e = sum.sub_wide(&h); // 5
        let f = zz.add(&zz).sub_wide(&g).carry(); // 6, carried to 1
        self.x.set_product(&e, &f);
        self.y.set_product(&g, &h);
        self.z.set_product(&f, &g);
        if T {
            self.t.set_product(&e, &h);
        }
    }

    /// P becomes P + Q; t only if it will be read.
    #[inline(always)]
    pub(crate) fn add<const T: bool>(&mut self, q: &Cached<F>) {
        let pp = self.y.add(&self.x).mul(&q.plus);
        let mm = self.y.sub(&self.x).mul(&q.minus);
        let tt = self.t.mul(&q.t2d);
        let zz = self.z.mul(&q.z2);
        self.complete::<T>(&pp, &mm, &tt, &zz);
    }

    /// P becomes P + Q for a Q whose z is 1; t only if it will be read.
    #[inline(always)]
    pub(crate) fn add_niels<const T: bool>(&mut self, q: &Niels<F>) {
        let pp = self.y.add(&self.x).mul(&q.plus);
        let mm = self.y.sub(&self.x).mul(&q.minus);
        let tt = self.t.mul(&q.t2d);
        let zz = self.z.add(&self.z);
        self.complete::<T>(&pp, &mm, &tt, &zz);
    }

    /// The second half of an addition, for a zz of at most 2.
    #[inline(always)]
    fn complete<const T: bool>(&mut self, pp: &F, mm: &F, tt: &F, zz: &F) {
        let e = pp.sub(mm); // 3
        let h = pp.add(mm); // 2
        let g = zz.add(tt); // 3
        let f = zz.sub(tt); // 4
        self.x.set_product(&f, &e);
        self.y.set_product(&g, &h);
        self.z.set_product(&f, &g);
        if T {
            self.t.set_product(&e, &h);
        }
    }

    /// The point, ready to be added to others.
    #[inline(always)]
    pub(crate) fn cached(&self) -> Cached<F> {
        Cached {
            plus: self.y.add(&self.x),
            minus: self.y.sub(&self.x),
            z2: self.z.add(&self.z),
            t2d: self.t.mul(&F::splat(&D2)),
        }
    }
}

impl<F: Field> Cached<F> {
    /// -Q where the mask is set; only for a Q that was not negated before.
    #[inline(always)]
    pub(crate) fn neg_where(&self, mask: F::Mask) -> Self {
        Self {
            plus: F::select(&self.plus, &self.minus, mask),
            minus: F::select(&self.minus, &self.plus, mask),
            z2: self.z2,
            t2d: neg_where(&self.t2d, mask),
        }
    }

    #[inline(always)]
    pub(crate) fn pack(&self) -> [F::Packed; 4] {
        [self.plus.pack(), self.minus.pack(), self.z2.pack(), self.t2d.pack()]
    }

    #[inline(always)]
    pub(crate) fn unpack(packed: &[F::Packed; 4]) -> Self {
        let [plus, minus, z2, t2d] = packed;
        Self { plus: F::unpack(plus), minus: F::unpack(minus), z2: F::unpack(z2), t2d: F::unpack(t2d) }
    }
}

impl<F: Field> Niels<F> {
    /// -Q where the mask is set; only for a Q that was not negated before.
    #[inline(always)]
    pub(crate) fn neg_where(&self, mask: F::Mask) -> Self {
        Self {
            plus: F::select(&self.plus, &self.minus, mask),
            minus: F::select(&self.minus, &self.plus, mask),
            t2d: neg_where(&self.t2d, mask),
        }
    }
}

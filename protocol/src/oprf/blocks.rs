//! Many elements in blocks: each goes through its steps while it is in the cache, and the blocks go to all cores.
//!
//! The cores are those of the rayon pool that the caller runs in.

use rayon::prelude::*;
use std::ops::Range;

/// Elements of a block. A point takes 168 bytes, and a step reads one block and writes another.
pub(crate) const BLOCK: usize = 256;

/// What `work` makes of each block of so many elements, in their order. One block stays on the thread of the caller.
pub(crate) fn by_blocks<T: Send>(count: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let block = |number: usize| work(number * BLOCK..count.min((number + 1) * BLOCK));
    match count.div_ceil(BLOCK) {
        0 => Vec::new(),
        1 => vec![block(0)],
        blocks => (0..blocks).into_par_iter().map(block).collect(),
    }
}

/// Fills the places of each block, of which `work` is told where it begins. Nothing is moved afterwards, so that secrets
/// leave no copies.
pub(crate) fn fill_blocks<T: Send>(places: &mut [T], work: impl Fn(usize, &mut [T]) + Sync) {
    if places.len() <= BLOCK {
        work(0, places);
    } else {
        places.par_chunks_mut(BLOCK).enumerate().for_each(|(number, places)| work(number * BLOCK, places));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_in_one_block() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 5 * BLOCK + 3] {
            let blocks = by_blocks(count, |block| block.collect::<Vec<_>>());
            assert!(blocks.iter().all(|block| (1..=BLOCK).contains(&block.len())));
            assert_eq!(blocks.concat(), (0..count).collect::<Vec<_>>());
            let mut places = vec![0; count];
            fill_blocks(&mut places, |begin, places| {
                places.iter_mut().zip(begin..).for_each(|(place, number)| *place = number);
            });
            assert_eq!(places, (0..count).collect::<Vec<_>>());
        }
    }
}

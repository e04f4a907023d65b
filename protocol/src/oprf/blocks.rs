//! Many elements in blocks: each goes through its steps while it is in the cache, and the blocks go to all cores.
//!
//! The cores are those of the rayon pool that the caller runs in.

use rayon::prelude::*;

/// Elements of a block. A point takes 168 bytes, and a step reads one block and writes another.
pub(crate) const BLOCK: usize = 256;

/// What `work` makes of each block, in their order. One block alone stays on the thread of the caller.
pub(crate) fn each_block<B: Send, T: Send>(
    blocks: impl IntoIterator<Item = B>,
    work: impl Fn(B) -> T + Sync + Send,
) -> Vec<T> {
    let blocks: Vec<B> = blocks.into_iter().collect();
    match blocks.len() {
        0 | 1 => blocks.into_iter().map(work).collect(),
        _ => blocks.into_par_iter().map(work).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_worked_on_once_and_in_its_place() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 5 * BLOCK + 3] {
            let numbers: Vec<usize> = (0..count).collect();
            assert_eq!(each_block(numbers.chunks(BLOCK), <[usize]>::to_vec).concat(), numbers);
            let mut places = vec![0; count];
            let blocks = places.chunks_mut(BLOCK).zip(numbers.chunks(BLOCK));
            each_block(blocks, |(places, numbers)| places.copy_from_slice(numbers));
            assert_eq!(places, numbers);
        }
    }
}

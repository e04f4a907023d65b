//! Standard input, kept to be read several times: in memory while it is small, else encrypted in a file without a name.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use blindlist_store::StoreError;
use blindlist_store::spill::Spill;
use zeroize::Zeroizing;

use crate::ClientError;
use crate::room::Room;

/// Memory for what is not written yet, and about twice the bytes that are read at a time.
const MEMORY: usize = 8 << 20;
/// Bytes that are taken from the stream at a time.
const PIECE: usize = 64 << 10;

/// Keeps all that a stream gives.
pub(super) fn spool(mut stream: impl Read, room: &Room) -> Result<Arc<Spill>, ClientError> {
    let mut spill = room.spill_of(1, MEMORY)?;
    let mut piece = Zeroizing::new(vec![0; PIECE]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(Arc::new(spill)),
            Ok(length) => spill.push(0, piece.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(StoreError::io("read", "standard input".as_ref(), error).into()),
        }
    }
}

/// Reads it all, from the first byte on.
pub(super) struct SpoolReader {
    frames: Receiver<Result<Zeroizing<Vec<u8>>, StoreError>>,
    frame: Zeroizing<Vec<u8>>,
    at: usize,
    /// Bytes that are still to come in other frames.
    left: u64,
}

impl SpoolReader {
    pub(super) fn new(spill: &Arc<Spill>) -> Self {
        let (sender, frames) = sync_channel(1);
        let (left, spill) = (spill.total(), Arc::clone(spill));
        // It ends with the last frame, or when nobody reads any more.
        thread::spawn(move || spill.frames(0).try_for_each(|frame| sender.send(frame)));
        Self { frames, frame: Zeroizing::default(), at: 0, left }
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.frame.len() && self.left > 0 {
            let frame = self.frames.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?;
            (self.frame, self.at) = (frame.map_err(io::Error::other)?, 0);
            self.left = self.left.saturating_sub(self.frame.len() as u64);
        }
        let length = self.frame.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use blindlist_store::memory::Memory;

    use super::*;

    #[test]
    fn what_was_spooled_is_read_as_often_as_one_likes() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::new(folder.path(), None, Memory::mebibytes(1));
        for length in [0, 1, PIECE, MEMORY + 3] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let spill = spool(bytes.as_slice(), &room).unwrap();
            for _ in 0..2 {
                let mut read = Vec::new();
                SpoolReader::new(&spill).read_to_end(&mut read).unwrap();
                assert!(read == bytes, "{length}");
            }
            let mut some = [0; 1];
            SpoolReader::new(&spill)
                .read_exact(&mut some)
                .map_or_else(|_| assert_eq!(length, 0), |()| assert_eq!(some, [0]));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// A member file that was cut off would be another one.
    #[test]
    fn an_end_that_comes_too_early_is_no_end() {
        let (sender, frames) = sync_channel(1);
        sender.send(Ok(Zeroizing::new(vec![1, 2]))).unwrap();
        drop(sender);
        let mut reader = SpoolReader { frames, frame: Zeroizing::default(), at: 0, left: 3 };
        let mut read = Vec::new();
        assert_eq!(reader.read_to_end(&mut read).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

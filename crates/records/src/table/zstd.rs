//! Zstandard (RFC 8878) from frame to frame: `ruzstd` decodes one frame and leaves its checksum to its caller.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::error::Damage;

/// The most that a frame may make its decoder remember. Every level of `zstd` up to 19 needs at most 8 MiB.
pub(super) const MAX_WINDOW_LEN: u64 = 32 << 20;

/// Whether the bytes begin a frame of data, or one to be skipped.
pub(super) fn begins_frame(first: &[u8]) -> bool {
    matches!(first, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Reads the content of all frames, and fails with a [`Damage`] or the decoder's own error.
pub(super) struct ZstdDecoder<R> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdDecoder<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_LEN);
        Self { source, decoder, in_frame: false }
    }

    pub(super) fn get_ref(&self) -> &R {
        &self.source
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.source
    }

    pub(super) fn into_inner(self) -> R {
        self.source
    }

    /// Goes to the next frame of data; false at the end of the source.
    fn begin_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                        return Err(io::Error::other(Damage::Truncated));
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => return Err(io::Error::other(Damage::Window)),
                Err(FrameDecoderError::DictNotProvided { .. }) => return Err(io::Error::other(Damage::Dictionary)),
                Err(other) => return Err(io::Error::other(other)),
            }
        }
        Ok(false)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        match self.decoder.get_checksum_from_data() {
            Some(sum) if self.decoder.get_calculated_checksum() != Some(sum) => Err(io::Error::other(Damage::Damaged)),
            Some(_) | None => Ok(()),
        }
    }
}

impl<R: BufRead> Read for ZstdDecoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.in_frame {
                self.in_frame = self.begin_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let wanted = BlockDecodingStrategy::UptoBytes(buffer.len());
                self.decoder.decode_blocks(&mut self.source, wanted).map_err(io::Error::other)?;
            }
            match self.decoder.read(buffer)? {
                0 => self.end_frame()?,
                read => return Ok(read),
            }
        }
    }
}

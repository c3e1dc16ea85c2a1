//! libopus 1.6 behind a safe face, with its neural parts: concealment, deep redundancy (DRED) and enhancement.
//!
//! The published safe crates have none of these: `opus` 0.4 sets no decoder complexity and no redundancy, `opusic-c`
//! decodes the redundancy at one fixed place. So the calls are made here, and nowhere else.
//!
//! What makes them sound: a state is made by its `_create` or `_alloc`, owned by one value, never copied, and freed
//! when that value goes; every length that is passed is that of the slice behind the pointer beside it; requests of the
//! variadic `_ctl` are those that take one `opus_int32`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};

use opusic_sys as sys;

/// The version of the redundancy's bits that this libopus writes and reads; others it ignores (`dnn/dred_config.h`).
pub(super) const DRED_VERSION: &str = "12";

/// What libopus refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", words(*.0))]
pub(super) struct Fault(c_int);

fn words(code: c_int) -> &'static str {
    // SAFETY: libopus gives a static string for every number.
    let text = unsafe { CStr::from_ptr(sys::opus_strerror(code)) };
    text.to_str().unwrap_or("unknown error")
}

/// The count that a call gave, or its fault.
fn checked(result: c_int) -> Result<usize, Fault> {
    usize::try_from(result).map_err(|_| Fault(result))
}

/// A length for libopus; no packet and no frame comes near the limit.
fn length(length: usize) -> c_int {
    c_int::try_from(length).unwrap_or(c_int::MAX)
}

/// Makes packets of speech.
#[derive(Debug)]
pub(super) struct Encoder {
    state: NonNull<sys::OpusEncoder>,
    channels: u8,
}

// SAFETY: the state is plain memory that is tied to no thread, and `&mut self` lets one use it at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    /// `channels` 1 or 2, for a voice over IP.
    pub(super) fn new(rate: u32, channels: u8) -> Result<Self, Fault> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` outlives the call.
        let state = unsafe {
            sys::opus_encoder_create(
                rate as i32,
                c_int::from(channels),
                sys::OPUS_APPLICATION_VOIP,
                &mut code,
            )
        };
        let state = NonNull::new(state).ok_or(Fault(code))?;
        Ok(Self { state, channels })
    }

    /// bit/s.
    pub(super) fn set_bitrate(&mut self, bitrate: i32) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_BITRATE_REQUEST, bitrate)
    }

    pub(super) fn set_inband_fec(&mut self, on: bool) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_INBAND_FEC_REQUEST, i32::from(on))
    }

    /// Loss that the redundancy is made for, percent.
    pub(super) fn set_packet_loss_perc(&mut self, percent: i32) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent)
    }

    pub(super) fn set_dtx(&mut self, on: bool) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_DTX_REQUEST, i32::from(on))
    }

    /// How far back the deep redundancy of each packet may reach, in steps of 10 ms; 0 is none.
    pub(super) fn set_dred_duration(&mut self, steps: i32) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_DRED_DURATION_REQUEST, steps)
    }

    /// Codes by the transform alone (CELT), as music is; otherwise libopus takes its model of speech (SILK) at the rates
    /// of a call.
    pub(super) fn set_transform(&mut self, on: bool) -> Result<(), Fault> {
        let signal = match on {
            true => sys::OPUS_SIGNAL_MUSIC,
            false => sys::OPUS_AUTO,
        };
        self.set(sys::OPUS_SET_SIGNAL_REQUEST, signal)
    }

    /// What is spent on making packets, 0 to 10.
    pub(super) fn set_complexity(&mut self, complexity: i32) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_COMPLEXITY_REQUEST, complexity)
    }

    /// Encodes one frame into `packet`; gives the packet's length.
    pub(super) fn encode(&mut self, pcm: &[f32], packet: &mut [u8]) -> Result<usize, Fault> {
        let frame = pcm.len() / usize::from(self.channels);
        // SAFETY: `frame` samples of each channel are read from `pcm`, at most `packet.len()` bytes are written.
        let result = unsafe {
            sys::opus_encode_float(
                self.state.as_ptr(),
                pcm.as_ptr(),
                length(frame),
                packet.as_mut_ptr(),
                length(packet.len()),
            )
        };
        checked(result)
    }

    fn set(&mut self, request: c_int, value: i32) -> Result<(), Fault> {
        // SAFETY: each request made here takes one `opus_int32`.
        let result = unsafe { sys::opus_encoder_ctl(self.state.as_ptr(), request, value) };
        checked(result).map(drop)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_encoder_create`, used by nobody any more.
        unsafe { sys::opus_encoder_destroy(self.state.as_ptr()) }
    }
}

/// Makes mono sound of packets.
#[derive(Debug)]
pub(super) struct Decoder {
    state: NonNull<sys::OpusDecoder>,
}

// SAFETY: as for `Encoder`.
unsafe impl Send for Decoder {}

impl Decoder {
    pub(super) fn new(rate: u32) -> Result<Self, Fault> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` outlives the call.
        let state = unsafe { sys::opus_decoder_create(rate as i32, 1, &mut code) };
        let state = NonNull::new(state).ok_or(Fault(code))?;
        Ok(Self { state })
    }

    /// 0 is the classic decoder; from 5 on it conceals with its neural network, 6 and 7 enhance what was coded.
    pub(super) fn set_complexity(&mut self, complexity: i32) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_COMPLEXITY_REQUEST, complexity)
    }

    /// Makes full-band sound of wide-band speech; needs a complexity of 4 and more.
    pub(super) fn set_bandwidth_extension(&mut self, on: bool) -> Result<(), Fault> {
        self.set(sys::OPUS_SET_OSCE_BWE_REQUEST, i32::from(on))
    }

    /// Decodes a packet; an empty one stands for one that is missing. With `fec` what is decoded is the frame before
    /// it, as long as `pcm`. Gives the samples written.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        pcm: &mut [f32],
        fec: bool,
    ) -> Result<usize, Fault> {
        let data = match packet.is_empty() {
            true => ptr::null(),
            false => packet.as_ptr(),
        };
        // SAFETY: `packet.len()` bytes are read, at most `pcm.len()` samples are written: one channel.
        let result = unsafe {
            sys::opus_decode_float(
                self.state.as_ptr(),
                data,
                length(packet.len()),
                pcm.as_mut_ptr(),
                length(pcm.len()),
                c_int::from(fec),
            )
        };
        checked(result)
    }

    /// Fills `pcm` with what was said from `before` samples ahead of the packet that `redundancy` was read from.
    pub(super) fn rebuild(
        &mut self,
        redundancy: &Redundancy,
        before: usize,
        pcm: &mut [f32],
    ) -> Result<usize, Fault> {
        if redundancy.reach == 0 {
            return Err(Fault(sys::OPUS_BAD_ARG));
        }
        // SAFETY: a reach above 0 means that `packet` was filled and processed by `opus_dred_parse`; at most `pcm.len()`
        // samples are written.
        let result = unsafe {
            sys::opus_decoder_dred_decode_float(
                self.state.as_ptr(),
                redundancy.packet.as_ptr(),
                length(before),
                pcm.as_mut_ptr(),
                length(pcm.len()),
            )
        };
        checked(result)
    }

    fn set(&mut self, request: c_int, value: i32) -> Result<(), Fault> {
        // SAFETY: each request made here takes one `opus_int32`.
        let result = unsafe { sys::opus_decoder_ctl(self.state.as_ptr(), request, value) };
        checked(result).map(drop)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_decoder_create`, used by nobody any more.
        unsafe { sys::opus_decoder_destroy(self.state.as_ptr()) }
    }
}

/// The deep redundancy of one packet, and what reads it.
#[derive(Debug)]
pub(super) struct Redundancy {
    reader: NonNull<sys::OpusDREDDecoder>,
    packet: NonNull<sys::OpusDRED>,
    /// How far back it reaches, samples; 0 before the first packet and without redundancy.
    reach: usize,
}

// SAFETY: as for `Encoder`.
unsafe impl Send for Redundancy {}

impl Redundancy {
    pub(super) fn new() -> Result<Self, Fault> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` outlives both calls; a reader without a packet is freed again.
        unsafe {
            let reader = sys::opus_dred_decoder_create(&mut code);
            let reader = NonNull::new(reader).ok_or(Fault(code))?;
            let Some(packet) = NonNull::new(sys::opus_dred_alloc(&mut code)) else {
                sys::opus_dred_decoder_destroy(reader.as_ptr());
                return Err(Fault(code));
            };
            Ok(Self {
                reader,
                packet,
                reach: 0,
            })
        }
    }

    /// Reads what a packet carries; gives how far back it reaches, samples, 0 for none.
    pub(super) fn read(&mut self, packet: &[u8], rate: u32, most: usize) -> Result<usize, Fault> {
        self.reach = 0;
        let mut end = 0;
        // SAFETY: `packet.len()` bytes are read; both states are ours.
        let result = unsafe {
            sys::opus_dred_parse(
                self.reader.as_ptr(),
                self.packet.as_ptr(),
                packet.as_ptr(),
                length(packet.len()),
                length(most),
                rate as i32,
                &mut end,
                0,
            )
        };
        self.reach = checked(result)?;
        Ok(self.reach)
    }
}

impl Drop for Redundancy {
    fn drop(&mut self) {
        // SAFETY: made by their own functions, used by nobody any more.
        unsafe {
            sys::opus_dred_free(self.packet.as_ptr());
            sys::opus_dred_decoder_destroy(self.reader.as_ptr());
        }
    }
}

/// Samples of a packet at this rate.
pub(super) fn samples(packet: &[u8], rate: u32) -> Result<usize, Fault> {
    // SAFETY: `packet.len()` bytes are read; libopus looks at none when there is none.
    let result = unsafe {
        sys::opus_packet_get_nb_samples(packet.as_ptr(), length(packet.len()), rate as i32)
    };
    checked(result)
}

/// Whether a packet carries a second copy of the frame before it (in-band FEC).
pub(super) fn has_fec(packet: &[u8]) -> bool {
    // SAFETY: `packet.len()` bytes are read.
    !packet.is_empty()
        && unsafe { sys::opus_packet_has_lbrr(packet.as_ptr(), length(packet.len())) } == 1
}

//! How fast the message layer and the sans-I/O core are: `cargo bench -p sidetone-sip --features measuring`.
//!
//! An INVITE as a browser-like phone sends it, read and written, beside the message layer of `rsipstack` and that of
//! `rsip`, from which it comes; both read fields and nothing more; registrations and calls of both ends on one core.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rsipstack::sip::SipMessage;
use sidetone_sip::measuring::{Pair, Written, parse};

fn offer() -> String {
    let mut offer = "v=0\r\no=- 4611731400430051336 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 111 9 8 0 101\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=setup:actpass\r\na=rtcp-mux\r\na=ice-ufrag:Xq3p\r\na=ice-pwd:k2P8dQz7vY0rT5wLm1nS4bHc\r\na=fingerprint:sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF\r\n".to_owned();
    for port in 40_000..40_004 {
        offer.push_str(&format!(
            "a=candidate:1 1 udp 2130706431 192.0.2.2 {port} typ host\r\n"
        ));
    }
    offer.push_str("a=sendrecv\r\n");
    offer
}

fn invite() -> Vec<u8> {
    let offer = offer();
    format!(
        "INVITE sip:600@sandbox.invalid SIP/2.0\r\nVia: SIP/2.0/WSS 6f2a91d0c3be.invalid;branch=z9hG4bK5c1d2e3f4a5b6c7d8e9f;rport\r\nMax-Forwards: 70\r\nFrom: \"Agent One\" <sip:1001@sandbox.invalid>;tag=9fb2c41e7d3a5068b1c2\r\nTo: <sip:600@sandbox.invalid>\r\nCall-ID: 1b7e44a09c5d2f3866aa\r\nCSeq: 1 INVITE\r\nContact: <sip:1001@6f2a91d0c3be.invalid;transport=ws;ob>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, REFER\r\nSupported: 100rel, timer, norefersub, replaces\r\nUser-Agent: Sidetone\r\nSession-Expires: 1800\r\nX-Queue: support\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{offer}",
        offer.len()
    )
    .into_bytes()
}

fn messages(criterion: &mut Criterion) {
    let invite = invite();
    let mut group = criterion.benchmark_group("an INVITE");
    group.throughput(Throughput::Bytes(invite.len() as u64));
    group.bench_function("read", |b| b.iter(|| parse(black_box(&invite))));
    group.bench_function("read by rsipstack", |b| {
        b.iter(|| SipMessage::try_from(black_box(invite.as_slice())).expect("valid"));
    });
    group.bench_function("read by rsip", |b| {
        b.iter(|| rsip::SipMessage::try_from(black_box(invite.as_slice())).expect("valid"));
    });
    let ours = Written::new(&invite);
    group.bench_function("written", |b| b.iter(|| black_box(&ours).bytes()));
    let theirs = SipMessage::try_from(invite.as_slice()).expect("valid");
    group.bench_function("written by rsipstack", |b| {
        b.iter(|| black_box(&theirs).to_string().into_bytes());
    });
    let theirs = rsip::SipMessage::try_from(invite.as_slice()).expect("valid");
    group.bench_function("written by rsip", |b| {
        b.iter(|| black_box(&theirs).to_string().into_bytes());
    });
    group.finish();
}

fn core(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("both ends on one core");
    group.throughput(Throughput::Elements(1));
    let mut pair = Pair::default();
    group.bench_function("registration and its end", |b| b.iter(|| pair.register()));
    let (mut pair, offer) = (Pair::default(), offer());
    group.bench_function("call", |b| b.iter(|| pair.call(black_box(&offer))));
    group.finish();
}

criterion_group!(speed, messages, core);
criterion_main!(speed);

//! Whatever arrives, the core neither panics nor sends what it cannot read itself.

use proptest::prelude::*;

use super::solo::Solo;
use crate::core::TransportKind;

const SEEDS: [&str; 4] = [
    "INVITE sip:1001@192.0.2.2:40000;ob SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:1001@c>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nSession-Expires: 90;refresher=uac\r\nSupported: timer\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\n",
    "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5\r\n\r\n",
    "SIP/2.0 183 Session Progress\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1\r\nRecord-Route: <sip:p;lr>\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nRequire: 100rel\r\nRSeq: 1\r\n\r\n",
    "BYE sip:x SIP/2.0\r\nv: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK2\r\nf: <sip:a@b>;tag=1\r\nt: <sip:1001@c>;tag=2\r\ni: c\r\nCSeq: 2 BYE\r\n\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut solo = Solo::registered(TransportKind::Udp);
        solo.give_bytes(bytes);
    }

    #[test]
    fn damaged_messages(
        seed in 0..SEEDS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..12),
    ) {
        let mut solo = Solo::new(TransportKind::Udp);
        let register = solo.sent_one("REGISTER");
        // Its own branch and tags, so that damaged answers reach the state machines.
        let mut bytes = SEEDS[seed]
            .replace("branch=z9hG4bK1", &format!("branch={}", register.branch()))
            .into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        solo.give_bytes(bytes);
        solo.wait(std::time::Duration::from_secs(40));
    }
}

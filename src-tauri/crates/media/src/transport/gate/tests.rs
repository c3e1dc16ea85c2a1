use super::*;

/// Overhead of AES-GCM.
const OVERHEAD: Option<usize> = Some(24);

fn record(kind: u8, epoch: u16, number: u64, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0xfe, 0xfd];
    record.extend_from_slice(&epoch.to_be_bytes());
    record.extend_from_slice(&number.to_be_bytes()[2..]);
    record.extend_from_slice(&(body.len() as u16).to_be_bytes());
    record.extend_from_slice(body);
    record
}

fn fragment(kind: u8, sequence: u16, body: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, body.len() as u8];
    message.extend_from_slice(&sequence.to_be_bytes());
    message.extend_from_slice(&[0, 0, from as u8, 0, 0, (to - from) as u8]);
    message.extend_from_slice(&body[from..to]);
    record(HANDSHAKE, 0, u64::from(sequence), &message)
}

fn message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    fragment(kind, sequence, body, 0, body.len())
}

/// An encrypted record that holds this many bytes of a Finished.
fn encrypted(number: u64, bytes: usize) -> Vec<u8> {
    let body = vec![number as u8; MESSAGE_HEADER + bytes + 24];
    record(HANDSHAKE, 1, number, &body)
}

/// Kind, epoch and (in clear) message kind of each record.
fn shape(datagram: &[u8]) -> Vec<(u8, u16, u8)> {
    records(datagram)
        .map(|record| (record.kind, record.epoch, record.body[0]))
        .collect()
}

#[test]
fn a_flight_is_held_until_it_is_whole_and_comes_out_as_one() {
    let mut gate = FlightGate::new(DtlsRole::Client);
    let certificate = [7; 90];
    assert!(gate.push(&message(14, 3, b""), None).is_none());
    assert!(
        gate.push(&fragment(11, 1, &certificate, 40, 90), None)
            .is_none()
    );
    assert!(gate.push(&message(2, 0, b"hello"), None).is_none());
    assert!(gate.push(&message(12, 2, b"key"), None).is_none());
    // The missing part overlaps what is there.
    let flight = gate
        .push(&fragment(11, 1, &certificate, 0, 50), None)
        .expect("the flight");
    assert_eq!(
        shape(&flight),
        [(22, 0, 2), (22, 0, 11), (22, 0, 12), (22, 0, 14)]
    );
    let numbers: Vec<u64> = records(&flight).map(|record| record.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert!(flight.windows(90).any(|part| part == certificate));
    for repeat in [message(2, 0, b"hello"), message(14, 3, b"")] {
        assert!(gate.push(&repeat, None).is_none(), "a repeat");
    }
}

#[test]
fn a_cookie_request_is_a_flight_of_its_own() {
    let mut gate = FlightGate::new(DtlsRole::Client);
    let flight = gate.push(&message(3, 0, b"cookie"), None).expect("passed");
    assert_eq!(shape(&flight), [(22, 0, 3)]);
    assert!(gate.push(&message(3, 0, b"cookie"), None).is_none());
}

#[test]
fn the_first_hello_may_come_again_until_the_second_came() {
    let mut gate = FlightGate::new(DtlsRole::Server);
    let (first, second) = (message(1, 0, b"first"), message(1, 1, b"second"));
    assert!(gate.push(&first, None).is_some());
    assert!(
        gate.push(&first, None).is_some(),
        "our cookie request was lost"
    );
    assert!(gate.push(&second, None).is_some());
    assert!(gate.push(&first, None).is_none());
    assert!(gate.push(&second, None).is_none());
}

fn client_in_its_last_flight() -> FlightGate {
    let mut gate = FlightGate::new(DtlsRole::Client);
    assert!(gate.push(&message(14, 0, b""), None).is_some());
    gate
}

#[test]
fn a_finished_needs_no_change_cipher_spec_before_it() {
    let mut gate = client_in_its_last_flight();
    let flight = gate.push(&encrypted(0, 12), OVERHEAD).expect("passed");
    assert_eq!(shape(&flight), [(20, 0, 1), (22, 1, 0)]);
}

#[test]
fn a_finished_in_two_records_passes_only_whole() {
    let mut gate = client_in_its_last_flight();
    assert!(gate.push(&encrypted(0, 5), OVERHEAD).is_none());
    let flight = gate.push(&encrypted(1, 7), OVERHEAD).expect("passed");
    assert_eq!(shape(&flight), [(20, 0, 1), (22, 1, 0), (22, 1, 1)]);
}

#[test]
fn parts_of_different_sendings_are_not_joined() {
    let mut gate = client_in_its_last_flight();
    // The second part (record 1) is lost; the repeat is cut elsewhere.
    assert!(gate.push(&encrypted(0, 5), OVERHEAD).is_none());
    assert!(
        gate.push(&encrypted(3, 7), OVERHEAD).is_none(),
        "not consecutive"
    );
    assert!(
        gate.push(&encrypted(2, 9), OVERHEAD).is_none(),
        "9 + 7 is too much"
    );
    let flight = gate.push(&encrypted(4, 12), OVERHEAD).expect("whole");
    assert_eq!(shape(&flight), [(20, 0, 1), (22, 1, 4)]);
}

#[test]
fn the_servers_gate_waits_for_all_of_the_last_flight() {
    let mut gate = FlightGate::new(DtlsRole::Server);
    assert!(gate.push(&message(1, 0, b""), None).is_some());
    assert!(gate.push(&message(1, 1, b""), None).is_some());
    assert!(gate.push(&encrypted(0, 12), OVERHEAD).is_none());
    assert!(
        gate.push(&message(11, 2, b"certificate"), OVERHEAD)
            .is_none()
    );
    assert!(gate.push(&message(15, 4, b"signature"), OVERHEAD).is_none());
    let flight = gate.push(&message(16, 3, b"key"), OVERHEAD).expect("whole");
    assert_eq!(
        shape(&flight),
        [
            (22, 0, 11),
            (22, 0, 16),
            (22, 0, 15),
            (20, 0, 1),
            (22, 1, 0)
        ]
    );
}

#[test]
fn after_the_handshake_only_a_server_looks_at_repeats() {
    let mut client = FlightGate::new(DtlsRole::Client);
    client.complete();
    assert!(client.push(&encrypted(5, 12), OVERHEAD).is_none());
    let mut server = FlightGate::new(DtlsRole::Server);
    server.complete();
    assert!(server.push(&encrypted(5, 12), OVERHEAD).is_some());
    for gate in [&mut client, &mut server] {
        assert!(gate.push(&message(11, 9, b"x"), OVERHEAD).is_none());
        let forged_alert = record(ALERT, 0, 1, &[2, 40]);
        assert!(gate.push(&forged_alert, OVERHEAD).is_none());
        assert!(
            gate.push(&record(ALERT, 1, 1, &[1; 26]), OVERHEAD)
                .is_some()
        );
    }
}

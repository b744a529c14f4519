//! Small things are small: a million sockets live in one process.

use crsocket::protocol::receiver::Receiver;
use crsocket::protocol::send_line::SendLine;
use crsocket::protocol::sender::Sender;
use crsocket::protocol::socket::Socket;

#[test]
fn the_machines_of_a_quiet_socket_take_at_most_600_bytes() {
    let sizes = [
        ("Socket", size_of::<Socket>()),
        ("Receiver", size_of::<Receiver>()),
        ("Sender", size_of::<Sender>()),
        ("SendLine", size_of::<SendLine>()),
    ];
    let machines: usize = sizes[..3].iter().map(|(_, size)| size).sum();
    assert!(machines <= 600, "the three machines take {machines} bytes: {sizes:?}");
    assert!(sizes[3].1 <= 64, "their line: {sizes:?}");
}

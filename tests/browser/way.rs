//! A way to a server that can be cut: what goes through it breaks off, at both ends.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes connections on, until they are cut. New ones are passed on afterwards.
pub struct CuttableWay {
    pub address: SocketAddr,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl CuttableWay {
    pub fn to(server: SocketAddr) -> CuttableWay {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::<Mutex<Vec<TcpStream>>>::default();
        let open = Arc::clone(&connections);
        thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(server) else { continue };
                let _ = pass(&here, &there);
                let _ = pass(&there, &here);
                open.lock().unwrap().extend([here, there]);
            }
        });
        CuttableWay { address, connections }
    }

    /// All that are open now break off.
    pub fn cut(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            // Who is gone already is cut off.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn pass(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    Ok(())
}

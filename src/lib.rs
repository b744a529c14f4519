//! CRSocket (Controller-Responder Socket): pairs a tester's controller with a participant's responder.

pub mod protocol;

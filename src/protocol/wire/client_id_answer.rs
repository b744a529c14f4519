//! The body of a clientid answer (section 3): `<clientId value='731247'/>` and a line feed.

use crate::protocol::ids::ClientId;

const BEFORE: &str = "<clientId value='";
const AFTER: &str = "'/>";

/// The body that gives out this clientId.
pub fn write_client_id_answer(id: ClientId) -> String {
    format!("{BEFORE}{id}{AFTER}\n")
}

/// The clientId in such a body; white space around it does not matter. `None` for anything else.
pub fn read_client_id_answer(body: &str) -> Option<ClientId> {
    let value = body.trim().strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    ClientId::parse(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_3_clientid_answer() {
        let id = ClientId::from_number(731_247).unwrap();
        assert_eq!(write_client_id_answer(id), "<clientId value='731247'/>\n");
        let low = ClientId::from_number(7).unwrap();
        assert_eq!(write_client_id_answer(low), "<clientId value='000007'/>\n");
    }

    #[test]
    fn section_3_clientid_answer_is_read_back_and_nothing_else_is() {
        for number in [0, 1, 731_247, 999_999] {
            let id = ClientId::from_number(number).unwrap();
            assert_eq!(read_client_id_answer(&write_client_id_answer(id)), Some(id));
        }
        for other in
            ["", "731247", "<clientId value='73124'/>", "<clientId value='7312470'/>", "<html></html>"]
        {
            assert_eq!(read_client_id_answer(other), None, "{other:?}");
        }
    }
}

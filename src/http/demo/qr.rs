//! QR codes, as SVG.

use qrcode::render::svg;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};
use thiserror::Error;

/// The longest text that is drawn, in bytes.
pub(super) const MOST: usize = 512;

/// How wide a module is drawn, in units of the image.
const MODULE: u32 = 4;

/// Why a text cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum NotDrawn {
    /// There is none.
    #[error("it is empty")]
    Empty,
    /// It is too long.
    #[error("it is {len} bytes long; at most {MOST} are accepted")]
    TooLong {
        /// How long.
        len: usize,
    },
    /// There is no code for it.
    #[error("it cannot be drawn: {0}")]
    NoCode(QrError),
}

/// The code of this text: black on white whatever is around it, within the quiet zone that readers need.
///
/// # Errors
/// [`NotDrawn`].
pub(super) fn svg(text: &str) -> Result<String, NotDrawn> {
    match text.len() {
        0 => return Err(NotDrawn::Empty),
        len if len > MOST => return Err(NotDrawn::TooLong { len }),
        _ => {}
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(NotDrawn::NoCode)?;
    let mut drawn = code.render::<svg::Color<'_>>();
    drawn.dark_color(svg::Color("#000")).light_color(svg::Color("#fff"));
    Ok(drawn.quiet_zone(true).module_dimensions(MODULE, MODULE).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_crisp_black_on_white_within_its_quiet_zone() {
        let drawn = svg("http://192.168.1.5:8080/crsocket/demo/responder/?partner=482913").unwrap();
        assert!(drawn.contains("<svg ") && drawn.contains("shape-rendering=\"crispEdges\""), "{drawn}");
        assert!(drawn.contains("fill=\"#fff\"") && drawn.contains("fill=\"#000\""), "{drawn}");
        // The finder pattern in the corner begins behind four modules of white.
        let first = format!("d=\"M{0} {0}", 4 * MODULE);
        assert!(drawn.contains(&first), "{first} is not in {drawn}");
        assert!(!drawn.contains("script"), "{drawn}");
    }

    #[test]
    fn texts_have_a_length() {
        assert_eq!(svg(""), Err(NotDrawn::Empty));
        assert!(svg(&"x".repeat(MOST)).is_ok());
        assert_eq!(svg(&"x".repeat(MOST + 1)), Err(NotDrawn::TooLong { len: MOST + 1 }));
        assert!(svg(&"ü".repeat(MOST / 2)).is_ok());
    }
}

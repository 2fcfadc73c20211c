//! The enrolment link as a QR code.

use fast_qr::convert::svg::SvgBuilder;
use fast_qr::convert::{Builder as _, Shape};
use fast_qr::{ECL, QRBuilder};

/// Modules of white around the code that scanners need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// `text` as an SVG: black on its own white ground, so that it scans on a dark page too. None when it is too long for a code.
pub(super) fn svg(text: &str) -> Option<String> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    let mut builder = SvgBuilder::default();
    builder.shape(Shape::Square).margin(QUIET_ZONE).background_color("#ffffff").module_color("#000000");
    Some(builder.to_str(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_an_image_without_script() {
        let image = svg("https://nod.example.com/authenticator#enrol=ABCD2345").unwrap();
        assert!(image.starts_with("<svg") && image.contains("#ffffff") && image.contains("#000000"), "{image}");
        assert!(!image.contains("<script") && !image.contains("href"));
        assert!(svg(&"x".repeat(4000)).is_none());
    }
}

//! QR codes in front of a camera: a film for Chromium's false camera, or a picture.

use fast_qr::{ECL, QRBuilder};
use std::path::Path;

/// Width and height of a frame, in pixels.
const FRAME: (usize, usize) = (640, 480);
/// Brightness of paper and ink, as a camera sees them.
const PAPER: u8 = 235;
const INK: u8 = 16;
/// YUV4MPEG2: colour without colour.
const GREY: u8 = 128;

/// Switches of a Chromium whose camera shows this film. Nobody is asked whether it may.
pub(crate) fn camera(film: &Path) -> Vec<String> {
    vec![
        "--use-fake-ui-for-media-stream".to_owned(),
        "--use-fake-device-for-media-stream".to_owned(),
        format!("--use-file-for-fake-video-capture={}", film.display()),
    ]
}

/// Brightness of each pixel of a frame with the code in its middle.
fn frame(text: &str) -> Vec<u8> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().unwrap();
    let scale = (FRAME.1 - 40) / (code.size + 8);
    let (left, top) = ((FRAME.0 - scale * code.size) / 2, (FRAME.1 - scale * code.size) / 2);
    let dark = |x: usize, y: usize| {
        let (column, row) = (x.checked_sub(left)? / scale, y.checked_sub(top)? / scale);
        (column < code.size && row < code.size).then(|| code[row][column].value())
    };
    let pixel = |index: usize| if dark(index % FRAME.0, index / FRAME.0) == Some(true) { INK } else { PAPER };
    (0..FRAME.0 * FRAME.1).map(pixel).collect()
}

/// Writes a film that shows the codes over and over, each for a moment.
pub(crate) fn write_film(file: &Path, texts: &[String]) {
    let mut film = format!("YUV4MPEG2 W{} H{} F4:1 Ip A1:1 C420jpeg\n", FRAME.0, FRAME.1).into_bytes();
    for text in texts {
        film.extend(b"FRAME\n");
        film.extend(frame(text));
        film.extend(std::iter::repeat_n(GREY, FRAME.0 * FRAME.1 / 2));
    }
    std::fs::write(file, film).unwrap();
}

/// Writes a picture of the code: a bitmap of 24 bits, rows from the bottom.
pub(crate) fn write_picture(file: &Path, text: &str) {
    const HEADER_BYTES: u32 = 54;
    let pixels = frame(text);
    let data = u32::try_from(pixels.len() * 3).unwrap();
    let (width, height) = (u32::try_from(FRAME.0).unwrap(), u32::try_from(FRAME.1).unwrap());
    let mut bitmap = b"BM".to_vec();
    for part in [HEADER_BYTES + data, 0, HEADER_BYTES, 40, width, height, 1 | 24 << 16, 0, data, 2835, 2835, 0, 0] {
        bitmap.extend(part.to_le_bytes());
    }
    for row in pixels.chunks(FRAME.0).rev() {
        bitmap.extend(row.iter().flat_map(|&level| [level; 3]));
    }
    std::fs::write(file, bitmap).unwrap();
}

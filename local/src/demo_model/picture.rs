//! A picture by a formula: an evening by the sea.

const WIDTH: u32 = 384;
const HEIGHT: u32 = 240;

/// The picture as PNG. What is painted in squares of more than one pixel is a preview.
pub(super) fn paint(square: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            pixels.extend(colour(x / square * square, y / square * square));
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    debug_assert!(written.is_ok(), "a vector takes everything");
    file
}

fn colour(x: u32, y: u32) -> [u8; 3] {
    let (x, y) = (f64::from(x) / f64::from(WIDTH), f64::from(y) / f64::from(HEIGHT));
    let horizon = 0.62;
    let is_sun = (x - 0.5).hypot((y - 0.5) * 0.625) < 0.11;
    let mix = |from: [f64; 3], to: [f64; 3], share: f64| {
        [0, 1, 2].map(|channel| {
            let value = (to[channel] - from[channel]).mul_add(share.clamp(0.0, 1.0), from[channel]);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "colours are 0 to 255")]
            let value = value as u8;
            value
        })
    };
    if y < horizon {
        let hill = 0.07f64.mul_add((x * 9.0).sin() * (x * 4.0).cos(), 0.57);
        match (is_sun, y > hill) {
            (_, true) => [58, 40, 74],
            (true, false) => [255, 226, 150],
            (false, false) => mix([63.0, 52.0, 120.0], [250.0, 150.0, 98.0], y / horizon),
        }
    } else {
        let glitter = ((y * 90.0).sin() * (x * 30.0).cos()).abs() * (1.0 - (x - 0.5).abs() * 3.0).max(0.0);
        mix([44.0, 50.0, 104.0], [255.0, 190.0, 130.0], glitter.mul_add(0.7, (1.0 - y) * 0.5))
    }
}

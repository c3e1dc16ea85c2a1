//! How many calls were missed, on the tray icon and, where the desktop has a place for it, on the program's own.

use tauri::image::Image;
use tauri::{AppHandle, Manager};

use crate::bar_window;
use crate::phone::Phone;

/// From here on it only says that there are many.
const MOST: u32 = 9;
const DISC: [u8; 4] = [0xc7, 0x26, 0x2e, 0xff];
const INK: [u8; 4] = [0xff, 0xff, 0xff, 0xff];

/// Puts the number on the program's icon in the dock or the task bar.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(bar_window::LABEL) else {
        return;
    };
    let missed = app
        .state::<Phone>()
        .snapshot()
        .map_or(0, |snapshot| snapshot.view.missed);
    #[cfg(windows)]
    let shown = window.set_overlay_icon((missed > 0).then(|| overlay(missed)));
    #[cfg(not(windows))]
    let shown = window.set_badge_count((missed > 0).then_some(i64::from(missed)));
    if let Err(fault) = shown {
        tracing::debug!(%fault, "the program's icon has no place for a number");
    }
}

/// The icon with a disc and the number in its lower corner; without any the icon itself.
pub(crate) fn drawn(icon: Image<'static>, count: u32) -> Image<'static> {
    if count == 0 {
        return icon;
    }
    let (width, height) = (icon.width(), icon.height());
    let mut canvas = Canvas {
        rgba: icon.rgba().to_vec(),
        width,
        height,
    };
    let size = height.min(width) * 3 / 5;
    canvas.number(count, width - size, height - size, size);
    Image::new_owned(canvas.rgba, width, height)
}

#[cfg(windows)]
fn overlay(count: u32) -> Image<'static> {
    const SIZE: u32 = 32;
    let mut canvas = Canvas {
        rgba: vec![0; (SIZE * SIZE * 4) as usize],
        width: SIZE,
        height: SIZE,
    };
    canvas.number(count, 0, 0, SIZE);
    Image::new_owned(canvas.rgba, SIZE, SIZE)
}

/// Digits and a plus sign, three dots wide and five high, a row in three bits.
const DIGITS: [[u8; 5]; 11] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
    [0b000, 0b010, 0b111, 0b010, 0b000],
];
const PLUS: usize = 10;

/// Pixels in rows, four bytes each.
struct Canvas {
    rgba: Vec<u8>,
    width: u32,
    height: u32,
}

impl Canvas {
    fn number(&mut self, count: u32, left: u32, top: u32, size: u32) {
        let radius = f64::from(size) / 2.0;
        for y in 0..size {
            for x in 0..size {
                let (dx, dy) = (f64::from(x) + 0.5 - radius, f64::from(y) + 0.5 - radius);
                if dx.hypot(dy) <= radius {
                    self.put(left + x, top + y, DISC);
                }
            }
        }
        let glyphs: &[usize] = if count > MOST {
            &[MOST as usize, PLUS]
        } else {
            &[count as usize]
        };
        // A dot of the digits in pixels: two glyphs and the gap between them take seven of them.
        let dot = (size / if glyphs.len() > 1 { 9 } else { 8 }).max(1);
        let dots = glyphs.len() as u32 * 4 - 1;
        let (left, top) = (
            left + size.saturating_sub(dots * dot) / 2,
            top + size.saturating_sub(5 * dot) / 2,
        );
        for (at, glyph) in glyphs.iter().enumerate() {
            self.glyph(DIGITS[*glyph], left + at as u32 * 4 * dot, top, dot);
        }
    }

    fn glyph(&mut self, rows: [u8; 5], left: u32, top: u32, dot: u32) {
        for (row, bits) in (0..).zip(rows) {
            for column in 0..3 {
                if bits & (0b100 >> column) == 0 {
                    continue;
                }
                for y in 0..dot {
                    for x in 0..dot {
                        self.put(left + column * dot + x, top + row * dot + y, INK);
                    }
                }
            }
        }
    }

    fn put(&mut self, x: u32, y: u32, colour: [u8; 4]) {
        if x < self.width && y < self.height {
            let at = ((y * self.width + x) * 4) as usize;
            self.rgba[at..at + 4].copy_from_slice(&colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Image<'static> {
        Image::new_owned(vec![7; 64 * 64 * 4], 64, 64)
    }

    #[test]
    fn each_number_looks_different_and_none_changes_nothing() {
        assert_eq!(drawn(plain(), 0).rgba(), plain().rgba());
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for count in 1..=10 {
            let icon = drawn(plain(), count).rgba().to_vec();
            assert!(!seen.contains(&icon), "{count}");
            seen.push(icon);
        }
        assert_eq!(drawn(plain(), 10).rgba(), drawn(plain(), 4_000_000).rgba());
    }

    #[test]
    fn the_icon_stays_to_be_seen_beside_the_number() {
        let icon = drawn(plain(), 3);
        assert_eq!(&icon.rgba()[..4], &[7; 4]);
        let corner = ((60 * 64 + 45) * 4) as usize;
        assert_eq!(&icon.rgba()[corner..corner + 4], &DISC);
    }

    #[test]
    fn an_icon_of_any_size_can_take_it() {
        for size in 0..20_u32 {
            let bytes = vec![0; (size * size * 4) as usize];
            assert_eq!(drawn(Image::new_owned(bytes, size, size), 12).width(), size);
        }
    }
}

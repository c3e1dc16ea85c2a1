//! Where windows go: pure geometry in physical pixels.

use sidetone_profile::ToastPosition;

/// A rectangle on the desktop, in physical pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

impl Area {
    fn right(self) -> i32 {
        self.x + self.width
    }

    fn bottom(self) -> i32 {
        self.y + self.height
    }

    /// Whether the two share a pixel.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// This area moved inside `screen`, its top left corner first.
    fn inside(self, screen: Self) -> Self {
        Self {
            x: self.x.min(screen.right() - self.width).max(screen.x),
            y: self.y.min(screen.bottom() - self.height).max(screen.y),
            ..self
        }
    }
}

/// Where the bar goes: where it was, if that screen is still there, otherwise to the top of the first one.
pub(crate) fn bar(width: i32, height: i32, kept: Option<(i32, i32)>, screens: &[Area]) -> Area {
    let wanted = kept.map(|(x, y)| Area {
        x,
        y,
        width,
        height,
    });
    if let Some(area) = wanted
        && let Some(screen) = screens.iter().find(|screen| screen.meets(area))
    {
        return area.inside(*screen);
    }
    let Some(first) = screens.first() else {
        return wanted.unwrap_or(Area {
            x: 0,
            y: 0,
            width,
            height,
        });
    };
    let centred = Area {
        x: first.x + (first.width - width) / 2,
        y: first.y,
        width,
        height,
    };
    centred.inside(*first)
}

/// The middle of a screen.
pub(crate) fn centred(width: i32, height: i32, screen: Area) -> Area {
    Area {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}

/// The bar drawn to the upper or lower edge when it is nearer to it than `reach`.
pub(crate) fn snapped(bar: Area, screen: Area, reach: i32) -> Area {
    let y = if (bar.y - screen.y).abs() <= reach {
        screen.y
    } else if (screen.bottom() - bar.bottom()).abs() <= reach {
        screen.bottom() - bar.height
    } else {
        bar.y
    };
    Area { y, ..bar }
}

/// Whether what opens beside the bar has no room under it, but has above it.
pub(crate) fn opens_above(bar: Area, screen: Area, room: i32) -> bool {
    bar.bottom() + room > screen.bottom() && bar.y - room >= screen.y
}

/// Where the ringing window goes: to its corner, but never over the bar. `clear` pixels stay free between it and the
/// upper or lower edge.
pub(crate) fn ringing(
    position: ToastPosition,
    (width, height): (i32, i32),
    (margin, clear): (i32, i32),
    screen: Area,
    bar: Option<Area>,
) -> Area {
    use ToastPosition::{BottomCenter, BottomLeft, BottomRight, TopCenter, TopLeft, TopRight};
    let x = match position {
        TopLeft | BottomLeft => screen.x + margin,
        TopCenter | BottomCenter => screen.x + (screen.width - width) / 2,
        TopRight | BottomRight => screen.right() - width - margin,
    };
    let top = matches!(position, TopLeft | TopCenter | TopRight);
    let y = if top {
        screen.y + clear
    } else {
        screen.bottom() - height - clear
    };
    let corner = Area {
        x,
        y,
        width,
        height,
    };
    match bar.filter(|bar| bar.meets(corner)) {
        Some(bar) if top => Area {
            y: bar.bottom() + margin,
            ..corner
        },
        Some(bar) => Area {
            y: bar.y - height - margin,
            ..corner
        },
        None => corner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Area = Area {
        x: 0,
        y: 24,
        width: 1280,
        height: 776,
    };
    const LEFT: Area = Area {
        x: -1920,
        y: 0,
        width: 1920,
        height: 1080,
    };

    fn at(x: i32, y: i32, width: i32, height: i32) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn the_bar_returns_to_its_place_and_screen() {
        let screens = [SCREEN, LEFT];
        for (kept, place) in [
            (None, (160, 24)),
            (Some((40, 300)), (40, 300)),
            (Some((-1800, 1024)), (-1800, 1024)),
            // Half outside: moved in.
            (Some((1000, 790)), (320, 744)),
            // The screen is gone: the first one's top.
            (Some((5000, 5000)), (160, 24)),
        ] {
            let area = bar(960, 56, kept, &screens);
            assert_eq!((area.x, area.y), place, "{kept:?}");
        }
        assert_eq!(bar(960, 56, None, &[]), at(0, 0, 960, 56));
    }

    #[test]
    fn sign_in_stands_in_the_middle() {
        assert_eq!(centred(420, 560, SCREEN), at(430, 132, 420, 560));
    }

    #[test]
    fn the_bar_snaps_to_the_upper_and_lower_edge_only_when_near() {
        for (y, snaps_to) in [
            (24, 24),
            (38, 24),
            (10, 24),
            (60, 60),
            (730, 744),
            (744, 744),
            (700, 700),
        ] {
            assert_eq!(snapped(at(10, y, 960, 56), SCREEN, 16).y, snaps_to, "{y}");
        }
    }

    #[test]
    fn a_panel_opens_above_only_at_the_lower_edge() {
        assert!(!opens_above(at(0, 24, 960, 56), SCREEN, 464));
        assert!(opens_above(at(0, 744, 960, 56), SCREEN, 464));
        // No room on either side of it: below, where it is looked for.
        assert!(!opens_above(at(0, 300, 960, 56), at(0, 0, 1280, 600), 464));
    }

    #[test]
    fn the_ringing_window_takes_its_corner_and_never_covers_the_bar() {
        let size = (380, 132);
        let place = |position, bar| {
            let area = ringing(position, size, (16, 16), SCREEN, bar);
            (area.x, area.y)
        };
        assert_eq!(place(ToastPosition::TopRight, None), (884, 40));
        assert_eq!(place(ToastPosition::TopCenter, None), (450, 40));
        assert_eq!(place(ToastPosition::BottomLeft, None), (16, 652));
        let top_bar = Some(at(160, 24, 960, 56));
        assert_eq!(place(ToastPosition::TopRight, top_bar), (884, 96));
        assert_eq!(place(ToastPosition::BottomRight, top_bar), (884, 652));
        let low_bar = Some(at(160, 744, 960, 56));
        assert_eq!(place(ToastPosition::BottomCenter, low_bar), (450, 596));
        let below_a_notification =
            |bar| ringing(ToastPosition::TopRight, size, (16, 128), SCREEN, bar).y;
        assert_eq!(below_a_notification(None), 152);
        assert_eq!(below_a_notification(top_bar), 152);
    }
}

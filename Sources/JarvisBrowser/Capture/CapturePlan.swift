/// What a picture shows and how much it is scaled down, so that it stays within what models and disks take. Pure.
struct CapturePlan: Sendable, Hashable {
    /// The longest side of a picture, in its own pixels.
    static let longestSide = 8_000.0
    /// The most pixels of a picture.
    static let mostPixels = 24_000_000.0
    /// The most bytes of a picture.
    static let mostBytes = 5 << 20
    /// Text can't be read below this; a long page is cut off rather than scaled further.
    static let smallestScale = 0.5

    /// The part of the page, in CSS pixels of the document.
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    /// Less than 1: scaled down.
    var scale = 1.0
    /// The height that the page has, when only its upper part is shown.
    var cutFrom: Double?

    /// A picture of an area.
    ///
    /// - Parameters:
    ///   - pixels: device pixels for one CSS pixel.
    ///   - cuts: an area that is too high may be cut off below; otherwise it is scaled down as far as it takes.
    init(x: Double, y: Double, width: Double, height: Double, pixels: Double, cuts: Bool) {
        self.x = x
        self.y = y
        self.width = max(1, width)
        self.height = max(1, height)
        let (wide, high) = (self.width * pixels, self.height * pixels)
        scale = min(1, Self.longestSide / wide, Self.longestSide / high, (Self.mostPixels / (wide * high)).squareRoot())
        guard cuts, scale < Self.smallestScale else { return }
        scale = min(Self.smallestScale, Self.longestSide / wide)
        let fits = min(Self.longestSide / scale, Self.mostPixels / (wide * scale * scale)) / pixels
        guard fits < self.height else { return }
        cutFrom = self.height
        self.height = fits.rounded(.down)
    }

    /// The same area in fewer bytes, after a picture of it had `bytes`.
    func smaller(after bytes: Int) -> CapturePlan {
        var plan = self
        let ratio = (Double(Self.mostBytes) / Double(max(bytes, 1))).squareRoot()
        plan.scale = max(0.02, scale * min(0.9, ratio * 0.95))
        return plan
    }

    /// What a caller should know about it; nil: nothing.
    var note: String? {
        var notes: [String] = []
        if let cutFrom {
            notes.append(
                "The page is \(Int(cutFrom)) pixels high; the picture shows the upper \(Int(height)). Scroll for the rest."
            )
        }
        if scale < 1 {
            let percent = (scale * 1000).rounded() / 10
            notes.append("The picture is scaled down to \(percent) % to stay within 8000 pixels a side and 5 MB.")
        }
        return notes.isEmpty ? nil : notes.joined(separator: " ")
    }
}

/// What is in a picture's file, as far as it must be known.
enum PictureSize {
    /// Width and height of a PNG or JPEG file; nil when it is neither.
    static func of(_ bytes: [UInt8]) -> (width: Int, height: Int)? {
        func number(_ at: Int, _ count: Int) -> Int { bytes[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) } }
        if bytes.count > 24, bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) { return (number(16, 4), number(20, 4)) }
        guard bytes.starts(with: [0xFF, 0xD8]) else { return nil }
        var index = 2
        while index + 9 < bytes.count, bytes[index] == 0xFF {
            let marker = bytes[index + 1]
            if marker == 0xFF {
                index += 1
            } else if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                return (number(index + 7, 2), number(index + 5, 2))
            } else {
                index += 2 + number(index + 2, 2)
            }
        }
        return nil
    }
}

import Testing

@testable import JarvisBrowser

@Suite("Capture plan")
struct CapturePlanTests {
    @Test("What fits is taken as it is")
    func fits() {
        let plan = CapturePlan(x: 0, y: 0, width: 1280, height: 4000, pixels: 1, cuts: true)
        #expect(plan.scale == 1 && plan.note == nil && plan.height == 4000)
    }

    @Test(
        "Bounds hold for every size",
        arguments: [
            (1280.0, 9000.0), (1280, 200_000), (20_000, 500), (20_000, 20_000), (1, 1_000_000), (0, 0), (7999, 7999),
        ], [1.0, 2, 3])
    func bounds(size: (Double, Double), pixels: Double) {
        for cuts in [true, false] {
            let plan = CapturePlan(x: 0, y: 0, width: size.0, height: size.1, pixels: pixels, cuts: cuts)
            let (wide, high) = (plan.width * pixels * plan.scale, plan.height * pixels * plan.scale)
            #expect(wide <= CapturePlan.longestSide + 1 && high <= CapturePlan.longestSide + 1)
            #expect(wide * high <= CapturePlan.mostPixels * 1.001)
            #expect((plan.scale < 1 || plan.cutFrom != nil) == (plan.note != nil))
            if !cuts { #expect(plan.height == max(1, size.1)) }
        }
    }

    @Test("A long page is cut off where text would become too small")
    func cuts() {
        let plan = CapturePlan(x: 0, y: 0, width: 800, height: 200_000, pixels: 1, cuts: true)
        #expect(plan.scale == 0.5 && plan.height == 16_000 && plan.cutFrom == 200_000)
        #expect(plan.note?.contains("200000") == true)
    }

    @Test("Too many bytes make the next one smaller")
    func shrinks() {
        let plan = CapturePlan(x: 0, y: 0, width: 1000, height: 1000, pixels: 1, cuts: false)
        let next = plan.smaller(after: 4 * CapturePlan.mostBytes)
        #expect(next.scale > 0.4 && next.scale < 0.5)
        #expect(plan.smaller(after: CapturePlan.mostBytes + 1).scale <= 0.9)
    }

    @Test("Sizes are read from files")
    func sizes() {
        let png: [UInt8] = [
            0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 3, 32, 0, 0, 2, 88, 8,
        ]
        #expect(PictureSize.of(png).map { [$0.width, $0.height] } == [800, 600])
        let jpeg: [UInt8] = [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 1, 0xFF, 0xC0, 0, 11, 8, 2, 88, 3, 32, 1, 1, 1, 1, 0, 0, 0,
        ]
        #expect(PictureSize.of(jpeg).map { [$0.width, $0.height] } == [800, 600])
        for bytes: [UInt8] in [
            [], [0xFF, 0xD8], [0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0], Array(png.prefix(12)),
        ] {
            #expect(PictureSize.of(bytes) == nil)
        }
    }

    @Test("Devices are found by name, also turned")
    func devices() throws {
        let phone = try #require(try EmulationDevice.named("iphone 13 LANDSCAPE"))
        #expect([phone.width, phone.height] == [844, 390])
        #expect(try EmulationDevice.named("none") == nil)
        #expect(throws: BrowserError.self) { try EmulationDevice.named("Nokia 3310") }
        let pixel = try #require(try EmulationDevice.named("Pixel 7"))
        #expect(
            pixel.userAgent(own: "Mozilla/5.0 (X) Chrome/156.0.0.0 Safari/537.36")?.contains("Pixel 7) AppleWebKit")
                == true)
        #expect(
            pixel.userAgent(own: "Mozilla/5.0 (X) Chrome/156.0.0.0 Safari/537.36")?.contains("Chrome/156.0.0.0 Mobile")
                == true)
        #expect(Set(EmulationDevice.all.map(\.name)).count == EmulationDevice.all.count)
    }
}

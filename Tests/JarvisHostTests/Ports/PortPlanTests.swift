import Foundation
import JarvisCore
import JarvisHost
import Testing

@Suite struct PortPlanTests {
    private func profile(_ name: String) throws -> ProfileName {
        try #require(try ProfileName.parse(name, source: "test"))
    }

    @Test func spans() throws {
        let span = try PortSpan(base: 18789)
        #expect(span.browserControl == 18791)
        #expect(span.browserProfiles == 18800...18899)
        #expect(try PortSpan(base: 65425).browserProfiles.upperBound == 65535)
        for base in [0, -1, 65426, 65535, 70000] {
            #expect(try #require(throws: JarvisError.self) { try PortSpan(base: base) }.exitCode == 2)
        }
    }

    @Test func spacing() throws {
        let span = try PortSpan(base: 18789)
        #expect(span.spacing(to: 18789) == .tooClose)
        #expect(span.spacing(to: 18808) == .tooClose)
        #expect(span.spacing(to: 18770) == .tooClose)
        #expect(span.spacing(to: 18809) == .shared(browserProfiles: 9))
        #expect(span.spacing(to: 18899) == .shared(browserProfiles: 99))
        #expect(span.spacing(to: 18900) == .clear)
        #expect(span.spacing(to: 19001) == .clear)
    }

    @Test func offers() throws {
        #expect(PortPlan.propose(for: nil, taken: []) == 18789)
        #expect(PortPlan.propose(for: try profile("rescue"), taken: [18789]) == 19789)
        let moved = try #require(PortPlan.propose(for: try profile("rescue"), taken: [18789, 19800]))
        #expect(moved >= PortPlan.firstBlock)
        let busy = try #require(PortPlan.propose(for: try profile("bot"), taken: [], isFree: { _ in true }))
        let next = try #require(PortPlan.propose(for: try profile("bot"), taken: [], isFree: { $0 != busy + 2 }))
        #expect(next != busy)
        #expect(PortPlan.propose(for: try profile("bot"), taken: [], isFree: { _ in false }) == nil)
    }

    @Test(arguments: [32768, 49152, 25000, 1024, 60999])
    func aHundredInstancesNeverTouch(ephemeralStart: Int) throws {
        var taken = [18789, 19001, 19789]
        let room = ephemeralStart == 25000 ? 30 : 100
        for index in 0..<room {
            let name = try profile("bot\(index)")
            let base = try #require(PortPlan.propose(for: name, taken: taken, ephemeralStart: ephemeralStart))
            #expect(taken.allSatisfy { abs($0 - base) >= 120 })
            if ephemeralStart > 20_200 { #expect(base + 110 < ephemeralStart) }
            #expect(base == PortPlan.propose(for: name, taken: taken, ephemeralStart: ephemeralStart))
            taken.append(base)
        }
    }

    @Test func aListenerIsSeenOnBothFamilies() throws {
        for family in [AF_INET, AF_INET6] {
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            var four = sockaddr_in()
            four.sin_family = sa_family_t(AF_INET)
            four.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var six = sockaddr_in6()
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_addr = in6addr_loopback
            let bound =
                family == AF_INET ? Self.bindAndListen(descriptor, &four) : Self.bindAndListen(descriptor, &six)
            try #require(bound)
            let port = family == AF_INET ? four.sin_port : six.sin6_port
            #expect(!PortPlan.isFree(Int(UInt16(bigEndian: port))))
        }
        #expect(!PortPlan.isFree(70_000))
    }

    private static func bindAndListen<Address>(_ descriptor: Int32, _ address: inout Address) -> Bool {
        var length = socklen_t(MemoryLayout<Address>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
    }
}

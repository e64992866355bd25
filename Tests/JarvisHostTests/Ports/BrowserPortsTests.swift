import JarvisCore
import JarvisHost
import Testing

@Suite struct BrowserPortsTests {
    /// Bases at the documented spacing and 12 browsers each: whoever comes first, no live port meets another.
    @Test func allPairsOfBasesWithTwelveBrowsersEach() throws {
        let bases = Array(18_789...18_989)
        var pairs = 0
        for (index, first) in bases.enumerated() {
            for second in bases[(index + 1)...] where second - first >= PortSpan.leastSpacing {
                pairs += 1
                for order in [[first, second], [second, first]] {
                    // One after the other, and turn by turn.
                    try expectDisjoint(order, turns: order.flatMap { Array(repeating: $0, count: 12) })
                    try expectDisjoint(order, turns: (0..<12).flatMap { _ in order })
                }
            }
        }
        #expect(pairs == 16_471)
    }

    @Test func sixNeighboursAtTheLeastSpacing() throws {
        let bases = (0..<6).map { 18_789 + 20 * $0 }
        try expectDisjoint(bases, turns: (0..<12).flatMap { _ in bases })
        try expectDisjoint(bases, turns: bases.reversed().flatMap { Array(repeating: $0, count: 12) })
    }

    @Test func aListenerIsSkipped() {
        #expect(BrowserPorts.choose(base: 20_000, taken: [20_011], isFree: { $0 != 20_012 }) == 20_013)
        #expect(BrowserPorts.choose(base: 20_000, taken: Set(20_011...20_110)) == nil)
        #expect(BrowserPorts.choose(base: 65_535, taken: []) == nil)
    }

    private func expectDisjoint(_ bases: [Int], turns: [Int]) throws {
        var leased: [Int] = []
        // What `BrowserPorts.taken` gives: all other bases and control ports, and every lease.
        var taken = bases.map { base in Set(bases.filter { $0 != base }.flatMap { [$0, $0 + 2] }) }
        for base in turns {
            guard let mine = bases.firstIndex(of: base) else { continue }
            let port = try #require(BrowserPorts.choose(base: base, taken: taken[mine]))
            if !(base + 11...base + 110).contains(port) { Issue.record("\(port) lies outside the range of \(base)") }
            leased.append(port)
            for index in taken.indices { taken[index].insert(port) }
        }
        let all = leased + bases.flatMap { [$0, $0 + 2] }
        if Set(all).count != all.count { Issue.record("\(bases): \(all.sorted())") }
    }
}

import JarvisStore
import Testing

@Suite struct StoreBenchmarkTests {
    @Test func measuresBothSides() async throws {
        let fixture = StoreFixture()
        let result = try await StoreBenchmark.run(directory: fixture.root, senders: 10, messages: 100, rounds: 1)
        #expect(result.acceptsPerSecond > 0 && result.rawRowsPerSecond > 0)
        #expect(result.description.hasPrefix("senders 10: "))
    }
}

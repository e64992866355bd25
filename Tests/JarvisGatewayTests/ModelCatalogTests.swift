import JarvisConfig
import JarvisCore
import JarvisNet
import NIOPosix
import Testing

@testable import JarvisGateway

@Suite("Which model a reference names")
struct ModelCatalogTests {
    private let catalog = ModelCatalog(
        client: HTTPClient(group: MultiThreadedEventLoopGroup.singleton, policy: .any), clock: .system)

    private func config(_ text: String) -> Config {
        ConfigLoader.load(text: text, path: "/nowhere/jarvis.json", stateDirectory: nil, environment: [:]).config
    }

    @Test("a configured provider may be asked for a model that it does not list")
    func unlisted() {
        let config = config(
            #"{ models: { providers: { local: { baseUrl: "http://127.0.0.1:1/v1" } } }, agents: { defaults: { model: "local/some/model" } } }"#
        )
        #expect(catalog.descriptor(forAgent: "main", session: [:], config: config).reference == "local/some/model")
        #expect(catalog.find("nobody/model", config: config) == nil)
    }

    @Test("without any model the operator answers")
    func none() {
        #expect(catalog.descriptor(forAgent: "main", session: [:], config: config("{}")).provider == "operator")
    }
}

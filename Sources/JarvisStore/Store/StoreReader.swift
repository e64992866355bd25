import Dispatch
import JarvisCore
import Synchronization

/// Reads on a connection of its own, one at a time, off the cooperative pool.
final class StoreReader: Sendable {
    private let queue = DispatchQueue(label: "jarvis.store.reader")
    private let connection: Mutex<Connection?>

    init(_ connection: sending Connection) { self.connection = Mutex(connection) }

    func read<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                let result: Result<T, any Error> = connection.withLock { connection in
                    guard let connection else { return .failure(storeClosed) }
                    do {
                        return .success(try connection.snapshot(body))
                    } catch let error as SQLiteError {
                        return .failure(JarvisError(error))
                    } catch {
                        return .failure(error)
                    }
                }
                continuation.resume(with: result)
            }
        }
    }

    func close() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async { [self] in
                connection.withLock { $0 = nil }
                continuation.resume()
            }
        }
    }
}
